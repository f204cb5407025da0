import math

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.embedding import FourierFeatures, periodic_features, random_features
from pdefreq.spaces.networks.mlp import MlpSpace

BOX = Box((0.5, -1.0), (2.0, 3.0))
X = BOX.interior(30, stream(0, "test")).x


def test_features_are_cosines_followed_by_sines():
    features = FourierFeatures(((1.0, 2.0), (0.0, -3.0)))
    angles = torch.stack([X[:, 0] + 2 * X[:, 1], -3 * X[:, 1]], dim=1)
    # the phase pi / 2 is a double: cosines differ by rounding
    torch.testing.assert_close(features(X), torch.cat([torch.cos(angles), torch.sin(angles)], dim=1), rtol=0, atol=1e-14)


def test_random_frequencies_are_normal_and_determined_by_their_seed():
    rows = torch.tensor(random_features(2, 5000, 3.0).frequencies)
    # the standard deviation of 10^4 normal numbers has an error of 1 / sqrt(2e4) = 0.7 %: five times that
    assert float(rows.std()) == pytest.approx(3.0, rel=0.035)
    assert random_features(2, 4, 1.0, seed=1) == random_features(2, 4, 1.0, seed=1) != random_features(2, 4, 1.0, seed=2)


@pytest.mark.parametrize("axis", [0, 1])
def test_networks_of_periodic_features_are_periodic_with_all_derivatives(axis):
    space = MlpSpace(BOX, (6, 5), "tanh", embedding=periodic_features(BOX, 3))
    c = space.initialize(stream(0, "initialization"))
    moved = X.clone()
    moved[:, axis] += BOX.lengths[axis]
    for here, there in zip(space.at(X).second_order(c), space.at(moved).second_order(c), strict=True):
        # the shifted coordinate is rounded: angles up to 40 change by 1e-14
        torch.testing.assert_close(here, there, rtol=0, atol=1e-12 * max(1.0, float(here.abs().max())))
    half = X.clone()
    half[:, axis] += BOX.lengths[axis] / 2
    assert (space.at(half).value(c) - space.at(X).value(c)).abs().max() > 1e-3


def test_periodic_features_are_the_harmonics_along_each_axis():
    rows = periodic_features(BOX, 2).frequencies
    assert rows == ((2 * math.pi / 1.5, 0.0), (4 * math.pi / 1.5, 0.0), (0.0, 2 * math.pi / 4), (0.0, 4 * math.pi / 4))


@pytest.mark.parametrize("frequencies", [(), ((1.0,), (1.0, 2.0))])
def test_frequencies_must_be_vectors_of_one_length(frequencies):
    with pytest.raises(OptionError, match="Fourier features need"):
        FourierFeatures(frequencies)


def test_tiled_units_are_centered_at_features_of_points():
    """The initialization that distributes first-layer units over the domain distributes them over its image."""
    space = MlpSpace(BOX, (200,), "tanh", embedding=periodic_features(BOX, 1))
    p = space.unflatten(space.initialize(stream(0, "initialization")))
    features = space.embedding(BOX.interior(500, stream(1, "test")).x)
    inputs = features @ p["weight1"][0].T + p["bias1"][0].T
    crossed = (inputs.amin(dim=0) < 0) & (inputs.amax(dim=0) > 0)
    assert crossed.double().mean() > 0.97  # each is zero at a random point; 500 other points may all lie on one side

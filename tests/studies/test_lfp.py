import math

import numpy as np
import pytest
import torch

from pdefreq import Box, Data, Problem, lfp
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import ConstantField
from pdefreq.studies.lfp import initial_moments
from pdefreq.theory.lfp import normal_moments, uniform_moments

PUBLISHED = {  # relative rms distances to the natural cubic and the linear spline, with the frequencies of the notes
    "uniform(3,3,0.1)": (1.5e-2, 0.40),
    "uniform(3,3,0.01)": (1.0e-2, 0.42),
    "uniform(0.2,1,1)": (0.31, 3.1e-3),
    "uniform(0.1,2,2)": (0.31, 2.8e-3),
}


def regression(x, y, dimension=1):
    zero, one = ConstantField(0.0), ConstantField(1.0)
    box = Box((-1.0,) * dimension, (1.0,) * dimension)
    return Problem(domain=box, diffusion=zero, reaction=one, data=Data(x=x, values=y))


@pytest.mark.parametrize("initialization", PUBLISHED)
def test_the_five_points_have_the_distances_of_the_literature(initialization):
    """Half a unit of the second digit, and the random moments of 1e5 units, are up to 5 %."""
    distances = lfp("five-points", initialization=initialization).distances
    assert list(distances.values()) == pytest.approx(PUBLISHED[initialization], rel=0.05)


def test_the_model_interpolates_and_training_approaches_it():
    found = lfp("five-points", initialization="uniform(0.2,1,1)")
    x = found.x[:, 0].numpy()
    assert found(x) == pytest.approx(found.y.numpy(), abs=1e-4)  # the ridge 1e-6 over the smallest eigenvalue of K, about 0.02
    late = 50 * found.time_constants[-1]
    start, end = found.during(found.line, [0, late])
    assert np.abs(start).max() == 0
    np.testing.assert_allclose(end, found(found.line), atol=1e-12)


def test_the_residual_along_an_eigenvector_decreases_by_e_after_its_time_constant():
    found = lfp("five-points", initialization="uniform(0.2,1,1)")
    _, vectors = torch.linalg.eigh(found.fit.kernel(found.x))
    slowest = vectors[:, 0].numpy()
    residual = found.y.numpy() - found.during(found.x[:, 0], [0, found.time_constants[-1]])
    before, after = residual @ slowest
    # The rounding of 1 - 1 / 50,000 is not visible; the ridge contributes 1e-6 / 0.02.
    assert after / before == pytest.approx(math.exp(-1), rel=1e-3)


def test_moments_of_initializations():
    """1e5 units: relative standard errors are below 1 %. Factors of the output do not change the ratio."""
    assert initial_moments("uniform(2, 1, 3)", 1, 100_000, 0) == pytest.approx(uniform_moments(2, 3), rel=0.02)
    assert initial_moments("ntk", 2, 100_000, 0) == pytest.approx(normal_moments(2, 1, 1), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("initialization", "bound"), [("uniform(3,3,0.1)", 0.1), ("uniform(0.2,1,1)", 0.3)])
def test_a_wide_network_is_near_the_model(initialization, bound):
    """2000 units; with 10,000 the distances are 0.016 and 0.054, and they vary with the seed by a factor of 3."""
    found = lfp("five-points", initialization=initialization, width=2000)
    assert found.distances["trained network"] < bound
    assert found.network.residual < 5e-3


def test_a_problem_in_two_dimensions_has_a_network_and_no_splines():
    found = lfp("five-points:exclusive-or", initialization="normal(0.5)", width=200, waves=20)
    assert list(found.distances) == ["trained network"]
    assert found(found.x) == pytest.approx(found.y.numpy(), abs=1e-4)
    assert found.plot().axes


@pytest.mark.parametrize("problem", ["poisson", "tones:5d"])
def test_other_problems_are_refused(problem):
    with pytest.raises(IncompatibleError, match="regression"):
        lfp(problem)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 3}, "even"), ({"ridge": -1.0}, "ridge"), ({"period": 0.0}, "period"), ({"waves": 0}, "waves")],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        lfp("five-points", **options)


def test_a_single_point_gives_a_bump():
    """Without a second point there is no spline; the model is an even function around the point."""
    found = lfp(regression([0.25], [2.0]), initialization="ntk")
    assert found.splines == {}
    left, right = found(np.array([0.05, 0.45]))
    assert left == pytest.approx(right)


def test_at_coincident_points_the_splines_have_the_mean_of_the_values():
    """The model has it too, up to its ridge, which is half as large for two copies."""
    repeated = lfp(regression([-0.5, 0.25, 0.25, 0.5], [0.0, 1.3, 0.7, -1.0]), initialization="ntk")
    single = lfp(regression([-0.5, 0.25, 0.5], [0.0, 1.0, -1.0]), initialization="ntk")
    for name, values in single.splines.items():
        np.testing.assert_allclose(repeated.splines[name], values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(repeated(single.line), single(single.line), rtol=0, atol=1e-3)
    assert lfp(regression([0.25, 0.25], [2.0, 1.0]), initialization="ntk").splines == {}

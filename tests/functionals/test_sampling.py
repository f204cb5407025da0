import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.functionals import sampling
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.sampling import Sampling, data_samples, points_at_once
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.parts import Gauss, Sobol, Uniform
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Data, Problem
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace


def rule(points, number, resample_every=1):
    if points == "gauss":
        return Gauss(number=number)
    return {"sobol": Sobol, "uniform": Uniform}[points](number=number, resample_every=resample_every)


BOX = Box((0.0, 0.0), (2.0, 3.0))
RANDOM = ["uniform", "sobol"]


@pytest.mark.parametrize("points", ["gauss", *RANDOM])
def test_weights_sum_to_the_measure(points):
    sampling = Sampling(rule(points, 400), 80, seed=0)
    assert float(sampling.interior(BOX, 3).weights.sum()) == pytest.approx(6)
    assert float(sampling.boundary(BOX, 3).weights.sum()) == pytest.approx(10)


@pytest.mark.parametrize("points", RANDOM)
def test_points_depend_only_on_seed_and_draw(points):
    sampling = Sampling(rule(points, 50, 10), 80, seed=0)
    assert [sampling.draw(step) for step in (0, 9, 10, 25)] == [0, 0, 1, 2]
    for kind in ("interior", "boundary"):
        x = getattr(sampling, kind)(BOX, 2).x
        assert torch.equal(x, getattr(Sampling(rule(points, 50, 10), 80, seed=0), kind)(BOX, 2).x)
        assert not torch.equal(x, getattr(sampling, kind)(BOX, 1).x)
        assert not torch.equal(x, getattr(Sampling(rule(points, 50, 10), 80, seed=1), kind)(BOX, 2).x)


def test_gauss_points_are_not_resampled():
    sampling = Sampling(Gauss(number=50), 80, seed=0)
    assert sampling.draw(1000) == 0


def problem(domain, data):
    return Problem(domain=domain, source=CallableField(lambda x: x[:, 0]), diffusion=0.0, reaction=1.0, data=data)


def test_uniform_data_include_the_ends():
    samples, values = data_samples(problem(BOX, Data("uniform", 4)))
    assert samples.x.shape == (16, 2)
    assert samples.x.amin(dim=0).tolist() == [0, 0] and samples.x.amax(dim=0).tolist() == [2, 3]
    assert torch.equal(values, samples.x[:, 0])
    assert float(samples.weights.sum()) == pytest.approx(6)


def test_noise_has_the_stated_deviation_and_does_not_change():
    noisy = problem(BOX, Data("random", 4000, noise=0.1))
    samples, values = data_samples(noisy)
    error = values - samples.x[:, 0]
    assert float(error.std()) == pytest.approx(0.1, rel=5 / 8000**0.5)  # five standard errors
    assert torch.equal(values, data_samples(noisy)[1])


def test_uniform_data_need_a_box():
    with pytest.raises(IncompatibleError, match="need a box, and this domain is not a box"):
        data_samples(problem(Ball((0.0, 0.0), 1.0), Data("uniform", 4)))


@pytest.mark.parametrize(
    ("widths", "scales", "channels", "expected"),
    [
        ((20, 20), 1, 1, 2048),
        ((8, 64), 1, 1, 1024),
        ((65,), 1, 1, 512),
        ((30, 30), 6, 1, 512),
        ((20,), 1, 5, 512),
        ((5,), 3, 2, 2048),
    ],
)
def test_a_layer_of_a_block_has_about_the_size_of_the_cache(widths, scales, channels, expected):
    space = MscaleSpace(Box((-1.0,), (1.0,)), (1.0,) * scales, widths)
    assert space.breadth == scales * max(widths)
    number = points_at_once(space, torch.empty(0), channels=channels)
    assert number == expected
    assert number == 512 or number * space.breadth * channels <= 2**16


@pytest.mark.parametrize("functional", [RitzEnergy, StrongResidual])
def test_the_division_into_blocks_does_not_change_a_functional(functional, monkeypatch):
    """One block of 1100 points or three: sums of some thousand terms of equal size, in another order."""
    poisson = load_problem("poisson")
    space, points = MlpSpace(poisson.domain, (8, 8)), poisson.domain.quadrature(1100)
    c = space.initialize(stream(0, "initialization"))
    whole = functional(poisson, space, points, like=c)
    monkeypatch.setattr(sampling, "_ENTRIES", 1)
    parts = functional(poisson, space, points, like=c)
    assert (len(whole.blocks), len(parts.blocks)) == (1, 3)
    (value, gradient), (expected, slope) = whole.value_and_gradient(c), parts.value_and_gradient(c)
    assert float(value) == pytest.approx(float(expected), rel=1e-12)
    torch.testing.assert_close(gradient, slope, rtol=0, atol=1e-12 * float(slope.abs().max()))

import pytest
import torch

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.errors import IncompatibleError
from pdefreq.fields import CallableField
from pdefreq.functionals.sampling import Sampling, data_samples
from pdefreq.problem import Data, Problem

BOX = Box((0.0, 0.0), (2.0, 3.0))
RANDOM = ["uniform", "sobol"]


@pytest.mark.parametrize("points", ["gauss", *RANDOM])
def test_weights_sum_to_the_measure(points):
    sampling = Sampling(points, 400, 80, 1, seed=0)
    assert float(sampling.interior(BOX, 3).weights.sum()) == pytest.approx(6)
    assert float(sampling.boundary(BOX, 3).weights.sum()) == pytest.approx(10)


@pytest.mark.parametrize("points", RANDOM)
def test_points_depend_on_seed_and_draw_alone(points):
    sampling = Sampling(points, 50, 80, 10, seed=0)
    assert [sampling.draw(step) for step in (0, 9, 10, 25)] == [0, 0, 1, 2]
    for kind in ("interior", "boundary"):
        x = getattr(sampling, kind)(BOX, 2).x
        assert torch.equal(x, getattr(Sampling(points, 50, 80, 10, seed=0), kind)(BOX, 2).x)
        assert not torch.equal(x, getattr(sampling, kind)(BOX, 1).x)
        assert not torch.equal(x, getattr(Sampling(points, 50, 80, 10, seed=1), kind)(BOX, 2).x)


def test_gauss_points_stay():
    sampling = Sampling("gauss", 50, 80, 1, seed=0)
    assert sampling.draw(1000) == 0


def problem(domain, data):
    return Problem(domain=domain, source=CallableField(lambda x: x[:, 0]), diffusion=0.0, reaction=1.0, data=data)


def test_uniform_data_include_the_ends():
    samples, values = data_samples(problem(BOX, Data("uniform", 4)))
    assert samples.x.shape == (16, 2)
    assert samples.x.amin(dim=0).tolist() == [0, 0] and samples.x.amax(dim=0).tolist() == [2, 3]
    assert torch.equal(values, samples.x[:, 0])
    assert float(samples.weights.sum()) == pytest.approx(6)


def test_noise_has_the_stated_deviation_and_stays_the_same():
    noisy = problem(BOX, Data("random", 4000, noise=0.1))
    samples, values = data_samples(noisy)
    error = values - samples.x[:, 0]
    assert float(error.std()) == pytest.approx(0.1, rel=5 / 8000**0.5)  # five standard errors
    assert torch.equal(values, data_samples(noisy)[1])


def test_uniform_data_need_a_box():
    with pytest.raises(IncompatibleError, match="fill boxes and this domain is none"):
        data_samples(problem(Ball((0.0, 0.0), 1.0), Data("uniform", 4)))

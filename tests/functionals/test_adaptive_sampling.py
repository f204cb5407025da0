"""Points chosen by the residual: densities, greedy choices, and reproducibility."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pdefreq
from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.functionals.adaptive_sampling import AdaptiveSampling
from pdefreq.functionals.misfit import Misfit
from pdefreq.parts import Rad, Rar
from pdefreq.problem.problem import Problem
from tests.functionals.polynomials import Polynomials

INTERVAL = Box((0.0,), (1.0,))
LIKE = torch.empty(0, dtype=torch.float64)
PROBLEM = Problem(domain=INTERVAL, source=lambda x: x[:, 0] ** 2, diffusion=0.0, reaction=1.0)
SPACE = Polynomials(1)
ZERO = torch.zeros(SPACE.num_coefficients, dtype=torch.float64)


def sampling(rule, seed=0):
    return AdaptiveSampling(rule, INTERVAL, seed, PROBLEM.regular, lambda s: Misfit(PROBLEM, SPACE, s, like=LIKE))


def test_the_residual_of_zero_is_the_target():
    """Rows are sqrt(2 w) e, with equal weights w a multiple of |u - x^2|."""
    rule = sampling(Rad(number=50))
    points = rule.first(LIKE)
    found, expected = rule.residual(rule.samples(points), ZERO), points[:, 0] ** 2
    torch.testing.assert_close(found / found.mean(), expected / expected.mean(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("exponent", "offset"), [(0.0, 1.0), (1.0, 1.0), (2.0, 0.0), (1.0, 3.0)])
def test_the_density_has_the_published_moments(exponent, offset):
    """For |r| = x^2 the density (2 k + 1) x^(2 k) + c, over 1 + c, has the mean ((2 k + 1) / (2 k + 2) + c / 2) / (1 + c)."""
    rule = sampling(Rad(number=4000, candidates=20, exponent=exponent, offset=offset))
    mean = float(rule.next(rule.first(LIKE), ZERO, 100).mean())
    k, c = exponent, offset
    # 4000 points of a deviation of at most 0.3, and 1/20 of the candidates are taken without replacement: bias below 1 %
    assert mean == pytest.approx(((2 * k + 1) / (2 * k + 2) + c / 2) / (1 + c), abs=0.02)


@given(st.floats(0.1, 4), st.floats(-200, 200), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_the_density_does_not_depend_on_the_size_of_the_residual(exponent, power, number):
    residual = torch.rand(number, generator=stream(0, "test"), dtype=torch.float64) + 1e-3
    rule = Rad(exponent=exponent)
    torch.testing.assert_close(rule.density(10.0**power * residual), rule.density(residual), rtol=1e-10, atol=0)
    assert float(rule.density(residual).mean()) == pytest.approx(2)
    assert torch.equal(rule.density(0 * residual), torch.full_like(residual, 2.0))


def test_refinement_keeps_all_points_and_adds_the_largest_residuals():
    rule = sampling(Rar(number=30, candidates=4, add=5))
    first = rule.first(LIKE)
    found = rule.next(first, ZERO, 100)
    offered = rule.rule.offered(INTERVAL, 0, 1).x
    assert torch.equal(found[:30], first) and len(found) == 35
    assert torch.equal(found[30:].flatten().sort().values, offered.flatten().sort().values[-5:])  # x^2 increases
    assert float(rule.samples(found).weights.sum()) == pytest.approx(1)


def test_points_are_chosen_at_multiples_of_the_interval_from_different_candidates():
    rule = sampling(Rad(number=20, resample_every=7))
    assert [step for step in range(30) if rule.is_due(step)] == [7, 14, 21, 28]
    first = rule.first(LIKE)
    one, again, two = rule.next(first, ZERO, 7), rule.next(first, ZERO, 7), rule.next(first, ZERO, 14)
    assert torch.equal(one, again) and not torch.equal(one, two)
    assert not torch.equal(one, sampling(Rad(number=20, resample_every=7), seed=1).next(first, ZERO, 7))


def test_a_residual_that_is_not_finite_keeps_the_points():
    rule = sampling(Rad(number=20))
    first = rule.first(LIKE)
    assert rule.next(first, ZERO + torch.nan, 100) is first


def test_a_run_uses_the_chosen_points_and_energies_are_refused():
    method = "pinn:widths=[6,6],number=40,resample_every=5,points=rar,add=3"
    run = pdefreq.solve("poisson", method, stop=Stop(steps=12), predict=False)
    assert run.state.memory["points"].shape == (46, 1)  # after steps 5 and 10
    with pytest.raises(OptionError, match=r"points=rad chooses points by the residual .* loss=residual"):
        pdefreq.solve("poisson", "deep-ritz:widths=[6,6],points=rad", stop=Stop(steps=1), predict=False)

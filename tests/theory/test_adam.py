"""Adam with its preconditioner frozen at stated steps, against the algorithm itself on a quadratic objective."""

import math

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.theory.adam import EACH, FrozenAdam
from pdefreq.theory.linearization import Linearization


def model(rows, coefficients, seed=0):
    """A quadratic objective |r + F d|^2 / 2 with singular values 1 to 0.1, and three watched quantities."""
    draw = stream(seed, "test")
    factor = torch.randn(rows, coefficients, generator=draw, dtype=torch.float64)
    u, s, v = torch.linalg.svd(factor, full_matrices=False)
    factor = u @ torch.diag(torch.logspace(0, -1, len(s), dtype=torch.float64)) @ v
    residual = torch.randn(rows, generator=draw, dtype=torch.float64)
    probe = torch.randn(3, coefficients, generator=draw, dtype=torch.float64)
    return Linearization(factor, probe, factor.T @ residual, torch.randn(3, generator=draw, dtype=torch.float64))


def constant(rate):
    return lambda _: rate


def adam(linear, rate, steps, step=0, m=None, v=None):
    """Kingma and Ba, Algorithm 1: the watched errors, and m and v, after each step."""
    moved = torch.zeros_like(linear.gradient)
    m, v = (torch.zeros_like(moved) if t is None else t.clone() for t in (m, v))
    found = [(linear.start, m.clone(), v.clone(), moved.clone())]
    for t in range(step, step + steps):
        g = linear.gradient + linear.factor.T @ (linear.factor @ moved)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        moved = moved - rate(t) * (m / (1 - 0.9 ** (t + 1))) / ((v / (1 - 0.999 ** (t + 1))).sqrt() + 1e-8)
        found.append((linear.start + linear.probe @ moved, m.clone(), v.clone(), moved.clone()))
    return found


@pytest.mark.parametrize(("rows", "coefficients"), [(6, 9), (9, 6)])
def test_the_first_steps_are_those_of_adam(rows, coefficients):
    """The preconditioner is updated in each of these steps, so that nothing is approximated; a factor with more rows than
    coefficients is replaced by a square one.
    """
    linear, zero = model(rows, coefficients), torch.zeros(coefficients, dtype=torch.float64)
    rate = lambda step: 1e-3 * 0.99**step  # noqa: E731
    expected = torch.stack([row[0] for row in adam(linear, rate, EACH)])
    found = FrozenAdam(rate, zero, zero).errors(linear, torch.arange(EACH + 1))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_guide_can_start_at_any_step():
    linear = model(6, 9)
    rows = adam(linear, constant(1e-3), 40)
    _, m, v, moved = rows[20]
    later = Linearization(
        linear.factor,
        linear.probe,
        linear.gradient + linear.factor.T @ (linear.factor @ moved),
        linear.start + linear.probe @ moved,
    )
    found = FrozenAdam(constant(1e-3), m, v, 20).errors(later, torch.tensor([0, 1, 20]))
    torch.testing.assert_close(found, torch.stack([rows[t][0] for t in (20, 21, 40)]), rtol=1e-12, atol=1e-12)


def test_a_frozen_preconditioner_is_the_heavy_ball_method():
    """With beta_2 so close to 1 that v does not change, every step is linear, and pieces of any length agree with single steps:
    v decreases by 2000 times 1e-12.
    """
    linear, zero = model(5, 8), torch.zeros(8, dtype=torch.float64)
    start = 10**15  # bias corrections are 1
    guide = FrozenAdam(constant(1e3), zero, torch.full_like(zero, 1e8), start, betas=(0.9, 1 - 1e-12))
    held, moved, m = [], zero, zero
    for _ in range(2001):
        held.append(linear.start + linear.probe @ moved)
        m = 0.9 * m + 0.1 * (linear.gradient + linear.factor.T @ (linear.factor @ moved))
        moved = moved - 1e3 * m / 1e4
    asked = torch.tensor([0, 1, EACH - 1, EACH, EACH + 1, 65, 66, 100, 777, 2000])
    torch.testing.assert_close(guide.errors(linear, asked), torch.stack([held[t] for t in asked]), rtol=1e-8, atol=1e-8)
    assert (held[0] - held[-1]).abs().max() > 0.1


def test_half_times_of_a_linear_model_are_within_a_tenth():
    """Between the steps at which P is updated, it changes by a factor of at most 1.3^(1/2) or so."""
    for seed in range(2):
        linear, zero = model(6, 9, seed), torch.zeros(9, dtype=torch.float64)
        residual_start = torch.linalg.lstsq(linear.factor.T, linear.gradient[:, None]).solution[:, 0]
        linear = Linearization(linear.factor, linear.factor, linear.gradient, residual_start)
        rows = torch.stack([row[0] for row in adam(linear, constant(1e-2), 3000)])
        found = FrozenAdam(constant(1e-2), zero, zero).errors(linear, torch.arange(3001))
        halves = [int((e.norm(dim=1) > e[0].norm() / 2).sum()) for e in (rows, found)]
        assert 100 < halves[0] < 3000 and abs(math.log(halves[1] / halves[0])) < 0.1

"""Levenberg-Marquardt steps with a schedule of dampings, against the steps themselves."""

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.theory.damping_schedule import DampingScheduleFilter, ideal_dampings
from pdefreq.theory.dynamics import GaussNewtonFilter, dynamics_from_factor


@pytest.mark.parametrize("in_range", [True, False])
def test_errors_are_those_of_the_steps(in_range):
    """Also with a gradient outside the range of F^T, along which the coefficients move by the sum of 1 / lambda."""
    draw = stream(0, "test")
    factor, probe, residual, start, gradient = (
        torch.randn(shape, generator=draw, dtype=torch.float64) for shape in ((4, 7), (3, 7), (4,), (3,), (7,))
    )
    gradient = factor.T @ residual if in_range else gradient
    dampings = (3.0, 0.5, 2.0, 0.1)
    moved, expected = torch.zeros(7, dtype=torch.float64), [start]
    for damping in (*dampings, 0.1, 0.1):
        matrix = factor.T @ factor + damping * torch.eye(7, dtype=torch.float64)
        moved = moved - torch.linalg.solve(matrix, gradient + factor.T @ (factor @ moved))
        expected.append(start + probe @ moved)
    dynamics = dynamics_from_factor(factor, probe, gradient, start)
    found = dynamics.errors(DampingScheduleFilter(dampings), torch.arange(7))
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-9, atol=1e-9)


def test_a_constant_schedule_is_a_constant_damping():
    kappa, steps = torch.logspace(-8, 2, 11, dtype=torch.float64), torch.tensor([0, 1, 5, 1000])
    one, other = DampingScheduleFilter((0.3, 0.3)), GaussNewtonFilter(0.3)
    for name in ("residual_polynomial", "filter_function"):
        torch.testing.assert_close(getattr(one, name)(kappa, steps), getattr(other, name)(kappa, steps), rtol=1e-12, atol=0)


def test_ideal_dampings_fall_to_the_smallest_one():
    assert ideal_dampings(1.0, 0.1, 0.005) == pytest.approx((1.0, 0.1, 0.01, 0.005))
    assert ideal_dampings(1.0, 0.5, 1.0) == (1.0,)

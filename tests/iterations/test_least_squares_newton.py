import math

import pytest
import torch

from pdefreq.core.history import Status
from pdefreq.iterations.least_squares_newton import LeastSquaresNewton

COLUMNS = 12


def wiggly(count=COLUMNS, rows=60):
    """Sines and cosines of close frequencies at points, nearly dependent."""
    x = torch.linspace(0, 1, rows, dtype=torch.float64)
    w = torch.linspace(0, 6, count, dtype=torch.float64)
    return torch.cos(x[:, None] * w + torch.arange(count, dtype=torch.float64))


class PowerEquation:
    """The rows ``|v|^(p-2) v - f`` with v = A c; the solution is v = sign(f) |f|^(1/(p-1))."""

    def __init__(self, matrix, f, p):
        self.matrix, self.f, self.p = matrix, f, p

    def residual(self, c):
        v = self.matrix @ c
        return v.abs() ** (self.p - 2) * v - self.f

    def gauss_newton_factor(self, c):
        v = self.matrix @ c
        return (self.p - 1) * (v.abs() ** (self.p - 2))[:, None] * self.matrix

    tends_to_zero = True

    def value(self, c):
        return self.residual(c).square().sum() / 2

    def terms(self, c):
        return {"residual": self.value(c)}


class Square(PowerEquation):
    """The row c^2 + 1, which has no real zero."""

    def residual(self, c):
        return c.square() + self.f

    def gauss_newton_factor(self, c):
        return torch.diag(2 * c)


def equation(p, size=1.0):
    """An equation whose solution has about the given size and changes sign."""
    a = wiggly()
    v = size * (a @ ((torch.arange(COLUMNS) % 3 - 0.7).double()))
    return PowerEquation(a, v.abs() ** (p - 2) * v, p), v


def iterate(functionals, start=None):
    newton = LeastSquaresNewton(functionals, None, torch.zeros(COLUMNS, dtype=torch.float64) if start is None else start)
    state, states = newton.init(), []
    while not state.done:
        state = newton.step(state)
        states.append(state)
        assert len(states) < 500
    return newton, states


@pytest.mark.parametrize("p", [2.0, 3.0, 5.0])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_the_solution_is_found_to_rounding_for_any_size(p, size):
    """Continuation from p = 2, whose iterates differ from the solution by the power 1/(p-1) of the data."""
    last, v = equation(p, size)
    powers = [q for q in (2.0, 3.0, 4.0) if q < p]
    newton, states = iterate([*(PowerEquation(last.matrix, last.f, q) for q in powers), last])
    assert newton.final_status(states[-1]) is Status.DONE
    assert newton.notes(states[-1]) == []
    assert (
        last.matrix @ states[-1].coefficients - v
    ).norm() < 1e-10 * v.norm()  # rounding 1e-16 times the condition of the powers


def test_iterates_stay_small_although_the_columns_are_nearly_dependent():
    last, v = equation(3.0)
    _, states = iterate([PowerEquation(last.matrix, last.f, 2.0), last])
    assert states[-1].coefficients.norm() < 10 * math.sqrt(COLUMNS)
    assert (last.matrix @ states[-1].coefficients - v).norm() < 1e-10 * v.norm()


def test_the_residual_of_the_last_stage_decreases_before_the_final_steps():
    last, _ = equation(5.0)
    _, states = iterate([PowerEquation(last.matrix, last.f, 2.0), last])
    own = [s for s in states if int(s.memory["stage"]) == 1 and not int(s.memory["final"])]
    norms = [float(last.residual(s.coefficients).norm()) for s in own]
    assert all(after <= before for before, after in zip(norms, norms[1:], strict=False))


def test_an_equation_without_a_solution_is_reported():
    newton, states = iterate(
        [Square(None, torch.ones(1, dtype=torch.float64), 2)], start=torch.full((1,), 0.5, dtype=torch.float64)
    )
    assert newton.final_status(states[-1]) is Status.STAGNATED
    assert "1.0e+00 of that of u = 0" in newton.notes(states[-1])[0]


def test_a_restored_run_takes_the_same_steps():
    last, _ = equation(3.0)
    newton, states = iterate([PowerEquation(last.matrix, last.f, 2.0), last])
    for k in (0, 3, len(states) // 2):
        state = newton.restore(states[k].coefficients, states[k].memory)
        following = newton.step(state)
        torch.testing.assert_close(following.coefficients, states[k + 1].coefficients, rtol=0, atol=0)
        assert following.done == states[k + 1].done


def test_early_stages_are_shown_and_the_last_one_is_the_equation():
    last, _ = equation(3.0)
    newton, states = iterate([PowerEquation(last.matrix, last.f, 2.0), last])
    assert int(newton.columns(states[0])["stage"]) == 0
    assert not newton.is_last_stage(states[0])
    assert newton.is_last_stage(states[-1])
    expected = last.residual(states[-1].coefficients).square().sum() / 2
    assert newton.objective(states[-1])["residual"] == expected

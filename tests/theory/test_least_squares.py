import math

import pytest
import torch

from pdefreq.theory.least_squares import RidgeFactorization, ridge_least_squares


def matrix(rows, columns, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_well_conditioned_system_is_solved_to_rounding():
    a, c = matrix(40, 10), matrix(10, 1, 1)[:, 0]
    torch.testing.assert_close(ridge_least_squares(a.clone(), a @ c), c, rtol=1e-13, atol=1e-13)


def test_the_minimizer_satisfies_the_normal_equations_with_the_ridge():
    a, y, ridge = matrix(30, 8), matrix(30, 1, 1)[:, 0], 0.3
    c = ridge_least_squares(a.clone(), y, ridge)
    size = a.norm(dim=0)
    torch.testing.assert_close(a.T @ (a @ c - y) + ridge**2 * size**2 * c, torch.zeros_like(c), rtol=0, atol=1e-12)


def test_columns_may_have_any_length_and_be_zero():
    a, c = matrix(40, 10), matrix(10, 1, 1)[:, 0]
    scale = torch.logspace(-8, 8, 10, dtype=torch.float64)
    torch.testing.assert_close(ridge_least_squares(a * scale, a @ c) * scale, c, rtol=1e-12, atol=1e-12)
    a[:, 3] = 0
    assert ridge_least_squares(a.clone(), matrix(40, 1, 2)[:, 0])[3] == 0


def test_nearly_dependent_columns_reach_a_small_residual_with_small_coefficients():
    """60 sines of random frequencies up to 12 and phases on (0, 1): the singular values decrease below 1e-16 after about 25."""
    generator = torch.Generator().manual_seed(0)
    w, phase = torch.rand(2, 60, generator=generator, dtype=torch.float64)
    x = torch.linspace(0, 1, 200, dtype=torch.float64)
    a = torch.sin(x[:, None] * (24 * w - 12) + 2 * math.pi * phase)
    c = ridge_least_squares(a.clone(), torch.exp(-x))
    assert (a @ c - torch.exp(-x)).abs().max() < 1e-13
    assert c.norm() < 10


@pytest.mark.parametrize("count", [60, 120])
def test_nearly_dependent_columns_in_float32_have_a_ridge_above_its_rounding_error(count):
    """The same sines. With the ridge of float64, 1e-15, the coefficients have a norm of 1e2 to 1e3 and errors in proportion."""
    w, phase = torch.rand(2, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.linspace(0, 1, 3 * count, dtype=torch.float64)
    a = torch.sin(x[:, None] * (24 * w - 12) + 2 * math.pi * phase)
    factorization = RidgeFactorization(a.float())
    c, left = factorization.solve(torch.exp(-x).float())
    exact = ridge_least_squares(a.clone(), torch.exp(-x))
    assert c.norm() < 10 * exact.norm()
    errors = [(a @ c.double() - torch.exp(-x)).abs().max(), (left - (torch.exp(-x) - a @ c.double())).abs().max()]
    assert max(errors) < 20 * torch.finfo(torch.float32).eps * c.abs().sum()  # the ridge is 4.5 rounding errors
    assert factorization.ridge == pytest.approx(4.5 * torch.finfo(torch.float32).eps, rel=1e-3)


def test_leading_columns_have_their_own_minimizers():
    a, y, ridge = matrix(30, 8), matrix(30, 1, 1)[:, 0], 0.3
    for count, c in zip((3, 8), RidgeFactorization(a.clone(), ridge).leading(y, (3, 8)), strict=True):
        torch.testing.assert_close(c, ridge_least_squares(a[:, :count].clone(), y, ridge), rtol=1e-12, atol=1e-12)


def test_the_regularized_normal_equations_are_solved_from_the_factor():
    a = torch.randn(30, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * torch.logspace(-3, 3, 8).double()
    g, ridge, lengths = torch.arange(1.0, 9.0, dtype=torch.float64), 0.1, a.norm(dim=0)
    expected = torch.linalg.solve(a.T @ a + ridge**2 * torch.diag(lengths**2), g)
    torch.testing.assert_close(RidgeFactorization(a.clone(), ridge).normal(g), expected)

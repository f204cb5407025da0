"""The linear algebra of damped steps against least squares of augmented matrices."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.streams import stream
from pdefreq.iterations.training.damped_systems import CholeskySystem, OrthogonalSystem, damped_system, gram

EPS = np.finfo(float).eps


def drawn(n, p, seed=0, condition=1.0):
    """A matrix with singular values from 1 down to 1 / condition, and a right-hand side in its range."""
    generator = stream(seed, "test")
    k = min(n, p)
    u, _ = torch.linalg.qr(torch.randn(n, k, generator=generator, dtype=torch.float64))
    v, _ = torch.linalg.qr(torch.randn(p, k, generator=generator, dtype=torch.float64))
    f = u * torch.logspace(0, -math.log10(condition), k, dtype=torch.float64) @ v.T
    return f, f @ torch.randn(p, generator=generator, dtype=torch.float64)


def augmented(f, r, damping):
    """The minimizer of |F d + r|^2 + lambda |d|^2."""
    p = f.shape[1]
    matrix = np.vstack([f.numpy(), math.sqrt(damping) * np.eye(p)])
    return np.linalg.lstsq(matrix, np.concatenate([-r.numpy(), np.zeros(p)]), rcond=None)[0]


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 9), p=st.integers(1, 9), by_columns=st.booleans(), single=st.booleans())
def test_the_symmetric_product_has_the_lower_triangle_of_the_general_product(n, p, by_columns, single):
    dtype = torch.float32 if single else torch.float64
    f = torch.randn(p, n, generator=stream(n + 10 * p, "test"), dtype=dtype).T if by_columns else drawn(n, p)[0].to(dtype)
    # sums of p products
    bound = p * float(torch.finfo(dtype).eps) * float(f.square().sum())
    torch.testing.assert_close(torch.tril(gram(f)), torch.tril(f @ f.T), rtol=0, atol=bound)


@pytest.mark.parametrize(("n", "p"), [(12, 5), (5, 12), (7, 7)])
@pytest.mark.parametrize("damping", [1e-20, 1e-12, 1e-4, 1.0])
def test_orthogonal_factorizations_solve_the_augmented_system(n, p, damping):
    f, r = drawn(n, p, condition=1e3)
    expected = augmented(f, r, damping)
    # a least-squares solution has the error cond eps, cond at most 1e3
    np.testing.assert_allclose(OrthogonalSystem(f, r).step(damping), expected, rtol=0, atol=1e5 * EPS * np.linalg.norm(expected))


@pytest.mark.parametrize(("n", "p"), [(40, 20), (20, 40)])
def test_below_the_rounding_of_the_normal_equations_a_step_removes_the_residual(n, p):
    """With singular values down to 1e-7 normal equations keep lambda at n eps tr(F^T F), above the smallest kappa of 1e-14."""
    f, r = drawn(n, p, condition=1e7)
    fast, refined = damped_system(f, f.T @ r, r), damped_system(f, f.T @ r, r, refined=True)
    assert isinstance(fast, CholeskySystem)
    assert fast.least > 1e-15 > refined.least
    left = [float((r + f @ system.step(system.least)).norm() / r.norm()) for system in (fast, refined)]
    assert left[0] > 1e-9
    assert left[1] < 1e-13  # backward stability: the residual is that of a perturbed matrix


def test_above_the_rounding_both_systems_take_the_same_step():
    f, r = drawn(9, 6, condition=10)
    gradient = f.T @ r
    torch.testing.assert_close(
        damped_system(f, gradient, r, refined=True).step(1e-3), damped_system(f, gradient, r).step(1e-3), rtol=0, atol=0
    )


def test_an_energy_is_solved_by_normal_equations():
    """Its gradient need not be in the range of F^T."""
    f, _ = drawn(3, 5)
    gradient = torch.ones(5, dtype=torch.float64)
    system = damped_system(f, gradient, None, refined=True)
    d = system.step(0.5)
    torch.testing.assert_close(f.T @ (f @ d) + 0.5 * d, -gradient, rtol=1e-12, atol=1e-12)

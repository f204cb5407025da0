"""The largest eigenvalue by Lanczos iteration, against dense eigenvalues."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.streams import stream
from pdefreq.theory.sharpness import Descent, hessian_product, largest_eigenvalue


def symmetric(n):
    a = torch.randn(n, n, generator=stream(0, "test"), dtype=torch.float64)
    return a + a.T


@pytest.mark.parametrize("n", [1, 3, 12, 13, 40, 200])
def test_the_largest_eigenvalue_and_not_the_largest_in_modulus(n):
    """The tolerance is that of the iteration; the smallest eigenvalue is larger in modulus."""
    a = symmetric(n) - 10 * torch.eye(n, dtype=torch.float64)
    start = torch.randn(n, generator=stream(1, "test"), dtype=torch.float64)
    expected = float(torch.linalg.eigvalsh(a)[-1])
    assert largest_eigenvalue(lambda v: a @ v, start, 1000) == pytest.approx(expected, rel=2e-4)


def test_too_few_products_give_a_lower_bound():
    """A matrix whose largest eigenvalues are close together, with as few products as are allowed."""
    a = torch.diag(torch.linspace(0, 1, 2000, dtype=torch.float64))
    start, count = torch.ones(2000, dtype=torch.float64), [0]

    def product(v):
        count[0] += 1
        return a @ v

    found = largest_eigenvalue(product, start, 20)
    assert 0.9 < found <= 1 + 1e-12
    assert count[0] <= 61  # those of the iteration that did not converge, and those of the bound


def test_a_product_that_is_not_finite_gives_nan():
    start = torch.ones(30, dtype=torch.float64)
    assert math.isnan(largest_eigenvalue(lambda v: v * math.inf, start))
    assert largest_eigenvalue(torch.zeros_like, start) == 0


def test_the_hessian_of_a_function_of_few_variables():
    """f = x^3 y + exp(x y), with its Hessian by hand; a linear function has the Hessian zero."""
    c = torch.tensor([0.7, -0.3], dtype=torch.float64)

    def gradient(c):
        x, y = c
        e = torch.exp(x * y)
        return torch.stack([3 * x**2 * y + y * e, x**3 + x * e])

    product = hessian_product(gradient, c)
    x, y = 0.7, -0.3
    e = math.exp(x * y)
    mixed = 3 * x**2 + e + x * y * e
    expected = torch.tensor([[6 * x * y + y * y * e, mixed], [mixed, x * x * e]], dtype=torch.float64)
    found = torch.stack([product(unit) for unit in torch.eye(2, dtype=torch.float64)])
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)
    assert (hessian_product(lambda c: torch.ones_like(c), c)(c) == 0).all()


def spectral_radius(descent, sharpness):
    """That of one step for (m, c) along an eigenvector of P^-1 H, in the variables P^(1/2) c."""
    beta, w, eta = descent.momentum, descent.weight, descent.rate
    step = np.array([[beta, w * sharpness], [-eta * beta, 1 - eta * w * sharpness]])
    return abs(np.linalg.eigvals(step)).max()


@given(momentum=st.floats(0, 0.99), weight=st.floats(1e-2, 1), rate=st.floats(1e-4, 10), part=st.floats(0.01, 0.99))
def test_the_limit_separates_decay_from_growth(momentum, weight, rate, part):
    """At the limit an eigenvalue of the step is -1; below it all are inside the unit circle."""
    descent = Descent(rate, momentum, weight)
    limit = descent.stable_sharpness
    assert spectral_radius(descent, limit) == pytest.approx(1, abs=1e-6)  # a root of a quadratic equation, half the digits
    assert spectral_radius(descent, part * limit) < 1 - 1e-9
    assert spectral_radius(descent, limit * (1 + part)) > 1


def test_the_limits_have_the_published_values():
    """2 / eta; with momentum (2 + 2 beta) / eta; Adam with beta_1 = 0.9: 38 / eta (arXiv 2103.00065, 2207.14484)."""
    assert Descent(0.5).stable_sharpness == 4
    assert Descent(0.5, 0.9).stable_sharpness == pytest.approx(3.8 / 0.5)
    assert Descent(0.5, 0.9, 1 - 0.9).stable_sharpness == pytest.approx(38 / 0.5)


@given(momentum=st.floats(0, 0.95), weight=st.floats(0.05, 1))
def test_slow_modes_decay_by_the_gain(momentum, weight):
    """For a small eigenvalue the larger root of the step is 1 - gain eta kappa + O(kappa^2)."""
    descent, kappa = Descent(1.0, momentum, weight), 1e-6
    assert 1 - spectral_radius(descent, kappa) == pytest.approx(descent.gain * kappa, rel=2e-3)


def test_the_preconditioned_product_has_the_eigenvalues_of_the_inverse_times_the_hessian():
    a, p = symmetric(30), torch.rand(30, generator=stream(1, "test"), dtype=torch.float64) + 0.1
    product = Descent(1.0, preconditioner=p).preconditioned(lambda v: a @ v)
    found = largest_eigenvalue(product, torch.randn(30, generator=stream(2, "test"), dtype=torch.float64))
    assert found == pytest.approx(float(torch.linalg.eigvals(a / p[:, None]).real.max()), rel=1e-3)

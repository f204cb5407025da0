"""The largest eigenvalue by Lanczos iteration, against dense eigenvalues."""

import math

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.theory.sharpness import hessian_product, largest_eigenvalue


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

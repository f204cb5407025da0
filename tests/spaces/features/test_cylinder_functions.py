import math

import numpy as np
import pytest
import torch
from scipy import special

from pdefreq.spaces.features.cylinder_functions import CylinderFunctions

CASES = [
    CylinderFunctions((0.1, -0.2), reaction, 0.4, exponents, (False, True, True), regular, bisector, turn)
    for reaction in (9.0, -9.0)
    for regular, exponents, bisector, turn in (
        (False, (0.0, 1.0, 3.0), (1.0, 0.0), 0.0),
        (True, (2 / 3, 4 / 3, 2.0), (math.cos(2.0), math.sin(2.0)), 0.75 * math.pi),
    )
]


def points():
    return 0.6 + torch.rand(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("family", CASES)
def test_derivatives_are_differences_of_the_values(family):
    """Central differences of step h have the error h^2 |u'''| / 6 and rounding 1e-16 / h: about 1e-9 for h = 1e-5."""
    x, h = points(), 1e-5
    for axis, e in enumerate(h * torch.eye(2, dtype=torch.float64)):
        slope = (family.value(x + e) - family.value(x - e)) / (2 * h)
        torch.testing.assert_close(family.gradient(x)[:, axis], slope, rtol=1e-8, atol=1e-8)
        bend = (family.gradient(x + e) - family.gradient(x - e)) / (2 * h)
        torch.testing.assert_close(family.hessian(x)[:, axis], bend, rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("family", CASES)
def test_they_solve_the_equation(family):
    x = points()
    trace = family.hessian(x).diagonal(dim1=1, dim2=2).sum(dim=2)
    torch.testing.assert_close(trace, family.reaction * family.value(x), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(family.laplacian(x), trace, rtol=1e-11, atol=1e-11)


def test_functions_of_the_screened_equation_have_unit_size_on_their_circle():
    theta = torch.linspace(0, 2 * math.pi, 9, dtype=torch.float64)[:-1]
    circle = torch.tensor([0.1, -0.2], dtype=torch.float64) + 0.4 * torch.stack([theta.cos(), theta.sin()], dim=1)
    expected = torch.stack([torch.ones_like(theta), theta.sin(), (3 * theta).sin()], dim=1)
    torch.testing.assert_close(CASES[0].value(circle), expected, rtol=1e-13, atol=1e-13)


def test_the_logarithm_is_the_limit_for_small_reactions():
    """K_0(k r) / K_0(k r0) tends to 1 - log(r / r0) / K_0(k r0)."""
    family = CylinderFunctions((0.0, 0.0), 1e-8, 0.5, (0.0,), (False,))
    x = points()
    expected = 1 - (x.norm(dim=1) / 0.5).log() / special.kv(0, 1e-4 * 0.5)
    torch.testing.assert_close(family.value(x)[:, 0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("reaction", [64.0, -64.0])
def test_functions_of_the_second_kind_agree_with_scipy_for_all_orders(reaction):
    """The recurrence is stable: about 20 roundings, relative to the modulus of the Hankel function, since Y has zeros."""
    orders, t = np.arange(-2.0, 19.0), np.linspace(0.05, 40, 300)[:, None]
    family = CylinderFunctions((0.0, 0.0), reaction, 0.1, tuple(orders), (False,) * len(orders))
    expected = (special.kv if reaction > 0 else special.yv)(orders, t)
    scale = np.abs(expected) if reaction > 0 else np.hypot(expected, special.jv(orders, t))
    assert np.all(np.abs(family._bessel(orders, t) - expected) < 1e-13 * scale)

"""Bessel functions of tensors."""

import numpy as np
import pytest
import torch
from scipy import special

from pdefreq.problem.expressions.bessel import bessel_j


@pytest.mark.parametrize("order", [0, 1, 2, -1])
def test_derivatives_up_to_the_fifth_are_those_of_scipy(order):
    u = torch.tensor([-7.0, -1e-7, 0.0, 1e-5, 0.3, 5.2, 40.0], dtype=torch.float64, requires_grad=True)
    found = bessel_j(u, order)
    for k in range(6):
        np.testing.assert_allclose(
            found.detach().numpy(), special.jvp(order, u.detach().numpy(), k), rtol=0, atol=1e-14
        )  # rounding
        (found,) = torch.autograd.grad(found.sum(), u, create_graph=True)


def test_the_fourth_derivative_at_zero_is_that_of_the_power_series():
    u = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    found = bessel_j(u, 0)
    for _ in range(4):
        (found,) = torch.autograd.grad(found.sum(), u, create_graph=True)
    assert found.item() == 0.375  # J_0 = 1 - u^2 / 4 + u^4 / 64 - ...

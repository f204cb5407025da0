"""Lifting by sine series on the sides of a rectangle: boundary values, the equation, and closed forms of Fourier series."""

import math

import pytest
import torch

from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box
from pdefreq.problem.terms.constants import Constants
from pdefreq.spaces.spectral.side_series import SideSeries

BOX = Box((-1.0, 0.5), (1.0, 2.0))
INSIDE = torch.tensor([[-0.7, 0.8], [0.1, 1.3], [0.6, 1.7]], dtype=torch.float64)
CONSTANTS = {
    "Laplace": Constants((1.0, 1.0), (0.0, 0.0), 0.0),
    "anisotropic": Constants((1.0, 3.0), (0.0, 0.0), 0.0),
    "reaction": Constants((2.0, 1.0), (0.0, 0.0), 40.0),
    "Helmholtz": Constants((1.0, 1.0), (0.0, 0.0), -20.0),
}


@pytest.mark.parametrize("name", CONSTANTS)
@pytest.mark.parametrize(
    "g", [lambda x: (x[:, 1] - 1).abs() + x[:, 0], lambda x: torch.where(x[:, 0] < 0.2, 1.0, -1.0) * x[:, 1]]
)
def test_the_image_is_the_left_hand_side_of_the_equation(name, g):
    """Inside, each side's series converges exponentially, and its derivatives satisfy -sum a_i w_ii + c w = c (interpolant)."""
    constants = CONSTANTS[name]
    lifting = SideSeries(CallableField(g), BOX, constants, (63, 63))
    second = lifting.hessian(INSIDE).diagonal(dim1=1, dim2=2) @ torch.tensor(constants.diffusion, dtype=torch.float64)
    found = constants.reaction * lifting(INSIDE) - second
    torch.testing.assert_close(found, lifting.image(INSIDE), rtol=0, atol=1e-9 * (1 + abs(constants.reaction)) * 10)


def test_the_boundary_values_are_attained_at_first_order_for_a_kink():
    """The coefficients of a kink decrease like k^-2, so that the largest error on the sides is proportional to 1 / modes."""
    g = CallableField(lambda x: (x[:, 1] - 1.1).abs())
    edge, errors = BOX.boundary(4000).x, []
    for modes in (16, 32, 64):
        errors.append(float((SideSeries(g, BOX, CONSTANTS["Laplace"], (modes, modes))(edge) - g(edge)).abs().max()))
    assert all(
        1.5 < coarse / fine < 2.7 for coarse, fine in zip(errors, errors[1:], strict=False)
    )  # 2 up to the position of the kink


def test_bilinear_values_are_reproduced_and_a_solution_with_rate_zero_is_linear():
    """For c = -a_2 (pi / L)^2 the first mode along the second axis has rate zero: w = sin(pi (y - b) / L) (1 - s) on the left side."""
    bilinear = CallableField(lambda x: 2 - x[:, 0] + 3 * x[:, 0] * x[:, 1])
    torch.testing.assert_close(
        SideSeries(bilinear, BOX, CONSTANTS["Laplace"], (8, 8))(INSIDE), bilinear(INSIDE), rtol=0, atol=1e-6
    )
    xi = math.pi / 1.5

    def left(x):
        return torch.where(x[:, 0] < 0, torch.sin(xi * (x[:, 1] - 0.5)), 0.0) * (x[:, 0] < -0.99)

    lifting = SideSeries(CallableField(left), BOX, Constants((1.0, 1.0), (0.0, 0.0), -(xi**2)), (8, 8))
    wanted = torch.sin(xi * (INSIDE[:, 1] - 0.5)) * (1 - INSIDE[:, 0]) / 2
    torch.testing.assert_close(lifting(INSIDE), wanted, rtol=0, atol=1e-6)  # values at corners are taken at a distance of 1e-7

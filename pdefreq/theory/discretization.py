r"""Discretization errors as functions of the mesh width: exact errors of each mode, and orders of convergence.

On a uniform grid of a box with constant coefficients and u = 0 on the boundary, sine modes diagonalize the equations of
central differences and of multilinear elements, so that the discretization multiplies each mode by one number. With
theta_a = xi_a h_a / 2 and S_a = sin(theta_a) / theta_a, the symbols are, for -sum_a A_a d^2 u / dx_a^2 + c u,

    central differences      sum_a A_a xi_a^2 S_a^2 + c                                            against f^_k,
    multilinear elements     sum_a A_a xi_a^2 S_a^2 prod_{b != a} M_b + c prod_b M_b               against prod_b S_b^2 f^_k,

with M_b = (2 + cos 2 theta_b) / 3, because integration against a hat function multiplies a mode by S^2, and so does interpolation
between nodes. The formulas hold to rounding if the source is a sum of modes that the grid resolves; other modes are aliased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from torch import Tensor


def central_difference_error(
    wavevectors: Tensor | ArrayLike, spacings: Sequence[float], *, diffusion: float | Sequence[float] = 1.0, reaction: float = 0.0
) -> Tensor:
    r"""Relative error of each sine mode in the solution of central differences, at the nodes.

    For -u'' = f it is (theta / sin theta)^2 - 1 with theta = xi h / 2: (xi h)^2 / 12 as h tends to zero.

    Args:
        wavevectors: Angular, shape ``(m, d)``.
        spacings: The mesh width along each axis.
        diffusion: A, a number for all axes, or one for each.
        reaction: The constant c, of either sign.

    Returns:
        Errors ``(m,)``, not negative: for c >= 0 every mode of the discrete solution is too large; nan for a mode that the
        grid does not resolve.

    Source:
        LeVeque (2007), Finite Difference Methods for Ordinary and Partial Differential Equations, section 2.10.

    Example:
        >>> central_difference_error([[torch.pi]], [1 / 2]).numpy().round(4).tolist()  # (pi / 4 / sin(pi / 4))^2 - 1
        [0.2337]
    """
    xi, theta = _angles(wavevectors, spacings)
    a = torch.as_tensor(diffusion, dtype=torch.float64)
    symbol = (a * (xi * _sinc(theta)).square()).sum(dim=1) + reaction
    exact = (a * xi.square()).sum(dim=1) + reaction
    return torch.where(_is_resolved(theta), ((exact - symbol) / symbol).abs(), torch.nan)


def multilinear_element_error(
    wavevectors: Tensor | ArrayLike,
    spacings: Sequence[float],
    *,
    diffusion: float | Sequence[float] = 1.0,
    reaction: float = 0.0,
    sampling: Sequence[float] | None = None,
) -> Tensor:
    r"""Relative error of each sine mode in the finite element solution: P1 on an interval, Q1 on a box.

    For -u'' = f it is 1 - S^2, with S = sin(theta) / theta and theta = xi h / 2: the nodal values are exact, and
    the rest is the interpolation error, (xi h)^2 / 12 as h tends to zero. Integrals of f are assumed to be exact.

    Args:
        wavevectors: Angular, shape ``(m, d)``.
        spacings: The mesh width along each axis.
        diffusion: A, a number for all axes, or one for each.
        reaction: The constant c, of either sign.
        sampling: The spacings delta of the grid on which the mode coefficients are computed, each the mesh width divided by an
            integer; by default the coefficients are exact integrals. Sums on the grid replace S^2 by
            S(xi h / 2)^2 / S(xi delta / 2)^2; on the mesh itself this is 1, so that only the nodal values count.

    Returns:
        Errors ``(m,)``, not negative; nan for a mode that the mesh does not resolve.

    Source:
        Strang, Fix (1973), An Analysis of the Finite Element Method, sections 1.6 and 3.4.

    Example:
        >>> multilinear_element_error([[torch.pi]], [1 / 2]).numpy().round(4).tolist()  # 1 - (sin(pi / 4) / (pi / 4))^2
        [0.1894]
        >>> multilinear_element_error([[torch.pi]], [1 / 2], sampling=[1 / 2]).tolist()
        [0.0]
    """
    xi, theta = _angles(wavevectors, spacings)
    s, mass = _sinc(theta).square(), (2 + torch.cos(2 * theta)) / 3
    ahead = mass.prod(dim=1, keepdim=True) / mass  # the product of the masses along the other axes
    a = torch.as_tensor(diffusion, dtype=torch.float64)
    symbol = (a * xi.square() * s * ahead).sum(dim=1) + reaction * mass.prod(dim=1)
    exact = (a * xi.square()).sum(dim=1) + reaction
    seen = s if sampling is None else s / _sinc(_angles(wavevectors, sampling)[1]).square()
    nodal = s.prod(dim=1) * exact / symbol
    return torch.where(_is_resolved(theta), (1 - nodal * seen.prod(dim=1)).abs(), torch.nan)


def leading_constant(
    wavevectors: Tensor | ArrayLike, ratios: Sequence[float], *, diffusion: float | Sequence[float] = 1.0, reaction: float = 0.0
) -> Tensor:
    r"""The constant C in error = C h^2 + O(h^4) of each sine mode, for central differences and for multilinear elements.

    With spacings h_a = ratio_a h it is sum_a A_a xi_a^4 ratio_a^2 / (12 |sum_a A_a xi_a^2 + c|), by expansion of the symbols
    above. The two methods differ in the sign (for c >= 0 modes are too large with differences and too small with elements) and
    in the higher-order terms.

    Args:
        wavevectors: Angular, shape ``(m, d)``.
        ratios: The mesh width along each axis over h.
        diffusion: A, a number for all axes, or one for each.
        reaction: The constant c, of either sign.

    Example:
        >>> (12 * leading_constant([[torch.pi]], [1.0]) / torch.pi**2).tolist()  # (xi h)^2 / 12
        [1.0]
    """
    xi = torch.as_tensor(np.asarray(wavevectors), dtype=torch.float64)
    a = torch.as_tensor(diffusion, dtype=torch.float64)
    fourth = (a * (xi.square() * torch.tensor(ratios, dtype=torch.float64)).square()).sum(dim=1)
    return fourth / (12 * ((a * xi.square()).sum(dim=1) + reaction).abs())


@dataclass(frozen=True)
class Orders:
    """Orders of convergence of the relative errors in L2 and in H1, of the maximum error, and of the error of a fixed mode."""

    relative_l2: int
    relative_h1: int
    max_error: int
    mode: int


def smooth_orders(degree: int) -> Orders:
    r"""The orders of a Galerkin method for a second-order equation with piecewise polynomials of a given degree.

    The error of a fixed mode is a functional (u - u_h, v) of the solution with a smooth v. Let w solve the problem with source v.
    Then a(u - u_h, w) = a(u - u_h, w - w_h) <= C h^(2 degree) |u|_{degree + 1} |w|_{degree + 1}, which is twice the order in H1,
    and for degree > 1 more than the order degree + 1 in L2. This requires u and w in H^{degree + 1}: a smooth solution, no
    re-entrant corner, an exactly meshed boundary, p = 2, and equally accurate integrals of f. Central differences have the orders
    of degree 1.

    Args:
        degree: k >= 1.

    Source:
        Nitsche (1968) for L2; Ainsworth, Oden (2000), A Posteriori Error Estimation, section 8.1, for functionals.

    Example:
        >>> smooth_orders(2)
        Orders(relative_l2=3, relative_h1=2, max_error=3, mode=4)
    """
    return Orders(degree + 1, degree, degree + 1, 2 * degree)


def _angles(wavevectors: Tensor | ArrayLike, spacings: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Wavevectors as a tensor, and theta = xi h / 2 along each axis."""
    xi = torch.as_tensor(np.asarray(wavevectors), dtype=torch.float64)
    return xi, xi * torch.tensor(spacings, dtype=torch.float64) / 2


def _sinc(theta: Tensor) -> Tensor:
    """The quotient sin(theta) / theta."""
    return torch.sinc(theta / torch.pi)


def _is_resolved(theta: Tensor) -> Tensor:
    return (theta.abs() < torch.pi / 2 * (1 - 1e-12)).all(dim=1)

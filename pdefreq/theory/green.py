"""Green's functions of -Laplace with zero boundary values, and the limit of Ritz-Galerkin solutions for f known at points only.

If f is known at n points, the Galerkin equations have the load |Omega|/n sum_i f_i phi_j(x_i). As basis functions are added,
their solutions tend to the solution of

    -Laplace u = |Omega|/n sum_i f_i delta(x - x_i),     u(x) = |Omega|/n sum_i f_i G(x, x_i):

a piecewise linear function in one dimension, and a function with a logarithmic singularity at each point in two.

Source:
    Wang, Xu, Zhang, Zhang (2020), Implicit bias with Ritz-Galerkin method, arXiv 2002.07989, theorem 1, equations 3.1 to 3.3.
    The paper has |Omega| = 1; on other domains the weights 1/n of a mean become the weights |Omega|/n of an integral.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_ROUNDING = 37.0  # exp(-37) is below the rounding of 1


def green_interval(x: Tensor, source: Tensor, lower: float, upper: float) -> Tensor:
    """G(x, x0) of -u'' on (a, b): (x - a)(b - x0)/(b - a) - max(x - x0, 0).

    Args:
        x: Points, shape ``(n,)``.
        source: Places x0 of the delta functions, shape ``(m,)``.
        lower: a.
        upper: b.

    Returns:
        Shape ``(n, m)``, with the unit of a length: u = F G for a point force F in units of u'.
    """
    x, source = x[:, None], source[None, :]
    return (x - lower) * (upper - source) / (upper - lower) - (x - source).clamp(min=0)


def green_rectangle(x: Tensor, source: Tensor, lower: Sequence[float], upper: Sequence[float]) -> Tensor:
    """G(x, x0) of -Laplace on a rectangle, dimensionless; it behaves like log(1/r) / (2 pi) near x = x0.

    The double series 3.3 is summed in closed form along one axis, which leaves the single series
    2 sum_k sin(k pi x) sin(k pi x0) sinh(..) sinh(..) / (k pi sinh(k pi)). For the infinite strip of width a across the shorter
    axis, this series has a closed form, too:

        S(t) = 1/(4 pi) log( 1 + sin(pi x/a) sin(pi x0/a) / (sinh^2(pi t/2a) + sin^2(pi (x - x0)/2a)) )

    is Green's function at the distance t along the strip, because sum_k e^(-kt) cos(ks)/k = -log(1 - 2 e^-t cos s + e^-2t)/2.
    Images in the two short sides give Green's function of the rectangle. Each pair of images is smaller than the preceding one
    by a factor of exp(-2 pi b/a) or less.

    Args:
        x: Points, shape ``(n, 2)``.
        source: Places x0 of the delta functions, shape ``(m, 2)``.
        lower: Lower left corner.
        upper: Upper right corner.

    Returns:
        Shape ``(n, m)``, exact to rounding at every x.
    """
    lengths = [b - a for a, b in zip(lower, upper, strict=True)]
    short = min((0, 1), key=lengths.__getitem__)
    width, height = lengths[short], lengths[1 - short]
    corner = x.new_tensor(lower)
    x, source = x - corner, source - corner
    across, across0 = x[:, None, short], source[None, :, short]
    along, along0 = x[:, None, 1 - short], source[None, :, 1 - short]
    product = (math.pi * across / width).sin() * (math.pi * across0 / width).sin()
    gap = (math.pi * (across - across0) / (2 * width)).sin().square()

    def strip(t: Tensor) -> Tensor:
        return torch.log1p(product / ((math.pi * t / (2 * width)).sinh().square() + gap)) / (4 * math.pi)

    images = math.ceil(_ROUNDING * width / (2 * math.pi * height)) + 1
    total = sum(
        (strip(along - along0 + 2 * j * height) - strip(along + along0 + 2 * j * height) for j in range(-images, images + 1)),
        start=torch.zeros_like(product),
    )
    on_edge = [((p <= 0) | (p >= p.new_tensor(lengths))).any(dim=1) for p in (x, source)]  # G = 0 there; terms are 0/0
    return total.masked_fill(on_edge[0][:, None] | on_edge[1][None, :], 0.0)


def sum_of_green_functions(x: Tensor, points: Tensor, values: Tensor, lower: Sequence[float], upper: Sequence[float]) -> Tensor:
    """The limit u(x) = |Omega|/n sum_i f_i G(x, x_i), equations 3.2 and 3.3, on an interval or a rectangle.

    Args:
        x: Points of evaluation, shape ``(k, d)``, d = 1 or 2.
        points: Points at which f is known, shape ``(n, d)``; points on the boundary do not contribute to u, but count in n.
        values: f at these points, shape ``(n,)``.
        lower: Lower corner of the box.
        upper: Upper corner.

    Returns:
        u, shape ``(k,)``; infinite at the points in two dimensions.

    Raises:
        ValueError: If d is neither 1 nor 2.
    """
    d = x.shape[1]
    if d not in (1, 2):
        raise ValueError(f"Green's functions are implemented in 1 and 2 dimensions, got {d}")
    weights = math.prod(b - a for a, b in zip(lower, upper, strict=True)) / len(points) * values
    known = weights != 0  # 0 times infinity is nan
    points, weights = points[known], weights[known]
    if d == 1:
        return green_interval(x[:, 0], points[:, 0], lower[0], upper[0]) @ weights
    return torch.cat([green_rectangle(piece, points, lower, upper) @ weights for piece in x.split(2**14)])

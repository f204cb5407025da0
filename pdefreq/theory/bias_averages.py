"""Kernels of a two-layer ReLU network in one dimension, averaged over its biases exactly, the source of the powers of the LFP.

For b uniform on [-B, B] and |w x|, |w x'| <= B, with c = B + w (x + x') / 2 and t = |w| |x - x'|,

    E[relu(w x + b) relu(w x' + b)] = (c^3 / 3 - c t^2 / 4 + t^3 / 12) / (2 B),
    E[H(w x + b) H(w x' + b)] = (c - t / 2) / (2 B).

The nonsmooth part of each is a power of |x - x'|, with the transforms |x|^3 -> 12 / xi^4 and |x| -> -2 / xi^2. All other terms
are polynomials, which have no high frequencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor


def relu_average(x: Tensor, y: Tensor, weight: Tensor | float, bound: float) -> Tensor:
    """E[relu(w x + b) relu(w y + b)] over b uniform on [-bound, bound].

    Args:
        x: Points, any shape.
        y: Points, of a shape that broadcasts with x.
        weight: w, of a shape that broadcasts with both.
        bound: B.

    Raises:
        OptionError: If |w x| or |w y| exceeds the bound, because the average then has another form.
    """
    center, distance = _center_and_distance(x, y, weight, bound)
    return (center**3 / 3 - center * distance**2 / 4 + distance**3 / 12) / (2 * bound)


def step_average(x: Tensor, y: Tensor, weight: Tensor | float, bound: float) -> Tensor:
    """E[H(w x + b) H(w y + b)] with the unit step H, the derivative of ReLU; arguments as `relu_average`'s.

    Raises:
        OptionError: If |w x| or |w y| exceeds the bound.
    """
    center, distance = _center_and_distance(x, y, weight, bound)
    return (center - distance / 2) / (2 * bound)


def _center_and_distance(x: Tensor, y: Tensor, weight: Tensor | float, bound: float) -> tuple[Tensor, Tensor]:
    reach = max(float((weight * z).abs().max()) for z in (x, y))
    if reach > bound:
        raise OptionError(
            f"averages over biases in [-{bound:g}, {bound:g}] need |w x| <= {bound:g}, got {reach:.3g}: use a larger bound"
        )
    product = weight * (x - y)
    return bound + weight * (x + y) / 2, product.abs()

"""The flow a |q|^(p-2) q of the equation and what is worked out from it, as functions of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pdefreq.shapes import Gradients, Values


def size_power(q: Gradients, power: float) -> Values:
    """|q|^power, shape ``(n,)``. Where q = 0 a negative power is a huge finite number, so that its product with q is 0."""
    # The power has an infinite slope or value at zero: keep it off zero.
    return q.square().sum(dim=1).clamp_min(torch.finfo(q.dtype).tiny).pow(power / 2)


def divergence_of_flow(
    exponent: float, a: Values, a_slope: Gradients, q: Gradients, laplacian: Values, bent: Gradients | None
) -> Values:
    """div( a |q|^(p-2) q ), q = grad u: |q|^(p-2) ( a lap u + grad a.q + (p-2) a q^T H q / |q|^2 ), shape ``(n,)``.

    Args:
        exponent: p.
        a: Diffusion, ``(n,)``.
        a_slope: Its gradient, ``(n, d)``.
        q: grad u, ``(n, d)``.
        laplacian: lap u, ``(n,)``.
        bent: H q with H the Hessian of u, ``(n, d)``; not needed for p = 2.
    """
    linear = a * laplacian + (a_slope * q).sum(dim=1)
    if exponent == 2:
        return linear
    assert bent is not None
    bend = (q * bent).sum(dim=1) * size_power(q, -2)
    return size_power(q, exponent - 2) * (linear + (exponent - 2) * a * bend)

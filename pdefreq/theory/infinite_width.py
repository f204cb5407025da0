"""Tangent kernels of infinitely wide networks in closed form.

The network has standard normal parameters, and factors that keep every layer of order one (NTK scaling):

    h_1 = s_w W_1 x + s_b b_1,    h_(l+1) = s_w / sqrt(m) W_(l+1) phi(h_l) + s_b b_(l+1),    u = phi(h_L) . a / sqrt(m).

The input is not divided by sqrt(d), so that wavenumbers keep their units. As m grows, h_l tends to a Gaussian process with the
covariance S_l, and the tangent kernel to T_(L+1):

    T_1 = S_1 = s_w^2 x.x' + s_b^2,    S_(l+1) = s_w^2 E[phi phi'] + s_b^2,    T_(l+1) = S_(l+1) + s_w^2 E[dphi dphi'] T_l,

where E is the expectation over pairs of Gaussians with covariance S_l. The last layer has s_w = 1 and no bias.

Source:
    Jacot, Gabriel, Hongler (2018), Neural tangent kernel, NeurIPS; Lee et al. (2019), arXiv 1902.06720.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.core.registry import nearest

if TYPE_CHECKING:
    from torch import Tensor

Dual: TypeAlias = "Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]"
"""E[phi(g) phi(g')] and E[phi'(g) phi'(g')] from the variances of g and g' and their covariance."""


@dataclass(frozen=True)
class WideKernels:
    """Both kernels of an infinitely wide network between two sets of points.

    Args:
        tangent: The tangent kernel, which governs training, shape ``(n, n')``.
        covariance: The covariance of the output over random initial parameters, shape ``(n, n')``.
    """

    tangent: Tensor
    covariance: Tensor


def wide_kernels(
    x: Tensor,
    y: Tensor | None = None,
    *,
    activation: str = "relu",
    hidden_layers: int = 1,
    weight_std: float = 1.0,
    bias_std: float = 1.0,
) -> WideKernels:
    """Kernels of an infinitely wide network.

    The kernel of ``MlpSpace(domain, widths, activation, "ntk")`` tends to ``tangent + 1``, because that network has an output
    bias, whose derivative is 1 everywhere. ``bias="hidden"`` omits this bias.

    Args:
        x: Points ``(n, d)``.
        y: Points ``(n', d)``; x by default.
        activation: ``relu``, ``erf`` or ``sin``.
        hidden_layers: L, the number of hidden layers.
        weight_std: s_w of the hidden layers.
        bias_std: s_b; 0 means a network without biases.

    Raises:
        UnknownNameError: If no closed form is implemented for the activation.
        OptionError: If `hidden_layers` is less than 1, or a standard deviation negative or not finite.

    Example:
        >>> x, y = torch.tensor([[0.3]], dtype=torch.float64), torch.tensor([[-0.8]], dtype=torch.float64)
        >>> round(wide_kernels(x, y).tangent.item(), 10)
        0.7013322158
    """
    if activation not in DUALS:
        raise UnknownNameError(
            f"no closed form for the kernel of activation '{activation}': {nearest(activation, DUALS)}", name=activation
        )
    if hidden_layers < 1:
        raise OptionError(f"a kernel in closed form needs at least one hidden layer, got hidden_layers = {hidden_layers}")
    for name, std in (("weight_std", weight_std), ("bias_std", bias_std)):
        if not 0 <= std < math.inf:
            raise OptionError(f"`{name}` is a standard deviation, finite and not negative, got {std}")
    dual, y = DUALS[activation], x if y is None else y
    weight, bias = weight_std**2, bias_std**2
    s = weight * (x[:, None] * y[None]).sum(dim=2) + bias  # not by BLAS, so that it rounds like the variances
    p, q = (weight * (z * z).sum(dim=1) + bias for z in (x, y))
    tangent = s
    for _ in range(hidden_layers - 1):
        product, slopes = dual(p[:, None], q[None], s)
        s = weight * product + bias
        tangent = s + weight * slopes * tangent
        p, q = (weight * dual(v, v, v)[0] + bias for v in (p, q))
    product, slopes = dual(p[:, None], q[None], s)
    return WideKernels(product + slopes * tangent, product)


def _relu(p: Tensor, q: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """Arc-cosine kernels of order 1 and 0: Cho and Saul (2009)."""
    determinant = (p * q - s * s).clamp(min=0).sqrt()  # |x||y| sin(theta)
    angle = torch.atan2(determinant, s)  # arccos loses half of the digits at small angles
    slopes = (math.pi - angle) / (2 * math.pi)
    return determinant / (2 * math.pi) + s * slopes, slopes


def _erf(p: Tensor, q: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """Arcsine kernel: Williams (1997)."""
    scale = (1 + 2 * p) * (1 + 2 * q)
    return 2 / math.pi * torch.asin(2 * s / scale.sqrt()), 4 / math.pi / (scale - 4 * s * s).sqrt()


def _sin(p: Tensor, q: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """E[sin sin'] = e^-(p+q)/2 sinh s, E[cos cos'] = e^-(p+q)/2 cosh s, written without overflow, as |s| <= (p+q)/2."""
    largest = torch.exp(s.abs() - (p + q) / 2) / 2
    smaller = torch.expm1(-2 * s.abs())
    return -largest * smaller * s.sign(), largest * (2 + smaller)


DUALS: dict[str, Dual] = {"relu": _relu, "erf": _erf, "sin": _sin}

"""The function sin(a) / a as an activation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation

_NEAR = 3.0  # below it the Taylor series is summed: the recurrence loses digits like n! / a^n
_TERMS = 20  # the last one is below 1e-17 of the first at _NEAR


def _derivatives(a: Tensor, order: int) -> list[Tensor]:
    """Since (a f)^(n) = a f^(n) + n f^(n-1) is the n-th derivative of the sine, f^(n) follows from f^(n-1)."""
    near = a.abs() < _NEAR
    far = torch.where(near, torch.full_like(a, _NEAR), a)
    jet: list[Tensor] = []
    for n in range(order + 1):
        older = n * jet[n - 1] if n else torch.zeros_like(a)
        jet.append((torch.sin(far + n * math.pi / 2) - older) / far)
    small = torch.where(near, a, torch.zeros_like(a))
    return [torch.where(near, _series(small, n), far_value) for n, far_value in enumerate(jet)]


def _series(a: Tensor, n: int) -> Tensor:
    """The n-th derivative of ``sum_k (-1)^k a^(2k) / (2k + 1)!``, by Horner's rule in a^2."""
    first = (n + 1) // 2
    total, square = torch.zeros_like(a), a.square()
    for k in reversed(range(first, first + _TERMS)):
        total = total * square + (-1) ** k * math.perm(2 * k, n) / math.factorial(2 * k + 1)
    return total * a if n % 2 else total


SINC = Activation("sinc", _derivatives, math.inf)

"""Activations made of the logistic function s(a) = 1 / (1 + exp(-a)): softplus and SiLU."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pdefreq.spaces.networks.activations.activation import Activation


def _logistic(a: Tensor, order: int) -> list[Tensor]:
    """S and its derivatives: s' = s (1 - s), and Leibniz' rule for (s s)' gives s^(n+1) = s^(n) - (s s)^(n)."""
    jet = [torch.sigmoid(a)]
    if order >= 1:
        jet.append(jet[0] * torch.sigmoid(-a))  # 1 - s without cancellation
    for n in range(1, order):
        square = sum((math.comb(n, k) * jet[k] * jet[n - k] for k in range(n + 1)), start=torch.zeros_like(a))
        jet.append(jet[n] - square)
    return jet


def _softplus(a: Tensor, order: int) -> list[Tensor]:
    value = torch.logaddexp(a, torch.zeros_like(a))
    return [value, *_logistic(a, order - 1)] if order >= 1 else [value]


def _silu(a: Tensor, order: int) -> list[Tensor]:
    """A s, whose n-th derivative is a s^(n) + n s^(n-1)."""
    s = _logistic(a, order)
    return [a * s[n] if n == 0 else torch.addcmul(n * s[n - 1], a, s[n]) for n in range(order + 1)]


SOFTPLUS = Activation("softplus", _softplus, math.inf)
SILU = Activation("silu", _silu, math.inf)

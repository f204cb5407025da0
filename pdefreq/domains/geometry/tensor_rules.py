"""Quadrature rules on intervals and their tensor products on boxes (float64, on the CPU)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pdefreq.core.errors import IncompatibleError

_PANEL = 10  # Gauss points per panel: exact for degree 19, and points are nearly uniform for many panels
_MAX_POINTS = 10**8


def full_panels(a: float, b: float, n: int) -> tuple[Tensor, Tensor]:
    """The composite Gauss-Legendre rule on [a, b] with `n` points, rounded up to whole panels of 10."""
    order = min(n, _PANEL)
    return gauss_panels(a, b, -(-n // order), order)


def gauss_panels(a: float, b: float, panels: int, order: int) -> tuple[Tensor, Tensor]:
    """The composite Gauss-Legendre rule on [a, b] with equal panels of `order` points each."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    edges = np.linspace(a, b, panels + 1)
    half = np.diff(edges)[:, None] / 2
    x = (edges[:-1, None] + half * (nodes + 1)).ravel()
    return torch.from_numpy(x), torch.from_numpy((half * weights).ravel())


def equal_panels(a: float, b: float, n: int) -> tuple[Tensor, Tensor]:
    """The composite Gauss-Legendre rule on [a, b] with `n` points, rounded up to a multiple of the number of panels, n/10.

    It has fewer points than `full_panels` where n is just above a multiple of 10, which matters in three dimensions.
    """
    panels = max(1, round(n / _PANEL))
    return gauss_panels(a, b, panels, -(-n // panels))


def trapezoidal(a: float, b: float, n: int) -> tuple[Tensor, Tensor]:
    """The trapezoidal rule with `n` intervals."""
    weights = torch.full((n + 1,), (b - a) / n, dtype=torch.float64)
    weights[[0, -1]] /= 2
    return torch.from_numpy(np.linspace(a, b, n + 1)), weights


def tensor_product(rules: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The product of rules for the axes: points ``(n, d)`` in C order, and weights ``(n,)``.

    Raises:
        IncompatibleError: If there are too many points.
    """
    number = math.prod(len(nodes) for nodes, _ in rules)
    if number > _MAX_POINTS:
        raise IncompatibleError(
            f"a tensor product of rules in {len(rules)} dimensions has {number:.3g} points or more; use random points"
        )
    x = torch.cartesian_prod(*[nodes for nodes, _ in rules]).reshape(-1, len(rules))
    weights = rules[0][1]
    for _, w in rules[1:]:
        weights = torch.outer(weights, w).reshape(-1)
    return x, weights

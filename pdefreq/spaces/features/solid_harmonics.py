"""Solid harmonics of negative degree: derivatives of 1/r, which are harmonic outside a ball in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pdefreq.core.shapes import Gradients, Points, Values

_Table = dict[tuple[int, int], torch.Tensor]


@dataclass(frozen=True)
class SolidHarmonics:
    """The real and imaginary parts of ``w_nm = (d_x + i d_y)^m d_z^(n-m) 1/r`` for ``0 <= m <= n <= order``, up to factors.

    They span the harmonic functions of degrees -1 to -order - 1, which decay like ``r^(-n-1)``. Function (n, m) is scaled by
    ``radius^(n+1) / n!``, so that it has about unit size at r = radius. There are ``(order + 1)^2`` functions.

    Args:
        center: The point r = 0.
        radius: The length r of unit size.
        order: The largest n.

    Source:
        The recursion of Legendre functions gives ``r^2 w_(n+1)m = -(2 n + 1) z w_nm - (n^2 - m^2) w_(n-1)m``, and
        ``(d_x - i d_y)(d_x + i d_y) = -d_z^2`` on harmonic functions gives the derivatives: Hobson (1931), The Theory of
        Spherical and Ellipsoidal Harmonics, chapter 4.
    """

    center: tuple[float, float, float]
    radius: float
    order: int

    @property
    def size(self) -> int:
        """The number of functions, m."""
        return (self.order + 1) ** 2

    def value(self, x: Points) -> Values:
        """The values at points ``(n, 3)``, shape ``(n, m)``."""
        return self._columns(x, (0, 0, 0))

    def gradient(self, x: Points) -> Gradients:
        """The gradients, shape ``(n, 3, m)``."""
        return torch.stack([self._columns(x, tuple(int(k == i) for k in range(3))) for i in range(3)], dim=1)

    def hessian(self, x: Points) -> torch.Tensor:
        """The second derivatives, shape ``(n, 3, 3, m)``."""
        rows = [[tuple(int(k == i) + int(k == j) for k in range(3)) for j in range(3)] for i in range(3)]
        return torch.stack([torch.stack([self._columns(x, powers) for powers in row], dim=1) for row in rows], dim=1)

    def laplacian(self, x: Points) -> Values:
        """The Laplacians, which are zero, shape ``(n, m)``."""
        return x.new_zeros(len(x), self.size)

    def _columns(self, x: Points, powers: tuple[int, ...]) -> Values:
        """``d_x^i d_y^j d_z^k`` of all functions for powers (i, j, k) with a sum of at most 2."""
        table = self._table((x - x.new_tensor(self.center)) / self.radius, self.order + sum(powers))
        scale = self.radius ** -sum(powers)
        columns = []
        for n in range(self.order + 1):
            for m in range(n + 1):
                w = scale / math.factorial(n) * _derivative(table, n, m, powers)
                columns += [w.real] if m == 0 else [w.real, w.imag]
        return torch.stack(columns, dim=1)

    @staticmethod
    def _table(x: Points, order: int) -> _Table:
        """w_nm at points, for n up to an order."""
        square, z = x.square().sum(dim=1), x[:, 2]
        table: _Table = {}
        sectoral = torch.complex(square.rsqrt(), torch.zeros_like(z))
        along = torch.complex(x[:, 0], x[:, 1]) / square
        for m in range(order + 1):
            table[m, m] = sectoral
            for n in range(m, order):
                before = (n * n - m * m) * table[n - 1, m] if n > m else 0.0
                table[n + 1, m] = (-(2 * n + 1) * z * table[n, m] - before) / square
            sectoral = -(2 * m + 1) * along * sectoral
        return table


def _derivative(table: _Table, n: int, m: int, powers: tuple[int, ...]) -> torch.Tensor:
    """A derivative of w_nm; its derivatives in z, ``d_x + i d_y`` and ``d_x - i d_y`` are entries of the table."""
    if powers[2]:
        return _derivative(table, n + 1, m, (powers[0], powers[1], powers[2] - 1))
    if not any(powers):
        return table[n, m] if m >= 0 else (-1) ** m * table[n, -m].conj()
    rest = (powers[0] - 1, powers[1], 0) if powers[0] else (0, powers[1] - 1, 0)
    up, down = _derivative(table, n + 1, m + 1, rest), -_derivative(table, n + 1, m - 1, rest)
    return (up + down) / 2 if powers[0] else (up - down) / 2j

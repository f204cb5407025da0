"""Bessel functions times circular waves: solutions of ``-lap u + c u = 0`` around a point of the plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from pdefreq.core.shapes import Gradients, Points, Values


@dataclass(frozen=True)
class CylinderFunctions:
    """The real or imaginary parts of ``B_a(k r) exp(i a theta)`` around a point, with k^2 = |c|.

    They solve ``-lap u + c u = 0``. If `is_regular`, B is the modified Bessel function I for c > 0 and J for c < 0, whose
    functions have finite values at the point; otherwise it is K or Y, whose functions are multipoles. Function j is divided
    by ``|B_a(k radius)|``, for J and Y by ``(k radius / 2)^a / a!`` and its inverse.

    Args:
        center: The point r = 0.
        reaction: c, not zero.
        radius: The radius at which the functions have about unit size.
        exponents: The orders a_j, nonnegative.
        imaginary: Whether function j is the imaginary part.
        is_regular: Whether the functions are regular at the point.
        bisector: The unit vector on which the angle is `turn`; the branch cut is on its opposite ray.
        turn: The angle on the bisector.

    Source:
        DLMF 10.6.2, 10.29.2: the derivatives ``d_x + i d_y`` and ``d_x - i d_y`` raise and lower the order by one.
    """

    center: tuple[float, float]
    reaction: float
    radius: float
    exponents: tuple[float, ...]
    imaginary: tuple[bool, ...]
    is_regular: bool = False
    bisector: tuple[float, float] = (1.0, 0.0)
    turn: float = 0.0

    @property
    def size(self) -> int:
        """The number of functions, m."""
        return len(self.exponents)

    def value(self, x: Points) -> Values:
        """The values at points ``(n, 2)``, shape ``(n, m)``."""
        return self._part(x, self._wave(x, 0))

    def gradient(self, x: Points) -> Gradients:
        """The gradients, shape ``(n, 2, m)``."""
        up, down = self._wave(x, 1), self._wave(x, -1)
        return torch.stack([self._part(x, (up + down) / 2), self._part(x, (up - down) / 2j)], dim=1)

    def hessian(self, x: Points) -> torch.Tensor:
        """The second derivatives, shape ``(n, 2, 2, m)``."""
        up, down, middle = self._wave(x, 2), self._wave(x, -2), self.reaction * self._wave(x, 0)
        xx, yy = (self._part(x, (sign * (up + down) + 2 * middle) / 4) for sign in (1, -1))
        xy = self._part(x, (up - down) / 4j)
        return torch.stack([torch.stack([xx, xy], dim=1), torch.stack([xy, yy], dim=1)], dim=1)

    def laplacian(self, x: Points) -> Values:
        """The Laplacians, shape ``(n, m)``."""
        return self.reaction * self.value(x)

    def _wave(self, x: Points, shift: int) -> np.ndarray:
        """The derivative ``(d_x + i d_y)^shift``, or ``(d_x - i d_y)^-shift``, of ``B_a(k r) exp(i a theta)``, ``(n, m)``."""
        k, screened = math.sqrt(abs(self.reaction)), self.reaction > 0
        offset = (x.detach().cpu().double() - torch.tensor(self.center, dtype=torch.float64)).numpy()
        z = (offset[:, 0] + 1j * offset[:, 1])[:, None]
        bisector = complex(*self.bisector)
        r, theta = np.abs(z), np.angle(z / bisector) + self.turn
        a, place = np.unique(self.exponents, return_inverse=True)  # the real and the imaginary part have the same factors
        # d_x + i d_y multiplies by k for I and by -k for the others; d_x - i d_y by k for all but K.
        rising, falling = (1 if self.is_regular and screened else -1), (1 if self.is_regular or not screened else -1)
        factor = (rising * k) ** shift if shift >= 0 else (falling * k) ** -shift
        # theta is measured from another ray than the axes of the derivatives: rotate back by the angle between them
        back = (bisector * np.exp(-1j * self.turn)) ** shift
        wave = factor * back * self._bessel(a + shift, k * r) * np.exp(1j * (a + shift) * theta) / self._unit(a)
        return wave[:, place]

    def _bessel(self, orders: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The Bessel functions at t ``(n, 1)``, shape ``(n, m)``.

        Those of second kind are computed by recurrence in the order, which is stable for increasing orders (DLMF 3.6, 10.6.1,
        10.29.1) and takes a tenth of the time.
        """
        from scipy import special

        screened = self.reaction > 0
        if self.is_regular:
            return (special.iv if screened else special.jv)(orders, t)
        if np.any(orders != np.round(orders)):
            return (special.kv if screened else special.yv)(orders, t)
        whole = np.abs(orders).astype(int)
        sign, first = (1, (special.k0, special.k1)) if screened else (-1, (special.y0, special.y1))
        found = [each(t[:, 0]) for each in first]
        for a in range(1, int(whole.max(initial=0))):
            found.append(2 * a / t[:, 0] * found[a] + sign * found[a - 1])
        values = np.stack(found, axis=1)[:, whole]
        return values if screened else np.where((orders < 0) & (whole % 2 == 1), -values, values)

    def _unit(self, a: np.ndarray) -> np.ndarray:
        from scipy import special

        t, screened = math.sqrt(abs(self.reaction)) * self.radius, self.reaction > 0
        if screened:
            return special.iv(a, t) if self.is_regular else special.kv(a, t)
        log = a * math.log(t / 2) - special.gammaln(a + 1)
        return np.exp(log if self.is_regular else np.maximum(-log, 0))

    def _part(self, x: Points, wave: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.where(np.array(self.imaginary), np.imag(wave), np.real(wave))).to(x)

"""Sines with given wavevectors and phases as features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values
    from pdefreq.spaces.features.wave_bands import WaveBands

_WHOLE = 1e-9  # difference from an integer number of periods that is a rounding error


@dataclass(frozen=True, eq=False)
class SineFeatures:
    """The functions ``sin(w_j . (x - x_0) + b_j)``.

    Args:
        wavevectors: The rows w_j, in rad per unit of length, ``(m, d)``, float64 on the CPU.
        phases: The phases b_j, ``(m,)``.
        origin: The point x_0.
    """

    wavevectors: Tensor
    phases: Tensor
    origin: tuple[float, ...]

    @property
    def size(self) -> int:
        """The number of functions, m."""
        return len(self.phases)

    @cached_property
    def _squares(self) -> Tensor:
        return self.wavevectors.square().sum(dim=1)

    def value(self, x: Points) -> Values:
        """The values at points ``(n, d)``, shape ``(n, m)``."""
        return self._angles(x).sin_()

    def gradient(self, x: Points) -> Gradients:
        """The gradients, shape ``(n, d, m)``."""
        return self._angles(x).cos_()[:, None, :] * self.wavevectors.to(x).T

    def laplacian(self, x: Points) -> Values:
        """The Laplacians, shape ``(n, m)``."""
        return self.value(x).mul_(-self._squares.to(x))

    def hessian(self, x: Points) -> Tensor:
        """The second derivatives, shape ``(n, d, d, m)``."""
        w = self.wavevectors.to(x)
        return self.value(x)[:, None, None, :] * -torch.einsum("mi,mj->ijm", w, w)

    def combined(
        self, x: Points, value: Values | None, gradient: Gradients | None, second: Values | None, matrix: Tensor | None
    ) -> Tensor:
        """The sum ``value_i f + gradient_i . grad f + second_i S_i : D^2 f`` of all functions f at x_i, shape ``(n, m)``.

        The sines and the cosines of all angles are computed once, for all derivatives.
        """
        w, angles = self.wavevectors.to(x), self._angles(x)
        factor: Tensor | None = None if value is None else value[:, None]
        if second is not None:
            squares = self._squares.to(x) if matrix is None else _quadratic_forms(matrix, w)
            bent = squares * second[:, None]
            factor = -bent if factor is None else factor - bent
        rows = None if factor is None else angles.sin().mul_(factor)
        if gradient is not None:
            along = angles.cos_().mul_(gradient @ w.T)
            rows = along if rows is None else rows.add_(along)
        return angles.sin_() if rows is None else rows

    def evaluated(self, x: Points, c: Tensor, order: int, matrix: Tensor | None) -> list[Tensor]:
        """The function with the coefficients c at points, with its derivatives up to an order: u, grad u, S : D^2 u.

        All derivatives of the sines are products with the same two arrays ``(n, m)``.
        """
        angles, w = self._angles(x), self.wavevectors.to(x)
        sines = angles.sin()
        found = [sines @ c]
        if order >= 1:
            found.append(angles.cos_() @ (c[:, None] * w))
        if order >= 2 and matrix is None:
            found.append(sines @ (-self._squares.to(x) * c))
        elif order >= 2:
            assert matrix is not None
            second = sines @ (-c[:, None] * (w[:, :, None] * w[:, None, :]).flatten(1))
            found.append((matrix.flatten(1) * second).sum(dim=1))
        return found

    def _angles(self, x: Points) -> Tensor:
        return torch.addmm(self.phases.to(x), x - x.new_tensor(self.origin), self.wavevectors.to(x).T)


def _quadratic_forms(matrix: Tensor, w: Tensor) -> Tensor:
    """The forms ``w_j . S_i w_j`` for matrices ``(n, d, d)`` and vectors ``(m, d)``, shape ``(n, m)``."""
    pairs = (w[:, :, None] * w[:, None, :]).flatten(1)
    return matrix.flatten(1) @ pairs.T


def random_sines(
    bands: WaveBands,
    number: int,
    lengths: Sequence[float],
    origin: Sequence[float],
    draw: torch.Generator,
    periodic: Sequence[int] = (),
) -> SineFeatures:
    """Sines and cosines with random wavevectors, spread over bands, and random phases.

    Each wavevector has two functions, whose phases differ by a quarter of a period. With one function for each of twice as many
    wavevectors, errors were larger and depended more on the seed. The functions are in the order of their wavenumbers, so that
    the first ones span a space with a smaller bandwidth.

    Along a periodic axis the wavenumbers are multiples of 2 pi over the side, so that the functions are periodic.

    Args:
        bands: The wavevectors, in rad per unit of length.
        number: The number of functions.
        lengths: The sides of the bounding box.
        origin: The point from which angles are measured.
        draw: The random generator.
        periodic: The periodic axes.
    """
    w = bands.draw((number + 1) // 2, draw)
    for axis in periodic:
        unit = 2 * math.pi / lengths[axis]
        w[:, axis] = (w[:, axis] / unit).round() * unit
    phases = 2 * math.pi * torch.rand(len(w), generator=draw, dtype=torch.float64)
    order = (w.abs() / w.new_tensor(bands.largest)).amax(dim=1).argsort(stable=True)
    w, phases = w[order], phases[order]
    pairs = torch.stack([phases, phases + math.pi / 2], dim=1).flatten()
    return SineFeatures(w.repeat_interleave(2, dim=0)[:number], pairs[:number], tuple(origin))


def lattice_sines(largest: Sequence[float], lengths: Sequence[float], origin: Sequence[float]) -> SineFeatures:
    """All sines and cosines that are periodic on a box, with wavenumbers up to the largest ones, and the constant.

    Args:
        largest: The largest modulus of the wavenumber along each axis, in rad per unit of length.
        lengths: The sides of the box.
        origin: The point from which angles are measured.
    """
    axes = []
    for high, side in zip(largest, lengths, strict=True):
        last = math.ceil(high * side / (2 * math.pi) - _WHOLE)
        axes.append(2 * math.pi / side * torch.arange(-last, last + 1, dtype=torch.float64))
    w = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    leading = torch.zeros(len(w), dtype=torch.float64)
    for column in w.T:  # w and -w give the same functions: keep the one whose first nonzero component is positive
        leading = torch.where(leading == 0, column, leading)
    w = torch.cat([torch.zeros(1, len(axes), dtype=torch.float64), w[leading > 0]])
    phases = torch.zeros(2 * len(w) - 1, dtype=torch.float64)
    phases[: len(w)] = math.pi / 2
    return SineFeatures(torch.cat([w, w[1:]]), phases, tuple(origin))

"""A lifting of boundary values that need not be smooth, by sine series on the sides of a rectangle."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import Field
from pdefreq.spaces.spectral.sine_transform import sine_coefficients

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.box import Box
    from pdefreq.problem.terms.constants import Constants

_SAMPLES = 2**14  # on each side: aliasing errors of coefficients are then about 1e-9 for a kink and 1e-4 for a jump
_INWARD = 1e-7  # relative to the side: distance from a corner at which a side's own value at the corner is taken
_CHUNK = 2**20  # entries of the largest intermediate array
_ZERO = 1e-12  # relative to the terms of the sum: squares of decay rates below it are zero


@dataclass(frozen=True)
class _Side:
    """The series of one side: its coefficients, wavenumbers along the side, and squares of decay rates across it."""

    across: int
    end: int
    coefficients: Tensor
    wavenumbers: Tensor
    rates: Tensor


class SideSeries(Field):
    """The bilinear interpolant of the corner values, plus for each side a solution of ``-sum_i a_i d^2 w / dx_i^2 + c w = 0``.

    On its side, each solution equals the sine series of g minus the interpolant; on the other sides it is zero. No derivatives of
    g are used, so that g may have kinks and jumps. At a corner each side has its own value, the limit along the side, and the
    interpolant uses the mean of both.

    Args:
        g: The boundary values.
        box: The rectangle.
        constants: The constants a and c of the equation.
        modes: The number of modes of the series along each axis.
    """

    def __init__(self, g: Field, box: Box, constants: Constants, modes: tuple[int, ...]) -> None:
        self._box, self._reaction = box, constants.reaction
        sides = box.straight_sides
        assert sides is not None
        t = torch.linspace(0, 1, _SAMPLES + 1, dtype=sides.dtype)
        near = t.clamp(_INWARD, 1 - _INWARD)
        values = torch.stack([g(start + near[:, None] * (end - start)).detach() for start, end in sides])  # (4, samples)
        left, right, bottom, top = values
        self._corners = torch.stack(
            [
                torch.stack([left[0] + bottom[0], left[-1] + top[0]]),
                torch.stack([right[0] + bottom[-1], right[-1] + top[-1]]),
            ]
        ).div(2)  # by the end along the first and the second axis
        self._sides = []
        for (across, end), own in zip(itertools.product((0, 1), repeat=2), values, strict=True):
            along = 1 - across
            first, last = self._corners.select(across, end)
            rest = sine_coefficients((own - (first + t * (last - first))).numpy())
            k = torch.arange(1, modes[along] + 1, dtype=sides.dtype)
            xi = k * torch.pi / box.lengths[along]
            stiff = constants.diffusion[along] * xi**2
            square = stiff + constants.reaction
            square = torch.where(square.abs() <= _ZERO * (stiff + abs(constants.reaction)), 0.0, square)
            coefficients = torch.from_numpy(rest)[: modes[along]]
            self._sides.append(_Side(across, end, coefficients, xi, square / constants.diffusion[across]))

    def __call__(self, x: Points) -> Values:
        rows = max(1, _CHUNK // max(len(side.coefficients) for side in self._sides))
        return torch.cat(
            [self._interpolant(part) + sum(self._solution(side, part) for side in self._sides) for part in x.split(rows)]
        )

    def image(self, x: Points) -> Values:
        """The left-hand side of the equation applied to the lifting: c times the interpolant, shape ``(n,)``."""
        return self._reaction * self._interpolant(x)

    def _interpolant(self, x: Points) -> Values:
        (s, t), corners = (
            ((x - x.new_tensor(self._box.lower)) / x.new_tensor(self._box.lengths)).unbind(dim=1),
            self._corners.to(x),
        )
        return (1 - s) * ((1 - t) * corners[0, 0] + t * corners[0, 1]) + s * ((1 - t) * corners[1, 0] + t * corners[1, 1])

    def _solution(self, side: _Side, x: Points) -> Values:
        along, length = 1 - side.across, self._box.lengths[side.across]
        place = x[:, along] - self._box.lower[along]
        depth = (x[:, side.across] - self._box.bounds[side.end][side.across]).abs()
        waves = torch.sin(torch.outer(place, side.wavenumbers.to(x)))
        return (waves * _profile(side.rates.to(x), length - depth, depth, length)) @ side.coefficients.to(x)


def _profile(squares: Tensor, rise: Tensor, depth: Tensor, length: float) -> Tensor:
    """``sinh(m s) / sinh(m L)`` for ``m^2 = squares``, a sine quotient where that is negative, shape ``(n, modes)``.

    Args:
        squares: The squares of the rates.
        rise: The distances s from the opposite side.
        depth: The distances L - s from the side itself.
        length: L.
    """
    rate = squares.abs().sqrt()
    real = torch.where(squares > 0, rate, 1.0)
    decay = torch.exp(-torch.outer(depth, real)) * torch.expm1(-2 * torch.outer(rise, real)) / torch.expm1(-2 * length * real)
    wave = torch.where(squares < 0, rate, 1.0)
    oscillation = torch.sin(torch.outer(rise, wave)) / torch.where(squares < 0, torch.sin(length * wave), 1.0)
    return torch.where(squares > 0, decay, torch.where(squares < 0, oscillation, rise[:, None] / length))

"""The spectrum of a solution: its occupied wavenumbers with their amplitudes, bands and plane waves.

Wavenumbers are given in units of pi per side: k = 1 means half a period along a side of the box.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pdefreq.spectrum.box_transform import Transform

Decay = Literal["fast", "jumps", "flat"]

_ORDERS = {"flat": 0.6, "jumps": 1.4}  # largest orders of decay of noise (0 in theory) and of jumps (1); that of kinks is 2
_NAMED = 3  # largest number of bands that is stated in the sentence


def decay_class(order: float) -> Decay:
    """The class of a spectrum whose coefficients decay like k^-order."""
    return "flat" if order < _ORDERS["flat"] else "jumps" if order < _ORDERS["jumps"] else "fast"


@dataclass(frozen=True)
class DataSpectrum:
    """The estimated spectrum of a solution on the bounding box of its domain.

    Args:
        sides: The sides of the box, one for each axis.
        transform: The transform that was kept: sines, cosines, waves (all axes periodic), or lines (cosines along the
            axes only, in more than three dimensions).
        wavenumbers: The occupied wavenumbers, in units of pi per side, shape ``(m, d)``, the largest amplitude first.
        amplitudes: The amplitudes of the solution at these wavenumbers, relative to the largest one, shape ``(m,)``.
        largest: The largest occupied wavenumber along each axis, at least 1, in units of pi per side.
        cells: The number of points along each axis. Larger wavenumbers are not resolved.
        decay: Whether the spectrum of f decays fast, as slowly as that of a function with jumps, or not at all (noise, or
            features smaller than the distance of the points).
        resonant: The angular wavenumber sqrt(-c / A), in rad per unit of length, if the reaction c is negative, otherwise 0.
        threshold: The least relative amplitude of an occupied wavenumber.

    Example:
        >>> from pdefreq import Box, Problem
        >>> from pdefreq.spectrum.data_spectrum import data_spectrum
        >>> data_spectrum(Problem(domain=Box((0,), (1,)), exact="sin(5*pi*x)")).largest
        (5.0,)
    """

    sides: tuple[float, ...]
    transform: Transform
    wavenumbers: np.ndarray
    amplitudes: np.ndarray
    largest: tuple[float, ...]
    cells: int
    decay: Decay
    resonant: float
    threshold: float

    @classmethod
    def lowest(
        cls, sides: tuple[float, ...], cells: int, transform: Transform, resonant: float, threshold: float
    ) -> DataSpectrum:
        """The spectrum of data that vanish or are not finite: only the lowest wavenumber is occupied."""
        d = len(sides)
        largest = tuple(max(1.0, resonant * side / math.pi) for side in sides)
        return cls(sides, transform, np.ones((1, d)), np.ones(1), largest, cells, "fast", resonant, threshold)

    @property
    def angular(self) -> np.ndarray:
        """The occupied wavenumbers in rad per unit of length, shape ``(m, d)``."""
        return math.pi * self.wavenumbers / np.array(self.sides)

    @property
    def radius(self) -> float:
        """The largest occupied angular wavenumber |omega|, or the resonant one if that is larger, in rad per unit of length."""
        return max(float(np.linalg.norm(self.angular, axis=1).max(initial=0.0)), self.resonant, math.pi / max(self.sides))

    def plane_waves(self, most: int) -> np.ndarray:
        """Angular wavevectors of the plane waves that products of sines and cosines consist of, the largest amplitudes first.

        A product with the wavenumbers (k_1, ..., k_d) is a sum of waves with omega = pi (k_1 / L_1, +-k_2 / L_2, ...).

        Args:
            most: The largest number of waves.

        Returns:
            Wavevectors in rad per unit of length, one of omega and -omega, shape ``(m, d)`` with m from 1 to `most`.
        """
        signs = np.array([(1, *rest) for rest in itertools.product((1, -1), repeat=len(self.sides) - 1)])
        angular = self.angular[np.any(self.wavenumbers != 0, axis=1)]  # a constant is not a wave
        waves = (angular[:most, None, :] * signs).reshape(-1, len(self.sides))
        leading = waves[np.arange(len(waves)), np.argmax(waves != 0, axis=1)]
        waves = list(dict.fromkeys(map(tuple, (waves * np.sign(leading)[:, None] + 0.0).tolist())))
        return np.array(waves[:most] or [tuple(math.pi / side for side in self.sides)])

    @property
    def is_capped(self) -> bool:
        """Whether the spectrum reaches the largest wavenumber that the points resolve, so that larger ones may be present."""
        return max(self.largest) >= self.cells - 1 or self.decay == "flat"

    @functools.cached_property
    def bands(self) -> tuple[tuple[float, float, float], ...]:
        """Occupied intervals of |omega| in rad per unit of length, ascending, each with its share of the squared amplitudes.

        Intervals are at least two lattice steps wide. The resonant wavenumber is included in a band.
        """
        step = math.pi / max(self.sides)
        omega = np.linalg.norm(self.angular, axis=1)
        powers = self.amplitudes**2
        if self.resonant:
            omega, powers = np.append(omega, self.resonant), np.append(powers, 0.0)
        order = np.argsort(omega)
        omega, powers = omega[order], powers[order]
        if not len(omega):
            return ()
        starts = np.flatnonzero(np.diff(omega, prepend=-np.inf) > 2 * step)
        ends = np.append(starts[1:], len(omega))
        total = float(powers.sum()) or 1.0
        return tuple(
            (max(float(omega[a]) - step, 0.0), float(omega[b - 1]) + step, float(powers[a:b].sum()) / total)
            for a, b in zip(starts, ends, strict=True)
        )

    @property
    def reason(self) -> str:
        """The estimate as a clause for messages."""
        of = {"sine": "sines", "cosine": "cosines", "waves": "periodic waves", "lines": "cosines along the axes"}[self.transform]
        axes = "" if len(self.largest) == 1 else " along each axis" if len({*self.largest}) == 1 else " along the axes"
        numbers = ", ".join(f"{k:g}" for k in dict.fromkeys(self.largest))
        told = f"the expansion of the data in {of} has large coefficients at wavenumbers up to {numbers}{axes}"
        told += " (in units of pi per side)"
        if 1 < len(self.bands) <= _NAMED:
            told += f" in {len(self.bands)} bands"
        if self.resonant:
            told += f", and the equation is resonant at |omega| = {self.resonant:.3g}"
        told += {
            "fast": "",
            "jumps": "; they decay slowly, as for a function with a jump, so that larger wavenumbers also contribute",
            "flat": "; they do not decay up to the largest resolved wavenumber, as for noise or scales that are too fine",
        }[self.decay]
        return told

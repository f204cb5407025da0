"""The base class of mode families."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.core.shapes import Points
    from pdefreq.spaces.trial_space import TrialSpace

_ROUNDING = 1e-12  # coefficients below this times the largest value are rounding errors
FAR = 0.01
"""Relative distance of a named wavenumber above which the nearest mode is another one; meshes have smaller errors."""
_SAME = 1e-9  # relative: wavenumbers with a smaller difference are equal up to rounding


@dataclass(frozen=True, eq=False)
class Expansion:
    """A function expanded in modes.

    Args:
        coefficients: Coefficients of the modes, of any shape.
        wavenumber: |xi| of each mode, of the same shape.
        synthesize: A linear function from coefficients to the sum of the modes at the points of the function.
    """

    coefficients: np.ndarray
    wavenumber: np.ndarray
    synthesize: Callable[[np.ndarray], np.ndarray]


class Modes(ABC):
    """Finitely many modes of a mode family.

    Attributes:
        kind: The name of the mode family.
        complete: Whether a bias index may be formed: the family is orthogonal and complete for the functions of the problem, as
            Fourier modes are for periodic ones.
        linear: Whether coefficients are linear in the function; coefficients that are norms are not.
        indices: Integers that identify each mode within its family, shape ``(m, j)``.
        wavenumber: Wavenumbers |xi|, rad per unit length, shape ``(m,)``.
        wavevectors: Angular wavevectors, shape ``(m, d)``; None for modes without a direction.
    """

    kind: ClassVar[str]
    complete: ClassVar[bool]
    linear: ClassVar[bool] = True
    indices: np.ndarray
    wavenumber: np.ndarray
    wavevectors: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.indices)

    @abstractmethod
    def points(self, space: TrialSpace | None = None) -> Points:
        """The points at which members of `space` are sampled, ``(n, d)`` float64."""

    @abstractmethod
    def decompose(self, values: ArrayLike, space: TrialSpace | None = None) -> tuple[np.ndarray, float]:
        """The coefficients, and the L2 norm of the remainder.

        Args:
            values: Values at ``points(space)``, shape ``(n,)``. Form differences first, since coefficients may be complex or
                moduli.
            space: The trial space of the function.
        """

    @abstractmethod
    def analysis(self, space: TrialSpace | None = None) -> np.ndarray:
        """The matrix from values at ``points(space)`` to the parts of the coefficients, real or complex, shape ``(q, n)``.

        In families with linear coefficients the parts are the coefficients. See `of_parts` for the others.
        """

    @property
    def mode_of_part(self) -> np.ndarray:
        """The mode of each part, ascending, shape ``(q,)``."""
        return np.arange(len(self))

    def of_parts(self, parts: np.ndarray) -> np.ndarray:
        """Coefficients, shape ``(..., m)``, of parts, shape ``(..., q)``."""
        return parts

    @abstractmethod
    def take(self, places: np.ndarray) -> Self:
        """A selection of the modes, by index."""

    @abstractmethod
    def wavenumber_range(self, space: TrialSpace | None = None) -> tuple[float, float]:
        """The wavenumbers between which the family has modes; ``points(space)`` resolve all modes up to the larger one."""

    def recorded(self) -> Self:
        """The same modes on a coarser set of points, which is used at each recorded step of a run.

        Solutions and predictions use the points of the modes themselves.
        """
        return self

    def coefficients(self, values: ArrayLike, space: TrialSpace | None = None) -> np.ndarray:
        """Coefficients ``(m,)`` of values ``(n,)`` at ``points(space)``; 0 for a mode that these points do not resolve."""
        return self.decompose(values, space)[0]

    def amplitudes(self, values: np.ndarray, space: TrialSpace | None = None) -> np.ndarray:
        """Moduli of the coefficients, ``(m,)``, with rounding errors set to 0."""
        amplitude = np.abs(self.coefficients(values, space))
        return np.where(amplitude > _ROUNDING * np.abs(values).max(initial=0), amplitude, 0.0)

    def strongest(
        self,
        values: np.ndarray,
        space: TrialSpace | None = None,
        *,
        threshold: float,
        max_modes: int,
        wavenumbers: Iterable[float] = (),
    ) -> tuple[Self, int]:
        """The strongest modes of a function, and those that are named.

        Args:
            values: The function at ``points(space)``, shape ``(n,)``.
            space: The trial space of the function.
            threshold: Smallest amplitude, relative to the largest.
            max_modes: Largest number of modes that are selected by their amplitudes.
            wavenumbers: Wavenumbers whose nearest modes are selected whatever their amplitudes, if any mode is. Those beyond the
                last mode are ignored.

        Returns:
            These modes, and the number of all modes above the threshold.
        """
        amplitude = self.amplitudes(values, space)
        places, count_above_threshold = strongest(amplitude, threshold=threshold, max_modes=max_modes)
        if len(places):
            named = [xi for xi in wavenumbers if xi <= (1 + FAR) * self.wavenumber.max()]
            places = np.union1d(places, nearest(self.wavenumber, amplitude, named)).astype(int)
        return self.take(places), count_above_threshold


def strongest(amplitude: np.ndarray, *, threshold: float, max_modes: int) -> tuple[np.ndarray, int]:
    """The strongest modes by amplitude.

    Args:
        amplitude: |u^_k|, shape ``(m,)``.
        threshold: Smallest amplitude, relative to the largest.
        max_modes: Largest number of modes.

    Returns:
        Their indices, ascending, and the number of all modes above the threshold.
    """
    above = np.flatnonzero((amplitude >= threshold * amplitude.max(initial=0)) & (amplitude > 0))
    kept = above[np.argsort(-amplitude[above], kind="stable")[:max_modes]]
    return np.sort(kept), len(above)


def nearest(wavenumber: np.ndarray, amplitude: np.ndarray, wanted: Iterable[float]) -> list[int]:
    """For each wanted wavenumber the index of the nearest mode, the strongest of several at the same distance up to rounding.

    Args:
        wavenumber: |xi_k|, shape ``(m,)``.
        amplitude: |u^_k|, shape ``(m,)``; nan counts as 0.
        wanted: Angular wavenumbers.

    Example:
        >>> nearest(np.array([5.0, 5.0, 13.0]), np.array([0.1, 0.2, 0.0]), [5.0, 20.0])
        [1, 2]
    """
    size, places = np.nan_to_num(amplitude), []
    for xi in wanted if len(wavenumber) else ():
        distance = np.abs(wavenumber - xi)
        (same,) = np.nonzero(distance <= distance.min() + _SAME * abs(xi))
        places.append(int(same[np.argmax(size[same])]))
    return places

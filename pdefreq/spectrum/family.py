"""What every family of modes can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.core.shapes import Points
    from pdefreq.spaces.trial_space import TrialSpace

_ROUNDING = 1e-12  # coefficients below this times the largest value are rounding errors


@dataclass(frozen=True, eq=False)
class Expansion:
    """A function as a sum of modes.

    Args:
        coefficients: Of the modes, any shape.
        wavenumber: |xi| of each, the same shape.
        synthesize: The sum of the modes with these coefficients, at the points where the function was given; linear.
    """

    coefficients: np.ndarray
    wavenumber: np.ndarray
    synthesize: Callable[[np.ndarray], np.ndarray]


class Modes(ABC):
    """Finitely many modes of one family, of which a function has coefficients.

    Attributes:
        kind: The name of the family.
        complete: Whether a bias index may be formed: the family is orthogonal and complete for the functions of the problem, as
            Fourier modes are for periodic ones.
        linear: Whether the coefficients of a sum are the sums of coefficients; those that are norms are not.
        indices: What tells each mode from the others of its family, whole numbers, shape ``(m, j)``.
        wavenumber: Wavenumbers |xi|, rad per unit length, shape ``(m,)``.
        wavevectors: Angular wavevectors, shape ``(m, d)``; None where modes have no direction.
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
        """Where a member of `space` must be given, ``(n, d)`` float64."""

    @abstractmethod
    def decompose(self, values: ArrayLike, space: TrialSpace | None = None) -> tuple[np.ndarray, float]:
        """The coefficients, and the L2 norm of what all other modes carry together.

        Args:
            values: At ``points(space)``, shape ``(n,)``. Take differences first: coefficients may be complex, or moduli.
            space: Where the function lives.
        """

    @abstractmethod
    def take(self, places: np.ndarray) -> Self:
        """These modes only, by their places."""

    def recorded(self) -> Self:
        """The same modes at the points at which functions are measured at each record of a run, as few as their errors need.

        Solutions are decomposed once, and predictions made, at those of the modes themselves.
        """
        return self

    def coefficients(self, values: ArrayLike, space: TrialSpace | None = None) -> np.ndarray:
        """Coefficients ``(m,)`` of values ``(n,)`` at ``points(space)``; 0 for a mode that these points do not resolve."""
        return self.decompose(values, space)[0]

    def amplitudes(self, values: np.ndarray, space: TrialSpace | None = None) -> np.ndarray:
        """Moduli of the coefficients, ``(m,)``; 0 where they are rounding errors."""
        amplitude = np.abs(self.coefficients(values, space))
        return np.where(amplitude > _ROUNDING * np.abs(values).max(initial=0), amplitude, 0.0)

    def strongest(
        self, values: np.ndarray, space: TrialSpace | None = None, *, threshold: float, max_modes: int
    ) -> tuple[Self, int]:
        """The modes of a function that are worth watching.

        Args:
            values: The function at ``points(space)``, shape ``(n,)``.
            space: Where it lives.
            threshold: Least amplitude, relative to the largest.
            max_modes: Largest number of modes.

        Returns:
            These modes, and how many are above the threshold in all.
        """
        places, count_above_threshold = strongest(self.amplitudes(values, space), threshold=threshold, max_modes=max_modes)
        return self.take(places), count_above_threshold


def strongest(amplitude: np.ndarray, *, threshold: float, max_modes: int) -> tuple[np.ndarray, int]:
    """Which modes of a function are worth watching.

    Args:
        amplitude: |u^_k|, shape ``(m,)``.
        threshold: Least amplitude, relative to the largest.
        max_modes: Largest number of modes.

    Returns:
        Their places, ascending, and how many modes are above the threshold in all.
    """
    above = np.flatnonzero((amplitude >= threshold * amplitude.max(initial=0)) & (amplitude > 0))
    kept = above[np.argsort(-amplitude[above], kind="stable")[:max_modes]]
    return np.sort(kept), len(above)

"""The interface of mode families."""

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
    """A function expanded in modes.

    Args:
        coefficients: Coefficients of the modes, any shape.
        wavenumber: |xi| of each mode, the same shape.
        synthesize: Returns the sum of the modes with given coefficients at the points of the function; linear.
    """

    coefficients: np.ndarray
    wavenumber: np.ndarray
    synthesize: Callable[[np.ndarray], np.ndarray]


class Modes(ABC):
    """Finitely many modes of one family, and the coefficients of functions in them.

    Attributes:
        kind: The name of the family.
        complete: Whether the family is orthogonal and complete for the functions of the problem, as Fourier modes are for
            periodic functions. Only then is a bias index defined.
        linear: Whether coefficients depend linearly on the function; norms of projections do not.
        indices: Integers that identify each mode in its family, shape ``(m, j)``.
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
        """The points at which functions of `space` are given, ``(n, d)`` float64."""

    @abstractmethod
    def decompose(self, values: ArrayLike, space: TrialSpace | None = None) -> tuple[np.ndarray, float]:
        """The coefficients of a function, and the L2 norm of its part in all other modes.

        Args:
            values: Values at ``points(space)``, shape ``(n,)``. For an error, subtract functions rather than coefficients,
                because coefficients may be moduli.
            space: The trial space of the function.
        """

    @abstractmethod
    def take(self, places: np.ndarray) -> Self:
        """The modes at the given places."""

    def recorded(self) -> Self:
        """The same modes on the smallest sufficient set of points, for the measurements at each record of a run.

        Solutions and predictions use the points of the modes themselves.
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
        """The strongest modes of a function.

        Args:
            values: Values of the function at ``points(space)``, shape ``(n,)``.
            space: The trial space of the function.
            threshold: Smallest amplitude, relative to the largest.
            max_modes: Largest number of modes.

        Returns:
            These modes, and the total number of modes above the threshold.
        """
        places, count_above_threshold = strongest(self.amplitudes(values, space), threshold=threshold, max_modes=max_modes)
        return self.take(places), count_above_threshold


def strongest(amplitude: np.ndarray, *, threshold: float, max_modes: int) -> tuple[np.ndarray, int]:
    """The places of the strongest modes.

    Args:
        amplitude: |u^_k|, shape ``(m,)``.
        threshold: Smallest amplitude, relative to the largest.
        max_modes: Largest number of modes.

    Returns:
        Their places, ascending, and the total number of modes above the threshold.
    """
    above = np.flatnonzero((amplitude >= threshold * amplitude.max(initial=0)) & (amplitude > 0))
    kept = above[np.argsort(-amplitude[above], kind="stable")[:max_modes]]
    return np.sort(kept), len(above)

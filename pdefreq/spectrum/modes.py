"""Families of modes on a box: sine, cosine and Fourier. To be filled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.shapes import Points
    from pdefreq.spaces.trial_space import TrialSpace


class Modes(ABC):
    """Finitely many modes of one family.

    ``magnitude`` (m,) is |xi| (angular wavenumber, rad per unit length); ``wavevectors`` (m, d) the vectors.
    ``complete`` says whether the family is a complete orthogonal one (sine, cosine): only then is a bias index formed.
    """

    kind: str
    magnitude: np.ndarray
    wavevectors: np.ndarray
    indices: np.ndarray  # (m, d) integers: mode numbers along each axis
    complete: bool

    @abstractmethod
    def points(self, space: TrialSpace) -> Points:
        """The uniform grid at which a function must be given (n, d): the nodes of a grid space, else a fine default."""

    @abstractmethod
    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """Coefficients ``(m,)`` of values at the points ``(n,)``; complex for Fourier modes."""

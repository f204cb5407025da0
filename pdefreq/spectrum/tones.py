"""Tones: waves of given wavenumbers, by least squares, for targets that are sums of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pdefreq.core.errors import IncompatibleError
from pdefreq.spectrum.ray import RayModes, WaveFit, direction_of, wave_fit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.problem.problem import Problem

_LARGEST_CONDITION = 1e3  # of the matrix of waves, which amplifies the remainder; 1 for orthogonal waves


class ToneModes(RayModes):
    """A constant and the waves with the wavenumbers given by a problem, along its direction, for targets that are their sums.

    Tones are available for regressions only. The solution of a boundary value problem contains a part from its boundary
    conditions, a linear function in one dimension, which the fit distributes over the waves: on `poisson` the amplitude of
    sin(x) would be 0.436 instead of 1.
    """

    kind = "tones"

    @classmethod
    def check(cls, problem: Problem) -> None:
        """See `RayModes`.

        Raises:
            IncompatibleError: If the problem is not a regression, names no wavenumbers, or names wavenumbers that its domain does
                not separate.
        """
        if not problem.is_regression:
            raise IncompatibleError(
                "tones need a regression (diffusion = 0), because the part of a solution that is due to boundary conditions "
                "would count as tones; choose another family of modes"
            )
        if not _tones(problem):
            raise IncompatibleError("tones need wavenumbers, and this problem gives none: add [spectrum] wavenumbers")
        condition = _fit(problem).condition
        if not condition < _LARGEST_CONDITION:
            raise IncompatibleError(
                f"the tones {', '.join(f'{k:.4g}' for k in _tones(problem))} can't be told apart, or from a constant, on this "
                f"domain, where least squares would amplify errors {condition:.1g}-fold: give fewer wavenumbers, further apart"
            )

    @classmethod
    def of(cls, problem: Problem, indices: ArrayLike | None = None) -> Self:
        """The modes of a problem that passes `check`."""
        return cls(problem.domain, _fit(problem), indices)


def _tones(problem: Problem) -> tuple[float, ...]:
    return tuple(sorted({k for k in problem.spectrum.wavenumbers if k > 0}))


def _fit(problem: Problem) -> WaveFit:
    return wave_fit(problem.domain, direction_of(problem), _tones(problem))

"""The waves that a problem names, by least squares: for targets that are sums of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pdefreq.core.errors import IncompatibleError
from pdefreq.spectrum.ray import RayModes, WaveFit, direction_of, wave_fit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pdefreq.problem.problem import Problem

_LARGEST_CONDITION = 1e3  # of the matrix of waves, 1 where they are orthogonal: what is no wave is amplified by as much


class ToneModes(RayModes):
    """The wavenumbers that a problem names, along its direction, and a constant: for targets that are sums of such waves.

    Allowed where the target is given as it is, so for regressions. A solution of a boundary value problem holds what its
    boundary conditions add, a straight line in one dimension, and the waves take their share of that: on `poisson` the fit
    gives sin(x) an amplitude of 0.436 where 1 is true.
    """

    kind = "tones"

    @classmethod
    def check(cls, problem: Problem) -> None:
        """See `RayModes`.

        Raises:
            IncompatibleError: If it is no regression, names no wavenumbers, or some that its domain is too small to tell apart.
        """
        if not problem.is_regression:
            raise IncompatibleError(
                "tones need a regression (diffusion = 0): what boundary conditions add to the solution of a differential "
                "equation would be taken for tones; watch another family of modes"
            )
        if not _tones(problem):
            raise IncompatibleError(
                "tones are the wavenumbers that a problem names, and this one has none: add [spectrum] wavenumbers"
            )
        condition = _fit(problem).condition
        if not condition < _LARGEST_CONDITION:
            raise IncompatibleError(
                f"the tones {', '.join(f'{k:.4g}' for k in _tones(problem))} can't be told apart, or from a constant, on this "
                f"domain, where least squares would amplify errors {condition:.1g}-fold: name fewer, further apart"
            )

    @classmethod
    def of(cls, problem: Problem, indices: ArrayLike | None = None) -> Self:
        """The modes of a problem that `check` lets pass."""
        return cls(problem.domain, _fit(problem), indices)


def _tones(problem: Problem) -> tuple[float, ...]:
    return tuple(sorted({k for k in problem.spectrum.wavenumbers if k > 0}))


def _fit(problem: Problem) -> WaveFit:
    return wave_fit(problem.domain, direction_of(problem), _tones(problem))

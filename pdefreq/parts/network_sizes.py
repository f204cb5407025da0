"""The width and the start of a network that the spectrum of the data suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem

_TONES = 16  # a spectrum of at most this number of waves is one of pure tones
_LEAST, _PER_WAVE = 30, 5  # units of a network of one layer, and units per wave
_LEAST_IN_1D = 12  # of units for pure tones in one dimension, and 30 for any other spectrum
_DEEP = (24, 24)
UNINFORMED = (20, 20)
"""Widths of a network without an estimate of the spectrum."""


class Suggestion(NamedTuple):
    """Widths and initialization of a sine network, and the reason for them as the end of a sentence."""

    widths: tuple[int, ...]
    initialization: str
    reason: str


def _uninformed(reason: str) -> Suggestion:
    return Suggestion(UNINFORMED, "siren(10)", reason)


def suggested(problem: Problem) -> Suggestion:
    """Widths and initialization of a sine network for a residual.

    If the solution consists of a few waves, one layer represents it exactly, and few units are better than many: with waves that
    the solution does not contain, the steps are ill-conditioned (`poisson-tones:2d`: 4e-15 with 40 units, 1e-6 with 150). A
    continuous spectrum in two or three dimensions needs a second layer, which combines waves. In one dimension one layer was
    accurate in either case. The spectrum says nothing about the solution if only the lowest wavenumber is occupied, if p != 2, or
    in more than three dimensions, where the linear estimate does not hold or is too coarse.

    Args:
        problem: The problem.

    Returns:
        The widths, the name of the initialization, and the reason.
    """
    from pdefreq.spectrum.data_spectrum import DELTA, data_spectrum

    d = problem.domain.dimension
    if problem.is_regression or d > 3:
        return _uninformed("the spectrum of the solution is not estimated for a fit or in more than three dimensions")
    if problem.exponent != 2:
        return _uninformed(f"the data do not tell the spectrum of the solution for the exponent p = {problem.exponent:g}")
    if problem.periodic_axes:
        return _uninformed("waves of the data are not periodic")
    found = data_spectrum(problem)
    if max(found.largest) <= 1 or found.is_capped:
        return _uninformed("the data do not tell the spectrum of the solution")
    waves = len(found.plane_waves(_TONES + 1))
    if d == 1:  # a larger threshold means that many smaller amplitudes were left out
        pure = waves <= _TONES and found.threshold == DELTA
        widths = (max(_LEAST_IN_1D, _PER_WAVE * waves) if pure else _LEAST,)
    else:
        pure = waves <= _TONES
        widths = (max(_LEAST, _PER_WAVE * waves),) if pure else _DEEP
    kind = f"consists of {waves} wave{'s' if waves > 1 else ''}" if pure else "is continuous"
    return Suggestion(widths, "spectrum", f"the estimated spectrum of the solution {kind}")

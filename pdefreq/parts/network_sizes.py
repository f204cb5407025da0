"""The widths and the initialization of a network, chosen by the spectrum of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pdefreq.spectrum.data_spectrum import SpectralData

_TONES = 16  # largest number of waves in a spectrum of pure tones
_LEAST, _PER_WAVE = 30, 5  # smallest number of units of a network with one layer, and number of units per wave
_LEAST_IN_1D = 12  # the same for pure tones in one dimension; 30 units are used for other spectra
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


def suggested(data: SpectralData) -> Suggestion:
    """Widths and initialization of a sine network for a residual.

    If the solution consists of a few waves, one layer represents it exactly, and few units are better than many. With waves that
    the solution does not contain, the steps are ill-conditioned (`poisson-tones:2d`: 4e-15 with 40 units, 1e-6 with 150). A
    continuous spectrum in two or three dimensions needs a second layer, which combines waves. In one dimension one layer was
    accurate in either case. The spectrum is not used if only the lowest wavenumber is occupied, if the points do not resolve it,
    if p != 2 or a side is periodic, or in more than three dimensions.

    Args:
        data: The data of the problem.

    Returns:
        The widths, the name of the initialization, and the reason.
    """
    from pdefreq.spectrum.data_spectrum import DELTA

    problem = data.problem
    d = problem.domain.dimension
    if problem.is_regression or d > 3:
        return _uninformed("the spectrum of the solution is not estimated for a fit or in more than three dimensions")
    if not problem.equation.is_semilinear:
        return _uninformed("the spectrum of the solution is not estimated if second-order coefficients depend on u")
    if problem.periodic_axes:
        return _uninformed("the estimated waves are not periodic")
    found = data.spectrum
    if max(found.largest) <= 1 or found.is_capped:
        return _uninformed("the data do not determine the spectrum of the solution")
    waves = len(found.plane_waves(_TONES + 1))
    if d == 1:  # a larger threshold means that many smaller amplitudes were left out
        pure = waves <= _TONES and found.threshold == DELTA
        widths = (max(_LEAST_IN_1D, _PER_WAVE * waves) if pure else _LEAST,)
    else:
        pure = waves <= _TONES
        widths = (max(_LEAST, _PER_WAVE * waves),) if pure else _DEEP
    kind = f"consists of {waves} wave{'s' if waves > 1 else ''}" if pure else "is continuous"
    return Suggestion(widths, "spectrum", f"the estimated spectrum of the solution {kind}")

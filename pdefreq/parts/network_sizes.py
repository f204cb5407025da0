"""The widths and the initialization of a network, chosen by the spectrum of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.problem.problem import Problem
    from pdefreq.spectrum.data_spectrum import SpectralData

_TONES = 16  # largest number of waves in a spectrum of pure tones
_LEAST, _PER_WAVE = 30, 5  # smallest number of units of a network with one layer, and number of units per wave
_LEAST_IN_1D = 12  # the same for pure tones in one dimension; 30 units are used for other spectra
_DEEP = (24, 24)
_LOCAL, _OMEGA = (30, 30), 20.0  # network without waves, and its largest initial wavenumber times the longest side
_FITS = 0.1  # relative residual of the waves above which the solution has other parts
UNINFORMED = (20, 20)
"""Widths of a network without an estimate of the spectrum."""


class Suggestion(NamedTuple):
    """Widths and initialization of a sine network, and the reason for them as the end of a sentence."""

    widths: tuple[int, ...]
    initialization: str
    reason: str


def _uninformed(reason: str) -> Suggestion:
    return Suggestion(UNINFORMED, "siren(10)", reason)


def _local(problem: Problem, reason: str) -> Suggestion:
    """A network for solutions with layers, whose initial functions have a few waves along the longest side."""
    from pdefreq.domains.frame import Frame

    longest = max((b - a) / unit for a, b, unit in zip(*problem.domain.bounds, Frame.of(problem.domain).units, strict=True))
    return Suggestion(_LOCAL, f"siren({_OMEGA / longest:.3g})", reason)


def suggested(data: SpectralData) -> Suggestion:
    """Widths and initialization of a sine network for a residual.

    If the solution consists of a few waves, one layer represents it exactly, and few units suffice. This is the case if the
    waves of the data satisfy a linear equation and the boundary conditions up to a tenth. Layers next to boundary values, and
    fine scales of a coefficient, are no such waves: two layers of 30 units follow them, initially with a few waves along the
    longest side. The same network is used on domains with holes if the data have no spectrum.

    A continuous spectrum in two or three dimensions needs a second layer, which combines waves. In one dimension one layer was
    accurate in either case. The spectrum is not used if only the lowest wavenumber is occupied, if the points do not resolve it,
    if p != 2 or a side is periodic, or in more than three dimensions.

    Args:
        data: The data of the problem.

    Returns:
        The widths, the name of the initialization, and the reason.
    """
    from pdefreq.domains.holes import WithHoles
    from pdefreq.spectrum.data_spectrum import DELTA

    problem = data.problem
    d, holes = problem.domain.dimension, isinstance(problem.domain, WithHoles)
    if problem.is_regression or d > 3:
        return _uninformed("the spectrum of the solution is not estimated for a fit or in more than three dimensions")
    if not problem.equation.is_semilinear:
        return _uninformed("the spectrum of the solution is not estimated if second-order coefficients depend on u")
    if problem.periodic_axes:
        return _uninformed("the estimated waves are not periodic")
    found = data.spectrum
    if max(found.largest) <= 1 or found.is_capped:
        if holes and d > 1:
            return _local(problem, "the domain has holes, and the data do not determine the spectrum of the solution")
        return _uninformed("the data do not determine the spectrum of the solution")
    vectors = found.plane_waves(_TONES + 1)
    waves = len(vectors)
    if d == 1:  # a larger threshold means that many smaller amplitudes were left out
        pure = waves <= _TONES and found.threshold == DELTA
        widths = (max(_LEAST_IN_1D, _PER_WAVE * waves) if pure else _LEAST,)
    else:
        pure = waves <= _TONES
        if pure and _misfit(problem, vectors) > _FITS:
            return _local(problem, "no combination of the waves in the data satisfies the equation and the boundary conditions")
        widths = (max(_LEAST, _PER_WAVE * waves),) if pure else _DEEP
    kind = f"consists of {waves} wave{'s' if waves > 1 else ''}" if pure else "is continuous"
    return Suggestion(widths, "spectrum", f"the estimated spectrum of the solution {kind}")


def _misfit(problem: Problem, waves: np.ndarray) -> float:
    """The relative residual of the best combination of the waves; 0 if it can't be computed by a linear system."""
    from pdefreq.functionals.wave_misfit import wave_misfit

    known = problem.is_linear and problem.data is None and problem.discontinuous is None
    return wave_misfit(problem, waves) if known else 0.0

"""The spectrum of a solution, estimated from the data of the problem before the solution is computed.

The source f is expanded in cosines and in sines of the bounding box of the domain, and each coefficient is divided by the symbol
of the equation with averaged coefficients. The transform with fewer large coefficients is kept. Sine coefficients decay slowly
(leakage) if the function does not vanish at the sides, and cosine coefficients if its slope does not vanish there. Wavenumbers
are given in units of pi per side: k = 1 is half of a period along a side of the box.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.spectrum.data_along_lines import along_lines
from pdefreq.spectrum.data_on_lattice import CELLS, on_lattice
from pdefreq.spectrum.occupied_wavenumbers import DataSpectrum

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem

DELTA = 1e-3
"""The least amplitude of an occupied wavenumber, relative to the largest one."""


@dataclass(frozen=True)
class SpectralData:
    """The data of a problem for those who need their spectrum, which is estimated at the first use.

    Args:
        problem: The problem. The exact solution is not used.
    """

    problem: Problem

    @functools.cached_property
    def spectrum(self) -> DataSpectrum:
        """The spectrum with the default threshold."""
        return data_spectrum(self.problem)


def data_spectrum(problem: Problem, delta: float = DELTA) -> DataSpectrum:
    """The estimated spectrum of the solution.

    Prescribed values that vary are treated as amplitudes of the solution, and fluxes as amplitudes of its slope. Variable
    coefficients, convection and nonlinear terms are applied once to the solution with averaged coefficients and contribute a
    second load, which contains the products of their waves with those of the solution. For p != 2 this load is not used.
    Formulas are evaluated in the whole box, and values that are not finite are replaced by zero. Prescribed values with kinks or
    jumps, whose formulas are not smooth off the boundary either, are left out.

    Args:
        problem: The problem. The exact solution is not used.
        delta: The least amplitude of an occupied wavenumber, relative to the largest one. If many wavenumbers are above it, but
            only a few above ten times the value, these are considered pure tones, and ten times the value is used.

    Returns:
        The spectrum. If all data are zero, the lowest wavenumber is taken as occupied.
    """
    estimate = on_lattice if problem.domain.dimension in CELLS else along_lines
    return estimate(problem, delta)

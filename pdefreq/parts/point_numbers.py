"""Default numbers of interior points in the plane, chosen by the spectrum of the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdefreq.spectrum.data_spectrum import SpectralData

_PER_HALF_WAVE = 5  # points per half wave along an axis
_LEAST = 50  # least number of points along an axis
_AROUND_HOLES = 3  # factor on domains with holes, near which the solution varies most
_WORTHWHILE = 0.5  # the usual number is kept if the new one is a larger fraction of it


def fitted_number(usual: int, data: SpectralData, *, holes: bool) -> tuple[int, str]:
    """The number of interior points for a solution with an estimated spectrum, and a sentence on the choice.

    The time of a step is proportional to the number of points. On `robin`, `deep-ritz` had a relative L2 error of 0.007 after 15
    processor seconds with 2500 points, and 0.13 with 19,600. The usual number suffices for 28 half waves along each axis.

    Args:
        usual: The usual number.
        data: The data of the problem.
        holes: Whether the domain has holes.

    Returns:
        The number and the sentence; the usual number and "" if the spectrum is not known, or the number would hardly be smaller.
    """
    problem = data.problem
    if problem.domain.dimension != 2 or problem.is_regression or problem.data is not None or not problem.equation.is_semilinear:
        return usual, ""
    found = data.spectrum
    if max(found.largest) <= 1 or found.is_capped:
        return usual, ""
    along = max(_LEAST, math.ceil(_PER_HALF_WAVE * max(found.largest)))  # the rules have equal numbers along all axes
    number = along**2 * (_AROUND_HOLES if holes else 1)
    if number > _WORTHWHILE * usual:
        return usual, ""
    waves = " and ".join(f"{k:g}" for k in found.largest)
    return number, (
        f"{number:,} interior points were chosen, since the estimated spectrum of the solution ends at {waves} half waves along "
        f"the axes; `--set number={usual}` selects the usual number."
    )

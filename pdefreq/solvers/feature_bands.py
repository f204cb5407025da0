"""The wavevectors of the method `random-features` in each attempt, chosen by the spectra of the data and of the coefficients."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.spaces.features.effective_dimension import effective_dimension
from pdefreq.spectrum.coefficient_waves import coefficient_waves, product_ratio, products, source_tones, strongest_waves
from pdefreq.spectrum.data_spectrum import data_spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.features.wave_bands import WaveBands
    from pdefreq.spectrum.occupied_wavenumbers import DataSpectrum

DENSITY = {1: 2.0, 2: 1.0, 3: 0.5}
"""Number of features per unit volume of wavenumbers, by dimension, for estimates of the size of a problem."""
MOST_FEATURES = 9000
"""Largest number of features in a dense least-squares problem, about 6e12 operations in two dimensions."""

_REDUNDANCY = {1: 1.5, 2: 1.2, 3: 1.2}  # features per function that the waves span on the box
_ACCURACY = {
    1: 1e-14,
    2: 1e-12,
    3: 5e-3,
}  # accuracy up to which these functions are counted; in three dimensions, smaller errors need too many features
_NEAR = {1: 8.0, 2: 8.0, 3: 2.0}  # the margin of neighborhoods in the first attempt
_MARGIN = {1: 8.0, 2: 8.0, 3: 4.0}  # in units of pi per side, beyond the occupied wavenumbers, since u is not periodic on the box
_DELTA = {1: 1e-2, 2: 1e-2, 3: 0.3}  # least relative amplitude of an occupied wavenumber; later attempts include others
_SPARSE = 0.5  # only neighborhoods are used if they cover less than this fraction of the box of wavenumbers
_GROWTH = 1.2  # factor of the bandwidth from one attempt to the next; it increases by at least 3 units
_LEAST_GROWTH = 3.0
_NONLINEAR_GROWTH = 1.5  # the same factor for nonlinear equations, whose first bandwidth does not include all waves of u
_SMALLEST = 1e-13  # the first attempt leaves out products with smaller relative amplitudes; their relative residuals are larger
_SHARE = 2.0  # largest ratio of the numbers of features with and without products
_SMALL = 2000  # number of features up to which the first attempt resolves mirror images of holes and products with coefficients


def num_features(bands: WaveBands) -> int:
    """The number of features for a set of wavevectors, in units of pi per side.

    It is proportional to the number of functions that the waves span on the box, but at most 2 per unit volume of wavenumbers in
    one dimension and 1 in two. This limit applies for small bandwidths. The features then cannot represent all waves with these
    wavenumbers, but the amplitudes of the solution decay within the margin.
    """
    d = len(bands.widths)
    spanned = _REDUNDANCY[d] * effective_dimension(bands, _ACCURACY[d])
    return round(spanned if d > 2 else min(spanned, DENSITY[d] * bands.volume))


@dataclass(frozen=True)
class FeatureBands:
    """The wavevectors of each attempt.

    Args:
        problem: The problem.
        bandwidth: The largest wavenumber of the first attempt along each axis, in units of pi per side, if it is given.
    """

    problem: Problem
    bandwidth: tuple[float, ...] | float | None

    @property
    def reason(self) -> str:
        """The reason for the choice, as a sentence."""
        if self.bandwidth is not None:
            return "The bandwidth of the features was given."
        found = f"The bandwidth was chosen by the spectrum of the data: {self.spectrum.reason}"
        if self.problem.equation.is_linear and len(self._coefficients):
            numbers = ", ".join(f"{k:g}" for k in dict.fromkeys(self._coefficients.max(axis=0)))
            found += f"; the coefficients contain waves up to {numbers}, whose products with those of the solution are included"
        return f"{found}."

    @cached_property
    def spectrum(self) -> DataSpectrum:
        """The spectrum of the data."""
        return data_spectrum(self.problem, _DELTA[self.problem.domain.dimension])

    def attempt(self, number: int) -> WaveBands:
        """The wavevectors of an attempt, counted from 0, in units of pi per side.

        The bandwidth is the largest occupied wavenumber plus a margin, and increases from one attempt to the next. Outside of
        this box, the neighborhoods of weak tones and of products with the waves of the coefficients are added, with more factors
        in each attempt, as far as the number of features allows. The first attempt for a linear equation uses neighborhoods
        only, if their volume is less than half of that of the box and no mirror images of holes have to be resolved. For
        nonlinear equations, the first attempt uses the box up to the strongest wave of the source and of each coefficient.
        """
        from pdefreq.spaces.features.wave_bands import WaveBands

        d = self.problem.domain.dimension
        if self.bandwidth is not None:
            widths = self.bandwidth if isinstance(self.bandwidth, tuple) else (self.bandwidth,) * d
            return WaveBands.box([width * _GROWTH**number for width in widths])
        if not self.problem.equation.is_linear:
            return WaveBands.box([width * _NONLINEAR_GROWTH**number for width in self._nonlinear_widths])
        widths = self._widths(number)
        found = self._around(self._tones[:0], widths, number)
        factors, limit = self._factors, max(_SMALL * _GROWTH ** (d * number), _SHARE * DENSITY[d] * found.volume)
        for _ in range(number):
            factors = max(factors + 1, round(_GROWTH * factors))
        for outer in itertools.islice(products(self._tones, self._coefficients, MOST_FEATURES), factors + 1):
            bands = self._around(outer, widths, number)
            if DENSITY[d] * bands.volume > min(limit, MOST_FEATURES):
                break
            found = bands
        return found

    def _around(self, points: np.ndarray, widths: Sequence[float], number: int) -> WaveBands:
        """The box up to given widths, or the neighborhoods of occupied wavenumbers in it, and the neighborhoods of points."""
        import torch

        from pdefreq.spaces.features.wave_bands import WaveBands

        d, outside = len(widths), torch.from_numpy(points[np.any(points > np.array(widths), axis=1)])
        margin = (self._margin + min(a - b for a, b in zip(widths, self._widths(0), strict=True)),) * d
        if number == 0 and not any(self._images):
            near = (_NEAR[d],) * d
            bands = WaveBands.around(torch.from_numpy(self.spectrum.wavenumbers), near, weak=outside)
            if bands.volume < _SPARSE * math.prod(2 * max(each) for each in zip(widths, bands.largest, strict=True)):
                return bands
        return WaveBands.around(outside[:0], margin, within=widths, weak=outside) if len(outside) else WaveBands.box(widths)

    def _widths(self, number: int) -> list[float]:
        """The half sides of the box of an attempt."""
        widths = []
        for largest, images in zip(self.spectrum.largest, self._images, strict=True):
            width = max(largest + self._margin, images)
            for _ in range(number):
                width = max(width + _LEAST_GROWTH, _GROWTH * width)
            widths.append(width)
        return widths

    @cached_property
    def _nonlinear_widths(self) -> list[float]:
        """The half sides of the box of the first attempt for a nonlinear equation, at least the margin.

        The spectrum of the data does not determine the waves of u, but the strongest waves of the source and of the coefficients
        occur in u. They are left out as far as the first problem would have too many features.
        """
        waves = strongest_waves(self.problem).max(axis=0, initial=0.0)
        count = DENSITY[len(waves)] * math.prod(2 * (wave + self._margin) for wave in waves)
        shrunk = min(1.0, (_SMALL / count) ** (1 / len(waves)))
        return [max(self._margin, shrunk * (wave + self._margin)) for wave in waves]

    @property
    def _margin(self) -> float:
        return _MARGIN[self.problem.domain.dimension]

    @cached_property
    def _coefficients(self) -> np.ndarray:
        return coefficient_waves(self.problem)

    @cached_property
    def _factors(self) -> int:
        """The number of factors in the products of the first attempt, from the ratio of their amplitudes."""
        if not len(self._coefficients):
            return 0
        return math.ceil(math.log(_SMALLEST) / math.log(product_ratio(self.problem, self._coefficients)))

    @cached_property
    def _tones(self) -> np.ndarray:
        """The wavenumbers of tones in the source, also of weak ones, and zero."""
        return np.concatenate([np.zeros((1, self.problem.domain.dimension)), source_tones(self.problem)])

    @cached_property
    def _images(self) -> list[float]:
        """The wavenumbers up to which images of holes are resolved, in pi per side, reduced so that the problem stays small."""
        from pdefreq.spaces.features.multipoles import image_wavenumber

        wavenumber = image_wavenumber(self.problem)
        widths = [wavenumber * (b - a) / math.pi for a, b in zip(*self.problem.domain.bounds, strict=True)]
        volume = DENSITY[len(widths)] * math.prod(2 * width for width in widths)
        shrunk = min(1.0, (_SMALL / volume) ** (1 / len(widths))) if volume > 0 else 1.0
        return [shrunk * width for width in widths]

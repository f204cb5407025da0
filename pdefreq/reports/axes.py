"""The axes of charts: linear and logarithmic scales, with their ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """A map from values to a coordinate of a drawing.

    Args:
        low: The smallest value.
        high: The largest value.
        start: The coordinate of the smallest value.
        end: The coordinate of the largest value.
        log: Whether the scale is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def of(cls, values: np.ndarray, start: float, end: float, *, log: bool = False, tight: bool = False) -> Scale:
        """The scale that covers all finite values, those above 0 for a logarithmic scale.

        Args:
            values: The values.
            start: The coordinate of the smallest value.
            end: The coordinate of the largest value.
            log: Whether the scale is logarithmic. It then covers powers of ten, unless it is tight.
            tight: Whether the scale ends at the largest value.
        """
        known = np.asarray(values, float).ravel()
        known = known[np.isfinite(known) & ((known > 0) | (not log))]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.1 if log else 0.0, 1.0)
        if log and not (tight and high > low):
            low, high = 10 ** math.floor(math.log10(low) + 1e-9), 10 ** math.ceil(math.log10(high) - 1e-9)
            return cls(low, high * 10 if high <= low else high, start, end, log)
        return cls(low, high if high > low else low + 1, start, end, log)

    def __call__(self, values: np.ndarray | float) -> np.ndarray:
        """Coordinates of values; nan where a logarithmic scale has none. Values below the smallest are drawn there."""
        v = np.asarray(values, float)
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                part = (np.log(v) - math.log(self.low)) / math.log(self.high / self.low)
            part = np.where(v > 0, part, np.where(v == 0, 0.0, np.nan))
        else:
            part = (v - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """The values at which the axis has a tick, at most about `most`."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            if last > first:
                return [10.0**k for k in range(first, last + 1, max(1, math.ceil((last - first) / most)))]
            between = [m * 10.0**k for k in (first - 1, first, last + 1) for m in (1, 2, 5)]  # fewer than two powers of ten
            if found := sorted({value for value in between if self.low <= value <= self.high}):
                return found
        width = (self.high - self.low) / most
        unit = 10 ** math.floor(math.log10(width))
        width = next(unit * k for k in (1, 2, 5, 10) if unit * k >= width * 0.999)
        first, last = math.ceil(self.low / width - 1e-9), math.floor(self.high / width + 1e-9)
        return [k * width for k in range(first, last + 1)]

    def label(self, value: float) -> str:
        """The text of a tick."""
        if self.log and not 1e-2 <= value < 1e4:
            power = math.floor(math.log10(value) + 1e-9)
            exponent = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
            factor = f"{value / 10.0**power:.3g}"
            return f"10{exponent}" if factor == "1" else f"{factor}·10{exponent}"
        return f"{value:,.6g}" if abs(value) > 1e-12 else "0"

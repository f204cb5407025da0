"""The points of a sweep: all combinations of values, or a random or low-discrepancy sample of ranges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pdefreq.core.conversion import convert, shown
from pdefreq.core.errors import OptionError

Search = Literal["sobol", "random"]
_MOST = 10_000  # points


@dataclass(frozen=True)
class Values:
    """An option that takes the values of a list.

    Args:
        values: The values.

    Raises:
        OptionError: If there are none, or one occurs twice.
    """

    values: Sequence[Any]

    def __post_init__(self) -> None:
        texts = [str(value) for value in self.values]
        if not texts or len(set(texts)) < len(texts):
            raise OptionError(f"a sweep needs different values of an option, at least one, got {shown(list(self.values))}")

    def at(self, fraction: float) -> Any:
        """The value at a fraction in [0, 1) of the list."""
        return self.values[int(fraction * len(self.values))]


@dataclass(frozen=True)
class Range:
    """An option whose values fill an interval.

    Args:
        low: The lowest value.
        high: The highest value.
        log: Whether the logarithm is uniform.
        integer: Whether the values are integers.

    Raises:
        OptionError: If the interval is empty, or contains no integer or values without a logarithm where these are needed.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise OptionError(f"a range needs two increasing numbers, got {self.low:g} and {self.high:g}")
        if self.log and not self.low > 0:
            raise OptionError(f"a range on a logarithmic scale needs positive numbers, got {self.low:g}")
        if self.integer and math.ceil(self.low) > math.floor(self.high):
            raise OptionError(f"a range of integers must contain one, got {self.low:g} to {self.high:g}")

    @classmethod
    def parse(cls, text: str) -> Range:
        """A range from text, such as ``1e-4:1e-1:log`` or ``8:64:int``.

        Raises:
            OptionError: If the text has another form.

        Example:
            >>> Range.parse("1:100:log:int")
            Range(low=1.0, high=100.0, log=True, integer=True)
        """
        low, _, rest = text.partition(":")
        high, *words = rest.split(":")
        try:
            ends = float(low), float(high)
        except ValueError:
            ends = None
        if ends is None or not set(words) <= {"log", "int"}:
            raise OptionError(f"a range must be LOW:HIGH, LOW:HIGH:log or LOW:HIGH:int, such as 1e-4:1e-1:log, got '{text}'")
        return cls(*ends, log="log" in words, integer="int" in words)

    def at(self, fraction: float) -> float | int:
        """The value at a fraction in [0, 1) of the interval; an integer range includes its ends."""
        low, high = (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)
        if self.log:
            low = self.low * 0.9 if self.integer and low <= 0 else low
            value = math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
        else:
            value = low + fraction * (high - low)
        return min(max(round(value), math.ceil(self.low)), math.floor(self.high)) if self.integer else value


def grid_points(axes: Mapping[str, Values]) -> list[dict[str, Any]]:
    """All combinations of the values; the last option varies fastest.

    Raises:
        OptionError: If there are more than 10,000.

    Example:
        >>> grid_points({"a": Values([1, 2]), "b": Values("xy")})
        [{'a': 1, 'b': 'x'}, {'a': 1, 'b': 'y'}, {'a': 2, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    count = math.prod(len(axis.values) for axis in axes.values())
    if count > _MOST:
        raise OptionError(f"the grid has {count:,} points, more than {_MOST:,}: use fewer values, or a sample of them")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*(axis.values for axis in axes.values()))]


def sample_points(
    axes: Mapping[str, Values | Range], number: int, *, search: Search = "sobol", seed: int = 0
) -> list[dict[str, Any]]:
    """A sample of the options.

    Args:
        axes: The options with their values.
        number: The number of points.
        search: ``"sobol"`` for a scrambled Sobol sequence, or ``"random"`` for independent uniform points.
        seed: The seed.

    Raises:
        OptionError: If the number is not in 1, ..., 10,000, or the search is unknown.
    """
    import numpy as np
    from scipy.stats import qmc

    from pdefreq.core.streams import stream_seed

    if not 1 <= convert("samples", number, int) <= _MOST:
        raise OptionError(f"`samples` must be between 1 and {_MOST:,}, got {number}", option="samples")
    chance = np.random.default_rng(stream_seed(seed, "sweep"))
    if search == "sobol":
        generator: dict[str, Any] = {"rng" if _takes_rng(qmc.Sobol) else "seed": chance}
        sequence = qmc.Sobol(len(axes), **generator)
        fractions = sequence.random_base2(max(0, math.ceil(math.log2(number))))[:number]
    elif search == "random":
        fractions = chance.random((number, len(axes)))
    else:
        raise OptionError(f"`search` must be sobol or random, got {shown(search)}", option="search")
    return [{name: axis.at(float(u)) for (name, axis), u in zip(axes.items(), row, strict=True)} for row in fractions]


def _takes_rng(kind: type) -> bool:
    """Whether scipy names the generator ``rng``, as it does from version 1.15 on."""
    import inspect

    return "rng" in inspect.signature(kind).parameters

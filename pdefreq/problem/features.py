"""The finest features of the fields of a problem, read from their formulas: wavelengths, widths of layers, close interfaces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pdefreq.core.fields import Field, Profile
from pdefreq.core.streams import stream
from pdefreq.problem.interfaces import interfaces

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain

_SAMPLES = 2048  # points at which the search for a maximum begins
_TRIALS, _ROUNDS, _SHRINK = 64, 80, 0.65  # of the search around the best point: its last radius is 1e-15 of the first one
_DISTANCES = 120  # distances from the maximum, from `_LEAST` to 1 times the size of the domain
_LEAST = 1e-9  # lengths below this fraction of the domain are roots or singular points that were found up to rounding
_HALVINGS = 40
_ZERO = 1e-12  # of the largest sample: a base of a power below it is a root, and the power has no length scale


@dataclass(frozen=True)
class Feature:
    """A feature of a formula with its length scale.

    Args:
        text: The feature for messages: a part of a formula, or two interfaces.
        kind: ``"wave"``, whose length is the wavelength; ``"layer"``, over whose length the formula changes by a factor of about
            e; ``"gap"``, whose length is the distance between two neighboring interfaces or ends of the domain.
        length: The length.
        x: A point at which the length was found, shape ``(d,)``.
    """

    text: str
    kind: Literal["wave", "layer", "gap"]
    length: float
    x: tuple[float, ...]

    @property
    def spacing(self) -> float:
        """The largest distance between neighboring points that can represent the feature: half of a wavelength, or the length."""
        return self.length / 2 if self.kind == "wave" else self.length

    @property
    def sentence(self) -> str:
        """The feature and its length in words."""
        if self.kind == "gap":
            return f"{self.text} are {self.length:.3g} apart"
        if self.kind == "wave":
            return f"`{self.text}` has the wavelength {self.length:.3g}"
        return f"`{self.text}` changes over the length {self.length:.3g} near {_place(self.x)}"


def features(fields: Sequence[Field], domain: Domain) -> list[Feature]:
    """The features of fields that have a length scale below the size of the domain, the finest first.

    The scale of a `Profile` is measured at the point where the profile is finest, which a random search finds: it is
    the distance, along the axes or the gradient, over which the argument changes by the given amount. For plane waves it is the
    period over the slope. In one dimension interfaces are added: neighboring roots of level set functions and ends of the domain.

    Args:
        fields: The fields.
        domain: The domain.
    """
    profiles = dict.fromkeys(profile for field in fields for profile in field.profiles)
    found = [feature for profile in profiles if (feature := _measured(profile, domain)) is not None]
    if domain.dimension == 1:
        level_sets = dict.fromkeys(level_set for field in fields for level_set in field.level_sets)
        found += _gaps(interfaces([*level_sets], domain), domain)
    return sorted(found, key=lambda feature: feature.spacing)


def _place(x: tuple[float, ...]) -> str:
    """A point in words."""
    numbers = ", ".join(f"{v:.3g}" for v in x)
    return f"x = {numbers}" if len(x) == 1 else f"({numbers})"


def _gaps(points: Sequence[float], domain: Domain) -> list[Feature]:
    """The smallest distance between interfaces, if there are any."""
    (lower,), (upper,) = domain.bounds
    ends = [lower, *points, upper]
    gaps = [(b - a, a, b) for a, b in zip(ends, ends[1:], strict=False) if b - a > _LEAST * (upper - lower)]
    if not points or not gaps:
        return []
    length, a, b = min(gaps)
    return [Feature(f"the points {a:.8g} and {b:.8g} at which the formulas may jump", "gap", length, ((a + b) / 2,))]


def _measured(profile: Profile, domain: Domain) -> Feature | None:
    import torch

    size = max(b - a for a, b in zip(*domain.bounds, strict=True))
    start = domain.interior(_SAMPLES, stream(0, "features")).x
    x = _maximizer(profile.peak, domain, start)
    g, change = profile.argument, profile.change
    if x is None:
        return None
    kind = "wave" if profile.is_wave else "layer"
    if profile.is_wave and profile.peak.constant:
        assert change is not None
        length = change / math.sqrt(profile.peak.constant)
        return Feature(profile.text, kind, length, tuple(x.tolist())) if length < size else None
    if change is None:
        value = float(g(x[None]).abs())
        if not value > _ZERO * float(g(start).abs().nan_to_num(0, 0).max()):
            return None
        change = value / profile.exponent
    directions = [*torch.eye(len(x), dtype=x.dtype)]
    slope = g.gradient(x[None])[0]
    if bool(slope.isfinite().all()) and bool(slope.any()):
        directions.append(slope / slope.norm())
    length = _distance(g, x, change, torch.stack([*directions, *(-e for e in directions)]), domain, size)
    if length is None:
        return None
    return Feature(profile.text, kind, length, tuple(x.tolist()))


def _maximizer(f: Field, domain: Domain, start: Points) -> Tensor | None:
    """A point ``(d,)`` near which a function has its largest value; None if it is not finite at any sample.

    The search draws points in boxes around the best point, which shrink by a constant factor.
    """
    import torch

    if f.constant is not None:  # the slope of the argument of a plane wave
        return start[0]
    lower, upper = (torch.tensor(corner, dtype=start.dtype) for corner in domain.bounds)
    random, radius = stream(0, "search"), (upper - lower) / 4
    best, largest = _best(f, start)
    if best is None:
        return None
    for _ in range(_ROUNDS):
        trial = 2 * torch.rand(_TRIALS, len(lower), generator=random, dtype=start.dtype) - 1
        trial = (best + radius * trial).clamp(lower, upper)
        trial = trial[domain.contains(trial)]
        found, value = _best(f, trial)
        if found is not None and value > largest:
            best, largest = found, value
        radius = radius * _SHRINK
    return best


def _best(f: Field, x: Points) -> tuple[Tensor | None, float]:
    import torch

    if not len(x):
        return None, -torch.inf
    values = f(x)
    values = torch.where(values.isfinite(), values, -torch.inf)
    at = int(values.argmax())
    return (None if values[at] == -torch.inf else x[at]), float(values[at])


def _distance(g: Field, x: Tensor, change: float, directions: Tensor, domain: Domain, size: float) -> float | None:
    """The shortest distance from x, along one of the unit vectors ``(m, d)``, over which g changes by `change` in the domain."""
    import torch

    value = g(x[None])

    def has_changed(t: Tensor) -> Tensor:
        """Whether g has changed at distances ``(m, k)`` along the directions."""
        points = (x + t[..., None] * directions[:, None, :]).reshape(-1, len(x))
        changed = domain.contains(points) & ((g(points) - value).abs() >= change)
        return changed.reshape(t.shape)

    exponents = torch.linspace(0, 1, _DISTANCES, dtype=x.dtype)
    ladder = (size * _LEAST ** (1 - exponents)).expand(len(directions), -1)
    changed = has_changed(ladder)
    first = changed.int().argmax(dim=1)
    reached = changed.any(dim=1) & (first > 0)
    if not bool(reached.any()):
        return None
    high = ladder.gather(1, first[:, None])
    low = ladder.gather(1, (first - 1).clamp(min=0)[:, None])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        beyond = has_changed(middle)
        low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
    return float(high[reached].min())

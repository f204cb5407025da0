"""Points at which boundary values jump or have a kink, so that a lifting has few square integrable derivatives.

A function that behaves like |t|^a near t = 0 has 4th differences of size h^a for the step h, and those of a smooth function have
size h^4. A search with steps that decrease by factors of 16 follows the largest difference, and a is the rate of its decrease.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import Field
from pdefreq.core.streams import stream
from pdefreq.domains.domain import only_one

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.box import Box
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.samples import Samples

_FIRST, _PIECES, _WINDOW = 1024, 96, 6  # pieces of a segment, of a window, and of a window that becomes the next one
_FACTOR, _LEVELS = 16, 8  # the last step is 1024 * 16^7 times shorter than the segment, about 4e-12
_ROUNDING = 1e-12  # relative to the largest value: size of the rounding errors of a 4th difference
_CANCELED = 1e-14  # relative to the largest value on all segments: the same where values cancel
_SMOOTH = 2.5  # rates above it are those of one step; lower rates are means over three, since one is accurate to 0.25 for a kink
_MARGIN = 0.1  # error of a mean rate
_HIGHEST = 2  # a higher order is smooth: 4th differences do not distinguish more, and methods take at most three derivatives
_SEGMENTS, _ON_EDGE = 64, 8
_DIGITS = 8  # of coordinates in messages
_INWARD = 1e-7  # relative to the size: a change within this distance of a corner is a jump at the corner
_LEAST_JUMP = 0.01  # relative to the range of the values; for t^0.3 the change in the distance 1e-7 is 0.008
_EDGE = 256  # boundary points at which a lifting is compared with the boundary values


@dataclass(frozen=True)
class RoughPoint:
    """A point at which boundary values are not smooth.

    Args:
        order: The largest order of square integrable derivatives of a lifting: 0 at a jump, 1 at a kink.
        at: The coordinates; empty if only the order is known.
    """

    order: float
    at: tuple[float, ...]

    @property
    def text(self) -> str:
        """What is there, as a clause without its subject."""
        what = "jump or have an infinite slope" if self.order < 1 else "have a kink"
        return what + (f" near ({', '.join(f'{round(v, _DIGITS) + 0.0:g}' for v in self.at)})" if self.at else "")


def rough_point(g: Field | Mapping[str, Field], domain: Domain) -> RoughPoint | None:
    """The roughest point of boundary values, or None if they are smooth as far as sampling shows.

    Straight sides of a plane domain are searched from end to end, and the faces of a box along 64 random segments. On other
    domains a lifting is searched along 64 random segments inside. Kinks with a change of slope below about 1e-4 of the range per
    side are not found, nor features narrower than a thousandth of a side, unless they cause the largest 4th difference.

    Args:
        g: The boundary values, or the values on some sides by the names of the sides, where the domain has a lifting of them.
        domain: The domain.
    """
    from pdefreq.domains.box import Box

    if isinstance(g, Mapping) and {*g} == {*domain.part_names}:
        g = only_one(g) or g
    fields = [*g.values()] if isinstance(g, Mapping) else [g]
    if domain.dimension == 1 or (
        all(f == fields[0] for f in fields) and (fields[0].constant is not None or not fields[0].has_kinks)
    ):
        return None
    values = g if isinstance(g, Mapping) else dict.fromkeys(domain.part_names, g)
    if isinstance(g, Mapping) and not domain.can_lift(g):
        return None
    sides = domain.straight_sides
    if sides is not None:
        by_field = [] if isinstance(g, Field) else _by_field(values, [*sides[:, None]], domain)
        on_sides = [(g, sides)] if isinstance(g, Field) else [(f, torch.cat(each)) for f, each in by_field]
        found = [_at_corners(on_sides), *(roughest(f, *segments.unbind(dim=1)) for f, segments in on_sides)]
    elif isinstance(domain, Box):
        segments = _segments_on_faces(values, domain)
        found = [_at_edges(values, domain), *(roughest(f, *torch.cat(ends, dim=1)) for f, ends in segments)]
    else:
        lifting = domain.lifting(g) if isinstance(g, Field) else domain.lifting_from(g)
        inside = roughest(lifting, *domain.interior(2 * _SEGMENTS, stream(0, "rough values")).x.chunk(2))
        found = [
            _at_boundary(values, lifting, domain),
            inside and (None if inside.order >= lifting.smoothness else RoughPoint(inside.order, ())),
        ]
    return min((point for point in found if point is not None), key=lambda point: point.order, default=None)


def roughest(f: Callable[[Points], Values], start: Points, end: Points) -> RoughPoint | None:
    """The roughest point of a function along segments, or None if it is smooth along all of them.

    Args:
        f: The function.
        start: The first ends of the segments, ``(s, d)``.
        end: The other ends.
    """
    low, width = torch.zeros(len(start), 1, dtype=start.dtype), torch.ones(len(start), 1, dtype=start.dtype)
    sizes: list[Tensor] = []
    scale = torch.zeros(len(start), dtype=start.dtype)
    for level in range(_LEVELS):
        pieces = _PIECES if level else _FIRST
        t = low + width * torch.linspace(0, 1, pieces + 1, dtype=start.dtype)
        x = start[:, None] + t[..., None] * (end - start)[:, None]
        values = f(x.flatten(0, 1)).detach().view(t.shape).nan_to_num()
        scale = torch.maximum(scale, values.abs().amax(dim=1))
        differences = values.diff(n=4, dim=1).abs()
        largest = differences.argmax(dim=1)
        around = (largest[:, None] + torch.arange(-3, 4)).clamp(0, pieces - 4)
        sizes.append(differences.gather(1, around).sum(dim=1))
        first = (largest - 1).clamp(0, pieces - _WINDOW)
        low, width = t.gather(1, first[:, None]), width * _WINDOW / pieces
    noise = _CANCELED * scale.max()  # a segment may contain zeros up to rounding errors of larger numbers
    rates = _rates(torch.stack(sizes), torch.maximum(_ROUNDING * scale, noise))
    worst = int(rates.argmin())
    rate = float(rates[worst])
    order = max(0, math.ceil(rate - _MARGIN + 0.5) - 1)
    if order > _HIGHEST:
        return None
    place = start[worst] + (low[worst] + width[worst] / 2) * (end[worst] - start[worst])
    return RoughPoint(order, tuple((place + 0.0).tolist()))


def _rates(sizes: Tensor, rounding: Tensor) -> Tensor:
    """The exponent of each segment from the sizes at all levels, ``(levels, s)``; 4 where the function is smooth."""
    logs = sizes.clamp_min(1e-300).maximum(rounding[None]).log() / math.log(_FACTOR)
    drops = logs[:-1] - logs[1:]
    seen = sizes >= _FACTOR**4 * rounding  # the next difference of a smooth function is above rounding errors
    last = seen.sum(dim=0).clamp(1, len(drops)) - 1  # the sizes of a steep function decrease only at the last levels
    steps = torch.arange(len(drops))[:, None]
    recent = (steps <= last) & (steps > last - 3)
    final, mean = drops.gather(0, last[None])[0], (drops * recent).sum(dim=0) / recent.sum(dim=0)
    rates = torch.where(final > _SMOOTH, final, mean)
    return torch.where(seen[0] & (sizes[0] > 0), rates, 4.0)


def _by_field(values: Mapping[str, Field], objects: Sequence[Tensor], domain: Domain) -> list[tuple[Field, list[Tensor]]]:
    """The objects of the parts of a domain, such as its sides, that have the same values."""
    groups: dict[Field, list[Tensor]] = {}
    for name, each in zip(domain.part_names, objects, strict=True):
        if name in values:
            groups.setdefault(values[name], []).append(each)
    return [*groups.items()]


def _segments_on_faces(values: Mapping[str, Field], box: Box) -> list[tuple[Field, list[Tensor]]]:
    """The ends of random segments on the faces of a box that have values, each ``(2, s, d)``, by the values."""
    lower, upper = (torch.tensor(bounds, dtype=torch.float64) for bounds in box.bounds)
    d = box.dimension
    x = lower + torch.rand(2, _SEGMENTS, d, generator=stream(0, "rough values"), dtype=torch.float64) * (upper - lower)
    faces = [(k // 2, k % 2) for k, name in enumerate(box.part_names) if name in values]
    mine: dict[tuple[int, int], list[int]] = {face: [] for face in itertools.product(range(d), (0, 1))}
    for segment, (axis, end) in zip(range(_SEGMENTS), itertools.cycle(faces), strict=False):
        x[:, segment, axis] = box.bounds[end][axis]
        mine[axis, end].append(segment)
    return _by_field(values, [x[:, segments] for segments in mine.values()], box)


def _at_corners(on_sides: Sequence[tuple[Field, Tensor]]) -> RoughPoint | None:
    """A jump from one side to the next, found at points near their common corner on both.

    Args:
        on_sides: The values of some sides, and the ends of these sides, ``(s, 2, 2)``.
    """
    found = []
    for g, sides in on_sides:
        ends = torch.cat([sides, sides.flip(1)])
        values = g(ends[:, 0] + _INWARD * (ends[:, 1] - ends[:, 0])).detach()
        inner = sides[:, :1] + torch.linspace(0, 1, _EDGE + 2, dtype=sides.dtype)[1:-1, None] * (sides[:, 1:] - sides[:, :1])
        found.append((ends[:, 0], values, g(inner.flatten(0, 1)).detach()))
    x, values, inside = (torch.cat(column) for column in zip(*found, strict=True))
    corners, index = x.unique(dim=0, return_inverse=True)
    highest = values.new_full((len(corners),), -math.inf).scatter_reduce(0, index, values, "amax")
    lowest = values.new_full((len(corners),), math.inf).scatter_reduce(0, index, values, "amin")
    return _largest((highest - lowest), corners, inside)


def _at_edges(values: Mapping[str, Field], box: Box) -> RoughPoint | None:
    """A jump between two faces, found at points near their common edge on both faces."""
    lower, upper = (torch.tensor(bounds, dtype=torch.float64) for bounds in box.bounds)
    unit = torch.rand(_ON_EDGE, box.dimension, generator=stream(0, "rough edges"), dtype=torch.float64)
    gaps, edges = [], []
    for axes in itertools.combinations(range(box.dimension), 2):
        for ends in itertools.product((0, 1), repeat=2):
            faces = [values.get(box.part_names[2 * axis + end]) for axis, end in zip(axes, ends, strict=True)]
            if any(face is None for face in faces):
                continue
            edge = unit.index_copy(1, torch.tensor(axes), unit.new_tensor(ends).expand(len(unit), 2))
            inside = [edge.index_fill(1, torch.tensor(axis), abs(end - _INWARD)) for axis, end in zip(axes, ends, strict=True)]
            near = [
                g(lower + x * (upper - lower)).detach() for g, x in zip(reversed(faces), inside, strict=True) if g is not None
            ]
            gaps.append((near[0] - near[1]).abs())
            edges.append(edge)
    if not edges:
        return None
    on_faces = _on_boundary(values, box, box.boundary(_EDGE, stream(0, "rough edges")))[1]
    return _largest(torch.cat(gaps), lower + torch.cat(edges) * (upper - lower), on_faces)


def _at_boundary(values: Mapping[str, Field], lifting: Field, domain: Domain) -> RoughPoint | None:
    """A point near which the lifting does not tend to the boundary values, because they jump."""
    edge = domain.boundary(_EDGE, stream(0, "rough edges"))
    if edge.normals is None:
        return None
    size = max(b - a for a, b in zip(*domain.bounds, strict=True))
    index, wanted = _on_boundary(values, domain, edge)
    x, normals = edge.x[index], edge.normals[index]
    return _largest((lifting(x - _INWARD * size * normals).detach() - wanted).abs(), x, wanted)


def _on_boundary(values: Mapping[str, Field], domain: Domain, edge: Samples) -> tuple[Tensor, Values]:
    """The indices of the boundary points on parts with values, and the values there."""
    assert edge.parts is not None
    owners = [edge.parts == k for k, name in enumerate(domain.part_names) if name in values]
    index = [owner.nonzero()[:, 0] for owner in owners]
    fields = [values[name] for name in domain.part_names if name in values]
    found = [g(edge.x[mine]).detach() for g, mine in zip(fields, index, strict=True)]
    return torch.cat(index), torch.cat(found)


def _largest(gaps: Tensor, x: Points, values: Values) -> RoughPoint | None:
    """The point with the largest gap, if that is a jump compared to the range of the boundary values."""
    known, worst = values[values.isfinite()], int(gaps.nan_to_num().argmax())
    if len(known) and float(gaps[worst]) > max(
        _LEAST_JUMP * float(known.max() - known.min()), 1e3 * _ROUNDING * float(known.abs().max())
    ):
        return RoughPoint(0, tuple(x[worst].tolist()))
    return None

"""Jumps that no classical derivative shows: of a field, and of a flux, which makes its divergence a delta function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from pdefreq.core.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Gradients, Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.samples import Samples

_RULES = (40_000, 80_000, 120_000)  # points; the others are asked only where the first sees a jump
_LEAST = 0.02  # of the integral of the modulus; a jump as large as the quantity itself is far above
_STEADY = 3  # a jump is so many times what the rules differ by: their error changes from rule to rule, the jump does not

_SEGMENTS, _PIECES, _HALVINGS = 512, 64, 50  # after these a segment is some 1e-16 of its length
_LEAST_JUMP = 1e-3  # of the range of the values
_ROUNDING = 1e-10  # of the largest: below, a constant that is computed varies by its roundings
_AROUND = 1e-5  # of a segment: on both sides of a jump so much of it lies in the domain

Regular = Callable[["Samples"], "Samples"]
"""Leaves out the points at which a problem is singular."""


def flux_jumps(domain: Domain, regular: Regular, at: Callable[[Points], tuple[Gradients, Values]]) -> bool:
    """Whether a flux q has another divergence than a classical one r: ``int( q . grad v + r v )`` then is not zero.

    For v = D and D x_k, with D the distance function, which vanish on the boundary. A jump below some two per cent of q is not
    seen, nor one that quadrature does not resolve, nor anything beyond three dimensions.

    Args:
        domain: Where.
        regular: As of `Problem.regular`.
        at: Points ``(n, d)`` to q ``(n, d)`` and r ``(n,)``.
    """
    if domain.dimension > 3:
        return False
    gaps: list[Tensor] = []
    for number in _RULES:
        gaps.append(_gaps(domain, regular, at, number))
        if not bool((gaps[-1].abs() > _LEAST).any()):
            return False
    lowest, highest = torch.stack(gaps).aminmax(dim=0)
    least = torch.stack(gaps).abs().amin(dim=0)
    return bool(((least > _LEAST) & (least > _STEADY * (highest - lowest))).any())


def jumps(field: Field, domain: Domain) -> bool:
    """Whether a field jumps within the domain, by bisection: along random segments towards the largest change.

    Of a continuous function nothing is left of that change, unless its slope is some 1e13 or infinite as that of |x|^0.1. A jump
    below a thousandth of the range is not seen, nor one that no segment crosses.

    Args:
        field: The field.
        domain: The domain, of any dimension.
    """
    start, end = domain.interior(2 * _SEGMENTS, stream(0, "jumps")).x.chunk(2)
    t = torch.linspace(0, 1, _PIECES + 1, dtype=start.dtype)[:, None, None]
    x = start + t * (end - start)
    values = field(x.flatten(0, 1)).view(_PIECES + 1, -1)
    steepest = values.diff(dim=0).abs().nan_to_num().argmax(dim=0)
    each = torch.arange(len(steepest))
    low, high = x[steepest, each], x[steepest + 1, each]
    at_low, at_high = values[steepest, each], values[steepest + 1, each]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        value = field(middle)
        lower = (value - at_low).abs() >= (at_high - value).abs()
        high, at_high = torch.where(lower[:, None], middle, high), torch.where(lower, value, at_high)
        low, at_low = torch.where(lower[:, None], low, middle), torch.where(lower, at_low, value)
    seen = values[values.isfinite()]
    if len(seen) == 0:
        return False  # others say that it is not finite
    least = torch.maximum(_LEAST_JUMP * (seen.max() - seen.min()), _ROUNDING * seen.abs().max())
    left = (at_high - at_low).abs() > least
    around = _AROUND * (end - start)  # on the boundary, what lies beyond does not count
    return bool((left & domain.contains(low - around) & domain.contains(high + around)).any())


def _gaps(domain: Domain, regular: Regular, at: Callable[[Points], tuple[Gradients, Values]], number: int) -> Tensor:
    """The integrals of each v over those of ``|q . grad v|``, by a rule of so many points."""
    samples = regular(domain.quadrature(number))
    x, bump = samples.x, domain.distance()
    flux, rest = at(x)
    height, steepness, gaps = bump(x), bump.gradient(x), []
    for axis in range(-1, domain.dimension):  # the bump, then tilted along each axis: a jump in the middle can't hide
        tilt = torch.ones_like(x[:, 0]) if axis < 0 else x[:, axis] - x[:, axis].min()
        slope = steepness * tilt[:, None]
        if axis >= 0:
            slope[:, axis] += height
        work = samples.weights * (flux * slope).sum(dim=1)
        known = work.isfinite() & rest.isfinite()
        gap = (work + samples.weights * rest * height * tilt)[known].sum()
        size = work[known].abs().sum()
        gaps.append(gap / size if size > 0 else torch.zeros_like(gap))
    return torch.stack(gaps)

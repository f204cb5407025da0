"""Detection of jumps of a field, and of jumps of a flux, whose divergence then contains a delta function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Gradients, Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.samples import Samples

_RULES = (40_000, 80_000, 120_000)  # quadrature points; the finer rules are used only if the first one finds a jump
_LEAST = 0.02  # relative to the integral of the modulus; a jump as large as the flux itself exceeds this by far
_STEADY = 3  # a jump must exceed the difference of the rules by this factor: quadrature errors change with the rule, jumps do not

_SEGMENTS, _PIECES, _HALVINGS = 512, 64, 50  # the halvings reduce a segment to about 1e-16 of its length
_KEPT = 0.3  # of a change, in the second half of the halvings: jumps keep 1, or 1/2 for sign(t), and the continuous |t|^0.1 0.18
_LEAST_JUMP = 1e-3  # relative to the range of the values
_ROUNDING = 1e-10  # relative to the largest value: smaller changes of a computed constant are rounding errors
_AROUND = 1e-5  # fraction of a segment that must lie in the domain on both sides of a jump

Regular = Callable[["Samples"], "Samples"]
"""Removes the samples at singular points of a problem."""


def flux_jumps(domain: Domain, regular: Regular, at: Callable[[Points], tuple[Gradients, Values]]) -> bool:
    """Whether the weak divergence of a flux q differs from its classical divergence r.

    This is so only if a component of q jumps (`jumps`). The test is then ``int( q . grad v + r v ) != 0`` for v = D and D x_k
    with the distance function D; these functions vanish on the boundary. Jumps below about two percent of q are not detected, nor
    jumps that quadrature does not resolve. In more than three dimensions the result is always False.

    Args:
        domain: The domain.
        regular: A function that removes singular points, such as `Problem.regular`.
        at: A function from points ``(n, d)`` to q ``(n, d)`` and r ``(n,)``.
    """

    def component(axis: int) -> Field:
        return CallableField(lambda x: at(x)[0][:, axis])

    if domain.dimension > 3 or not any(jumps(component(axis), domain) for axis in range(domain.dimension)):
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
    """Whether a field jumps inside the domain, by bisection of random segments around the largest change.

    For a continuous function this change tends to zero, unless the slope is about 1e13 or infinite like that of |x|^0.06. Jumps
    below a thousandth of the range are not detected, nor jumps that no segment crosses.

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
    halfway = torch.zeros_like(at_low)
    for step in range(_HALVINGS):
        if step == _HALVINGS // 2:
            halfway = (at_high - at_low).abs()
        middle = (low + high) / 2
        value = field(middle)
        value = torch.where(value.isnan(), at_low, value)  # undefined at the jump itself, such as x/abs(x)
        lower = (value - at_low).abs() >= (at_high - value).abs()
        high, at_high = torch.where(lower[:, None], middle, high), torch.where(lower, value, at_high)
        low, at_low = torch.where(lower[:, None], low, middle), torch.where(lower, at_low, value)
    seen = values[values.isfinite()]
    if len(seen) == 0:
        return False  # other checks report values that are not finite
    least = torch.maximum(_LEAST_JUMP * (seen.max() - seen.min()), _ROUNDING * seen.abs().max())
    left = (at_high - at_low).abs() > torch.maximum(least, _KEPT * halfway)
    around = _AROUND * (end - start)  # a change on the boundary is not a jump inside the domain
    return bool((left & domain.contains(low - around) & domain.contains(high + around)).any())


def _gaps(domain: Domain, regular: Regular, at: Callable[[Points], tuple[Gradients, Values]], number: int) -> Tensor:
    """``int( q . grad v + r v ) / int |q . grad v|`` for each v, shape ``(d + 1,)``, by a rule of `number` points."""
    samples = regular(domain.quadrature(number))
    x, bump = samples.x, domain.distance()
    flux, rest = at(x)
    height, steepness, gaps = bump(x), bump.gradient(x), []
    for axis in range(-1, domain.dimension):  # v = D, then D x_k: the contributions of a jump may cancel for D by symmetry
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

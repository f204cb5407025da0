"""The values that are prescribed on whole sides of a domain, so that they can be built into networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import Field
from pdefreq.domains.samples import Samples
from pdefreq.problem.boundary_pieces import boundary_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.core.shapes import Points, Values
    from pdefreq.problem.boundary_conditions import BoundaryPart
    from pdefreq.problem.problem import Problem


@dataclass(frozen=True)
class ByCondition(Field):
    """The values of several conditions on one side, each with values where it is the first that holds.

    Args:
        parts: The conditions.
    """

    parts: tuple[BoundaryPart, ...]
    has_kinks = True

    def __call__(self, x: Points) -> Values:
        values = self.parts[-1].value(x)
        for part in reversed(self.parts[:-1]):
            assert part.where is not None
            values = torch.where(part.where(x), part.value(x), values)
        return values


def side_values(problem: Problem) -> dict[str, Field] | None:
    """The prescribed values by the names of the sides of the domain, which are its built-in boundary parts.

    Sides with fluxes on all of them and periodic sides are left out.

    Args:
        problem: The problem.

    Returns:
        The values; None if a value is prescribed on one piece of a side and a flux on another.
    """
    domain, found = problem.domain, {}
    if problem.is_regression:
        return found
    periodic = {k for name, pair in domain.opposite_sides.items() for k in pair if _is_periodic(problem, name)}
    for k, side in enumerate(domain.part_names):
        if k in periodic:
            continue
        parts = _parts_of(problem, k)
        kinds = {part.kind for part in parts}
        if len(kinds) > 1:
            return None
        if kinds == {"dirichlet"}:
            found[side] = parts[0].value if len(parts) == 1 else ByCondition(tuple(parts))
    return found


def _is_periodic(problem: Problem, pair: str) -> bool:
    return any(part.kind == "periodic" and part.name == pair for part in problem.boundary)


def _parts_of(problem: Problem, side: int) -> Sequence[BoundaryPart]:
    """The conditions on one side, in their order.

    A condition `where` is evaluated at the ends of an interval and at all its roots on straight sides in the plane. On other
    sides it may hold somewhere, so that it is included.
    """
    domain, parts = problem.domain, []
    name = domain.part_names[side]
    for part in problem.boundary:
        if part.kind == "periodic" or part.name not in (None, name):
            continue
        parts.append(part)
        if part.where is None:
            break
    if len(parts) == 1:
        return parts
    sides = domain.straight_sides
    if domain.dimension == 1:
        edge = domain.boundary(2)
        assert edge.parts is not None
        here = edge.parts == side
        index = problem.part_of(Samples(edge.x[here], edge.weights[here], parts=edge.parts[here]))
    elif sides is not None and len(sides) == len(domain.part_names):
        index = torch.from_numpy(boundary_pieces(problem, sides[side : side + 1], torch.tensor([side])).part)
    else:
        return parts
    return [problem.boundary[k] for k in sorted({*index.tolist()})]

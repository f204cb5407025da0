"""The values that are prescribed on whole sides of a domain, so that they can be built into networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.fields import Field
from pdefreq.problem.boundary_pieces import POINT, boundary_pieces

if TYPE_CHECKING:
    from pdefreq.core.shapes import Points, Values
    from pdefreq.problem.boundary_conditions import BoundaryConditions, BoundaryPart


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


def side_values(problem: BoundaryConditions) -> dict[str, Field] | None:
    """The prescribed values by the names of the sides of the domain, which are its built-in boundary parts.

    Sides with fluxes on all of them and periodic sides are left out.

    Args:
        problem: The problem.

    Returns:
        The values; None if a value is prescribed on one piece of a side and a flux on another.
    """
    domain, found = problem.domain, {}
    periodic = {k for name, pair in domain.opposite_sides.items() for k in pair if _is_periodic(problem, name)}
    named = [_named(problem, side) for side in domain.part_names]
    met = _met(problem) if any(len(parts) > 1 for k, parts in enumerate(named) if k not in periodic) else None
    for k, side in enumerate(domain.part_names):
        if k in periodic:
            continue
        parts = named[k] if met is None or len(named[k]) == 1 else met[k]
        kinds = {part.kind for part in parts}
        if len(kinds) > 1:
            return None
        if kinds == {"dirichlet"}:
            found[side] = parts[0].value if len(parts) == 1 else ByCondition(tuple(parts))
    return found


def _is_periodic(problem: BoundaryConditions, pair: str) -> bool:
    return any(part.kind == "periodic" and part.name == pair for part in problem.boundary)


def _named(problem: BoundaryConditions, side: str) -> list[BoundaryPart]:
    """The conditions that may hold on a side by their names, in their order, up to the first without `where`."""
    parts = []
    for part in problem.boundary:
        if part.kind == "periodic" or part.name not in (None, side):
            continue
        parts.append(part)
        if part.where is None:
            break
    return parts


def _met(problem: BoundaryConditions) -> list[list[BoundaryPart]] | None:
    """The conditions that hold on each side of an interval, or of a domain in the plane with straight sides; otherwise None.

    Pieces of sides that are points are left out, as those of ``where = "x < 1e-9"`` on the sides next to x = 0, unless the
    condition holds at points only.
    """
    domain, sides = problem.domain, problem.domain.straight_sides
    if domain.dimension == 1:
        edge = domain.boundary(2)
        assert edge.parts is not None
        index, owner = problem.part_of(edge), edge.parts
        return [[problem.boundary[i] for i in sorted({*index[owner == k].tolist()})] for k in range(len(domain.part_names))]
    if sides is None or len(sides) != len(domain.part_names):
        return None
    pieces = boundary_pieces(problem, sides, torch.arange(len(sides)))
    point = POINT * pieces.length.sum()
    met = []
    for k in range(len(sides)):
        here = pieces.segment == k
        pairs = zip(pieces.part[here].tolist(), pieces.length[here], strict=True)
        met.append(
            [problem.boundary[i] for i in sorted({i for i, length in pairs if length > point or pieces.widest(i) <= point})]
        )
    return met

"""Checks that boundary parts exist and that a mesh resolves them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.problem.boundary_pieces import POINT, boundary_pieces, membership_breaks, on_boundary
from pdefreq.problem.compatibility import require_compatible

if TYPE_CHECKING:
    from pdefreq.domains.samples import Samples
    from pdefreq.problem.boundary_conditions import BoundaryPart
    from pdefreq.problem.problem import Problem

_SAMPLES = 100_000
_POINTS_ON_PART = 10  # expected on the smallest part


@dataclass(frozen=True)
class BoundaryExtent:
    """Where the boundary parts of a problem lie, and whether a discretization sees them.

    Args:
        problem: The problem.
    """

    problem: Problem

    def require_parts(self) -> None:
        """Check that every condition `where` holds at a point of the boundary.

        On straight sides in the plane, a condition is evaluated at the points where it may change, and between them. On other
        boundaries it is evaluated at about 100,000 points, and it is refused only if it is certain not to change between them.

        Raises:
            ProblemFileError: If a condition holds nowhere.
        """
        for index, part in enumerate(self.problem.boundary):
            if part.where is not None and not self._holds_somewhere(part):
                raise ProblemFileError(
                    f"[[boundary.part]] {self._named(index)} contains no point of the boundary of the "
                    f"{self.problem.domain.title} ({self._searched()}): correct `where`, or leave the part out"
                )

    def require_resolved(self, index: int, width: float, spacing: float) -> None:
        """Refuse a Dirichlet part that contains no node, unless it contains no point of the boundary either (`require_parts`).

        Args:
            index: The index of the part.
            width: The length of the longest piece of the part, 0 if it is unknown or the part is a point.
            spacing: The mesh width.

        Raises:
            IncompatibleError: In one sentence, with the mesh width at which the part contains a node.
        """
        if not self._holds_somewhere(self.problem.boundary[index]):
            return
        remedy = (
            f"it needs a mesh width below {width:.3g}, and this one is {spacing:.3g}"
            if width > 0
            else f"this mesh has the width {spacing:.3g}, refine it or enlarge the part"
        )
        raise IncompatibleError(f"no node lies on [[boundary.part]] {self._named(index)}, which prescribes a value: {remedy}")

    def require_sampled(self, edge: Samples) -> None:
        """Check that a set of boundary points has a point on each part with a condition, for methods that impose it at points.

        Args:
            edge: The boundary points of the method.

        Raises:
            IncompatibleError: If a part that other parts do not cover has no point.
        """
        if not self.problem.has_regions:
            return
        many, part = on_boundary(self.problem, _SAMPLES)
        seen = self.problem.part_of(edge).unique()
        for index, condition in enumerate(self.problem.boundary):
            mine = part == index
            if condition.where is None or index in seen or not bool(mine.any()):
                continue
            fraction = float(many.weights[mine].sum() / many.weights.sum())
            needed = math.ceil(_POINTS_ON_PART / fraction)
            remedy = f"set boundary.points={needed}" if needed < _SAMPLES else "use `fem`"
            raise IncompatibleError(
                f"none of the {len(edge.x)} boundary points lies on [[boundary.part]] {self._named(index)}, "
                f"which is {fraction:.2g} of the boundary: {remedy}"
            )

    @property
    def is_pinned(self) -> bool:
        """Whether values are prescribed at single points of straight sides only, which can determine only a free constant.

        In the plane a solution of finite energy has no value at a point, so that such a condition has no effect on a problem that
        determines u otherwise.
        """
        values = [part for part in self.problem.boundary if part.kind == "dirichlet"]
        sides = self.problem.domain.straight_sides
        if (
            not values
            or any(part.where is None for part in values)
            or sides is None
            or len(sides) != len(self.problem.domain.part_names)
        ):
            return False
        pieces = boundary_pieces(self.problem, sides, torch.arange(len(sides)))
        kinds = np.array([part.kind == "dirichlet" for part in self.problem.boundary])
        return bool(pieces.length[kinds[pieces.part]].sum() <= POINT * pieces.length.sum())

    def is_singular(self, *, fixed: int, free: bool) -> bool:
        """Whether the discrete equations determine u only up to a constant, so that the load must fit them.

        Args:
            fixed: The number of nodes at which a value is prescribed.
            free: Whether a constant added to u changes neither the equation nor the Robin conditions.

        Raises:
            IncompatibleError: If values are prescribed at single points and have no meaning, because nothing is free or there are
                several.
            ProblemFileError: If the integrals of source and flux do not add up to zero.
        """
        pinned = self.is_pinned
        if pinned and (not free or fixed > 1):
            raise IncompatibleError(
                "values are prescribed at single points only, and a solution has no values at points in the plane, except to fix "
                f"a free constant{'' if free else ', which this problem does not have'}: prescribe values on a part with a "
                f"length, or {'at one point' if free else 'leave the part out'}"
            )
        singular = free and (pinned or not fixed)
        if singular:
            require_compatible(self.problem)
        return singular

    def _named(self, index: int) -> str:
        """The number of a part, and its condition if it is a formula."""
        text = getattr(self.problem.boundary[index].where, "text", "")
        return f"{index + 1}" + (f' (where = "{text}")' if text else "")

    def _holds_somewhere(self, part: BoundaryPart) -> bool:
        domain, where = self.problem.domain, part.where
        assert where is not None
        sides = domain.straight_sides
        if sides is not None:
            named = [*domain.part_names].index(part.name) if part.name is not None else None
            if named is not None and len(sides) == len(domain.part_names):
                sides = sides[named : named + 1]
            breaks = membership_breaks(part, sides)
            places = [torch.from_numpy(np.concatenate([t, (t[1:] + t[:-1]) / 2])) for t in breaks]
            x = torch.cat([a + t[:, None] * (b - a) for (a, b), t in zip(sides, places, strict=True)])
            return bool(where(x).any())
        edge = domain.boundary(_SAMPLES)
        corners = torch.tensor(domain.corners, dtype=torch.float64).reshape(-1, domain.dimension)
        x = torch.cat([edge.x, corners])
        if part.name is not None:
            assert edge.parts is not None
            x = edge.x[edge.parts == [*domain.part_names].index(part.name)]
        if bool(where(x).any()):
            return True
        if domain.dimension == 1:
            return False
        levels = [level_set(x) for level_set in getattr(where, "level_sets", ())]
        return any(bool((values <= 0).any()) and bool((values >= 0).any()) for values in levels)

    def _searched(self) -> str:
        if self.problem.domain.straight_sides is not None:
            return "evaluated on all its sides, where the condition can change and between"
        return "both ends" if self.problem.domain.dimension == 1 else f"about {_SAMPLES} points were evaluated"

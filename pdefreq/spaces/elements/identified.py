"""Degrees of freedom of opposite sides made one, so that functions on a mesh are periodic."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from pdefreq.core.errors import IncompatibleError

_SAME = 1e-9  # distance, of the longest side, at which two nodes are one


@dataclass(frozen=True, eq=False)
class Identification:
    """Which nodes are one.

    Args:
        number: For each node of the mesh the number of its coefficient, shape ``(N,)``.
        first: For each coefficient the node at which it is found, on the lower side of each pair, shape ``(P,)``.
    """

    number: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, nodes: np.ndarray, axes: Sequence[int]) -> Identification:
        """Every node on an upper side is the one opposite to it on the lower side; at corners several sides meet.

        Args:
            nodes: Of a mesh that fills a box, shape ``(N, d)``.
            axes: Along which functions are periodic.

        Raises:
            IncompatibleError: If nodes of opposite sides do not lie opposite to each other.
        """
        lower, upper = nodes.min(axis=0), nodes.max(axis=0)
        near = _SAME * float((upper - lower).max())
        moved, above = nodes.copy(), np.zeros(len(nodes), dtype=bool)
        for axis in axes:
            there = nodes[:, axis] >= upper[axis] - near
            moved[there, axis], above = lower[axis], above | there
        first = np.flatnonzero(~above)
        distance, partner = KDTree(nodes[first]).query(moved[above])
        if np.any(distance > near):
            raise IncompatibleError(
                "periodic sides need a mesh with matching nodes on opposite sides, and the nodes of this mesh do not match: "
                "leave refinement out"
            )
        number = np.empty(len(nodes), dtype=np.int64)
        number[first] = np.arange(len(first))
        number[above] = partner
        return cls(number, first)

    def applied(self, dofs: Any) -> Any:
        """The numbering of degrees of freedom of scikit-fem, with those that are one under one number."""
        found = copy.copy(dofs)
        for name in ("nodal_dofs", "edge_dofs", "facet_dofs", "interior_dofs", "element_dofs"):
            numbers = getattr(dofs, name, None)
            if numbers is not None and numbers.size:
                setattr(found, name, self.number[numbers].astype(numbers.dtype))
        found.N = len(self.first)
        return found

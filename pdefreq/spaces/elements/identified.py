"""Identification of the degrees of freedom on opposite sides of a mesh, for periodic functions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from pdefreq.core.errors import IncompatibleError

_SAME = 1e-9  # distance below which two nodes coincide, relative to the longest side


@dataclass(frozen=True, eq=False)
class Identification:
    """The identification of the nodes of a periodic mesh.

    Args:
        number: The index of the coefficient of each node of the mesh, shape ``(N,)``.
        first: The node of each coefficient, on the lower side of each periodic pair, shape ``(P,)``.
    """

    number: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, nodes: np.ndarray, axes: Sequence[int]) -> Identification:
        """Identify each node on an upper side with the opposite node on the lower side; at corners several sides meet.

        Args:
            nodes: The nodes of a mesh of a box, shape ``(N, d)``.
            axes: Axes along which functions are periodic.

        Raises:
            IncompatibleError: If the nodes on opposite sides do not match.
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
                "omit the option refinement"
            )
        number = np.empty(len(nodes), dtype=np.int64)
        number[first] = np.arange(len(first))
        number[above] = partner
        return cls(number, first)

    def applied(self, dofs: Any) -> Any:
        """The numbering of the degrees of freedom of scikit-fem, with the same number for identified ones."""
        found = copy.copy(dofs)
        for name in ("nodal_dofs", "edge_dofs", "facet_dofs", "interior_dofs", "element_dofs"):
            numbers = getattr(dofs, name, None)
            if numbers is not None and numbers.size:
                setattr(found, name, self.number[numbers].astype(numbers.dtype))
        found.N = len(self.first)
        return found

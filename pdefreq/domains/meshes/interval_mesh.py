"""Meshes of intervals with given points among their nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from skfem import Mesh

_MERGED = 0.01  # fraction of a cell within which a node moves onto a point: smaller cells make the equations ill-conditioned
_SAME = 1e-13  # relative to the size of the mesh: points at this distance from a node that cannot move are this node


def with_nodes(mesh: Mesh, points: Sequence[float]) -> Mesh:
    """A mesh of an interval that has the given points among its nodes.

    Each point divides the cell that contains it. If the point is within a hundredth of the cell from an inner node, this node
    moves onto it instead. All other nodes remain where they are.

    Args:
        mesh: A mesh of lines.
        points: The points; those outside the mesh are omitted.
    """
    p, t = mesh.p[0].copy(), mesh.t.copy()
    kept, size = {*mesh.boundary_nodes().tolist()}, float(np.ptp(p))
    for point in points:
        low, high = np.sort(p[t], axis=0)
        around = np.flatnonzero((low <= point) & (point <= high))
        if len(around) == 0:
            continue
        cell = around[0]
        near = int(t[np.argmin(np.abs(p[t[:, cell]] - point)), cell])
        gap = abs(p[near] - point)
        if gap <= (_SAME * size if near in kept else _MERGED * (high - low)[cell]):
            if near not in kept:
                p[near] = point
        else:
            near, right = len(p), t[1, cell]
            p, t[1, cell] = np.append(p, point), near
            t = np.column_stack([t, (near, right)])
        kept.add(near)
    return replace(mesh, doflocs=p[None], t=t.astype(mesh.t.dtype))

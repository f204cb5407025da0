"""Meshes of intervals with given points among their nodes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from skfem import MeshLine

from pdefreq.domains.meshes.interval_mesh import with_nodes

POINTS = st.lists(st.floats(0.0, 1.0), max_size=8)


@given(st.integers(1, 40), POINTS)
def test_the_points_are_nodes_and_the_cells_cover_the_interval(cells, points):
    mesh = with_nodes(MeshLine(np.linspace(0, 1, cells + 1)), points)
    lengths = np.diff(mesh.p[0][mesh.t], axis=0)[0]
    assert lengths.min() > 0
    assert abs(lengths.sum() - 1) < 1e-12
    gaps = np.abs(mesh.p[0][:, None] - np.array([points])).min(axis=0) if points else np.zeros(1)
    assert gaps.max() <= 1e-13  # points so close to each other or to an end are one node
    assert mesh.nelements <= cells + len(points)


@given(st.integers(1, 40), POINTS)
def test_other_nodes_do_not_move(cells, points):
    """A node within a hundredth of a cell of a point moves there, and no other."""
    uniform = np.linspace(0, 1, cells + 1)
    nodes = with_nodes(MeshLine(uniform), points).p[0][: cells + 1]
    assert np.abs(nodes - uniform).max() <= 0.01 * 1.02 / cells  # cells grow by at most two hundredths
    assert (nodes[[0, -1]] == uniform[[0, -1]]).all()


def test_without_points_the_mesh_is_unchanged():
    mesh = MeshLine(np.linspace(0, 1, 5)).with_boundaries({"left": lambda x: x[0] == 0, "right": lambda x: x[0] == 1})
    same = with_nodes(mesh, ())
    assert (same.p == mesh.p).all() and (same.t == mesh.t).all()
    finer = with_nodes(mesh, (0.3,))
    assert finer.p[0, finer.boundaries["left"]] == 0 and finer.p[0, finer.boundaries["right"]] == 1

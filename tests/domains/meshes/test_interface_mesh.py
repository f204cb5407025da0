"""Meshes of triangles that follow interfaces: conforming, without loss of area, and exact for lines."""

import numpy as np
import pytest
import skfem
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.fields import CallableField
from pdefreq.domains.meshes.interface_mesh import with_interfaces


def square(cells):
    ticks = np.linspace(0, 1, cells + 1)
    mesh = skfem.MeshTri.init_tensor(ticks, ticks)
    sides = {"left": lambda x: x[0] == 0, "right": lambda x: x[0] == 1, "bottom": lambda x: x[1] == 0, "top": lambda x: x[1] == 1}
    return mesh.with_boundaries(sides)


def circle(a, b, radius):
    return CallableField(lambda x: (x[:, 0] - a) ** 2 + (x[:, 1] - b) ** 2 - radius**2)


def line(angle, a, b):
    return CallableField(lambda x: np.cos(angle) * (x[:, 0] - a) + np.sin(angle) * (x[:, 1] - b))


def areas(mesh):
    a, b, c = mesh.p[:, mesh.t[0]], mesh.p[:, mesh.t[1]], mesh.p[:, mesh.t[2]]
    return np.abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2


UNIT = st.floats(0.1, 0.9)
CURVES = st.one_of(st.builds(circle, UNIT, UNIT, st.floats(0.1, 0.5)), st.builds(line, st.floats(0, 3.2), UNIT, UNIT))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30), st.lists(CURVES, min_size=1, max_size=2))
def test_the_mesh_is_conforming_and_covers_the_square(cells, curves):
    mesh = with_interfaces(square(cells), curves)
    assert abs(areas(mesh).sum() - 1) < 1e-12 and areas(mesh).min() > 0
    # facets of hanging nodes would belong to one cell only and count as boundary
    ends = mesh.p[:, mesh.facets[:, mesh.boundary_facets()]]
    assert abs(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=0).sum() - 4) < 1e-12
    for axis, value, name in ((0, 0, "left"), (0, 1, "right"), (1, 0, "bottom"), (1, 1, "top")):
        assert (mesh.p[axis, mesh.facets[:, mesh.boundaries[name]]] == value).all()
    assert sum(map(len, mesh.boundaries.values())) == len(mesh.boundary_facets())


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 30), st.floats(0.01, 3.1), UNIT, UNIT)
def test_lines_are_unions_of_edges(cells, angle, a, b):
    """No cell has vertices on both sides, apart from slivers of vertices that cannot move: a thousandth of an edge."""
    mesh = with_interfaces(square(cells), [line(angle, a, b)])
    value = np.cos(angle) * (mesh.p[0] - a) + np.sin(angle) * (mesh.p[1] - b)
    low, high = value[mesh.t].min(axis=0), value[mesh.t].max(axis=0)
    assert np.minimum(-low, high).max() <= 2e-3 / cells


@pytest.mark.parametrize("cells", [8, 16, 32, 64])
def test_the_area_of_a_polygon_in_a_circle_has_order_two(cells):
    """An inscribed polygon with sides up to h lacks at most the fraction h^2 / (6 R^2) of the area, with h up to 2^(1/2) / cells."""
    radius = 0.3
    mesh = with_interfaces(square(cells), [circle(0.52, 0.47, radius)])
    x, y = mesh.p[:, mesh.t].mean(axis=1)
    inside = (x - 0.52) ** 2 + (y - 0.47) ** 2 < radius**2
    lost = 1 - areas(mesh)[inside].sum() / (np.pi * radius**2)
    assert 0 < lost < 2 / cells**2 / (6 * radius**2) * 1.2  # a vertex that moves makes sides up to 1.3 times longer


def test_a_mesh_that_follows_the_interface_is_unchanged():
    mesh = square(8)
    assert with_interfaces(mesh, [line(0.0, 0.25, 0.0)]) is mesh
    moved = with_interfaces(mesh, [circle(0.5, 0.5, 0.3)])
    again = with_interfaces(moved, [circle(0.5, 0.5, 0.3)])
    assert again.nelements == moved.nelements and abs(again.p - moved.p).max() < 1e-12


@pytest.mark.parametrize(
    "other",
    [
        lambda x: 1e-170 * (x - 1 / 3),
        lambda x: 1e170 * (x - 1 / 3),
        lambda x: 1 / x - 3,
        lambda x: (40 * x).exp() - np.exp(40 / 3),
    ],
    ids=["small", "large", "pole", "steep"],
)
def test_the_mesh_follows_the_zero_set_whatever_the_size_of_the_function(other):
    """Each function has the sign of x - 1/3 or its opposite; roots by bisection differ by rounding."""
    plain, found = (with_interfaces(square(10), [CallableField(lambda x, f=f: f(x[:, 0]))]) for f in (lambda x: x - 1 / 3, other))
    assert found.t.shape == plain.t.shape
    np.testing.assert_allclose(found.p, plain.p, atol=1e-9)
    left = found.p[0][found.t] < 1 / 3 - 1e-9
    right = found.p[0][found.t] > 1 / 3 + 1e-9
    assert not (left.any(axis=0) & right.any(axis=0)).any()  # no cell is cut

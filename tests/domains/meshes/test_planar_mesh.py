"""Meshes of plane domains with holes, which need no mesh generator outside of the package."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.history import Stop
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.meshes.mesh_files import facets_of, require_neighbors
from pdefreq.domains.meshes.meshing import mesh_of
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring
from pdefreq.problem.files import problem_from_text
from pdefreq.runs.solve import solve

SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
L_SHAPE = Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)])
DOMAINS = {
    "square": WithHoles(SQUARE, (Ball((0.2, 0.0), 0.3), Box((-0.8, -0.8), (-0.4, -0.5)))),
    "disk": WithHoles(Ball((1.0, 0.0), 2.0), (Ball((0.5, 0.5), 0.5), Polygon([(1.5, -1), (2, -1), (1.5, 0)]))),
    "ring": WithHoles(Ring((0.0, 0.0), 1.0, 3.0), (Ball((2.0, 0.0), 0.5),)),
    "ellipse": WithHoles(Ellipse((0.0, 0.0), (3.0, 1.0)), (Ellipse((1.0, 0.0), (0.5, 0.25)),)),
    "l-shape": WithHoles(L_SHAPE, (Ball((0.5, 0.5), 0.25),)),
}


@pytest.fixture(autouse=True)
def without_gmsh(monkeypatch):
    monkeypatch.setitem(sys.modules, "gmsh", None)


def areas(mesh):
    corners = mesh.p.T[mesh.t.T]
    return np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 2


def lengths(mesh, name):
    a, b = mesh.p[:, facets_of(mesh)[:, mesh.boundaries[name]]].transpose(1, 0, 2)
    return np.linalg.norm(b - a, axis=0)


def smallest_angle(mesh):
    sides = [mesh.p[:, mesh.t[(i + 1) % 3]] - mesh.p[:, mesh.t[i]] for i in range(3)]
    unit = [side / np.linalg.norm(side, axis=0) for side in sides]
    return min(np.degrees(np.arccos(-(unit[i] * unit[(i + 1) % 3]).sum(axis=0))).min() for i in range(3))


@pytest.mark.parametrize("name", DOMAINS)
def test_the_cells_fill_the_domain_and_the_facets_its_parts(name):
    """A chord of length h is shorter than its arc by h^2 / (24 R^2), and cuts off the area h^3 / (12 R)."""
    domain = DOMAINS[name]
    mesh = mesh_of(domain, 0.2)
    require_neighbors(mesh, name)
    named = np.concatenate([*mesh.boundaries.values()])
    assert sorted(named) == sorted(mesh.boundary_facets())  # each facet belongs to exactly one part
    for k, part in enumerate(domain.part_names):
        edge = domain.boundary(2000)
        exact = float(edge.weights[edge.parts == k].sum())
        # 16 sides: 1 - sin(pi/16) / (pi/16) = 0.0064, and ellipses of ratio 3 bend more
        assert 0.98 * exact < lengths(mesh, part).sum() < exact * (1 + 1e-4)
        x = mesh.p[:, np.unique(facets_of(mesh)[:, mesh.boundaries[part]])].T
        np.testing.assert_allclose(domain.onto_boundary(part, x), x, atol=1e-9 * np.ptp(mesh.p))
    assert areas(mesh).sum() == pytest.approx(domain.measure, rel=0.01)
    assert smallest_angle(mesh) > 20  # 25 before vertices move onto the curves; the smallest corner of these holes has 45


@pytest.mark.parametrize("name", ["square", "disk", "ring", "l-shape"])
def test_areas_converge_with_the_square_of_the_width(name):
    domain = DOMAINS[name]
    errors = [abs(areas(mesh_of(domain, h)).sum() - domain.measure) for h in (0.1, 0.025)]
    assert errors[1] < errors[0] / 12  # 16 for sides of equal length, whose number is rounded


@given(
    radii=st.lists(st.floats(0.01, 0.3), min_size=1, max_size=4),
    angle=st.floats(0, 2 * math.pi),
    gap=st.floats(0.005, 0.2),
    h=st.sampled_from([0.3, 0.7]),
)
@settings(max_examples=25, deadline=None)
def test_holes_of_any_size_and_distance_are_meshed(radii, angle, gap, h):
    """Holes on a line through the center, at a distance `gap` from each other; those that do not fit are left out."""
    holes, place = [], -0.9
    for radius in radii:
        place += gap + radius
        if place + radius < 0.9:
            holes.append(Ball((place * math.cos(angle), place * math.sin(angle)), radius))
        place += radius
    domain = WithHoles(Ball((0.0, 0.0), 1.0), tuple(holes) or (Ball((0.0, 0.0), 0.1),))
    mesh = mesh_of(domain, h)
    require_neighbors(mesh, "random holes")
    assert {*mesh.boundaries} == {*domain.part_names}
    # 16 sides make a hole of radius r smaller by 0.08 r^2, and the disk by 0.08
    assert abs(areas(mesh).sum() - domain.measure) < 0.09 * (1 + sum(hole.radius**2 for hole in domain.holes))
    assert min(min(lengths(mesh, name)) for name in mesh.boundaries) > 0


def test_sides_are_short_where_curves_are_close():
    """The gap between the holes is 1/500 of their radii; elsewhere the sides are long."""
    domain = WithHoles(SQUARE, (Ball((-0.3, 0.0), 0.2998), Ball((0.3, 0.0), 0.2998)))
    mesh = mesh_of(domain, 0.5)
    found = lengths(mesh, "hole-1")
    assert found.min() < 0.002 and found.max() > 0.05 and mesh.nelements < 1000


@pytest.mark.parametrize("gap", [0.01, 0.001])
def test_a_hole_close_to_a_curved_boundary_is_not_cut_by_the_sides_of_the_polygon(gap):
    """The middle of a side of a regular polygon with 16 sides is 0.019 away from its arc, further than the hole."""
    toward = (0.5 * math.cos(math.pi / 16), 0.5 * math.sin(math.pi / 16))
    domain = WithHoles(Ball((0.0, 0.0), 1.0), (Ball(toward, 0.5 - gap),))
    mesh = mesh_of(domain, 0.4)
    require_neighbors(mesh, "close")
    assert {*mesh.boundaries} == {"outer", "hole-1"}
    assert areas(mesh).sum() == pytest.approx(domain.measure, rel=0.03)  # the sides far from the gap are 0.019 off


TEXT = """
[domain]
kind = "disk"
radius = 1
holes = [{kind = "disk", center = [0.2, 0.1], radius = 0.3}]
[equation]
exact = "exp(x)*cos(y) + x**2"
[[boundary.part]]
name = "hole-1"
kind = "neumann"
[[boundary.part]]
name = "outer"
"""


def test_finite_elements_on_a_disk_with_a_hole_and_mixed_conditions_have_order_two():
    problem = problem_from_text(TEXT)
    errors = [
        float(solve(problem, f"fem:cells={cells}", stop=Stop(steps=1), predict=False, probes=["error"]).summary()["relative_l2"])
        for cells in (4, 16)
    ]
    assert math.log(errors[0] / errors[1], 4) == pytest.approx(2.0, abs=0.25)  # unstructured meshes are not nested
    assert errors[1] < 2e-3

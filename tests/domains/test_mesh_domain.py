import math
from pathlib import Path

import numpy as np
import pytest
import skfem
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import ProblemFileError, UnknownNameError
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.geometry.mean_value import MeanValueDistance
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshes.cell_search import CellSearch
from pdefreq.domains.meshes.meshing import mesh_of

RECTANGLE = Box((0.0, 0.0), (2.0, 1.0))
MESHES = Path(__file__).parents[2] / "problems" / "meshes"


def l_shape():
    return MeshDomain(skfem.MeshTri.init_lshaped().refined(2))


def test_a_meshed_rectangle_is_the_rectangle():
    domain = MeshDomain(mesh_of(RECTANGLE, 0.3))
    assert domain.measure == pytest.approx(2.0, rel=1e-14)
    assert domain.part_names == ("x-max", "x-min", "y-max", "y-min")  # in alphabetical order
    b = domain.boundary(500)
    assert [float(b.weights[b.parts == k].sum()) for k in range(4)] == pytest.approx([1, 1, 2, 2], rel=1e-13)
    assert bool((b.x[b.parts == 0, 0] == 2.0).all() and (b.normals[b.parts == 3, 1] == -1.0).all())


def test_quadrilaterals_and_triangles_describe_the_same_domain():
    quads = MeshDomain(skfem.MeshQuad.init_tensor(np.linspace(0, 2, 5), np.linspace(0, 1, 4)))
    assert quads.measure == pytest.approx(2.0, rel=1e-14)
    q = quads.quadrature(2000)
    assert float((q.weights * q.x[:, 0] ** 3 * q.x[:, 1] ** 5).sum()) == pytest.approx(4 / 6, rel=1e-13)


@pytest.mark.parametrize(("mesh", "degree"), [(skfem.MeshLine(), 12), (skfem.MeshTri(), 12), (skfem.MeshTet(), 7)])
def test_quadrature_is_exact_up_to_the_degree_of_the_rules(mesh, degree):
    """On the unit cube, where the integral of a monomial is the product of 1 / (p + 1)."""
    domain = MeshDomain(mesh)
    q = domain.quadrature(10_000)
    for powers in ([degree] + [0] * (domain.dimension - 1), [degree // domain.dimension] * domain.dimension):
        value = float((q.weights * (q.x ** torch.tensor(powers)).prod(dim=1)).sum())
        assert value == pytest.approx(math.prod(1 / (p + 1) for p in powers), rel=1e-12)


def test_quadrature_has_at_most_the_requested_points_or_one_point_per_cell():
    domain = MeshDomain(mesh_of(RECTANGLE, 0.1))  # 400 triangles
    assert [len(domain.quadrature(n).x) // 400 for n in (1, 400, 1300, 2500, 1_000_000)] == [1, 1, 3, 6, 33]


def test_points_in_the_missing_quarter_are_outside():
    x = 2 * torch.rand(2000, 2, generator=stream(0, "test"), dtype=torch.float64) - 1
    inside = l_shape().contains(x)
    missing = (x[:, 0] > 0) & (x[:, 1] > 0)
    assert torch.equal(inside, ~missing)
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [1.0, 0.0], [1.0, 1e-6], [-1.0 - 1e-6, 0.0]])
    assert l_shape().contains(corners.double()).tolist() == [True] * 4 + [False] * 2


def test_cells_are_found_in_meshes_of_very_different_cell_sizes():
    """Adaptive refinement at a corner to a width of 1/1000: each centroid lies in its own cell and in no other."""
    mesh = skfem.MeshTri.init_lshaped()
    for _ in range(20):
        mesh = mesh.refined(mesh.elements_satisfying(lambda x: np.hypot(*x) <= np.hypot(*x).min() * 1.01))
    corners = mesh.p.T[mesh.t.T]
    np.testing.assert_array_equal(CellSearch(corners)(corners.mean(axis=1)), np.arange(len(corners)))


def test_equal_meshes_are_equal_domains_and_a_renamed_boundary_is_another_domain():
    first, second = (MeshDomain(mesh_of(RECTANGLE, 0.5)) for _ in range(2))
    assert first == second and hash(first) == hash(second)
    boundaries = {f"{name}-wall": facets for name, facets in first.mesh.boundaries.items()}
    renamed = skfem.MeshTri(first.mesh.p, first.mesh.t).with_boundaries(boundaries)
    assert MeshDomain(renamed) != first and MeshDomain(mesh_of(RECTANGLE, 0.4)) != first


def test_facets_without_group_are_called_rest_and_facets_in_two_groups_belong_to_the_first():
    mesh = skfem.MeshTri().refined(2).with_boundaries({"b": lambda x: x[0] == 0, "a": lambda x: x[0] + x[1] < 0.3})
    domain = MeshDomain(mesh)
    assert domain.part_names == ("a", "b", "rest")
    assert [len(domain.facets(name)) for name in domain.part_names] == [2, 3, 11]


def test_names_of_interior_facets_are_not_parts():
    mesh = skfem.MeshTri().refined(2).with_boundaries({"interface": lambda x: x[0] == 0.5}, boundaries_only=False)
    assert MeshDomain(mesh).part_names == ("rest",)


def test_an_unknown_part_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match=r"the mesh has no boundary 'xmin': did you mean 'x-min'\?"):
        MeshDomain(mesh_of(RECTANGLE, 0.5)).facets("xmin")


def test_curved_cells_are_refused():
    with pytest.raises(ProblemFileError, match="first-order lines, triangles, quadrilaterals or tetrahedra, got MeshTri2"):
        MeshDomain(skfem.MeshTri2())


@pytest.mark.parametrize(("number", "holes"), [(1, [0.1, 0.2, 0.2]), (2, [0.3, 0.6, 0.3])])
def test_the_shipped_meshes_match_the_domains_of_the_paper(number, holes):
    path = MESHES / f"perforated-{number}.msh"
    domain = MeshDomain.read(path)
    assert path.stat().st_size < 150_000
    b = domain.boundary(1)
    lengths = {name: float(b.weights[b.parts == k].sum()) for k, name in enumerate(domain.part_names)}
    for name in ("x-min", "x-max", "y-min", "y-max"):
        assert lengths[name] == pytest.approx(2.0, rel=1e-14)
    for k, r in enumerate(holes, 1):  # polygons of at least 16 sides: sin(pi / 16) / (pi / 16) = 0.9936 of the circle
        assert 0.9935 < lengths[f"hole-{k}"] / (2 * math.pi * r) < 1
    ellipse = {1: 0.0, 2: math.pi / 32}[number]
    holes_area = math.pi * sum(r * r for r in holes) + ellipse
    assert 4 - holes_area < domain.measure < 4 - 0.97 * holes_area  # sin(pi / 8) / (pi / 8) = 0.974


def test_the_mean_value_distance_has_slope_one_at_the_boundary_and_is_a_harmonic_mean_in_one_dimension():
    """In 1-D it is 1 / (1/s + 1/(l - s)) = s (l - s) / l; at a flat boundary it is the distance, to first order."""
    line = MeshDomain(mesh_of(Box((1.0,), (3.0,)), 0.5))
    x = torch.linspace(1, 3, 9, dtype=torch.float64)[:, None]
    torch.testing.assert_close(line.distance()(x), ((x - 1) * (3 - x) / 2)[:, 0], rtol=0, atol=1e-15)
    for mesh in (skfem.MeshTri().refined(1), skfem.MeshTet().refined(1)):
        domain, s = MeshDomain(mesh), 1e-5
        x = torch.full((1, domain.dimension), 0.4, dtype=torch.float64)
        x[0, 0] = s
        assert float(domain.distance()(x)) / s == pytest.approx(1.0, abs=1e-3)  # 1 - O(s / distance to the edges)


@pytest.mark.parametrize("power", [-6, -1, 2, 5])
def test_the_distance_is_in_units_of_length_of_the_domain(power):
    """The same numbers at corresponding points of a mesh that is multiplied by a power of ten."""
    one, factor = l_shape(), 10.0**power
    large = MeshDomain(skfem.MeshTri(factor * one.mesh.p, one.mesh.t))
    x = one.interior(50, stream(0, "test")).x
    torch.testing.assert_close(large.distance()(factor * x), one.distance()(x), rtol=1e-12, atol=0)


def test_mean_value_distance_of_a_disk_and_a_ball():
    """At the center all rays have the length of the radius: c / phi = r |B^(d-1)| / |S^(d-1)|, r / pi and r / 4."""
    from pdefreq.domains.ball import Ball

    for d, expected in ((2, 1 / math.pi), (3, 1 / 4)):
        domain = MeshDomain(mesh_of(Ball((0.0,) * d, 1.0), {2: 0.05, 3: 0.25}[d]))
        value = float(domain.distance()(torch.zeros(1, d, dtype=torch.float64)))
        assert value == pytest.approx(expected, rel={2: 1e-3, 3: 0.03}[d])  # inscribed polygons: h^2


@given(st.floats(0, 1), st.floats(0, 1))
def test_mean_value_distance_of_a_square_does_not_depend_on_the_mesh(x, y):
    """If a side is split, its angles add up, also at vertices and at points on sides."""
    point = torch.tensor([[x, y]], dtype=torch.float64)
    coarse, fine = (MeshDomain(skfem.MeshTri().refined(k)).distance()(point) for k in (0, 3))
    torch.testing.assert_close(coarse, fine, rtol=1e-9, atol=1e-12)


def test_mean_value_distance_of_a_cube_vanishes_at_vertices_edges_and_faces():
    domain = MeshDomain(skfem.MeshTet().refined(1))
    b = torch.from_numpy(domain.mesh.p[:, domain.mesh.boundary_nodes()].T.copy())
    x = torch.cat([b, (b[:-1] + b[1:]) / 2])
    on = ((x == 0) | (x == 1)).any(dim=1)
    values = domain.distance()(x)
    assert bool((values[on] == 0).all() and (values[~on] > 0.05).all())
    inner = domain.distance().gradient(torch.full((1, 3), 0.3, dtype=torch.float64))
    assert bool(inner.isfinite().all())


def test_the_number_of_sides_of_a_polygon_does_not_depend_on_its_mesh():
    """Distance and lifting use the sides: six of an L, and four of a square plus four of its square hole."""
    frame = skfem.MeshTri.init_tensor(*[np.linspace(-1, 1, 9)] * 2)
    frame = frame.remove_elements(frame.elements_satisfying(lambda x: np.abs(x).max(axis=0) < 0.5))
    for mesh, count in ((skfem.MeshTri.init_lshaped(), 6), (frame, 8)):
        found = []
        for level in (0, 2):
            corners, normals = MeshDomain(mesh.refined(level))._sides
            found.append(sorted(map(tuple, torch.cat([corners.reshape(-1, 4), normals], dim=1).tolist())))
        assert found[0] == found[1] and len(found[0]) == count


def test_sides_end_where_two_parts_of_the_boundary_touch():
    """Two squares that share a corner, where four facets meet. Collinear facets there have opposite normals."""
    mesh = skfem.MeshTri.init_tensor(*[np.linspace(-1, 1, 3)] * 2)
    mesh = mesh.remove_elements(mesh.elements_satisfying(lambda x: x.prod(axis=0) < 0))
    corners, _ = MeshDomain(mesh.refined(1))._sides
    assert len(corners) == 8
    np.testing.assert_allclose(np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1), 1.0, rtol=1e-14)


def test_the_mean_value_distance_does_not_depend_on_the_subdivision_of_sides():
    domain = MeshDomain(skfem.MeshTri.init_lshaped().refined(3))
    x = domain.interior(500, stream(0, "test")).x
    cut = MeanValueDistance(torch.from_numpy(domain._facet_corners), torch.from_numpy(domain._normals))
    # sums of 64 and of 6 terms, each with rounding errors; the sum is at least 2 / distance
    torch.testing.assert_close(domain.distance()(x), cut(x), rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        ([[0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0]], "cells have no area"),
        ([[0.0, 1.0, 0.0, 0.2], [0.0, 0.0, 1.0, 0.2]], "cells overlap"),
    ],
)
def test_a_stored_mesh_is_checked_as_one_in_a_file(vertices, message):
    with pytest.raises(ProblemFileError, match=message):
        MeshDomain.from_content(
            {"p": np.array(vertices), "t": np.array([[0, 1], [1, 2], [2, 3]]), "cells": "triangle", "boundaries": {}}
        )


def test_a_mesh_of_pieces_whose_vertices_are_not_merged_is_remarked():
    """Two halves of a square: at u = 0 on the whole boundary, the seam at x = 1/2 is a boundary that is not visible."""
    left = skfem.MeshTri.init_tensor(np.linspace(0, 0.5, 5), np.linspace(0, 1, 9))
    right = left.translated((0.5, 0.0))
    p, t = np.concatenate([left.p, right.p], axis=1), np.concatenate([left.t, right.t + left.p.shape[1]], axis=1)
    (sentence,) = MeshDomain(skfem.MeshTri(p, t)).remarks
    assert "9 pairs of vertices of the boundary at the same place, one of them at (0.5, " in sentence
    assert MeshDomain(left + right).remarks == ()  # `+` merges vertices at the same place

import math
import sys

import numpy as np
import pytest
import skfem
import torch

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshes.meshing import mesh_of, refined
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring

PERFORATED = WithHoles(
    Box((-1.0, -1.0), (1.0, 1.0)), (Ball((0.3, 0.0), 0.4), Ellipse((-0.5, 0.5), (0.1, 0.3)), Box((-0.8, -0.8), (-0.5, -0.5)))
)
STRUCTURED = {
    "interval": Box((0.0,), (3.0,)),
    "rectangle": Box((0.0, 1.0), (3.0, 2.0)),
    "cuboid": Box((0.0, 1.0, -1.0), (1.0, 2.0, 0.0)),
    "ball-1d": Ball((1.0,), 0.7),
    "disk": Ball((1.0, 2.0), 1.5),
    "ball-3d": Ball((1.0, 2.0, 3.0), 1.5),
    "ellipse": Ellipse((1.0, 0.0), (2.0, 1.0)),
    "ring": Ring((0.0, 1.0), 1.0, 2.0),
    "thin-ring": Ring((0.0, 1.0), 1.0, 1.05),
    "l-shape": Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)]),
}
structured = pytest.mark.parametrize("domain", STRUCTURED.values(), ids=STRUCTURED.keys())


def area_errors(mesh, domain, levels):
    """Errors of the area of a mesh and its refinements; every boundary facet keeps a name."""
    errors = []
    for level in range(levels):
        mesh = refined(mesh, domain) if level else mesh
        errors.append(abs(MeshDomain(mesh).measure - domain.measure))
        assert sorted(np.concatenate(list(mesh.boundaries.values()))) == sorted(mesh.boundary_facets())
    return errors


def test_mesh_widths_and_boundary_names():
    for h in (0.5, 0.13):
        mesh = mesh_of(Box((0.0, 1.0), (3.0, 2.0)), h)
        assert mesh.nelements == 2 * math.ceil(3 / h) * math.ceil(1 / h)
        assert {name: len(f) for name, f in mesh.boundaries.items()} == {
            **dict.fromkeys(("x-min", "x-max"), math.ceil(1 / h)),
            **dict.fromkeys(("y-min", "y-max"), math.ceil(3 / h)),
        }


@structured
@pytest.mark.parametrize("h", [0.9, 0.35])
def test_meshes_cover_the_domain_once_and_name_every_boundary_facet(domain, h):
    mesh = mesh_of(domain, h)
    assert mesh.is_valid() and len(np.unique(mesh.t)) == mesh.nvertices
    assert (MeshDomain(mesh)._cell_measures > 1e-6 * domain.measure / mesh.nelements).all()
    named = np.concatenate(list(mesh.boundaries.values()))
    assert sorted(named) == sorted(mesh.boundary_facets())
    assert set(mesh.boundaries) == set(domain.part_names)
    # conforming: Euler's formula, V - E + F = 1 for a disk, 0 for a ring
    if mesh.dim() == 2:
        assert mesh.nvertices - mesh.nfacets + mesh.nelements == (0 if isinstance(domain, Ring) else 1)
    edges = np.linalg.norm(np.diff(mesh.p[:, mesh.facets], axis=1), axis=0) if mesh.dim() > 1 else np.array([0.0])
    assert edges.max() <= 2 * h  # diagonals, and stretched octahedra


@structured
def test_vertices_of_named_facets_lie_on_the_boundary_also_after_refinement(domain):
    mesh = refined(mesh_of(domain, 0.3), domain)
    distance = domain.distance()
    for facets in mesh.boundaries.values():
        x = torch.from_numpy(mesh.p[:, np.unique(mesh.facets[:, facets])].T.copy())
        assert float(distance(x).abs().max()) < 1e-12  # coordinates of size 4; rounding
    assert sorted(np.concatenate(list(mesh.boundaries.values()))) == sorted(mesh.boundary_facets())


def test_a_move_onto_the_boundary_that_inverts_a_cell_is_refused():
    """Edges of 0.5 on a ring of thickness 0.05: midpoints move by 0.03, past the midpoints of the cells' diagonals."""
    thin = STRUCTURED["thin-ring"]
    with pytest.raises(IncompatibleError, match=r"a cell is inverted .* use more `cells`"):
        refined(mesh_of(thin, 0.6), thin)


@pytest.mark.parametrize("domain", [Ball((0.0, 0.0), 1.0), Ellipse((0.0, 0.0), (2.0, 0.5)), Ring((0.0, 0.0), 1.0, 3.0)])
def test_areas_converge_at_order_two_under_refinement(domain):
    errors = area_errors(mesh_of(domain, 0.4), domain, 4)
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 2.0, atol=0.03)  # inscribed polygons: h^2 (1 + O(h^2))


def test_volumes_converge_at_order_two():
    ball = Ball((0.0, 0.0, 0.0), 1.0)
    errors = area_errors(mesh_of(ball, 0.8), ball, 4)
    assert np.log2(errors[2] / errors[3]) == pytest.approx(2.0, abs=0.03)  # 1.93 one level before: h^2 (1 + O(h^2))


@pytest.mark.parametrize("domain", [Ball((0.0, 0.0), 1.0), Ring((0.0, 0.0), 0.1, 3.0), Ball((0.0, 0.0, 0.0), 1.0)])
def test_cells_are_shape_regular(domain):
    """Ratio of h^d to d! times the measure, with h the longest edge: 1.15 and 1.41 for regular triangles and tetrahedra."""
    mesh = mesh_of(domain, 0.15 if domain.dimension == 2 else 0.4)
    corners = mesh.p.T[mesh.t.T]
    size = np.max(
        [np.linalg.norm(corners[:, i] - corners[:, j], axis=1) for i in range(mesh.dim() + 1) for j in range(i)], axis=0
    )
    ratio = size ** mesh.dim() / abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
    assert ratio.max() < (2.5 if mesh.dim() == 2 else 8)  # 2 for a right isosceles triangle; mapped octahedra are the flattest


def test_a_mesh_domain_returns_its_mesh_or_a_refinement():
    mesh = mesh_of(Box((0.0, 0.0), (1.0, 1.0)), 0.5)
    domain = MeshDomain(mesh)
    assert mesh_of(domain, 1.0) is mesh
    assert mesh_of(domain, 0.4).nelements == 4 * mesh.nelements
    assert MeshDomain(mesh_of(domain, 0.1)).part_names == domain.part_names


def test_refined_quadrilaterals_keep_their_names():
    mesh = skfem.MeshQuad.init_tensor(np.linspace(0, 1, 3), np.linspace(0, 1, 3)).with_boundaries({"left": lambda x: x[0] == 0})
    assert len(refined(mesh, MeshDomain(mesh)).boundaries["left"]) == 4


@pytest.mark.parametrize("h", [0.0, -1.0, math.nan, math.inf])
def test_a_width_must_be_positive(h):
    with pytest.raises(OptionError, match="mesh width h must be above zero"):
        mesh_of(Box((0.0,), (1.0,)), h)


def test_a_mesh_with_too_many_cells_is_refused_with_their_number():
    with pytest.raises(OptionError, match=r"h = 1e-05 requires about 2e\+10 cells"):
        mesh_of(Box((0.0, 0.0), (1.0, 1.0)), 1e-5)


def test_more_than_three_dimensions_are_refused():
    with pytest.raises(IncompatibleError, match="at most three dimensions, but this domain has 4"):
        mesh_of(Box((0.0,) * 4, (1.0,) * 4), 0.5)


HOLES_IN_SPACE = WithHoles(Box((-1.0,) * 3, (1.0,) * 3), (Ball((0.2, 0.0, 0.0), 0.5),))


@pytest.mark.parametrize("domain", [HOLES_IN_SPACE, Ring((0.0, 0.0, 0.0), 1.0, 2.0)], ids=["holes", "shell"])
def test_holes_without_gmsh_are_refused_with_advice(domain, monkeypatch):
    monkeypatch.setitem(sys.modules, "gmsh", None)  # a None entry blocks the import
    with pytest.raises(
        IncompatibleError, match=r"needs gmsh: install it with `pip install 'pdefreq\[mesh\]'`, or give a mesh file"
    ):
        mesh_of(domain, 0.5)


def test_meshes_with_holes_are_refined_towards_the_holes():
    mesh = mesh_of(PERFORATED, 0.2)
    assert set(mesh.boundaries) == set(PERFORATED.part_names)
    errors = area_errors(mesh, PERFORATED, 3)
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2.0, atol=0.03)


def test_gmsh_meshes_three_dimensional_domains():
    pytest.importorskip("gmsh")
    domain = HOLES_IN_SPACE
    mesh = mesh_of(domain, 0.5)
    assert set(mesh.boundaries) == set(domain.part_names)
    assert MeshDomain(mesh).measure == pytest.approx(domain.measure, rel=0.02)  # 16 edges around a hole make it 5 % too small

"""Fluxes are integrated over the true boundary part, and Dirichlet parts without a node are refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.errors import IncompatibleError
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.meshes.meshing import mesh_for
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.expressions import parse_condition
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.elements.weak_form import WeakForm

SQUARE, CUBE = Box((0.0, 0.0), (1.0, 1.0)), Box((0.0,) * 3, (1.0,) * 3)


def condition(text, dimension=2):
    return parse_condition(text, Scope(dimension, {}), "where")


def with_flux(where, flux, domain=SQUARE, name=None):
    where = condition(where, domain.dimension)
    parts = [BoundaryPart("robin", name, where, flux=flux), BoundaryPart("robin", alpha=1.0)]
    return Problem(domain=domain, source=0.0, boundary=parts)


def space(domain, cells, element="P1"):
    mesh = mesh_for(domain, cells, simplices=element != "Q1")
    return Lagrange(mesh, 4, degree=2 if element == "P2" else 1)


def total_flux(problem, cells, element="P1"):
    """The basis functions add up to 1, so that the entries of the load add up to the integral of the flux."""
    return float(WeakForm(space(problem.domain, cells, element), problem).load.sum())


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(-8, -0.5), st.integers(1, 12), st.sampled_from(["P1", "P2", "Q1"]))
def test_the_total_flux_is_the_integral_over_the_part(center, exponent, cells, element):
    """The flux e^x on |x - a| < w of the upper side, clipped to it, has the integral e^b - e^a, whatever the mesh."""
    width = 10.0**exponent
    problem = with_flux(f"abs(x - {center!r}) < {width!r}", lambda x: x[:, 0].exp(), name="y-max")
    wanted = math.exp(min(center + width, 1)) - math.exp(max(center - width, 0))
    found = total_flux(problem, cells, element)  # 3 Gauss points of an interval of length 1: the error is 3e-7
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-13)


@pytest.mark.parametrize("element", ["P1", "Q1"])
def test_the_flux_through_a_disk_in_space_converges_with_the_pieces_of_facets(element):
    """Facets on the edge of the disk are divided into 64 pieces: errors of pieces of size h/8 on a curve nearly cancel."""
    problem = with_flux("(x - 0.45)**2 + (y - 0.55)**2 < 0.09", 1.0, CUBE, "z-max")
    assert total_flux(problem, 4, element) == pytest.approx(0.09 * math.pi, rel=0.02)


def test_the_flux_through_a_part_of_a_circle():
    """On a mesh of a disk the sides are chords, whose length is that of the arc up to h^2 / 24."""
    pytest.importorskip("gmsh")
    problem = with_flux("abs(y) < 0.01 and x > 0", 1.0, Ball((0.0, 0.0), 1.0))
    assert total_flux(problem, 10) == pytest.approx(2 * math.asin(0.01), rel=0.01)


def test_a_symmetric_problem_with_a_narrow_flux_has_the_mean_of_its_one_dimensional_reduction():
    """The mean m(y) of u over x satisfies m'' = 0, m(0) = 0 and m'(1) = the total flux 0.6, so that the mean over all is 0.3."""
    parts = [
        BoundaryPart("robin", "y-max", condition("abs(x - 0.5) < 0.003"), flux=100.0),
        BoundaryPart("dirichlet", "y-min"),
        BoundaryPart("robin"),
    ]
    problem = Problem(domain=SQUARE, source=0.0, boundary=parts)
    for method in ("fem:cells=10", "fem:cells=11", "fem:element=Q1,cells=7", "cg:intervals=10", "cg:intervals=11"):
        iteration = make_solver(method).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
        state = iteration.init()
        while not state.done:
            state = iteration.step(state)
        ticks = torch.linspace(0, 1, 1321, dtype=torch.float64)  # 1320 is a multiple of 10, 11 and of nearly all of 7 cells
        x = torch.stack([ticks, torch.full_like(ticks, 0.5)], dim=1)
        values = state.space.at(x).value(state.coefficients)
        assert float(torch.trapezoid(values, ticks)) == pytest.approx(0.3, abs=2e-3), (
            method
        )  # the row y = 0.5 need not be a node row


@pytest.mark.parametrize(("element", "seen"), [("P1", False), ("P2", True), ("Q1", False)])
def test_a_dirichlet_part_between_the_vertices_is_refused_unless_it_contains_an_edge_node(element, seen):
    parts = [BoundaryPart("dirichlet", "y-max", condition("abs(x - 0.55) < 0.003"), value=1.0), BoundaryPart("dirichlet")]
    problem = Problem(domain=SQUARE, source=0.0, boundary=parts)
    elements = space(SQUARE, 10, element)
    if seen:
        fixed, values = elements.prescribed(problem)
        assert elements.nodes[fixed[values == 1]].tolist() == [pytest.approx([0.55, 1.0])]
    else:
        with pytest.raises(IncompatibleError, match=r"no node lies on \[\[boundary.part\]\] 1 .*needs a mesh width below 0\.006"):
            elements.prescribed(problem)
    fixed, values = space(SQUARE, 20, element).prescribed(problem)
    assert (values == 1).sum() == 1


def test_a_value_at_a_corner_governs_one_vertex():
    problem = Problem(
        domain=SQUARE,
        source="cos(pi*x)",
        boundary=[BoundaryPart("dirichlet", where=condition("x + y < 1e-9")), BoundaryPart("robin")],
    )
    elements = space(SQUARE, 6)
    fixed, _ = elements.prescribed(problem)
    assert elements.nodes[fixed].tolist() == [[0.0, 0.0]]


def test_a_part_ends_inside_a_facet_and_fixes_no_node_beyond():
    """The facets of 10 cells have ends at multiples of 0.1; a part x < 0.57 contains the midpoint 0.55 but not the node 0.6."""
    parts = [BoundaryPart("dirichlet", "y-max", condition("x < 0.57")), BoundaryPart("robin")]
    elements = space(SQUARE, 10)
    fixed, _ = elements.prescribed(Problem(domain=SQUARE, source=1.0, boundary=parts))
    assert float(elements.nodes[fixed, 0].max()) == 0.5

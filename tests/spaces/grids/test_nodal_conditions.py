"""Boundary conditions of grids: fluxes are integrated over the true part, and Dirichlet parts without a node are refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.errors import IncompatibleError
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.expressions import parse_condition
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.nodal_conditions import nodal_conditions
from pdefreq.spaces.grids.uniform_grid import UniformGrid

RECTANGLE, CUBE = Box((0.0, -1.0), (2.0, 1.0)), Box((0.0,) * 3, (1.0,) * 3)


def condition(text, dimension=2):
    return parse_condition(text, Scope(dimension, {}), "where")


def conditions(box, intervals, parts):
    grid = UniformGrid(box, intervals)
    return grid, nodal_conditions(grid, Problem(domain=box, source=0.0, boundary=parts))


def total(grid, values):
    """The values are integrals over the faces of cells divided by the volume of a cell."""
    return float(values.sum()) * math.prod(grid.spacings)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.02, 1.98), st.floats(-8, -0.5), st.integers(2, 12))
def test_the_total_flux_and_alpha_are_integrals_over_the_part(center, exponent, intervals):
    width = 10.0**exponent
    part = BoundaryPart("robin", "y-max", condition(f"abs(x - {center!r}) < {width!r}"), flux=3.0, alpha=2.0)
    grid, found = conditions(RECTANGLE, (intervals, 5), [part, BoundaryPart("robin")])
    length = min(center + width, 2) - max(center - width, 0)
    assert total(grid, found.flux) == pytest.approx(3 * length, rel=1e-5, abs=1e-13)
    assert total(grid, found.alpha) == pytest.approx(2 * length, rel=1e-5, abs=1e-13)  # a width of 1e-8 has 8 digits


def test_the_flux_of_a_linear_function_on_pieces_is_exact():
    """On divided cells the flux is evaluated in the middle of each piece, which is exact for x; others use the node, their middle."""
    part = BoundaryPart("robin", "y-min", condition("x > 0.43 and x < 1.77"), flux=lambda x: x[:, 0])
    grid, found = conditions(RECTANGLE, (8, 5), [part, BoundaryPart("robin")])
    assert total(grid, found.flux) == pytest.approx((1.77**2 - 0.43**2) / 2, rel=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 1.99), st.floats(0.01, 1.99), st.integers(2, 12))
def test_a_part_may_end_anywhere_on_a_periodic_side(first, second, intervals):
    """The cell of the first node extends over both ends of the side, where the condition need not be the same."""
    low, high = min(first, second), max(first, second)
    part = BoundaryPart("robin", "y-max", condition(f"x > {low!r} and x < {high!r}"), flux=3.0)
    problem = Problem(domain=RECTANGLE, source=0.0, boundary=[BoundaryPart("periodic", "x"), part, BoundaryPart("robin")])
    grid = UniformGrid(RECTANGLE, (intervals, 5), (0,))
    assert total(grid, nodal_conditions(grid, problem).flux) == pytest.approx(3 * (high - low), abs=1e-13)  # rounding


@pytest.mark.parametrize(("where", "area"), [("x < 0.5", 0.5), ("y < 0.5", 0.5), ("x > 0.75 and y < 0.0625", 1 / 64)])
def test_periodic_sides_in_space_have_cells_that_end_at_the_others(where, area):
    """The parts end where pieces of cells of width 1/4 do, so that their areas are exact."""
    part = BoundaryPart("robin", "z-max", condition(where, 3), flux=1.0)
    problem = Problem(domain=CUBE, source=0.0, boundary=[BoundaryPart("periodic", "x"), part, BoundaryPart("robin")])
    grid = UniformGrid(CUBE, (4, 4, 4), (0,))
    assert total(grid, nodal_conditions(grid, problem).flux) == pytest.approx(area, rel=1e-14)  # rounding


def test_the_flux_through_a_disk_in_space():
    """Cells on the edge of the disk are divided into 64 pieces: the errors of pieces of size h/8 on a curve nearly cancel."""
    part = BoundaryPart("robin", "z-max", condition("(x - 0.45)**2 + (y - 0.55)**2 < 0.09", 3), flux=1.0)
    grid, found = conditions(CUBE, (5, 6, 4), [part, BoundaryPart("robin")])
    assert total(grid, found.flux) == pytest.approx(0.09 * math.pi, rel=0.02)


def test_parts_that_end_at_the_ends_of_sides_keep_their_values():
    """A condition that holds on a whole side gives the numbers of the side's name."""
    by_name = [BoundaryPart("robin", "y-max", flux=lambda x: x[:, 0].exp(), alpha=1.0), BoundaryPart("dirichlet", value=1.0)]
    by_condition = [
        BoundaryPart("robin", "y-max", condition("x >= 0"), by_name[0].value, by_name[0].alpha, by_name[0].flux),
        by_name[1],
    ]
    (_, first), (_, second) = (conditions(RECTANGLE, (7, 4), parts) for parts in (by_name, by_condition))
    for name in ("is_dirichlet", "values", "alpha", "flux"):
        torch.testing.assert_close(getattr(first, name), getattr(second, name), rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("where", "width"), [("abs(x - 0.95) < 0.003", r"below 0\.006"), ("abs(x - 0.95) < 1e-9", "below 2e-09")]
)
def test_a_dirichlet_part_between_the_nodes_is_refused(where, width):
    parts = [BoundaryPart("dirichlet", "y-max", condition(where), value=1.0), BoundaryPart("dirichlet")]
    with pytest.raises(IncompatibleError, match=rf"no node lies on \[\[boundary.part\]\] 1 .*mesh width {width}"):
        conditions(RECTANGLE, (20, 20), parts)
    _, found = conditions(RECTANGLE, (40, 20), parts)  # x = 0.95 is a node
    assert int((found.values == 1).sum()) == 1

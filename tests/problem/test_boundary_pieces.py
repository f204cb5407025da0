"""Boundary parts on the sides of plane domains: their ends and lengths are those of the conditions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.domains.box import Box
from pdefreq.domains.polygon import Polygon
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.boundary_pieces import boundary_pieces, on_boundary
from pdefreq.problem.expressions import parse_condition
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.problem import Problem

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
ROUNDING = (
    2e-14  # the sides of a square are at coordinates up to 8, where numbers have the spacing 1e-15, and bisection adds some
)


def condition(text):
    return parse_condition(text, Scope(2, {}), "where")


def problem(where, domain=SQUARE, flux=0.0):
    first = BoundaryPart("robin", where=condition(where) if isinstance(where, str) else where, flux=flux)
    return Problem(domain=domain, source=0.0, boundary=[first, BoundaryPart("dirichlet")])


def pieces_of(problem):
    sides = problem.domain.straight_sides
    return boundary_pieces(problem, sides, torch.arange(len(sides)))


@settings(max_examples=30)
@given(st.floats(0.02, 0.98), st.floats(-9, -2))
def test_a_part_of_any_width_has_its_ends(center, exponent):
    width = 10.0**exponent
    found = pieces_of(problem(f"abs(x - {center!r}) < {width!r} and y == 0"))
    mine = found.part == 0
    assert found.segment[mine].tolist() == [2]
    ends = [float(found.start[mine][0]), float(found.end[mine][0])]
    assert ends == pytest.approx([max(center - width, 0), min(center + width, 1)], abs=ROUNDING)
    assert found.length.sum() == pytest.approx(4, rel=1e-14)


def test_pieces_cover_all_sides_in_order_and_equal_neighbors_are_joined():
    found = pieces_of(problem("sin(40*x) > 0 and y > 0.5"))
    for side in range(4):
        start, end = found.start[found.segment == side], found.end[found.segment == side]
        assert start[0] == 0
        assert end[-1] == 1
        assert np.array_equal(start[1:], end[:-1])
    same_side = found.segment[1:] == found.segment[:-1]
    assert (found.part[1:] != found.part[:-1])[same_side].all()
    on_top = (found.segment == 3) & (found.part == 0)
    assert found.start[on_top] == pytest.approx(np.arange(7) * math.pi / 20, abs=ROUNDING)  # sin(40 x) > 0 after 2 k pi / 40


def test_a_python_function_is_bisected():
    found = pieces_of(problem(lambda x: (x[:, 0] - 1 / 3).abs() < 0.01))
    assert found.widest(0) == pytest.approx(0.02, abs=ROUNDING)
    assert (found.part == 0).sum() == 2


def test_a_single_point_is_a_short_piece_of_both_sides():
    found = pieces_of(problem("x + y < 1e-9"))
    assert found.segment[found.part == 0].tolist() == [0, 2]
    assert found.widest(0) == pytest.approx(1e-9, abs=ROUNDING)


@pytest.mark.parametrize("domain", [SQUARE, Polygon(((0, 0), (1, 0), (1, 1), (0, 1)))], ids=["box", "polygon"])
def test_integrals_over_parts_are_those_of_calculus(domain):
    """The part 0.2 < x < 0.2001 of both horizontal sides and exp(x) on it: 2 (e^0.2001 - e^0.2)."""
    subject = problem("x > 0.2 and x < 0.2001", domain)
    edge, part = on_boundary(subject, 200)
    mine = part == 0
    assert float(edge.weights.sum()) == pytest.approx(4, rel=1e-14)
    assert float(edge.weights[mine] @ edge.x[mine, 0].exp()) == pytest.approx(2 * (math.exp(0.2001) - math.exp(0.2)), rel=1e-9)

"""Kinks and jumps of boundary values are found, with the order of square integrable derivatives known from calculus."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.fields import CallableField
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.polygon import Polygon
from pdefreq.problem.expressions import parse_field
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.files import load_problem
from pdefreq.problem.rough_values import rough_point, roughest

SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
UNIT = Box((0.0, 0.0), (1.0, 1.0))
PLACE = 1e-6  # the search ends with a window of about 1e-10, and a jump at a corner is one within 1e-7 of it


def field(text, dimension=2):
    """A formula as a Python function, about which nothing is known."""
    formula = parse_field(text, Scope(dimension, {}), "value")
    return CallableField(lambda x: formula(x))


@given(st.sampled_from([0.0, 0.25, 1.0, 1.25, 2.0, 2.25]), st.floats(0.05, 0.95), st.floats(1e-3, 1e3))
def test_the_order_of_a_power_is_that_of_calculus(exponent, place, factor):
    """The k-th derivative of sign(t)|t|^a is square integrable if a - k > -1/2, so the order is the ceiling of a + 1/2, less 1."""
    start, end = torch.tensor([[0.0]], dtype=torch.float64), torch.tensor([[1.0]], dtype=torch.float64)
    found = roughest(lambda x: factor * (x[:, 0] - place).sign() * (x[:, 0] - place).abs() ** exponent, start, end)
    if exponent == 1.0:  # t itself
        assert found is None
        return
    assert found is not None
    assert found.order == math.ceil(exponent + 0.5) - 1
    assert found.at == pytest.approx((place,), abs=PLACE)


@pytest.mark.parametrize(
    ("text", "order", "at"),
    [
        ("abs(y)", 1, (-1, 0)),
        ("max(x, 0.1) + 3*sin(8*pi*x)", 1, (0.1, -1)),
        ("abs(x - 0.1)**1.1", 1, (0.1, -1)),
        ("atan(1/(x - 0.3))", 0, (0.3, -1)),
        ("atan2(y, x)", 0, (-1, 0)),
        ("where(x < -1 + 1e-9, 75, where(y < -1 + 1e-9, 50, 0))", 0, None),  # at three corners
        ("where(y > 0.3, 1, 0)", 0, (-1, 0.3)),
        ("sqrt(x + 1)", 0, (-1, -1)),
    ],
)
def test_the_roughest_point_of_values_on_a_square(text, order, at):
    found = rough_point(field(text), SQUARE)
    assert found is not None
    assert found.order == order
    assert at is None or found.at == pytest.approx(at, abs=PLACE)


SMOOTH = ("exp(x)*cos(y)", "sin(100*pi*x)", "tanh(1e6*(x - 0.123))", "exp(-1000*(x - 0.3)**2)", "x**7*y**3", "1/(1.01 + x)", "x")


@pytest.mark.parametrize("text", SMOOTH)
def test_smooth_values_have_no_rough_point(text):
    for domain in (SQUARE, Polygon(((0, 0), (1, 0), (0.3, 1))), Ball((0.0, 0.0), 0.9), Box((-1.0,) * 3, (1.0,) * 3)):
        if "1e6" not in text or domain == SQUARE:
            assert rough_point(field(text, domain.dimension), domain) is None


@pytest.mark.parametrize("domain", [Polygon(((0, 0), (1, 0), (0.3, 1))), Ball((0.2, 0.1), 0.9), Box((-1.0,) * 3, (1.0,) * 3)])
def test_kinks_and_jumps_are_found_on_other_domains(domain):
    assert rough_point(field("abs(y - 0.2)", domain.dimension), domain).order == 1
    assert rough_point(field("where(x - y < 0.3, 1, 2)", domain.dimension), domain).order == 0


def test_a_jump_from_side_to_side_is_found_at_a_corner_of_a_polygon_and_at_an_edge_of_a_cube():
    triangle, cube = Polygon(((0, 0), (1, 0), (0.3, 1))), Box((0.0,) * 3, (1.0,) * 3)
    assert rough_point(field("where(y < 1e-9, 1, 0)"), triangle).at in [(0.0, 0.0), (1.0, 0.0)]
    found = rough_point(field("where(z < 1e-9, 1, 0)", 3), cube)
    assert found.order == 0
    assert found.at[2] == 0


def test_the_place_is_part_of_the_sentence():
    assert rough_point(field("abs(y)"), SQUARE).text == "have a kink near (-1, 0)"
    assert rough_point(field("where(y > 0.25, 1, 0)"), UNIT).text == "jump or have an infinite slope near (0, 0.25)"


def test_a_side_on_which_values_cancel_is_smooth():
    """r^(2/3) sin(2 theta / 3) vanishes on both sides of the corner of the L-shape, up to rounding errors that look rough."""
    assert load_problem("l-shape").rough_values is None

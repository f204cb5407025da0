"""The values on whole sides, and their roughest points."""

import pytest
import torch
from skfem import MeshTri

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem, problem_from_text
from pdefreq.problem.problem import Problem

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
DISK = WithHoles(Ball((0.0, 0.0), 1.0), (Ball((0.3, 0.0), 0.2),))


def values(name=None, value=0.0, where=None):
    return BoundaryPart("dirichlet", name=name, value=value, where=where)


def flux(name=None, where=None):
    return BoundaryPart("robin", name=name, where=where)


def problem(*parts, domain=SQUARE):
    return Problem(domain=domain, source=1.0, boundary=parts)


def constants(*parts, domain=SQUARE):
    found = problem(*parts, domain=domain).side_values
    return None if found is None else {name: g.constant for name, g in found.items()}


def test_a_side_has_the_values_of_its_first_condition():
    assert constants(values("x-min", 1.0), values("x-max", 2.0), values(value=3.0)) == {
        "x-min": 1.0,
        "x-max": 2.0,
        "y-min": 3.0,
        "y-max": 3.0,
    }
    assert constants(values("x-min", 1.0), flux()) == {"x-min": 1.0}
    assert constants(flux("outer"), values("hole-1", 2.0), domain=DISK) == {"hole-1": 2.0}
    assert constants(flux()) == {}
    assert load_problem("circle").side_values == {}
    assert load_problem("tones").side_values == {}


def test_periodic_sides_are_left_out():
    assert constants(BoundaryPart("periodic", "x"), values(value=1.0)) == {"y-min": 1.0, "y-max": 1.0}


def test_conditions_on_an_interval_and_on_straight_sides_are_evaluated():
    line = Box((0.0,), (1.0,))
    assert constants(values(value=2.0, where=lambda x: x[:, 0] < 0.5), flux(), domain=line) == {"x-min": 2.0}
    whole = constants(flux(where=lambda x: x[:, 0] < 1e-9), values(value=1.0))
    assert whole == {"x-max": 1.0, "y-min": 1.0, "y-max": 1.0}
    pinned = problem(values(where=lambda x: (x[:, 0] < 1e-9) & (x[:, 1] < 1e-9)), flux())
    assert pinned.side_values is None  # the value at a point is not lost
    assert problem(flux(where=lambda x: x[:, 1] < 0.5), values()).side_values is None  # the sides x = 0 and x = 1 are cut


def test_several_values_on_one_side_are_one_function():
    low, high = values(value=1.0, where=lambda x: x[:, 1] < 0.25), values(value=2.0)
    found = problem(low, high).side_values
    at = torch.tensor([[0.0, 0.1], [0.0, 0.9]], dtype=torch.float64)
    assert found["x-min"](at).tolist() == [1.0, 2.0]
    assert problem(low, high).rough_values.order == 0


@pytest.mark.parametrize(
    ("parts", "order"),
    [
        ((values("x-min", 1.0), values()), 0),  # a jump at two corners
        ((values("x-min", 1.0), flux()), None),
        ((values("x-min", 0.0), values("x-max", 1.0), flux()), None),  # sides that do not meet
    ],
)
def test_values_of_sides_that_meet_must_agree(parts, order):
    rough = problem(*parts).rough_values
    assert (None if rough is None else rough.order) == order
    if order == 0:
        assert rough.at in [(0.0, 0.0), (0.0, 1.0)]


@pytest.mark.parametrize("d", [2, 3])
def test_formulas_that_agree_at_common_corners_and_edges_are_smooth(d):
    """Values on x = 0 that vanish where this side meets the others, on which u = x."""
    bump = {2: "y*(1 - y)", 3: "y*(1 - y)*z*(1 - z)"}[d]
    text = f"""
        [domain]
        kind = "box"
        dimension = {d}
        lower = 0
        upper = 1
        [equation]
        source = "1"
        [[boundary.part]]
        name = "x-min"
        value = "{bump}"
        [[boundary.part]]
        value = "x*%s"
    """
    assert problem_from_text(text % "1", name="test").rough_values is None
    rough = problem_from_text(text.replace('"x*%s"', '"x + 0.1"'), name="test").rough_values
    assert rough.order == 0 and rough.at[0] == 0


def test_different_values_on_circles_are_smooth():
    assert problem(values("outer", 1.0), values("hole-1", 2.0), domain=DISK).rough_values is None


def test_sides_of_a_mesh_can_be_built_in_only_together():
    mesh = MeshDomain(MeshTri().with_defaults())
    one = problem(*(values(name, 1.0) for name in mesh.part_names), domain=mesh)
    assert one.no_built_in is None
    assert "vanishes on some parts" in problem(values("left", 1.0), flux(), domain=mesh).no_built_in
    assert problem(flux(), domain=mesh).no_built_in is None

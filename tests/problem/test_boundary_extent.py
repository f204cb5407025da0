"""Boundary parts that contain no point of the boundary are refused, narrow ones are not."""

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.core.streams import stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.polygon import Polygon
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.boundary_extent import BoundaryExtent
from pdefreq.problem.expressions import parse_condition
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.files import problem_from_text
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver

SQUARE = Box((0.0, 0.0), (1.0, 1.0))


def with_part(where, domain=SQUARE, name=None):
    found = parse_condition(where, Scope(domain.dimension, {}), "where") if isinstance(where, str) else where
    return Problem(
        domain=domain, source=0.0, boundary=[BoundaryPart("dirichlet", name, found, value=1.0), BoundaryPart("dirichlet")]
    )


EMPTY = [
    ("y > 2", SQUARE, None),
    ("x > 0 and y > 2", SQUARE, None),
    ("abs(x - 0.5) < 1e-6 and y > 0.1 and y < 0.9", SQUARE, None),  # inside only
    ("x < 0.5", SQUARE, "x-max"),
    ("y > 2", Ball((0.0, 0.0), 1.0), None),
    ("x**2 + y**2 < 1e-4", Polygon(((0.1, 0.1), (1, 0), (0, 1))), None),
    ("z > 1.1", Box((0.0,) * 3, (1.0,) * 3), None),
    ("x > 2", Box((0.0,), (1.0,)), None),
    (lambda x: x[:, 1] > 2, SQUARE, None),
]


@pytest.mark.parametrize(("where", "domain", "name"), EMPTY)
def test_a_condition_that_holds_nowhere_on_the_boundary_is_refused(where, domain, name):
    problem = with_part(where, domain, name)
    with pytest.raises(ProblemFileError, match=r"\[\[boundary.part\]\] 1.* contains no point of the boundary"):
        BoundaryExtent(problem).require_parts()
    if domain.dimension < 3 and not isinstance(domain, Ball):
        with pytest.raises(ProblemFileError, match="contains no point"):
            make_solver("fem:cells=4").prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)


NARROW = [
    ("abs(x - 0.123456) < 1e-9", SQUARE, None),
    ("x + y < 1e-12", SQUARE, None),
    ("x == 0 and y == 0", SQUARE, None),
    ("y > 1 - 1e-9", SQUARE, "y-max"),
    ("abs(y) < 1e-9 and x > 0", Ball((0.0, 0.0), 1.0), None),
    ("abs(z - 0.5) < 1e-9", Box((0.0,) * 3, (1.0,) * 3), None),
    ("x < 1e-300", Box((0.0,), (1.0,)), None),
]


@pytest.mark.parametrize(("where", "domain", "name"), NARROW)
def test_a_narrow_part_is_not_missing(where, domain, name):
    BoundaryExtent(with_part(where, domain, name)).require_parts()


def test_reading_a_problem_file_refuses_a_part_that_meets_nothing():
    text = '[domain]\nkind = "box"\ndimension = 2\nlower = 0\nupper = 1\n[equation]\nsource = "0"\n[boundary]\nvalue = "0"\n'
    with pytest.raises(
        ProblemFileError, match=r'where = "2 < y".*evaluated on all its sides.*correct `where`, or leave the part out'
    ):
        problem_from_text(text + '[[boundary.part]]\nwhere = "y > 2"\nvalue = "1"')


def test_a_part_behind_earlier_parts_is_admitted():
    """The condition holds on the boundary, so that it meets something, although an earlier part applies there."""
    parts = [
        BoundaryPart("dirichlet", "x-min"),
        BoundaryPart("dirichlet", "x-min", where=lambda x: x[:, 1] > 0.5),
        BoundaryPart("robin"),
    ]
    for method in ("fem:cells=4", "cg:intervals=4"):
        problem = Problem(domain=SQUARE, source=1.0, boundary=parts)
        make_solver(method).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)


def test_boundary_points_must_meet_every_part():
    """A part of the length 0.006 is 0.0015 of the boundary: 10 expected points need 6667 on the boundary."""
    problem = with_part("abs(x - 0.5) < 0.003 and y < 0.5")
    edge = SQUARE.boundary(40, stream(0, "test"))
    with pytest.raises(
        IncompatibleError, match=r"none of the 40 boundary points.*0\.0015 of the boundary: set boundary.points=6667"
    ):
        BoundaryExtent(problem).require_sampled(edge)
    BoundaryExtent(problem).require_sampled(SQUARE.boundary(6667, stream(0, "test")))
    with pytest.raises(IncompatibleError, match="use `fem`"):
        BoundaryExtent(with_part("x + y < 1e-9")).require_sampled(edge)
    narrower = with_part("abs(x - 0.5) < 0.0003 and y < 0.5")
    with pytest.raises(IncompatibleError, match=r"set boundary.points=66667"):
        make_solver("pinn:boundary=penalty").prepare(narrower, seed=0, device=torch.device("cpu"), dtype=torch.float64)


def test_values_at_one_corner_fix_a_free_constant_only():
    """-lap u = cos(pi x) with zero flux is solvable; with a reaction, or an incompatible source, a value at a point is refused."""
    corner = BoundaryPart("dirichlet", where=parse_condition("x + y < 1e-9", Scope(2, {}), "where"))

    def prepared(method, **changes):
        problem = Problem(domain=SQUARE, **({"source": "cos(pi*x)"} | changes), boundary=[corner, BoundaryPart("robin")])
        assert BoundaryExtent(problem).is_pinned
        return make_solver(method).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)

    x = torch.tensor(np.random.default_rng(0).random((50, 2)))
    exact = ((torch.pi * x[:, 0]).cos() - 1) / torch.pi**2
    for method, tolerance in (("fem:cells=32", 1e-3), ("fem:element=P2,cells=16", 1e-4), ("cg:intervals=32", 1e-3)):
        iteration = prepared(method)  # h^2 max|D^2 u| / 8 = 1.2e-4 for interpolation; the node at the corner adds h^2 |log h|
        state = iteration.init()
        while not state.done:
            state = iteration.step(state)
        assert float((state.space.at(x).value(state.coefficients) - exact).abs().max()) < tolerance
        with pytest.raises(IncompatibleError, match=r"single points.*free constant, which this problem does not have"):
            prepared(method, reaction=1.0)
        with pytest.raises(ProblemFileError, match="integrals of source and flux"):
            prepared(method, source="1 + cos(pi*x)")

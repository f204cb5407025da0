"""Iterations that end by themselves name the reason."""

import pytest

from pdefreq import solve
from pdefreq.core.history import Status
from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem

SQUARE = Box((0.0, 0.0), (1.0, 1.0))


@pytest.mark.parametrize("method", ["cg:intervals=500", "gmres:intervals=32"])
def test_the_floor_of_single_precision_is_named(method):
    """In float32 the residual, which |A| times the rounding error of u bounds, stays above 1e-10: nothing was solved to that."""
    box = SQUARE if method.startswith("gmres") else Box((0.0,), (1.0,))
    problem = Problem(domain=box, exact="sin(pi*x)")
    single, double = (solve(problem, method, dtype=dtype) for dtype in ("float32", "float64"))
    assert single.status is Status.ROUNDING and "float64" in single.status.sentence
    assert float(single.history.last("objective")) > 1e-10
    assert double.status in (Status.DONE, Status.CONVERGED)

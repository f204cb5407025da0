"""Few functions receive a problem, so that a new attribute of `Problem` affects few functions."""

import sys

import pytest

from pdefreq.core.history import Stop
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve

MOST = 8


def receivers(problem, method):
    """The functions of the package with a problem as an argument that are called before the first step of a run."""
    found, begun = set(), False

    def watch(frame, event, _):
        nonlocal begun
        code = frame.f_code
        if begun or event != "call" or "pdefreq" not in code.co_filename:
            return
        if code.co_name == "step" and "iterations" in code.co_filename:
            begun = True
            return
        count = code.co_argcount + code.co_kwonlyargcount
        given = [frame.f_locals.get(name) for name in code.co_varnames[:count] if name != "self"]
        if any(isinstance(value, Problem) for value in given):
            found.add((code.co_filename, code.co_qualname))

    sys.setprofile(watch)
    try:
        solve(problem, method, stop=Stop(steps=1))
    finally:
        sys.setprofile(None)
    assert begun
    return found


@pytest.mark.parametrize("method", ["mscale", "pinn", "deep-ritz:boundary=penalty"])
def test_few_functions_receive_a_problem_before_the_first_step(method):
    assert 2 <= len(receivers(load_problem("poisson"), method)) <= MOST

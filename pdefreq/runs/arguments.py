"""The problem and the method as arguments of functions, given as objects or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.conversion import shown
from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver


def problem_of(given: Problem | str) -> Problem:
    """The problem with a given name or path; a `Problem` is returned unchanged.

    Raises:
        OptionError: If it is neither.
        UserError: As `load_problem` does.
    """
    from pdefreq.problem.files import load_problem
    from pdefreq.problem.problem import Problem

    problem = load_problem(given) if isinstance(given, str) else given
    if not isinstance(problem, Problem):
        raise OptionError(f"`problem` must be a Problem, a name or the path of a problem file, got {type(given).__name__}")
    return problem


def solver_of(given: Solver | str) -> Solver:
    """The method with a given name; a `Solver` is returned unchanged.

    Raises:
        OptionError: If it is neither.
        UserError: As `make_solver` does.
    """
    from pdefreq.solvers.names import make_solver
    from pdefreq.solvers.solver import Solver

    solver = make_solver(given) if isinstance(given, str) else given
    if not isinstance(solver, Solver):
        raise OptionError(
            f"`solver` must be a Solver or the name of a method, got {shown(given)}; `pdefreq methods` lists the names"
        )
    return solver

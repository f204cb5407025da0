"""The problem, the method and the probes as arguments of functions, given as objects or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.conversion import shown
from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.probes.probe import Probe
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver


def problem_of(given: Problem | str) -> Problem:
    """The problem with a given name or path; a `Problem` is returned unchanged.

    Raises:
        OptionError: If it is neither.
        ProblemFileError: If a problem that was built in Python has no boundary conditions.
        UserError: As `load_problem` does.
    """
    from pdefreq.problem.files import load_problem
    from pdefreq.problem.problem import Problem

    problem = load_problem(given) if isinstance(given, str) else given
    if not isinstance(problem, Problem):
        raise OptionError(f"`problem` must be a Problem, a name or the path of a problem file, got {type(given).__name__}")
    problem.require_conditions()
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


def probes_of(given: Sequence[Probe | str]) -> list[Probe]:
    """The probes of a list that contains probes or their names.

    Raises:
        OptionError: If it is no list, or an entry is neither.
        UserError: As `make_probe` does.
    """
    from pdefreq.probes import PROBES
    from pdefreq.probes.probe import Probe, make_probe

    if not isinstance(given, (list, tuple)):
        instead = f": write probes=['{given}']" if isinstance(given, str) else ""
        raise OptionError(f"`probes` must be a list of probes or of their names, got {shown(given)}{instead}")
    probes = []
    for entry in given:
        probe = make_probe(entry) if isinstance(entry, str) else entry
        if not isinstance(probe, Probe):
            raise OptionError(f"`probes` must be Probes or their names, got {probe!r}; names are {', '.join(PROBES)}")
        probes.append(probe)
    return probes

"""The problems that the adapters of other packages state: -lap u + c u = f with constant c and values on the whole boundary."""

from __future__ import annotations

from pdefreq import Field, IncompatibleError, Problem
from pdefreq.problem.needs import CONSTANT, EQUATION, LINEAR, SOURCE, SYMMETRIC, VALUES


def require_poisson(problem: Problem, package: str) -> None:
    """Refuse a problem that the adapters would state wrongly.

    Raises:
        IncompatibleError: In one sentence.
    """
    lacking = problem.lacks((EQUATION, LINEAR, SYMMETRIC, CONSTANT, SOURCE, VALUES))
    if lacking is not None:
        need, why = lacking
        raise IncompatibleError(f"the adapter of {package} needs {need.what}, and {why}")
    a = problem.diffusion
    if not (isinstance(a, Field) and a.constant == 1):
        raise IncompatibleError(f"the adapter of {package} needs the Laplace operator, and the diffusion coefficient is not 1")

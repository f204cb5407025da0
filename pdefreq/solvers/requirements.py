"""The check that a problem meets the needs of a method; a refusal names a method that can solve the problem."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError
from pdefreq.problem.needs import BOX, Need
from pdefreq.problem.terms.diffusion import Diffusion
from pdefreq.solvers.names import make_solver

if TYPE_CHECKING:
    import torch

    from pdefreq.domains.box import Box
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.problem import Problem
    from pdefreq.problem.terms.equation import Equation

_HIGHEST_SINGLE = 8  # largest exponent for which float32 resolves the flux |grad u|^(p-1)
_CLASSICAL = ("sine", "fourier", "cg", "gmres", "fem")
_NETWORKS = ("deep-ritz", "gauss-newton", "regression")


def require(problem: Problem, method: str, needs: Sequence[Need], *, advice: str | None = None) -> None:
    """Refuse a problem that does not meet the needs of a method.

    Args:
        problem: The problem.
        method: The name of the method.
        needs: What it needs.
        advice: What to use instead; by default, methods that can solve the problem.

    Raises:
        IncompatibleError: In one sentence, with what is missing and a method that can solve the problem.
        ProblemFileError: If a boundary part contains no point of the boundary.
    """
    from pdefreq.problem.boundary_extent import BoundaryExtent

    BoundaryExtent(problem).require_parts()
    found = problem.lacks(needs)
    if found is not None:
        need, why = found
        raise IncompatibleError(f"{method} needs {need.what}, and {why}: {advice or instead(problem, method)}")


def instead(problem: Problem, method: str) -> str:
    """Advice: the first classical method and the first network method whose needs the problem meets."""

    def can(name: str) -> bool:
        return name != method and problem.lacks(needs_of(name)) is None and (name != "fem" or can_mesh(problem.domain))

    able = [name for family in (_CLASSICAL, _NETWORKS) if (name := next(filter(can, family), None)) is not None]
    return f"use {' or '.join(f'`{name}`' for name in able)}" if able else "no method of pdefreq can solve it"


def can_mesh(domain: Domain) -> bool:
    """Whether a domain has a mesh, or a mesh generator for it is known to be there."""
    from pdefreq.domains.domain import Domain

    if domain.own_mesh is not None or type(domain).meshed is not Domain.meshed or find_spec("gmsh") is not None:
        return True
    return domain.dimension == 2 and domain.loops(min(b - a for a, b in zip(*domain.bounds, strict=True))) is not None


def usual_method(problem: Problem, *, changed: bool) -> str:
    """The method of a run that names none: mscale, or auto where mscale can't solve the problem, such as a regression.

    Args:
        problem: The problem.
        changed: Whether options are given, which are then those of mscale.
    """
    return "mscale" if changed or problem.lacks(needs_of("mscale")) is None else "auto"


def needs_of(name: str) -> Sequence[Need]:
    """The needs of a method, given by its name."""
    return make_solver(name).needs


def require_precision(equation: Equation, dtype: torch.dtype) -> None:
    """Check that the precision suffices for the flux |grad u|^(p-1).

    Raises:
        IncompatibleError: If the exponent is too large for single precision.
    """
    diffusion = equation.find(Diffusion)
    if diffusion is not None and diffusion.exponent > _HIGHEST_SINGLE and str(dtype) == "torch.float32":
        raise IncompatibleError(
            f"float32 is too coarse for exponents above {_HIGHEST_SINGLE}, got {diffusion.exponent:g}: "
            "use --dtype float64, or dtype='float64' in Python"
        )


def require_box(problem: Problem, method: str, needs: Sequence[Need] = ()) -> Box:
    """The domain of the problem, which is a box if the problem meets the needs.

    Raises:
        IncompatibleError: If it does not meet them.
    """
    from pdefreq.domains.box import Box

    require(problem, method, (*needs, BOX))
    assert isinstance(problem.domain, Box)
    return problem.domain

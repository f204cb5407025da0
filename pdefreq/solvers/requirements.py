"""What several methods ask of a problem, each with the sentence for the case that it is not met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.errors import IncompatibleError

if TYPE_CHECKING:
    import torch

    from pdefreq.domains.box import Box
    from pdefreq.problem import Problem

_HIGHEST_SINGLE = 8  # exponent above which float32 says nothing of the flux |grad u|^(p-1)


def require_linear_equation(problem: Problem, method: str) -> None:
    """A differential equation with p = 2, its source known everywhere.

    Raises:
        IncompatibleError: Otherwise.
    """
    if problem.is_regression:
        raise IncompatibleError(f"{method} solves differential equations and this problem is a regression: use `regression`")
    if problem.exponent != 2:
        raise IncompatibleError(
            f"{method} solves linear equations, exponent = 2, got {problem.exponent:g}: use {_instead(problem)}"
        )
    if problem.data is not None:
        raise IncompatibleError(
            f"{method} needs the source everywhere and this problem gives it at points only ([data]): use {_instead(problem)}"
        )


def _instead(problem: Problem) -> str:
    """What takes nonlinear equations, and data."""
    return "`fem` or `deep-ritz`" if problem.domain.dimension <= 3 else "`deep-ritz`"


def require_precision(exponent: float, dtype: torch.dtype) -> None:
    """Digits enough for the flux |grad u|^(p-1).

    Raises:
        IncompatibleError: In single precision, if the exponent is too high.
    """
    if exponent > _HIGHEST_SINGLE and str(dtype) == "torch.float32":
        raise IncompatibleError(
            f"float32 is too coarse for exponents above {_HIGHEST_SINGLE}, got {exponent:g}: use dtype=float64"
        )


def require_box(problem: Problem, method: str, most: int) -> Box:
    """The problem's domain, if it is a box in at most so many dimensions.

    Raises:
        IncompatibleError: Otherwise.
    """
    from pdefreq.domains.box import Box

    domain = problem.domain
    if not isinstance(domain, Box):
        raise IncompatibleError(f"{method} works on boxes and this domain is none ({domain.title}): use `fem` or `deep-ritz`")
    if domain.dimension > most:
        able = "jacobi` or `deep-ritz" if domain.dimension <= 3 else "deep-ritz"
        raise IncompatibleError(
            f"{method} works in at most {most} dimension{'s' * (most > 1)} and this problem has {domain.dimension}: use `{able}`"
        )
    return domain

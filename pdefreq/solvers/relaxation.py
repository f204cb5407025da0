"""Relaxation methods: finite differences on a box, one sweep per step. High frequencies converge first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pdefreq.core.errors import OptionError
from pdefreq.solvers.grid_solver import GridSolver

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid

_STEPS = 30_000  # a few seconds at the default sizes


@dataclass(frozen=True, kw_only=True)
class JacobiSolver(GridSolver):
    """Damped Jacobi for the difference equations on a uniform grid, from the zero initial guess.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of sweeps; the method stops earlier once the residual has decreased by a factor of 1e-10.
        omega: Damping factor, in (0, 1]; 1 is plain Jacobi.

    Raises:
        OptionError: If an option lies outside its range.
    """

    steps: int = _STEPS
    omega: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.omega <= 1:
            raise OptionError(f"`omega` must be above 0 and at most 1, where damped Jacobi converges, got {self.omega:g}")
        super().__post_init__()

    @property
    def name(self) -> str:
        return "jacobi" if self.omega == 1 else "damped-jacobi"

    def iterate(self, problem: Problem, grid: Grid, like: Tensor, guess: Field | None) -> Iteration:
        from pdefreq.iterations.linear.jacobi import Jacobi

        return Jacobi(problem, grid, omega=self.omega, like=like, guess=guess)


@dataclass(frozen=True, kw_only=True)
class SorSolver(GridSolver):
    """Gauss-Seidel relaxation (omega = 1) and successive over-relaxation, from the zero initial guess.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of sweeps; the method stops earlier once the residual has decreased by a factor of 1e-10.
        omega: Relaxation factor, in (0, 2), or "optimal".
        ordering: Order of the nodes: "lexicographic", or "red-black", in which all nodes of one color are updated at once.

    Raises:
        OptionError: If an option lies outside its range.
    """

    steps: int = _STEPS
    omega: float | Literal["optimal"] = 1.0
    ordering: Literal["lexicographic", "red-black"] = "lexicographic"

    def __post_init__(self) -> None:
        if self.omega != "optimal" and not 0 < self.omega < 2:
            raise OptionError(f"`omega` must lie between 0 and 2, where relaxation converges, or be optimal, got {self.omega:g}")
        if self.ordering not in ("lexicographic", "red-black"):
            raise OptionError(f"`ordering` must be lexicographic or red-black, got '{self.ordering}'")
        super().__post_init__()

    @property
    def name(self) -> str:
        return "gauss-seidel" if self.omega == 1 else "sor"

    @property
    def arrays(self) -> int:
        return 48

    def iterate(self, problem: Problem, grid: Grid, like: Tensor, guess: Field | None) -> Iteration:
        from pdefreq.iterations.linear.sor import LexicographicSor, RedBlackSor

        order = LexicographicSor if self.ordering == "lexicographic" else RedBlackSor
        return order(problem, grid, omega=self.omega, like=like, guess=guess)


def jacobi(*, intervals: int | None = None, steps: int = _STEPS) -> JacobiSolver:
    """Jacobi relaxation of the difference equations on a uniform grid: middle and high frequencies converge first.

    In one dimension, a sweep multiplies the error of sine mode k by cos(k pi / n). Boxes may have up to three dimensions.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of sweeps; the method stops earlier once the residual has decreased by a factor of 1e-10.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 5.
    """
    return JacobiSolver(omega=1.0, intervals=intervals, steps=steps)


def damped_jacobi(*, omega: float = 2 / 3, intervals: int | None = None, steps: int = _STEPS) -> JacobiSolver:
    """Damped Jacobi relaxation on a uniform grid: the higher the frequency, the sooner it converges.

    In one dimension, a sweep multiplies the error of sine mode k by 1 - 2 omega sin^2(k pi / 2n). Boxes may have up to three
    dimensions.

    Args:
        omega: Damping factor, in (0, 1]; 2/3 is the best smoother in one dimension, 4/5 in two, 6/7 in three.
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of sweeps; the method stops earlier once the residual has decreased by a factor of 1e-10.

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, section 2.1.
    """
    return JacobiSolver(omega=omega, intervals=intervals, steps=steps)


def gauss_seidel(
    *,
    ordering: Literal["lexicographic", "red-black"] = "lexicographic",
    intervals: int | None = None,
    steps: int = _STEPS,
) -> SorSolver:
    """Gauss-Seidel relaxation on a uniform grid: asymptotically twice as fast as Jacobi, and a better smoother.

    In one dimension and away from the boundary, a sweep multiplies the amplitude of a wave of mode k by
    1 / sqrt(5 - 4 cos(k pi / n)). After many sweeps each sweep multiplies the whole error by cos^2(pi / n). Boxes may have up to
    three dimensions.

    Args:
        ordering: Order of the nodes: "lexicographic", or "red-black", in which all nodes of one color are updated at once.
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of sweeps; the method stops earlier once the residual has decreased by a factor of 1e-10.

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, sections 2.1 and 4.3.
    """
    return SorSolver(omega=1.0, ordering=ordering, intervals=intervals, steps=steps)


def sor(
    *,
    omega: float | Literal["optimal"] = "optimal",
    ordering: Literal["lexicographic", "red-black"] = "lexicographic",
    intervals: int | None = None,
    steps: int = _STEPS,
) -> SorSolver:
    """Successive over-relaxation on a uniform grid: with the optimal omega, all frequencies converge at nearly the same rate.

    For omega at or above the optimum, each sweep finally multiplies the error by omega - 1. The optimum is 2 / (1 + sin(pi / n))
    for Poisson's equation on a cube with prescribed boundary values. Boxes may have up to three dimensions.

    Args:
        omega: Relaxation factor, in (0, 2), or "optimal", computed from the equations.
        ordering: Order of the nodes: "lexicographic", or "red-black", in which all nodes of one color are updated at once.
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of sweeps; the method stops earlier once the residual has decreased by a factor of 1e-10.

    Source:
        Young (1971), Iterative Solution of Large Linear Systems, section 6.2.
    """
    return SorSolver(omega=omega, ordering=ordering, intervals=intervals, steps=steps)

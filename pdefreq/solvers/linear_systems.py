"""Fast solvers of the difference equations on a grid: conjugate gradients, GMRES, two-grid cycles and multigrid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.errors import OptionError
from pdefreq.problem.needs import COERCIVE, CONSTANT, SYMMETRIC
from pdefreq.solvers.grid_solver import GridSolver
from pdefreq.solvers.refinable import DoublesSize

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.needs import Need
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid


@dataclass(frozen=True, kw_only=True)
class ConjugateGradientsSolver(DoublesSize, GridSolver):
    """Conjugate gradients on a uniform grid: about as many steps as there are intervals along an axis; boxes up to 3-D.

    For symmetric and positive definite equations; `gmres` is for all others.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Iterations, unless the residual falls by 1e-10 before.

    Raises:
        OptionError: If an option lies outside its range.

    Source:
        Hestenes, Stiefel (1952), J. Res. Nat. Bur. Standards 49, 409-436.
    """

    steps: int = 10_000

    refines: ClassVar[str] = "intervals"

    @property
    def name(self) -> str:
        return "cg"

    @property
    def needs(self) -> Sequence[Need]:
        return *super().needs, SYMMETRIC, COERCIVE

    def iterate(self, problem: Problem, grid: Grid, like: Tensor, guess: Field | None) -> Iteration:
        from pdefreq.iterations.linear.conjugate_gradients import ConjugateGradients

        return ConjugateGradients(problem, grid, like=like, guess=guess)


@dataclass(frozen=True, kw_only=True)
class GmresSolver(DoublesSize, GridSolver):
    """GMRES on a uniform grid, for equations with convection and indefinite ones such as Helmholtz's; boxes up to 3-D.

    A step is a cycle of restarted flexible GMRES by PyAMG, preconditioned by multigrid for the equation without its negative
    reactions; in float64 on the CPU. Each negative eigenvalue takes about an iteration more.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Cycles, unless the residual falls by 1e-10 before.
        restart: Iterations in a cycle; two grid functions are kept for each.

    Raises:
        OptionError: If an option lies outside its range.

    Source:
        Saad, Schultz (1986), SIAM J. Sci. Stat. Comput. 7, 856-869; Saad (1993), SIAM J. Sci. Comput. 14, 461-469.
    """

    steps: int = 100
    restart: int = 100

    refines: ClassVar[str] = "intervals"

    @property
    def name(self) -> str:
        return "gmres"

    @property
    def arrays(self) -> int:
        return 150 + 2 * self.restart

    def __post_init__(self) -> None:
        if self.restart < 1:
            raise OptionError(f"`restart` must be at least 1, got {self.restart}")
        super().__post_init__()

    def iterate(self, problem: Problem, grid: Grid, like: Tensor, guess: Field | None) -> Iteration:
        from pdefreq.iterations.linear.gmres import Gmres

        return Gmres(problem, grid, restart=self.restart, like=like, guess=guess)


@dataclass(frozen=True, kw_only=True)
class MultigridSolver(DoublesSize, GridSolver):
    """Algebraic multigrid on a uniform grid: the same few cycles whatever the grid, and no frequency bias; boxes up to 3-D.

    V-cycles over a Ruge-Stueben hierarchy by PyAMG, a symmetric Gauss-Seidel sweep before and after; in float64 on the CPU. With
    convection they converge as fast up to a mesh Peclet number of 1, and may diverge above it. `gmres` is for indefinite
    equations.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Cycles, unless the residual falls by 1e-10 before.

    Raises:
        OptionError: If an option lies outside its range.

    Source:
        Ruge, Stueben (1987), Algebraic multigrid; PyAMG: Bell, Olson, Schroder, Southworth (2023), JOSS 8(87), 5495.
    """

    steps: int = 100

    refines: ClassVar[str] = "intervals"

    @property
    def name(self) -> str:
        return "multigrid"

    @property
    def arrays(self) -> int:
        return 150

    @property
    def needs(self) -> Sequence[Need]:
        return *super().needs, COERCIVE

    def iterate(self, problem: Problem, grid: Grid, like: Tensor, guess: Field | None) -> Iteration:
        from pdefreq.iterations.linear.multigrid import Multigrid

        return Multigrid(problem, grid, like=like, guess=guess)


@dataclass(frozen=True, kw_only=True)
class TwoGridSolver(GridSolver):
    """Two-grid cycles on a uniform grid: sweeps take the high frequencies, a coarse grid the low ones; boxes up to 3-D.

    Damped Jacobi, full weighting, linear interpolation, and the equations on the grid of every other node solved by sine
    transform: the textbook's cycle, whose effect on every frequency is known exactly. For constant coefficients and prescribed
    boundary values, without convection; `multigrid` is for all others. Each axis may have its own diffusion.

    Args:
        intervals: Mesh intervals along each axis, even; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Cycles, unless the residual falls by 1e-10 before.
        omega: Damping of Jacobi, in (0, 1].
        pre: Sweeps before the correction.
        post: Sweeps after it.

    Raises:
        OptionError: If an option lies outside its range.

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, section 2.4.
    """

    steps: int = 100
    omega: float = 2 / 3
    pre: int = 1
    post: int = 1

    @property
    def name(self) -> str:
        return "two-grid"

    @property
    def needs(self) -> Sequence[Need]:
        return *super().needs, CONSTANT, SYMMETRIC, COERCIVE

    def __post_init__(self) -> None:
        if not 0 < self.omega <= 1:
            raise OptionError(f"`omega` must be above 0 and at most 1, where damped Jacobi converges, got {self.omega:g}")
        for name in ("pre", "post"):
            if getattr(self, name) < 0:
                raise OptionError(f"`{name}` must be at least 0, got {getattr(self, name)}")
        if self.intervals is not None and self.intervals % 2:
            raise OptionError(f"`intervals` must be even, so that every other node makes a coarse grid, got {self.intervals}")
        super().__post_init__()

    def iterate(self, problem: Problem, grid: Grid, like: Tensor, guess: Field | None) -> Iteration:
        from pdefreq.iterations.linear.two_grid import TwoGridCycle

        return TwoGridCycle(problem, grid, omega=self.omega, pre=self.pre, post=self.post, like=like, guess=guess)

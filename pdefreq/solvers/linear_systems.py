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
    """Conjugate gradients on a uniform grid of a box, up to 3-D; the number of steps is about that of intervals along an axis.

    The equations must be symmetric and positive definite; `gmres` solves the others.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of iterations; the method stops earlier once the residual has decreased by a factor of 1e-10.

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
    """GMRES on a uniform grid of a box, up to 3-D, for convection and for indefinite equations such as the Helmholtz equation.

    A step is one cycle of restarted flexible GMRES (PyAMG, float64, CPU). The preconditioner is multigrid for the equation
    without its negative reactions. Each negative eigenvalue adds about one iteration.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of cycles; the method stops earlier once the residual has decreased by a factor of 1e-10.
        restart: Number of iterations in a cycle; each stores two grid functions.

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
    """Algebraic multigrid on a uniform grid of a box, up to 3-D: few cycles on every grid, and no frequency bias.

    A step is a V-cycle over a Ruge-Stueben hierarchy (PyAMG, float64, CPU) with one symmetric Gauss-Seidel sweep before and after
    the coarse grid. With convection the rate stays the same up to a mesh Peclet number of 1; above it cycles may diverge. `gmres`
    solves indefinite equations.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of cycles; the method stops earlier once the residual has decreased by a factor of 1e-10.

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
    """Two-grid cycles on a uniform grid of a box, up to 3-D: sweeps reduce high frequencies, the coarse grid low ones.

    The cycle consists of damped Jacobi, full weighting, linear interpolation, and an exact solution on the grid of every other
    node by sine transform. Its effect on every frequency is known in closed form. Coefficients must be constant, boundary values
    prescribed, and there must be no convection; `multigrid` solves the others. Each axis may have its own diffusion.

    Args:
        intervals: Mesh intervals along each axis, an even number; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of cycles; the method stops earlier once the residual has decreased by a factor of 1e-10.
        omega: Damping factor of Jacobi, in (0, 1].
        pre: Number of sweeps before the coarse-grid correction.
        post: Number of sweeps after it.

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

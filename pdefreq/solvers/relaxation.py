"""Relaxation methods: finite differences on a box, one sweep a step. They take the high frequencies first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.errors import OptionError
from pdefreq.history import Stop
from pdefreq.solvers.requirements import require_box, require_linear_equation, require_memory
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem

_INTERVALS = (500, 64, 32)  # by dimension; 500 is the published figure (Xu et al., 2020, Fig. 4c)
_STEPS = 30_000  # takes a few seconds at those sizes


@dataclass(frozen=True)
class RelaxationSolver(Solver):
    """Damped Jacobi for the difference equations on a uniform grid, from a zero start.

    Args:
        omega: Damping factor, in (0, 1]; 1 is plain Jacobi.
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Sweeps, unless the residual falls by 1e-10 before.

    Raises:
        OptionError: If an option lies outside its range.
    """

    omega: float = 1.0
    intervals: int | None = None
    steps: int = _STEPS

    def __post_init__(self) -> None:
        if not 0 < self.omega <= 1:
            raise OptionError(f"`omega` must be above 0 and at most 1, where damped Jacobi converges, got {self.omega:g}")
        if self.intervals is not None and self.intervals < 2:
            raise OptionError(f"`intervals` must be at least 2, got {self.intervals}")
        if self.steps < 0:
            raise OptionError(f"`steps` must be at least 0, got {self.steps}")

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.steps, tolerance=1e-10)

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        method = "jacobi" if self.omega == 1 else "damped-jacobi"
        require_linear_equation(problem, method)
        box = require_box(problem, method, most=3)
        n, d = self.intervals or _INTERVALS[box.dimension - 1], box.dimension
        varies = problem.diffusion.constant is None
        arrays = 8 + 2 * d + (2 * d if varies else 0)  # buffers, load, points at which the fields are evaluated, weights
        require_memory(n, "intervals", 8 * arrays * (n + 1) ** d)

        import torch

        from pdefreq.iterations.relaxation import Relaxation
        from pdefreq.spaces.grid import Grid

        like = torch.empty(0, dtype=dtype, device=device)
        return Relaxation(problem, Grid(box, (n,) * d), omega=self.omega, like=like, guess=guess)


def jacobi(*, intervals: int | None = None, steps: int = _STEPS) -> RelaxationSolver:
    """Jacobi relaxation of the difference equations on a uniform grid: middle and high frequencies converge first.

    A sweep multiplies the error of sine mode k by cos(k pi / n) in one dimension; boxes up to three.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Sweeps, unless the residual falls by 1e-10 before.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 5.
    """
    return RelaxationSolver(omega=1.0, intervals=intervals, steps=steps)


def damped_jacobi(*, omega: float = 2 / 3, intervals: int | None = None, steps: int = _STEPS) -> RelaxationSolver:
    """Damped Jacobi relaxation on a uniform grid: the higher the frequency, the sooner it converges.

    A sweep multiplies the error of sine mode k by 1 - 2 omega sin^2(k pi / 2n) in one dimension; boxes up to three.

    Args:
        omega: Damping factor, in (0, 1]; 2/3 is the best smoother in one dimension, 4/5 in two, 6/7 in three.
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Sweeps, unless the residual falls by 1e-10 before.

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, section 2.1.
    """
    return RelaxationSolver(omega=omega, intervals=intervals, steps=steps)

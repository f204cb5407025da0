"""The common base of methods for difference equations on a uniform grid."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.devices import require_memory
from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.problem.needs import BOX, DIFFERENCES, EQUATION, LINEAR, PLANE_OR_SPACE, SOURCE, Need
from pdefreq.solvers.requirements import require_box
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid
    from pdefreq.spaces.trial_space import TrialSpace

_BOUNDARY = 1000  # points at which a source is compared with zero
_VANISHES = 1e-10
_INTERVALS = (500, 64, 32)  # by dimension; 500 is the published figure (Xu et al., 2020, Fig. 4c)


@dataclass(frozen=True, kw_only=True)
class GridSolver(Solver):
    """A method for second-order finite differences on a uniform grid of a box, up to three dimensions.

    Args:
        intervals: Mesh intervals along each axis; null means 500 in one dimension, 64 in two, 32 in three.
        steps: Largest number of steps; the method stops earlier once the residual has decreased by a factor of 1e-10.

    Raises:
        OptionError: If an option lies outside its range.
    """

    intervals: int | None = None
    steps: int

    def __post_init__(self) -> None:
        if self.intervals is not None and self.intervals < 2:
            raise OptionError(f"`intervals` must be at least 2, got {self.intervals}")
        if self.steps < 0:
            raise OptionError(f"`steps` must be at least 0, got {self.steps}")

    @property
    def arrays(self) -> int:
        """Peak memory as measured, in numbers of 8 bytes per node."""
        return 34

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the method in messages."""

    @property
    def degree(self) -> int:
        return 1  # multilinear between the nodes

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.steps, tolerance=1e-10)

    @property
    def needs(self) -> Sequence[Need]:
        return EQUATION, LINEAR, SOURCE, DIFFERENCES, PLANE_OR_SPACE, BOX

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        box = require_box(problem, self.name, self.needs)
        d = box.dimension
        n = self.intervals or _INTERVALS[d - 1]
        require_memory(n, "intervals", 8 * self.arrays * (n + 1) ** d)

        import torch

        from pdefreq.spaces.grids.grid import Grid

        return self.iterate(
            problem, Grid(box, (n,) * d, problem.periodic_axes), torch.empty(0, dtype=dtype, device=device), guess
        )

    def predicted_mode_error(self, problem: Problem, space: TrialSpace, wavevectors: ArrayLike) -> Tensor | None:
        from pdefreq.problem.terms.constants import constants_of
        from pdefreq.spaces.grids.grid import Grid
        from pdefreq.theory.discretization import central_difference_error

        assert isinstance(space, Grid)
        constants, f = constants_of(problem.equation, problem.domain.dimension), problem.source
        assert constants is not None
        x = problem.domain.boundary(_BOUNDARY).x
        jump = f(x) - f(space.box.opposite(x)) if problem.is_periodic else f(x)
        if jump.abs().max() > _VANISHES * f(space.nodes).abs().max():
            return None  # its coefficients decay only like 1/k: aliased modes contribute as much as the symbol
        return central_difference_error(wavevectors, space.spacings, diffusion=constants.diffusion, reaction=constants.reaction)

    @abstractmethod
    def iterate(self, problem: Problem, grid: Grid, like: Tensor, guess: Field | None) -> Iteration:
        """The iteration on a grid, in the dtype and on the device of `like`."""

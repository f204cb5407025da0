"""Spectral methods on a box, which have no frequency bias; they are the baseline of comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.devices import require_memory
from pdefreq.core.errors import OptionError
from pdefreq.problem.needs import (
    BOX,
    CONSTANT,
    DIFFERENCES,
    EQUATION,
    LINEAR,
    NO_PERIODIC_SIDES,
    PERIODIC,
    PLANE_OR_SPACE,
    SMOOTH_VALUES_IN_SPACE,
    SOURCE,
    SYMMETRIC,
    VALUES,
    Need,
)
from pdefreq.solvers.refinable import DoublesSize
from pdefreq.solvers.requirements import require_box
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.domains.box import Box
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem

_INTERVALS = (1024, 128, 32)  # by dimension
_DERIVATIVES = 2  # of the lifting, in the source of the remainder
_HARMONICS = (512, 64, 16)


@dataclass(frozen=True)
class Sine(DoublesSize, Solver):
    """Sine series by fast transform: all frequencies in one step, for constant coefficients on a box.

    A lifting of the boundary values is subtracted first. The L2 error decreases faster than any power of n if the remaining
    source has a smooth odd extension, and like n^-2.5 if it does not vanish on the boundary. Boundary values with kinks or jumps
    are expanded in sine series on the sides of a rectangle; the error is then largest near these points of the boundary.

    Args:
        intervals: Number of intervals along each axis of the uniform grid on which f is sampled; there is one mode less. Null
            means 1024 in one dimension, 128 in two, 32 in three.

    Raises:
        OptionError: If there are fewer than 2 intervals.
    """

    intervals: int | None = None

    refines: ClassVar[str] = "intervals"

    def __post_init__(self) -> None:
        if self.intervals is not None and self.intervals < 2:
            raise OptionError(f"`intervals` must be at least 2, got {self.intervals}")

    @property
    def needs(self) -> Sequence[Need]:
        equation = EQUATION, LINEAR, SOURCE, CONSTANT, SYMMETRIC, DIFFERENCES
        return *equation, PLANE_OR_SPACE, BOX, NO_PERIODIC_SIDES, VALUES, SMOOTH_VALUES_IN_SPACE

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        box = require_box(problem, "sine", self.needs)
        n, d = self.intervals or _INTERVALS[box.dimension - 1], box.dimension
        require_memory(n, "intervals", 8 * (30 + 4 * d) * n**d)  # the sparse diagonal, its inverse, points and derivatives
        assert problem.dirichlet is not None
        import torch

        from pdefreq.iterations.linear.direct import DirectSolve
        from pdefreq.spaces.spectral.sine_series import SineSeries

        space = SineSeries(box, (n - 1,) * d, self._lifting(problem, box, (n - 1,) * d))
        like = torch.empty(0, dtype=dtype, device=device)
        return DirectSolve(space, space.assemble(problem), like=like, guess=guess)

    @staticmethod
    def _lifting(problem: Problem, box: Box, modes: tuple[int, ...]) -> Field:
        """The transfinite interpolant of the boundary values; if it lacks second derivatives, sine series on the sides."""
        from pdefreq.problem.terms.constants import constants_of
        from pdefreq.spaces.spectral.side_series import SideSeries

        assert problem.dirichlet is not None
        if problem.rough_values is None or problem.rough_values.order >= _DERIVATIVES:
            return box.lifting(problem.dirichlet)
        constants = constants_of(problem.equation, box.dimension)
        assert constants is not None
        return SideSeries(problem.dirichlet, box, constants, modes)


@dataclass(frozen=True)
class Fourier(DoublesSize, Solver):
    """Fourier series by fast transform: all frequencies in one step, for constant coefficients on a periodic box.

    All sides of the box are periodic. The error decreases faster than any power of the number of harmonics if the periodic
    continuation of f is smooth.

    Args:
        harmonics: Largest number of periods along each axis, along which f is sampled at 2 harmonics + 1 points. Null means 512
            in one dimension, 64 in two, 16 in three.

    Raises:
        OptionError: If the number is below 1.

    Source:
        Trefethen (2000), Spectral Methods in MATLAB, chapter 3.
    """

    harmonics: int | None = None

    refines: ClassVar[str] = "harmonics"

    def __post_init__(self) -> None:
        if self.harmonics is not None and self.harmonics < 1:
            raise OptionError(f"`harmonics` must be at least 1, got {self.harmonics}")

    @property
    def needs(self) -> Sequence[Need]:
        return EQUATION, LINEAR, SOURCE, CONSTANT, PLANE_OR_SPACE, BOX, PERIODIC

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        box = require_box(problem, "fourier", self.needs)
        m, d = self.harmonics or _HARMONICS[box.dimension - 1], box.dimension
        require_memory(m, "harmonics", 8 * (30 + 6 * d) * (2 * m + 1) ** d)  # as for sines, and complex transforms

        import torch

        from pdefreq.iterations.linear.direct import DirectSolve
        from pdefreq.spaces.spectral.fourier_series import FourierSeries

        space = FourierSeries(box, (m,) * d)
        like = torch.empty(0, dtype=dtype, device=device)
        return DirectSolve(space, space.assemble(problem), like=like, guess=guess)

"""Gauss-Newton with Levenberg-Marquardt damping, which removes the order in which frequencies converge.

With F the Gauss-Newton factor of the functional (F^T F its Gauss-Newton matrix, F F^T the tangent kernel in its metric) and G
its gradient, a step d solves

    (F^T F + lambda) d = -G.

It leaves the part lambda / (kappa + lambda) of an eigenvector of the kernel with eigenvalue kappa, where gradient descent leaves
1 - eta kappa: all eigenvectors with kappa well above lambda converge at the same rate. For an energy, F^T F is the second
derivative with respect to u, and d is the energy natural gradient; for sums of squares, F is the Jacobian of the residual.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from pdefreq.core.history import Status
from pdefreq.iterations.training.linear_algebra import LinearAlgebra
from pdefreq.iterations.training.quadratic_model import QuadraticModel
from pdefreq.iterations.training.step_controls import START, NielsenControl
from pdefreq.iterations.training.steppers import ENDS, Memory, Stepper
from pdefreq.theory import dynamics
from pdefreq.theory.damping_schedule import DampingScheduleFilter, ideal_dampings
from pdefreq.theory.linearization import FilterGuide

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.training.step_controls import StepControl
    from pdefreq.spaces.trial_space import Network
    from pdefreq.theory.dynamics import SpectralFilter
    from pdefreq.theory.linearization import Guide


@dataclass(frozen=True)
class LevenbergMarquardtStepper(Stepper):
    """Gauss-Newton steps with adaptive or constant damping.

    With adaptive damping every step decreases the objective. The method ends when the decrease that the model predicts is below
    rounding errors. Its status is `rounding` if this holds for the first trial step, or if the gradient is zero up to rounding.
    Otherwise it is `stalled`, because the model predicted decreases that did not occur. If points are redrawn, each step
    decreases the objective at its own points, the damping is kept, and the method does not end.

    Args:
        damping: A constant lambda, with which every step is accepted; None means adaptive damping. In both cases lambda is
            at least the rounding error of the system.
        control: The rule for adaptive damping.
        algebra: The linear algebra.
        momentum: The part of the previous step near which a step stays: it minimizes the model plus
            ``lambda |d - momentum d_previous|^2 / 2``. If the first trial step is rejected, further ones have no momentum.

    Source:
        For energies Mueller and Zeinhofer (2023), Achieving high accuracy with PINNs via energy natural gradient descent, arXiv
        2302.13163; the momentum (SPRING) Goldshlager, Abrahamsen, Lin (2024), arXiv 2401.10190, for equations
        Guzman-Cordero and others (2025), arXiv 2505.12149.
    """

    title = "Gauss-Newton with adaptive damping"
    solves_damped = True

    damping: float | None = None
    control: StepControl = field(default_factory=NielsenControl)
    algebra: LinearAlgebra = field(default_factory=LinearAlgebra)
    momentum: float = 0.0

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        if self.damping is None or self.momentum or not self.algebra.is_complete:
            return None
        return dynamics.GaussNewtonFilter(self.damping)

    def guide(self, memory: Memory, step: int, factor: Tensor) -> Guide | None:
        if self.damping is not None or self.momentum or not self.algebra.is_complete:
            return None
        first, ratio = self.control.ideal
        least = max(factor.shape) * torch.finfo(factor.dtype).eps * float(factor.square().sum())
        dampings = ideal_dampings(max(first * self.damping_at(memory, factor), least), ratio, least)
        return FilterGuide(
            DampingScheduleFilter(dampings),
            f"exact for the network linearized at its initial state, where every step has the gain 1 and the damping falls by "
            f"the factor {1 / ratio:g} in each step; a guide for the network itself, whose steps are long",
        )

    def on(self, space: Network) -> LevenbergMarquardtStepper:
        return replace(self, algebra=self.algebra.on(space))

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        """The memory of the control, and the previous step if there is momentum."""
        memory = {} if self.damping is not None else self.control.memory(c)
        return memory | ({"previous": torch.zeros_like(c)} if self.momentum else {})

    def columns(self, memory: Memory) -> dict[str, Tensor]:
        return {"damping": memory["damping"]} if "damping" in memory else {}

    def damping_at(self, memory: Memory, factor: Tensor) -> float:
        if self.damping is not None:
            return self.damping
        return float(memory["damping"]) or START * float(factor.square().sum(dim=0).max())

    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        start = self.momentum * memory["previous"] if self.momentum else None
        rows, before = self.algebra.rows(functional, c), c.clone()
        model = QuadraticModel.at(functional, c, self.algebra.at(step), start, rows)
        if self.damping is None:
            arrived = self.control.advance(c, functional, model, memory, fresh=fresh)
        else:
            c.add_(model.step(self.damping))
            arrived = False
        if self.momentum:
            memory["previous"] = c - before
        return arrived

    def final_status(self, memory: Memory) -> Status:
        return ENDS[int(memory["end"])] or Status.DONE if "end" in memory else Status.DONE

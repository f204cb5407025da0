"""Gauss-Newton with Levenberg-Marquardt damping, which removes the order in which frequencies converge.

With F the Gauss-Newton factor of the functional (F^T F its Gauss-Newton matrix, F F^T the tangent kernel in its metric) and G
its gradient, a step d solves

    (F^T F + lambda) d = -G.

It leaves the part lambda / (kappa + lambda) of an eigenvector of the kernel with eigenvalue kappa, where gradient descent leaves
1 - eta kappa: all eigenvectors with kappa well above lambda converge at the same rate. For an energy, F^T F is the second
derivative with respect to u, and d is the energy natural gradient; for sums of squares, F is the Jacobian of the residual.

**Solution.** The system is solved by a Cholesky factorization, in the space of samples if there are fewer rows than
coefficients. Normal equations lose half the digits of a single least-squares solution, but not of this iteration: each step
starts from the residual, so that the next step corrects its error, and lambda stays above rounding as long as the network is not
linear along the step. The errors were the same as with QR of the ridge-augmented F (``gels``), down to an objective of 1e-17 and
an error of 1.6e-11 (`quadratic`, 8 tanh units, 2000 steps), and a step took 0.5 to 0.8 of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.core.history import Status
from pdefreq.iterations.training.steppers import ENDS, Memory, Stepper, ending, is_stationary
from pdefreq.theory import dynamics

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.theory.dynamics import SpectralFilter

_START = 1e-3  # the first damping, relative to the largest diagonal entry of F^T F


@dataclass(frozen=True)
class LevenbergMarquardtStepper(Stepper):
    """Gauss-Newton steps with adaptive or constant damping.

    With adaptive damping a step is accepted if it decreases the objective. The ratio of this decrease to that of the quadratic
    model determines the next damping; a rejected step is repeated with a larger damping. The method ends when the decrease of the
    model is below rounding: at the level of rounding if that holds for the first step that is tried or the gradient is zero up to
    rounding, and otherwise stalled, since the model promised decreases that did not occur. If points are redrawn, each step
    decreases the objective at its own points, the damping is kept, and the method does not end.

    Args:
        damping: A constant lambda, with which every step is accepted; None means adaptive damping. Both are at least the
            rounding error of F^T F, n eps tr(F^T F).

    Source:
        Nielsen (1999), Damping parameter in Marquardt's method, IMM-REP-1999-05, equation 2.4; for energies Mueller and
        Zeinhofer (2023), Achieving high accuracy with PINNs via energy natural gradient descent, arXiv 2302.13163.
    """

    title = "Gauss-Newton with adaptive damping"

    damping: float | None = None

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        return None if self.damping is None else dynamics.GaussNewtonFilter(self.damping)

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        """The damping, 0 before the first factor, and the factor by which it is increased if a step is rejected."""
        if self.damping is not None:
            return {}
        return {"damping": c.new_zeros(()), "growth": c.new_tensor(2.0), "end": ending(None)}

    def columns(self, memory: Memory) -> dict[str, Tensor]:
        return {"damping": memory["damping"]} if "damping" in memory else {}

    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        model = QuadraticModel.at(functional, c)
        if self.damping is not None:
            c.add_(model.step(self.damping))
            return False
        damping = float(memory["damping"]) or _START * model.largest
        growth, least = float(memory["growth"]), torch.finfo(c.dtype).eps * abs(model.objective)
        restrained = damping > _START * model.largest  # by rejections in earlier steps
        while True:
            damping = max(damping, model.rounding)
            d = model.step(damping)
            promised = model.decrease(d)
            if promised <= least:
                memory["end"] = ending(_reason(functional, c, model, restrained=restrained))
                return not fresh
            if not math.isfinite(damping):  # F is not finite either, which the loop detects
                c.fill_(math.nan)
                return False
            gain = (model.objective - float(functional.value(c + d))) / promised
            if gain > 0:  # false if the objective is nan
                break
            damping, growth, restrained = damping * growth, 2 * growth, True
        c.add_(d)
        memory["damping"] = c.new_tensor(damping * max(1 / 3, 1 - (2 * gain - 1) ** 3))
        memory["growth"] = c.new_tensor(2.0)
        return False

    def final_status(self, memory: Memory) -> Status:
        return ENDS[int(memory["end"])] or Status.DONE if "end" in memory else Status.DONE


def _reason(functional: Functional, c: Coefficients, model: QuadraticModel, *, restrained: bool) -> Status:
    """The reason why the model promises no decrease.

    Args:
        functional: The objective.
        c: The coefficients.
        model: The model there.
        restrained: Whether larger steps, for which it promised a decrease, were rejected.
    """
    if not model.gradient.any():
        return Status.DONE
    return Status.STALLED if restrained and not is_stationary(functional, c, model.gradient) else Status.ROUNDING


class QuadraticModel(NamedTuple):
    """``objective + G^T d + |F d|^2 / 2``, the model of a functional near given coefficients.

    Args:
        objective: The objective at d = 0.
        gradient: G, shape ``(P,)``.
        gauss_newton_factor: F, ``(rows, P)``.
        residual: r with G = F^T r, ``(rows,)``, if the objective is |r|^2 / 2 and there are fewer rows than coefficients;
            otherwise None.
        gram: F F^T if there is a residual, otherwise F^T F.
    """

    objective: float
    gradient: Tensor
    gauss_newton_factor: Tensor
    residual: Tensor | None
    gram: Tensor

    @classmethod
    def at(cls, functional: Functional, c: Coefficients) -> QuadraticModel:
        """The model at c. The gradient of an energy need not lie in the range of F^T, so that F^T F is formed."""
        f = functional.gauss_newton_factor(c).detach()
        with torch.no_grad():
            residual = functional.residual(c)
        if residual is None:
            objective, gradient = functional.value_and_gradient(c)
        else:
            objective, gradient = residual.square().sum() / 2, f.T @ residual
        if residual is not None and len(f) < len(c):
            return cls(float(objective), gradient, f, residual, f @ f.T)
        return cls(float(objective), gradient, f, None, f.T @ f)

    @property
    def largest(self) -> float:
        """The largest diagonal entry of F^T F."""
        return float(self.gauss_newton_factor.square().sum(dim=0).max())

    @property
    def rounding(self) -> float:
        """The level of rounding of F^T F, below which it may have negative eigenvalues."""
        precision = torch.finfo(self.gram.dtype)
        return max(len(self.gram) * precision.eps * float(self.gram.trace()), precision.tiny)

    def step(self, damping: float) -> Tensor:
        """The d with ``(F^T F + lambda) d = -G``, lambda at least `rounding`; nan if the matrix is numerically singular."""
        damped = self.gram.clone()
        damped.diagonal().add_(max(damping, self.rounding))
        root, failed = torch.linalg.cholesky_ex(damped)
        if bool(failed):
            return torch.full_like(self.gradient, math.nan)
        if self.residual is None:
            return -torch.cholesky_solve(self.gradient[:, None], root)[:, 0]
        return -self.gauss_newton_factor.T @ torch.cholesky_solve(self.residual[:, None], root)[:, 0]

    def decrease(self, d: Tensor) -> float:
        """The decrease of the model by a step: objective minus model, ``(|F d|^2 + 2 lambda |d|^2) / 2`` for a `step`."""
        return -float(self.gradient.dot(d) + (self.gauss_newton_factor @ d).square().sum() / 2)

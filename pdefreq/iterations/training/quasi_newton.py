"""Quasi-Newton methods: directions from an approximation of the inverse Hessian, and a strong Wolfe search along them."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch

from pdefreq.core.history import Status
from pdefreq.iterations.training.steppers import ENDS, Memory, Stepper, ending, is_stationary

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional

_NOISE = 10.0  # differences of the objective below this times its rounding error are not used; integrals had errors up to 6


class Found(NamedTuple):
    """A step that satisfies the strong Wolfe conditions.

    Args:
        length: Its length in units of the direction.
        step: The step, ``(P,)``.
        objective: The objective at its end.
        gradient: The gradient there, ``(P,)``.
    """

    length: float
    step: Tensor
    objective: Tensor
    gradient: Tensor


@dataclass(frozen=True)
class QuasiNewtonStepper(Stepper):
    """Steps along minus an approximation of the inverse Hessian times the gradient.

    The approximation is discarded when the functional changes, and when a search along its direction fails. If the search along
    the negative gradient fails as well, the method ends: at the level of rounding if the gradient is zero up to rounding, and
    otherwise stalled.

    Source:
        Nocedal and Wright (2006), Numerical Optimization, chapter 6; the line search is scipy's (Algorithms 3.5 and 3.6), with
        the constants for quasi-Newton methods. Small differences of the objective follow from its slopes, as in the approximate
        Wolfe conditions of Hager and Zhang (2005), SIAM J. Optim. 16, 170-192.
    """

    ends: ClassVar[bool] = True

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return {
            "kept": torch.tensor(0),  # updates of the approximation; at 0 it is the identity
            "end": ending(None),
            "objective": c.new_zeros(()),
            "gradient": torch.zeros_like(c),
        }

    @abstractmethod
    def direction(self, memory: Memory) -> Tensor:
        """Minus the approximation times the gradient, ``(P,)``, if at least one update is kept."""

    @abstractmethod
    def update(self, memory: Memory, step: Tensor, change: Tensor, load: Tensor) -> None:
        """Include a step into the approximation.

        Args:
            memory: The memory, whose ``kept`` is the number of updates before this one.
            step: s, ``(P,)``.
            change: The change y of the gradient along it, with s . y > 0, ``(P,)``.
            load: ``B s`` with the inverse B of the approximation that the direction used, ``(P,)``.
        """

    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        if fresh:
            memory["objective"], memory["gradient"] = functional.value_and_gradient(c)
            memory["kept"], memory["end"] = torch.tensor(0), ending(None)
        gradient = memory["gradient"]
        if memory["end"]:  # until the functional changes
            return True
        if not gradient.any():
            memory["end"] = ending(Status.DONE)
            return True
        found = None
        if memory["kept"]:
            found = strong_wolfe(functional, c, memory["objective"], gradient, self.direction(memory))
        if found is None:
            memory["kept"] = torch.tensor(0)
            size = float(gradient.norm())
            # The first step has at most length one, since the scale is not known.
            found = strong_wolfe(functional, c, memory["objective"], gradient, -gradient * min(1.0, 1 / max(size, 1e-300)))
        if found is None:
            memory["end"] = ending(Status.ROUNDING if is_stationary(functional, c, gradient) else Status.STALLED)
            return True
        memory["objective"], memory["gradient"] = found.objective, found.gradient
        change = found.gradient - gradient
        if found.step.dot(change) > torch.finfo(change.dtype).eps * change.dot(change):  # the curvature is positive
            self.update(memory, found.step, change, -found.length * gradient)
        c.add_(found.step)
        return False

    def final_status(self, memory: Memory) -> Status:
        return ENDS[int(memory["end"])] or Status.DONE


def strong_wolfe(functional: Functional, c: Coefficients, objective: Tensor, gradient: Tensor, direction: Tensor) -> Found | None:
    """A step with the objective and gradient at its end; None if no step satisfies the strong Wolfe conditions.

    The search uses a function of one number, so that coefficients stay on their device. Where rounding errors dominate the
    difference of two values, it is computed by the trapezoidal rule from the slopes, whose errors are much smaller.
    """
    import numpy as np
    from scipy.optimize import line_search

    cached: dict[float, tuple[Tensor, Tensor]] = {0.0: (objective, gradient)}

    def at(length: float) -> tuple[Tensor, Tensor]:
        if length not in cached:
            cached[length] = functional.value_and_gradient(c + length * direction)
        return cached[length]

    start_value, noise = float(objective), _NOISE * torch.finfo(c.dtype).eps * abs(float(objective))

    def value(length: np.ndarray) -> float:
        t = float(length[0])
        found = float(at(t)[0])
        if abs(found - start_value) <= noise:
            found = start_value + t * (slope_at(0.0) + slope_at(t)) / 2
        return found if math.isfinite(found) else math.inf

    def slope_at(length: float) -> float:
        return float(at(length)[1].dot(direction))

    def slope(length: np.ndarray) -> np.ndarray:
        return np.array([slope_at(float(length[0]))])

    start = np.zeros(1)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a failed search warns, and returns None
        length = line_search(
            value, slope, start, np.ones(1), gfk=slope(start), old_fval=value(start), c1=1e-4, c2=0.9, maxiter=20
        )[0]
    if length is None:
        return None
    end, end_gradient = at(float(length))
    return Found(float(length), float(length) * direction, end, end_gradient)

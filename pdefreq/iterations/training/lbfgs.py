"""The limited-memory BFGS method. Unlike `torch.optim.LBFGS`, its memory consists of tensors, for exact resumption."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from pdefreq.core.history import Status
from pdefreq.iterations.training.steppers import ENDS, Memory, Stepper, ending, is_stationary

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional

_NOISE = 10.0  # differences of the objective below this times its rounding error are not used; integrals had errors up to 6


@dataclass(frozen=True)
class LbfgsStepper(Stepper):
    """A quasi-Newton direction from the last pairs of steps and gradient differences, and a strong Wolfe search along it.

    Pairs are discarded when the functional changes, and when a search along their direction fails. If the search along the
    negative gradient fails as well, the method ends: at the level of rounding if the gradient is zero up to rounding, and
    otherwise stalled.

    Args:
        pairs: Number of stored pairs.

    Source:
        Nocedal and Wright (2006), Numerical Optimization, Algorithms 7.4 and 7.5; the line search is scipy's (Algorithms 3.5
        and 3.6), with the constants for quasi-Newton methods. Small differences of the objective follow from its slopes, as in
        the approximate Wolfe conditions of Hager and Zhang (2005), SIAM J. Optim. 16, 170-192.
    """

    title = "L-BFGS"

    pairs: int = 20

    ends: ClassVar[bool] = True

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return {
            "steps_taken": c.new_zeros(self.pairs, len(c)),
            "gradient_changes": c.new_zeros(self.pairs, len(c)),
            "kept": torch.tensor(0),
            "end": ending(None),
            "objective": c.new_zeros(()),
            "gradient": torch.zeros_like(c),
        }

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
        kept = int(memory["kept"])
        found = None
        if kept:
            s, y = memory["steps_taken"][-kept:], memory["gradient_changes"][-kept:]
            found = _search(functional, c, memory["objective"], gradient, -two_loop(s, y, gradient))
        if found is None:
            memory["kept"] = torch.tensor(0)
            size = float(gradient.norm())
            # The first step has at most length one, since the scale is not known.
            found = _search(functional, c, memory["objective"], gradient, -gradient * min(1.0, 1 / max(size, 1e-300)))
        if found is None:
            memory["end"] = ending(Status.ROUNDING if is_stationary(functional, c, gradient) else Status.STALLED)
            return True
        step_taken, memory["objective"], memory["gradient"] = found
        _remember(memory, step_taken, memory["gradient"] - gradient)
        c.add_(step_taken)
        return False

    def final_status(self, memory: Memory) -> Status:
        return ENDS[int(memory["end"])] or Status.DONE


def two_loop(s: Tensor, y: Tensor, gradient: Tensor) -> Tensor:
    """The product of the inverse Hessian approximation with a gradient, ``(P,)``.

    Args:
        s: Steps, oldest first, ``(k, P)``.
        y: Gradient changes, ``(k, P)``.
        gradient: ``(P,)``.
    """
    rho = 1 / (s * y).sum(dim=1)
    direction = gradient.clone()
    alpha = torch.zeros_like(rho)
    for i in reversed(range(len(s))):
        alpha[i] = rho[i] * s[i].dot(direction)
        direction -= alpha[i] * y[i]
    direction *= 1 / (rho[-1] * y[-1].dot(y[-1]))
    for i in range(len(s)):
        direction += (alpha[i] - rho[i] * y[i].dot(direction)) * s[i]
    return direction


def _remember(memory: Memory, step_taken: Tensor, change: Tensor) -> None:
    """Append a pair, unless its curvature is not positive up to rounding."""
    if step_taken.dot(change) <= torch.finfo(change.dtype).eps * change.dot(change):
        return
    for name, new in (("steps_taken", step_taken), ("gradient_changes", change)):
        memory[name] = torch.cat([memory[name][1:], new[None]])
    memory["kept"] = (memory["kept"] + 1).clamp_max(len(memory["steps_taken"]))


def _search(
    functional: Functional, c: Coefficients, objective: Tensor, gradient: Tensor, direction: Tensor
) -> tuple[Tensor, Tensor, Tensor] | None:
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
    return float(length) * direction, end, end_gradient

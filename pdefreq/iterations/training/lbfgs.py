"""The limited-memory BFGS method. Unlike `torch.optim.LBFGS`, its memory consists of tensors, for exact resumption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.iterations.training.quasi_newton import QuasiNewtonStepper

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.iterations.training.steppers import Memory


@dataclass(frozen=True)
class LbfgsStepper(QuasiNewtonStepper):
    """A quasi-Newton direction from the last pairs of steps and gradient differences.

    Args:
        pairs: Number of stored pairs.

    Source:
        Nocedal and Wright (2006), Numerical Optimization, Algorithms 7.4 and 7.5.
    """

    title = "L-BFGS"

    pairs: int = 20

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        pairs = c.new_zeros(self.pairs, len(c))
        return super().memory(c) | {"steps_taken": pairs, "gradient_changes": pairs.clone()}

    def direction(self, memory: Memory) -> Tensor:
        kept = int(memory["kept"])
        return -two_loop(memory["steps_taken"][-kept:], memory["gradient_changes"][-kept:], memory["gradient"])

    def update(self, memory: Memory, step: Tensor, change: Tensor, load: Tensor) -> None:
        for name, new in (("steps_taken", step), ("gradient_changes", change)):
            memory[name] = torch.cat([memory[name][1:], new[None]])
        memory["kept"] = (memory["kept"] + 1).clamp_max(len(memory["steps_taken"]))


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

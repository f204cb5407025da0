"""Points that training does not see: the best state on them, when to stop, and whether training has begun to fit its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.training.steppers import Memory

_EVERY = 10  # steps between two looks
_GAP = 1e-3  # part of its fall by which the objective may be lower at the training points than at held-out ones
_LEAST_FALL = 0.01  # of the objective, below which nothing was learnt that could be fitted


@dataclass(frozen=True)
class HeldOut:
    """Watches the objective at points that no step uses.

    Everything it knows between steps is in the memory of the state, and it looks at fixed steps, so that a resumed run
    keeps and stops like the uninterrupted one. States are compared with weights that stay the same.

    Args:
        functional: The objective at those points, its terms weighted as in the last stage, and not balanced.
        keep_best: Whether the run hands back the state that was lowest there, of those looked at.
        patience: Steps without a new lowest value after which the run stops; None never stops it.
    """

    functional: Functional
    keep_best: bool = False
    patience: int | None = None

    def value(self, c: Coefficients, weights: Mapping[str, float]) -> Tensor:
        """The objective there with given weights of its terms."""
        return self.functional.weighted({name: weights[name] / own for name, own in self.functional.weights.items()}).value(c)

    def memory(self, c: Coefficients, *, watched: bool = True) -> dict[str, Tensor]:
        """What is remembered, before the first step.

        Args:
            c: The coefficients.
            watched: Whether this state counts as the best so far; else the first that is looked at will.
        """
        value = self.functional.value(c)
        best = value if watched else torch.full_like(value, math.inf)
        memory = {"held_out_best": best, "held_out_best_step": torch.tensor(0)}
        return memory | ({"best": c.clone()} if self.keep_best else {})

    def look(self, c: Coefficients, step: int, memory: Memory, *, first: bool = False) -> bool:
        """Compare the state after `step` steps with the best one; whether it is time to stop.

        Args:
            c: The coefficients.
            step: How many steps led to them.
            memory: Changed in place.
            first: Whether no state was looked at before, though this is not the first of the run.
        """
        if (not self.keep_best and self.patience is None) or (step % _EVERY and not first):
            return False
        value = self.functional.value(c)
        if bool(value < memory["held_out_best"]):
            memory["held_out_best"], memory["held_out_best_step"] = value, torch.tensor(step)
            if self.keep_best:
                memory["best"] = c.clone()
        return self.is_over(step, memory)

    def is_over(self, step: int, memory: Memory) -> bool:
        """Whether patience has run out after `step` steps."""
        return (
            self.patience is not None
            and bool(memory["held_out_best"] < math.inf)
            and step - int(memory["held_out_best_step"]) >= self.patience
        )

    def best(self, memory: Memory) -> Coefficients | None:
        """The best state, if it is to be kept and one was looked at."""
        return memory["best"] if self.keep_best and bool(memory["held_out_best"] < math.inf) else None

    def notes(self, last: Coefficients, step: int, memory: Memory) -> list[str]:
        """Sentences for the user on what was kept and why the run ended.

        Args:
            last: The coefficients of the last step.
            step: Its number.
            memory: As after it.
        """
        best, notes = int(memory["held_out_best_step"]), []
        if self.is_over(step, memory):
            notes.append(f"The objective at held-out points has not fallen since step {best:,}.")
        if self.best(memory) is not None and best < step:
            lowest, end = float(memory["held_out_best"]), float(self.functional.value(last))
            notes.append(
                f"This is the state of step {best:,}, with the lowest objective at held-out points: {lowest:.6g}, "
                f"against {end:.6g} at the last step."
            )
        return notes

    def notes_on_fit(self, training: Functional, c: Coefficients, start: Coefficients) -> list[str]:
        """A sentence if the network fits its points better than others.

        Args:
            training: The objective at the training points.
            c: The coefficients that the run hands back.
            start: Those before the first step.
        """
        there, elsewhere, before = (
            float(value) for value in (training.value(c), self.value(c, training.weights), training.value(start))
        )
        fall = abs(before - there)
        if fall < _LEAST_FALL * max(abs(before), abs(there)) or not elsewhere - there > _GAP * fall:
            return []  # of a network that has learnt next to nothing, all gaps are large
        return [
            f"The network has begun to fit its points: the objective is {there:.6g} there and {elsewhere:.6g} at "
            "held-out points; use more points (number), draw them anew (points=sobol) or keep the best state (keep=best)."
        ]

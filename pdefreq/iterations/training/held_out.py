"""Held-out points: the best state on them, early stopping, and the detection of overfitting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.notes import Note

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.training.steppers import Memory

_EVERY = 10  # steps between two evaluations
_GAP = 1e-3  # fraction of its decrease by which the objective may be lower at the training points than at held-out points
_LEAST_FALL = 0.01  # relative decrease of the objective below which overfitting is not tested


@dataclass(frozen=True)
class HeldOut:
    """Evaluates the objective at points that no step uses.

    All data are in the memory of the state, and evaluations are at fixed steps, so that a resumed run keeps the same state and
    stops at the same step as an uninterrupted run. States are compared with constant weights.

    Args:
        functional: The objective at these points, with the weights of the last stage and without balancing.
        keep_best: Whether the run returns the evaluated state with the lowest objective at these points.
        patience: Number of steps without a new lowest value after which the run stops; None disables this.
        unit: The factor of the objective in notes, see `TrainingIteration`.
        is_data: Whether the points are data of the problem, which can't be drawn anew.
    """

    functional: Functional
    keep_best: bool = False
    patience: int | None = None
    unit: float = 1.0
    is_data: bool = False

    def value(self, c: Coefficients, weights: Mapping[str, float]) -> Tensor:
        """The objective at the held-out points with given weights of its terms."""
        return self.functional.weighted({name: weights[name] / own for name, own in self.functional.weights.items()}).value(c)

    def memory(self, c: Coefficients, *, watched: bool = True) -> dict[str, Tensor]:
        """The memory before the first step.

        Args:
            c: The coefficients.
            watched: Whether this state is the best so far; otherwise the first evaluated state is.
        """
        value = self.functional.value(c)
        best = value if watched else torch.full_like(value, math.inf)
        memory = {"held_out_best": best, "held_out_best_step": torch.tensor(0)}
        return memory | ({"best": c.clone()} if self.keep_best else {})

    def look(self, c: Coefficients, step: int, memory: Memory, *, first: bool = False) -> bool:
        """Compare the state after `step` steps with the best one, and return whether the run is to stop.

        Args:
            c: The coefficients.
            step: The number of steps so far.
            memory: The memory, which is changed in place.
            first: Whether no state was evaluated before, though this is not the first state of the run.
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
        """Whether the patience is exceeded after `step` steps."""
        return (
            self.patience is not None
            and bool(memory["held_out_best"] < math.inf)
            and step - int(memory["held_out_best_step"]) >= self.patience
        )

    def best(self, memory: Memory) -> Coefficients | None:
        """The best state, if it is to be kept and a state was evaluated."""
        return memory["best"] if self.keep_best and bool(memory["held_out_best"] < math.inf) else None

    def notes(self, last: Coefficients, step: int, memory: Memory) -> list[str]:
        """Notes on the returned state and on the reason why the run ended.

        Args:
            last: The coefficients of the last step.
            step: The number of this step.
            memory: The memory after this step.
        """
        best, notes = int(memory["held_out_best_step"]), []
        if self.is_over(step, memory):
            notes.append(f"The objective at held-out points has not decreased since step {best:,}.")
        if self.best(memory) is not None and best < step:
            lowest, end = float(memory["held_out_best"]), float(self.functional.value(last))
            notes.append(
                f"This is the state of step {best:,}, with the lowest objective at held-out points: {self.unit * lowest:.6g}, "
                f"against {self.unit * end:.6g} at the last step."
            )
        return notes

    def notes_on_fit(self, training: Functional, c: Coefficients, start: Coefficients) -> list[str]:
        """A note if the network overfits its points.

        Args:
            training: The objective at the training points.
            c: The coefficients that the run returns.
            start: The initial coefficients.
        """
        there, elsewhere, before = (
            float(value) for value in (training.value(c), self.value(c, training.weights), training.value(start))
        )
        fall = abs(before - there)
        if fall < _LEAST_FALL * max(abs(before), abs(there)) or not elsewhere - there > _GAP * fall:
            return []  # relative gaps are large if the objective has hardly decreased
        more = "" if self.is_data else "use more points (number), redraw them (points=sobol) or "
        return [
            Note(
                f"The network overfits its points: the objective is {self.unit * there:.6g} at these and "
                f"{self.unit * elsewhere:.6g} at held-out points; {more}keep the best state (keep=best).",
                "overfitted",
            )
        ]

"""A prepared method: what the loop sees, whatever the method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pdefreq.history import Status

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Coefficients, Values
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.modes import Modes


@dataclass(frozen=True)
class State:
    """One iterate: all that a resumed run needs.

    Args:
        space: Where it lives.
        coefficients: Its coefficients, shape ``(P,)``.
        memory: What the iteration remembers, e.g. Adam's moments; tensors by name.
        done: Whether further steps would change nothing.
    """

    space: TrialSpace
    coefficients: Coefficients
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    done: bool = False


@dataclass(frozen=True)
class Prediction:
    """What theory says of each mode's error.

    Args:
        curves: Predicted |error| of each mode over its initial value, shape ``(len(steps), m)``.
        rates: Predicted decay -d log|e| / d step, shape ``(m,)``; nan for a mode whose error is no single exponential.
        note: The source, and the conditions under which it holds.
    """

    curves: Tensor
    rates: Tensor
    note: str


class Iteration(ABC):
    """Caches live here and are never saved. `step` may reuse the tensors of the state it is given."""

    tends_to_zero: bool
    """Whether the objective tends to zero (residuals, misfits), so that a tolerance makes sense; energies do not."""

    @abstractmethod
    def init(self) -> State:
        """The state before the first step."""

    @abstractmethod
    def step(self, state: State) -> State:
        """The next state."""

    @abstractmethod
    def objective(self, state: State) -> dict[str, Tensor]:
        """Named terms whose sum is what the method lowers. Called at recorded steps only."""

    def columns(self, state: State) -> Mapping[str, Tensor]:
        """Further scalars to record beside the objective: the same names each time. Called at recorded steps only.

        Where the weights of its terms change along a run, ``weight.NAME`` are those of the row, and ``stage`` counts the
        changes across which rows are not to be compared.
        """
        return {}

    def is_last_stage(self, state: State) -> bool:
        """Whether what the objective weighs stays as it is: else steps that no longer lower it are no reason to stop."""
        return True

    def ending(self, state: State) -> Status:
        """How a run ended whose state is done."""
        return Status.DONE

    def answer(self, state: State) -> State:
        """The state that a run which ends here hands back: by default the last one. A resumed run goes on from the last."""
        return state

    def notes(self, state: State) -> list[str]:
        """Sentences for the user on a run that ends here."""
        return []

    @abstractmethod
    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        """The state that was saved with these coefficients and this memory."""

    def limit(self, state: State) -> Coefficients | None:
        """What the iteration tends to, in the space of `state` (the discrete solution), where it is known."""
        return None

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None) -> Prediction | None:
        """Predicted error of each mode after each number of steps, where there is a theory; else None.

        Args:
            modes: Which.
            steps: Shape ``(T,)``, from 0.
            target: The solution at ``modes.points(space)``, where it is known: errors of networks are predicted against it.

        Raises:
            IncompatibleError: If there is a theory of methods like this one that does not cover it; the sentence says why.
        """
        return None

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
    from pdefreq.spectrum.predicted import Drift


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

    With M what a step does to errors and v_k a mode, K = 1 - M is what a step takes off them; for descent along gradients it is
    the rate times the tangent kernel.

    Args:
        curves: Predicted error of each mode over its initial value, signed, shape ``(len(steps), m)``.
        rates: Predicted decay -d log|e| / d step, shape ``(m,)``; nan for a mode whose error is no single exponential.
        note: The source, and the conditions under which it holds.
        own_rates: v_k^T K v_k, what a step takes off an error that is this mode alone, shape ``(m,)``; None where it is unknown.
        coupling: |K v_k - kappa_k v_k| / kappa_k with kappa_k the own rate, shape ``(m,)``; None where it is unknown. The curve
            does not need it to be small: the rates do.
        any_start: Whether the curves hold whatever the error is at the start, as those of eigenvectors do.
        since: The step from which on curves are predicted, over the error there; before it they are nan.
        final_rates: -d log|e| / d step in the end, for curves that are sums of exponentials, shape ``(m,)``; None where it is
            unknown.
        guide: Whether the method itself has no theory, and this is gradient flow on the kernel of the start, where a step is
            the time 1 / kappa_1 of the fastest direction.
    """

    curves: Tensor
    rates: Tensor
    note: str
    own_rates: Tensor | None = None
    coupling: Tensor | None = None
    any_start: bool = False
    since: int = 0
    final_rates: Tensor | None = None
    guide: bool = False


class Iteration(ABC):
    """Caches live here and are never saved. `step` may reuse the tensors of the state it is given."""

    tends_to_zero: bool
    """Whether the objective tends to zero (residuals, misfits), so that a tolerance makes sense; energies do not."""

    open_ended: bool = False
    """Whether no state is ever `done`: the method takes all the steps that it is given."""

    turns: tuple[int, ...] = ()
    """Steps at which another method takes over."""

    is_relative: bool = False
    """Whether the objective is relative already, so that a tolerance is held against it as it is, wherever the method starts."""

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
        changes across which rows are not to be compared, as ``method`` counts those of the method.
        """
        return {}

    def is_last_stage(self, state: State) -> bool:
        """Whether the objective and its weights stay as they are: else steps that no longer lower it are no reason to stop."""
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

    def drift(self, state: State) -> Drift | None:
        """How far what predictions rest on has moved from the start; None where they rest on none."""
        return None

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

    def predict_at_leisure(self, modes: Modes, steps: Tensor, target: Values | None = None) -> Prediction | None:
        """`predict` for somebody who waits for it: also what takes long, or a guide where there is no theory."""
        return self.predict(modes, steps, target)

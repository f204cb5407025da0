"""What only some iterations can do. Each protocol is found by `Iteration.find`; `defaults` holds what its absence means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.history import Status
    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import State
    from pdefreq.spectrum.modes import Modes
    from pdefreq.spectrum.predicted import Drift
    from pdefreq.theory.dynamics import LinearDynamics


class ObjectiveKind(Enum):
    """What is known of the minimum of an objective, and so what a tolerance means for it."""

    ENERGY = "energy"
    """The minimum is not known, so that a tolerance has no meaning."""

    RESIDUAL = "residual"
    """A residual, a misfit or an error estimate: it tends to zero, and a tolerance is relative to its value at the start."""

    RELATIVE_RESIDUAL = "relative residual"
    """It tends to zero and is relative to the data of the problem, so that a tolerance is compared with the value itself."""


@runtime_checkable
class HasObjectiveKind(Protocol):
    """The minimum of the objective is known or not."""

    objective_kind: ObjectiveKind


@runtime_checkable
class OpenEnded(Protocol):
    """The iteration knows whether it can end before its budget is used up."""

    open_ended: bool
    """Whether no state is ever `done`."""


@runtime_checkable
class HandsOver(Protocol):
    """Another method takes over during the run."""

    @property
    def hand_over_steps(self) -> tuple[int, ...]:
        """The steps after which the next method takes over."""
        ...


@runtime_checkable
class ReportsColumns(Protocol):
    """The iteration has further scalars to record beside the objective."""

    def columns(self, state: State) -> Mapping[str, Tensor]:
        """Scalars by name, the same names each time. It is called at recorded steps only.

        Where the weights of the terms of the objective change, ``weight.NAME`` are those of the row. ``stage`` counts changes
        of the objective and ``method`` changes of the method; rows that differ in one of them are not compared.
        """
        ...


@runtime_checkable
class HasStages(Protocol):
    """The objective or its weights change during the run."""

    def is_last_stage(self, state: State) -> bool:
        """Whether the objective and its weights stay as they are; before, stagnation is no reason to stop."""
        ...


@runtime_checkable
class HasFinalStatus(Protocol):
    """A state can be `done` for more than one reason."""

    def final_status(self, state: State) -> Status:
        """How a run ended whose last state is `done`."""
        ...


@runtime_checkable
class HasResult(Protocol):
    """The result of a run may be another state than the last one, e.g. the best one."""

    def result_state(self, state: State) -> State:
        """The result of a run that ends with a state. A resumed run continues from the last state."""
        ...


@runtime_checkable
class HasNotes(Protocol):
    """The iteration has sentences for the user."""

    def notes(self, state: State) -> list[str]:
        """Sentences on a run that ends with a state."""
        ...


@runtime_checkable
class HasDiscreteSolution(Protocol):
    """The limit of the iterates is known."""

    def discrete_solution(self, state: State) -> Coefficients | None:
        """The coefficients of the limit in the space of a state, shape ``(P,)``; None where it is not known."""
        ...


@runtime_checkable
class Predicts(Protocol):
    """There is a theory of how the error of each mode falls."""

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction | None:
        """The predicted error of each mode after each number of steps; None where these modes have no theory.

        Args:
            modes: The modes.
            steps: Shape ``(T,)``, from 0.
            target: The solution at ``modes.points(space)``, where it is known. The errors of networks are predicted against it.
            cheap: Whether to refuse what takes more than some seconds, and what is only a heuristic.

        Raises:
            IncompatibleError: If there is a theory of similar methods that does not cover this one.
        """
        ...


@runtime_checkable
class HasTangentKernel(Protocol):
    """The iteration trains a network by a functional, and predictions rest on its linearization at the start."""

    def start(self) -> tuple[Functional, Coefficients]:
        """The functional that the first step lowers, and the coefficients before it."""
        ...

    def linearized(self, modes: Modes, target: Values, *, cheap: bool = False) -> LinearDynamics:
        """How the errors of modes would develop if the network were linear in its coefficients.

        Args:
            modes: Sine or cosine modes.
            target: The solution at ``modes.points(space)``.
            cheap: Whether to refuse what takes more than some seconds.

        Raises:
            IncompatibleError: If the modes are of another family, or the kernel is too large to decompose.
        """
        ...


@runtime_checkable
class MeasuresDrift(Protocol):
    """Predictions rest on the start of the run and hold as long as the iterate stays near it."""

    def drift(self, state: State) -> Drift | None:
        """How far the iterate has moved from the start; None where there is no prediction that it could void."""
        ...


@dataclass(frozen=True)
class Prediction:
    """What theory says of each mode's error.

    Let M be the error propagation operator of a step and v_k a mode. Then K = 1 - M; for gradient descent, K is
    the rate times the tangent kernel.

    Args:
        curves: Predicted error of each mode over its initial value, signed, shape ``(len(steps), m)``; complex for Fourier modes,
            whose phases may turn.
        rates: Predicted decay -d log|e| / d step, shape ``(m,)``; nan for a mode whose error is no single exponential.
        note: The source, and the conditions under which it holds.
        rayleigh_quotients: kappa_k = v_k^T K v_k, the decrease per step of a unit error in mode k alone, shape ``(m,)``; None
            where it is unknown.
        eigen_residuals: |K v_k - kappa_k v_k| / kappa_k, shape ``(m,)``; None where it is unknown. The curves do not need
            it to be small: the rates do.
        any_start: Whether the curves hold whatever the error is at the start, as those of eigenvectors do.
        start_step: The step from which on curves are predicted, over the error there; before it they are nan.
        final_rates: -d log|e| / d step in the end, for curves that are sums of exponentials, shape ``(m,)``; None where it is
            unknown.
        is_heuristic: Whether the method itself has no theory, and this is gradient flow on the kernel at initialization, where a
            step is the time 1 / kappa_1 of the fastest direction.
    """

    curves: Tensor
    rates: Tensor
    note: str
    rayleigh_quotients: Tensor | None = None
    eigen_residuals: Tensor | None = None
    any_start: bool = False
    start_step: int = 0
    final_rates: Tensor | None = None
    is_heuristic: bool = False

"""Capabilities of some iterations. `Iteration.find` looks up a protocol; `defaults` defines the meaning of its absence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.history import Status
    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import State
    from pdefreq.spectrum.modes import Modes
    from pdefreq.spectrum.predicted import Drift
    from pdefreq.theory.certificate import Certificate
    from pdefreq.theory.dynamics import LinearDynamics, SpectralFilter
    from pdefreq.theory.linearization import Guide, Linearization


class ObjectiveKind(Enum):
    """The kind of an objective, which determines the meaning of a tolerance."""

    ENERGY = "energy"
    """The minimum is not known, so that a tolerance has no meaning."""

    RESIDUAL = "residual"
    """A residual, a misfit or an error estimate: it tends to zero, and a tolerance is relative to its initial value."""

    RELATIVE_RESIDUAL = "relative residual"
    """A residual relative to the data of the problem: it tends to zero, and a tolerance applies to the value itself."""


@runtime_checkable
class HasObjectiveKind(Protocol):
    """The iteration states the kind of its objective."""

    objective_kind: ObjectiveKind


@runtime_checkable
class OpenEnded(Protocol):
    """The iteration states whether it can end before its budget is used up."""

    open_ended: bool
    """Whether no state will be `done`."""


@runtime_checkable
class HandsOver(Protocol):
    """Another method takes over during the run."""

    @property
    def hand_over_steps(self) -> tuple[int, ...]:
        """The steps after which the next method takes over."""
        ...


@runtime_checkable
class ReportsColumns(Protocol):
    """The iteration has additional scalars to record."""

    def columns(self, state: State) -> Mapping[str, Tensor]:
        """Scalars by name, with the same names each time. This method is called at recorded steps only.

        If the weights of the terms change, ``weight.NAME`` are those of the row. ``stage`` counts changes of the objective and
        ``method`` changes of the method; rows that differ in one of them are not compared.
        """
        ...


@runtime_checkable
class HasStages(Protocol):
    """The objective or its weights change during the run."""

    def is_last_stage(self, state: State) -> bool:
        """Whether the objective and its weights do not change any more; before that, stagnation does not stop the run."""
        ...


@runtime_checkable
class HasFinalStatus(Protocol):
    """A state can be `done` for more than one reason."""

    def final_status(self, state: State) -> Status:
        """The status of a run whose last state is `done`."""
        ...


@runtime_checkable
class HasResult(Protocol):
    """The result of a run may differ from the last state, for example be the best one."""

    def result_state(self, state: State) -> State:
        """The result of a run that ends with a state. A resumed run continues from the last state."""
        ...


@runtime_checkable
class HasNotes(Protocol):
    """The iteration has notes for the user."""

    def notes(self, state: State) -> list[str]:
        """Notes on a run that ends with a state."""
        ...


@runtime_checkable
class HasQuadrature(Protocol):
    """The iteration evaluates the source at fixed points."""

    def quadrature(self, state: State) -> Samples | None:
        """The interior points at which the method evaluates the source, with their weights; None if they change or are given."""
        ...


@runtime_checkable
class RefinesSpace(Protocol):
    """The first space of the run is only the coarsest one."""

    refines_space: bool
    """Whether later spaces are finer."""


@runtime_checkable
class HasDiscreteSolution(Protocol):
    """The limit of the iterates is known."""

    def discrete_solution(self, state: State) -> Coefficients | None:
        """The coefficients of the limit in the space of a state, shape ``(P,)``; None if it is not known."""
        ...


@runtime_checkable
class Predicts(Protocol):
    """The error of each mode can be predicted."""

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction | None:
        """The predicted error of each mode after each number of steps; None if there is no theory of these modes.

        Args:
            modes: The modes.
            steps: Shape ``(T,)``, from 0.
            target: The solution at ``modes.points(space)``, if it is known; predictions of networks need it.
            cheap: Whether to refuse predictions that take more than some seconds, and heuristics.

        Raises:
            IncompatibleError: If the theory of similar methods does not cover this one.
        """
        ...


@runtime_checkable
class SharesPoints(Protocol):
    """Several processes can take a step together, each with some of the points."""

    @property
    def shares_points(self) -> bool:
        """Whether the sums of a step are over points that can be divided; a metric of the residual couples all points."""
        ...


@runtime_checkable
class HasFunctional(Protocol):
    """The iteration minimizes a functional of the coefficients."""

    def functional(self, state: State) -> Functional:
        """The functional of the next step, at all interior points if a step uses a batch of them."""
        ...


@runtime_checkable
class HasTangentKernel(Protocol):
    """The iteration trains a network, and predictions use its linearization at the initial coefficients."""

    def start(self) -> tuple[Functional, Coefficients]:
        """The functional of the first step, and the initial coefficients."""
        ...

    def linearized(self, modes: Modes, target: Values, *, cheap: bool = False) -> LinearDynamics:
        """The dynamics of the parts of modes (`Modes.analysis`) for the network linearized in its initial coefficients.

        Args:
            modes: The modes.
            target: The solution at ``modes.points(space)``.
            cheap: Whether to refuse computations that take more than some seconds.

        Raises:
            IncompatibleError: If the kernel is too large to decompose.
        """
        ...

    def linearization(self, modes: Modes, target: Values, state: State | None = None, *, cheap: bool = False) -> Linearization:
        """The network linearized in the coefficients of a state, by default the initial one; see `linearized`."""
        ...

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        """The spectral filter of a step, if all steps are the same and minimize the same functional; otherwise None."""
        ...

    def guide(self, state: State, model: Linearization) -> Guide | None:
        """A prediction from a state on for optimizers without an exact theory; None if there is none.

        Args:
            state: The state, with the memory of the optimizer.
            model: The network linearized there.
        """
        ...


@runtime_checkable
class Certifies(Protocol):
    """Steps solve damped least-squares problems, so that there is a bound on every mode of the residual after a step."""

    def certificate(self, state: State, modes: Modes) -> Certificate | None:
        """The certificate of the step from a state, or of the one that led to it, for modes; None if there is none."""
        ...


@runtime_checkable
class MeasuresDrift(Protocol):
    """Predictions are valid as long as the iterate stays near its initial value."""

    def drift(self, state: State) -> Drift | None:
        """The drift of the iterate from its initial value; None if no prediction depends on it."""
        ...


@dataclass(frozen=True)
class Prediction:
    """The predicted error of each mode.

    Let M be the error propagation operator of a step and v_k a mode. Then K = 1 - M; for gradient descent, K is
    the rate times the tangent kernel.

    Args:
        curves: Predicted error of each mode over its initial value, signed, shape ``(len(steps), m)``; complex for Fourier modes,
            whose phases may change.
        rates: Predicted decay -d log|e| / d step, shape ``(m,)``; nan for a mode whose error is not a single exponential.
        note: The source, and the conditions under which it holds.
        rayleigh_quotients: kappa_k = v_k^T K v_k, the decrease per step of a unit error in mode k alone, shape ``(m,)``; None
            if unknown.
        eigen_residuals: |K v_k - kappa_k v_k| / kappa_k, shape ``(m,)``; None if unknown. The rates are valid if it is
            small; the curves do not need this.
        any_start: Whether the curves are valid for any initial error, as those of eigenvectors.
        start_step: The first step of the prediction, whose errors are relative to those at this step; nan before it.
        final_rates: -d log|e| / d step at the end, for curves that are sums of exponentials, shape ``(m,)``; None if
            unknown.
        is_heuristic: Whether there is no theory of the method, and the prediction is gradient flow on the initial kernel, in
            units of the time 1 / kappa_1 of the fastest direction.
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

"""The values that the loop of a run reads from an iteration, with defaults for protocols that it does not implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pdefreq.core.history import Status
from pdefreq.iterations.protocols import (
    HandsOver,
    HasDiscreteSolution,
    HasFinalStatus,
    HasNotes,
    HasObjectiveKind,
    HasQuadrature,
    HasResult,
    HasStages,
    MeasuresDrift,
    ObjectiveKind,
    OpenEnded,
    RefinesSpace,
    ReportsColumns,
    SharesPoints,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.domains.samples import Samples
    from pdefreq.iterations.iteration import Iteration, State
    from pdefreq.spectrum.predicted import Drift


def objective_kind_of(iteration: Iteration) -> ObjectiveKind:
    """The kind of the objective; by default an energy."""
    found = iteration.find(HasObjectiveKind)
    return ObjectiveKind.ENERGY if found is None else found.objective_kind


def is_open_ended(iteration: Iteration) -> bool:
    """Whether it is known that no state will be `done`."""
    found = iteration.find(OpenEnded)
    return found is not None and found.open_ended


def hand_over_steps_of(iteration: Iteration) -> tuple[int, ...]:
    """The steps after which another method takes over; by default none."""
    found = iteration.find(HandsOver)
    return () if found is None else found.hand_over_steps


def columns_of(iteration: Iteration, state: State) -> Mapping[str, Tensor]:
    """Additional scalars to record; by default none."""
    found = iteration.find(ReportsColumns)
    return {} if found is None else found.columns(state)


def is_last_stage(iteration: Iteration, state: State) -> bool:
    """Whether the objective and its weights do not change any more; by default they do not."""
    found = iteration.find(HasStages)
    return found is None or found.is_last_stage(state)


def final_status_of(iteration: Iteration, state: State) -> Status:
    """The status of a run whose last state is `done`; by default the method has reached its result."""
    found = iteration.find(HasFinalStatus)
    return Status.DONE if found is None else found.final_status(state)


def result_state_of(iteration: Iteration, state: State) -> State:
    """The result of a run that ends with a state; by default this state."""
    found = iteration.find(HasResult)
    return state if found is None else found.result_state(state)


def notes_of(iteration: Iteration, state: State) -> list[str]:
    """Notes on a run that ends with a state; by default none."""
    found = iteration.find(HasNotes)
    return [] if found is None else found.notes(state)


def quadrature_of(iteration: Iteration, state: State) -> Samples | None:
    """The fixed interior points at which the method evaluates the source, with their weights; None if there are none."""
    found = iteration.find(HasQuadrature)
    return None if found is None else found.quadrature(state)


def shares_points(iteration: Iteration) -> bool:
    """Whether several processes can take a step together, each with some of the points; by default they can't."""
    found = iteration.find(SharesPoints)
    return found is not None and found.shares_points


def refines_space(iteration: Iteration) -> bool:
    """Whether the first space of the run is only the coarsest one; by default it is the only one."""
    found = iteration.find(RefinesSpace)
    return found is not None and found.refines_space


def drift_of(iteration: Iteration, state: State) -> Drift | None:
    """The drift of the iterate from its initial value, if predictions assume that it is small; otherwise None."""
    found = iteration.find(MeasuresDrift)
    return None if found is None else found.drift(state)


def discrete_solution_of(iteration: Iteration, state: State) -> Coefficients | None:
    """The limit of the iterates in the space of a state, shape ``(P,)``; None if it is not known."""
    found = iteration.find(HasDiscreteSolution)
    return None if found is None else found.discrete_solution(state)

"""The protocols of a chain, composed from those of its parts, to which the state of the active part is passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import torch

from pdefreq.core.history import Status
from pdefreq.iterations.chain.parts import ChainParts, stage_and_step, wrapped
from pdefreq.iterations.chain.prediction import ChainPrediction
from pdefreq.iterations.defaults import (
    columns_of,
    discrete_solution_of,
    drift_of,
    final_status_of,
    hand_over_steps_of,
    is_last_stage,
    notes_of,
    objective_kind_of,
    quadrature_of,
    refines_space,
    result_state_of,
    shares_points,
)
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
    Predicts,
    RefinesSpace,
    ReportsColumns,
    SharesPoints,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.domains.samples import Samples
    from pdefreq.iterations.iteration import State
    from pdefreq.spectrum.predicted import Drift

P = TypeVar("P")


@dataclass(frozen=True)
class _OfParts:
    parts: ChainParts


class _HandOvers(_OfParts):
    @property
    def hand_over_steps(self) -> tuple[int, ...]:
        first, second, end = self.parts.first, self.parts.second, self.parts.hand_over_step
        before = (step for step in hand_over_steps_of(first) if step < end)
        return (*before, end, *(end + step for step in hand_over_steps_of(second)))


class _Columns(_OfParts):
    def columns(self, state: State) -> Mapping[str, Tensor]:
        stage, _ = stage_and_step(state.memory)
        columns = columns_of(*self.parts.active(state))
        before = stage * (len(hand_over_steps_of(self.parts.first)) + 1)
        return {**columns, "method": before + columns.get("method", torch.tensor(0))}


class _Stages(_OfParts):
    def is_last_stage(self, state: State) -> bool:
        stage, _ = stage_and_step(state.memory)
        return stage == 1 and is_last_stage(*self.parts.active(state))


class _Objective(_OfParts):
    @property
    def objective_kind(self) -> ObjectiveKind:
        return objective_kind_of(self.parts.second)


class _FinalStatus(_OfParts):
    def final_status(self, state: State) -> Status:
        return final_status_of(*self.parts.active(state))


class _ResultState(_OfParts):
    def result_state(self, state: State) -> State:
        return wrapped(result_state_of(*self.parts.active(state)), *stage_and_step(state.memory))


class _Notes(_OfParts):
    def notes(self, state: State) -> list[str]:
        return notes_of(*self.parts.active(state))


class _Quadrature(_OfParts):
    def quadrature(self, state: State) -> Samples | None:
        return quadrature_of(*self.parts.active(state))


class _RefinesSpace(_OfParts):
    @property
    def refines_space(self) -> bool:
        return refines_space(self.parts.first)


class _SharesPoints(_OfParts):
    @property
    def shares_points(self) -> bool:
        return shares_points(self.parts.first) or shares_points(self.parts.second)


class _Drift(_OfParts):
    def drift(self, state: State) -> Drift | None:
        return drift_of(*self.parts.active(state))


class _DiscreteSolution(_OfParts):
    def discrete_solution(self, state: State) -> Coefficients | None:
        return discrete_solution_of(*self.parts.active(state))


class _Rule(NamedTuple):
    make: Callable[[ChainParts], Any]
    needed: tuple[str, ...] = ()  # parts of which one must have the protocol; empty if the chain itself has it


_EITHER, _FIRST, _LAST = ("first", "second"), ("first",), ("second",)
_RULES: dict[type, _Rule] = {
    HandsOver: _Rule(_HandOvers),
    ReportsColumns: _Rule(_Columns),
    HasStages: _Rule(_Stages),
    HasObjectiveKind: _Rule(_Objective, _LAST),
    HasFinalStatus: _Rule(_FinalStatus, _LAST),  # a chain is done when its second part is done
    Predicts: _Rule(ChainPrediction, _LAST),
    HasResult: _Rule(_ResultState, _EITHER),
    HasNotes: _Rule(_Notes, _EITHER),
    HasQuadrature: _Rule(_Quadrature, _EITHER),
    RefinesSpace: _Rule(_RefinesSpace, _FIRST),
    SharesPoints: _Rule(_SharesPoints, _EITHER),
    MeasuresDrift: _Rule(_Drift, _EITHER),
    HasDiscreteSolution: _Rule(_DiscreteSolution, _EITHER),
}


def composed(parts: ChainParts, protocol: type[P]) -> P | None:
    """The object that has a protocol for a chain; None if no relevant part has it, or if it can't be composed."""
    rule = _RULES.get(protocol)
    if rule is None:
        return None
    if rule.needed and all(getattr(parts, name).find(protocol) is None for name in rule.needed):
        return None
    return cast("P", rule.make(parts))

"""Least squares over a space of features, in attempts with more and more features."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.history import Status
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.spectrum.span import modes_at_rows
from pdefreq.theory.certificate import Certificate
from pdefreq.theory.least_squares import ridge_solution

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.spaces.features.features import Features
    from pdefreq.spectrum.modes import Modes

_FALL = 4.0  # the held-out residual must fall by this factor while the number of features doubles


@dataclass(frozen=True)
class Attempt:
    """A space of features, with the least-squares problem that determines the coefficients.

    Args:
        space: The space.
        functional: The squared residual of the equation and the boundary conditions, at the points that determine c.
        held_out: The same functional at other points.
        interior: The interior points of `functional`.
        text: The choice of features in words.
        stages: The same functional for easier equations, from which Newton's method continues to a nonlinear one.
    """

    space: Features
    functional: Functional
    held_out: Functional
    interior: Samples
    text: str
    stages: tuple[Functional, ...] = ()


class FeatureLeastSquares(Iteration):
    """Solves one least-squares problem per step; each step has more features than the one before.

    The objective is the residual at held-out points relative to that of u = 0. The run ends when it is below a tolerance, or when
    it no longer falls by a factor of 4 while the number of features doubles: the data then have noise, or the solution has a
    singularity that the features do not contain. It also ends when the next attempt would be too large. In these two cases the
    problem counts as resolved nevertheless if u changed by less than the tolerance since the best attempt before and the residual
    is below the square root of the tolerance: second derivatives have larger rounding errors than u. The result is the attempt
    with the smallest residual.

    Args:
        attempt: A function of the number of the attempt, from 0; None if an attempt would be too large.
        tolerance: The relative residual at held-out points with which the run ends; None makes the first attempt the only one.
        like: A tensor with the dtype and device of the coefficients.
        remarks: Notes for the user at the end of a run.
    """

    objective_kind = ObjectiveKind.RELATIVE_RESIDUAL
    refines_space = True

    def __init__(
        self, attempt: Callable[[int], Attempt | None], *, tolerance: float | None, like: Tensor, remarks: list[str]
    ) -> None:
        self._attempt = functools.lru_cache(maxsize=2)(attempt)
        self._tolerance, self._like, self._remarks = tolerance, like, remarks
        self._modes: Modes | None = None
        self._certificate: tuple[int, Certificate] | None = None  # with the number of the attempt

    def init(self) -> State:
        space = self._at(0).space
        return State(space, self._like.new_zeros(space.num_coefficients), self._memory(-1, Status.DONE, [], []))

    def step(self, state: State) -> State:
        number = int(state.memory["attempt"]) + 1
        attempt = self._at(number)
        functional, zero = attempt.functional, self._like.new_zeros(attempt.space.num_coefficients)
        data = functional.residual(zero)
        assert data is not None
        watched = None if self._modes is None else modes_at_rows(self._modes, attempt.interior, len(data), self._like)
        right = -data[:, None] if watched is None else torch.cat([-data[:, None], watched], dim=1)
        factor = functional.gauss_newton_factor(zero)
        solutions, left = ridge_solution(factor, right)
        self._certificate = None
        if watched is not None:
            self._certificate = number, Certificate.of(left[:, 1:], watched, data, -left[:, 0], -left[:, 0])
        return self._judged(state, number, solutions[:, 0])

    def watch(self, modes: Modes) -> None:
        self._modes = modes

    def certificate(self, state: State) -> Certificate | None:
        """The certificate of the attempt that led to a state, from u = 0."""
        known = self._certificate
        return None if known is None or known[0] != int(state.memory["attempt"]) else known[1]

    def objective(self, state: State) -> dict[str, Tensor]:
        residuals = state.memory["residuals"]
        return {"residual": residuals[-1] if len(residuals) else torch.tensor(1.0, dtype=torch.float64)}

    def columns(self, state: State) -> Mapping[str, Tensor]:
        return {"features": torch.tensor(float(state.space.num_coefficients))}

    def final_status(self, state: State) -> Status:
        return list(Status)[int(state.memory["status"])]

    def result_state(self, state: State) -> State:
        if "best" not in state.memory:
            return state
        best = int(state.memory["best"])
        return State(self._at(best).space, state.memory["best_coefficients"].to(self._like), state.memory, state.done)

    def notes(self, state: State) -> list[str]:
        number = int(state.memory["best"]) if "best" in state.memory else max(0, int(state.memory["attempt"]))
        told = [*self._remarks, self._at(number).text]
        residuals = state.memory["residuals"]
        if len(residuals):
            least = float(residuals.min())
            told.append(f"The residual at held-out points is {least:.2g} of the data after {len(residuals)} attempts.")
        return told

    def quadrature(self, state: State) -> Samples | None:
        return self._at(max(0, int(state.memory["attempt"]))).interior

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        space = self._at(max(0, int(memory["attempt"]))).space
        return State(space, coefficients.to(self._like, copy=True), dict(memory))

    def _at(self, number: int) -> Attempt:
        attempt = self._attempt(number)
        assert attempt is not None
        return attempt

    def _judged(self, state: State, number: int, c: Coefficients) -> State:
        """The state after an attempt that found coefficients."""
        attempt = self._at(number)
        residuals = [*state.memory["residuals"].tolist(), self._relative_residual(attempt, c)]
        sizes = [*state.memory["sizes"].tolist(), float(attempt.space.num_coefficients)]
        status = self._ending(number, residuals, sizes)
        if status is Status.UNRESOLVED and self._is_settled(state, attempt, c, residuals[-1]):
            status = Status.DONE
        memory = self._memory(number, status or Status.DONE, residuals, sizes)
        best = residuals[-1] <= min(residuals)
        memory |= {
            "best": torch.tensor(number) if best else state.memory["best"],
            "best_coefficients": c if best else state.memory["best_coefficients"],
        }
        return State(attempt.space, c, memory, done=status is not None)

    def _relative_residual(self, attempt: Attempt, c: Coefficients) -> float:
        own, zero = (attempt.held_out.value(each) for each in (c, torch.zeros_like(c)))
        return float((own / zero).sqrt()) if float(zero) > 0 else float(own.sqrt())

    def _ending(self, number: int, residuals: list[float], sizes: list[float]) -> Status | None:
        """The status with which the run ends after an attempt; None if it goes on."""
        if self._tolerance is None or residuals[-1] <= self._tolerance:
            return Status.DONE
        before = [r for r, size in zip(residuals, sizes, strict=True) if 2 * size <= sizes[-1]]
        if before and min(residuals) > min(before) / _FALL:
            return Status.UNRESOLVED
        return Status.UNRESOLVED if self._attempt(number + 1) is None else None

    def _is_settled(self, before: State, attempt: Attempt, c: Coefficients, residual: float) -> bool:
        """Whether u changed by less than the tolerance since the best attempt before, with a residual that is small too."""
        if self._tolerance is None or "best" not in before.memory or residual > math.sqrt(self._tolerance):
            return False
        best, x = self.result_state(before), attempt.interior.x.to(self._like)
        u = attempt.space.at(x).value(c)
        change = best.space.at(x).value(best.coefficients) - u
        return bool(change.norm() <= self._tolerance * u.norm())

    @staticmethod
    def _memory(number: int, status: Status, residuals: list[float], sizes: list[float]) -> dict[str, Tensor]:
        return {
            "attempt": torch.tensor(number),
            "status": torch.tensor(list(Status).index(status)),
            "residuals": torch.tensor(residuals, dtype=torch.float64),
            "sizes": torch.tensor(sizes, dtype=torch.float64),
        }

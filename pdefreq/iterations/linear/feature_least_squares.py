"""Least squares in a space of features, in attempts with increasing numbers of features."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from pdefreq.core.announcements import announce
from pdefreq.core.history import Status
from pdefreq.core.notes import Note
from pdefreq.core.streams import stream
from pdefreq.functionals.split_functional import split
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.spectrum.span import modes_at_rows
from pdefreq.theory.certificate import Certificate
from pdefreq.theory.least_squares import RidgeFactorization
from pdefreq.theory.sketched_least_squares import SKETCHED_ROWS, SketchedFactorization

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.spaces.features.features import Features
    from pdefreq.spectrum.modes import Modes

_ENDINGS = (Status.DONE, Status.UNRESOLVED)
_RATE = 2e10  # floating-point operations per second of one thread in a QR factorization
_LONG = 3.0  # seconds; longer steps are announced
_SINGULAR = 1e10  # condition number from which on errors of rounding may exceed 1e-6
_CONVERGING = 1e-2  # residual below which its decrease is extrapolated; before, the waves of u may not be included yet
_CHEAP = 1000  # functions; a further attempt takes less than about a second
_FALL = 4.0  # the held-out residual must decrease by this factor while the number of features doubles


@dataclass(frozen=True)
class Attempt:
    """A space of features, with the least-squares problem that determines the coefficients.

    Args:
        space: The space.
        functional: The squared residual of the equation and the boundary conditions, at the points that determine c.
        held_out: The same functional at other points.
        interior: The interior points of `functional`.
        text: A sentence on the number of features and points.
        nested: Two numbers of leading features, in increasing order, whose spaces have bandwidths in a constant ratio with that
            of all features.
        stages: The same functional for easier equations, from which Newton's method continues to a nonlinear one.
        rows: How a linear problem is solved: with the triangular factor of all rows, or with a sketch of rows that are stored or
            recomputed in each iteration (`SketchedFactorization`).
    """

    space: Features
    functional: Functional
    held_out: Functional
    interior: Samples
    text: str
    nested: tuple[int, ...]
    stages: tuple[Functional, ...] = ()
    rows: Literal["factorized", "stored", "computed"] = "factorized"


class _Solution(NamedTuple):
    """The coefficients of an attempt, the factorization of its rows, and the residuals at zero and at these coefficients.

    If several processes share the rows, the factorization and the residuals belong to equivalent rows.
    """

    coefficients: Coefficients
    factorization: RidgeFactorization | SketchedFactorization
    before: Tensor
    after: Tensor
    noise: Tensor  # a random source by row, zero at the boundary
    has_all_rows: bool


class FeatureLeastSquares(Iteration):
    """Solves one least-squares problem per step; each step has more features than the one before.

    The objective is the residual at held-out points relative to that of u = 0. The run ends when it is below a tolerance, when
    a problem is large and the error of u, estimated from nested solutions, is below another tolerance, or when the residual
    decreases by less than a factor of 4 while the number of features doubles. In this case the data have noise, or the solution
    has a singularity that the features do not represent. It also ends when the next attempt would be too large, or when the
    decrease of the residual with the bandwidth, extrapolated from the last two attempts, would not reach the tolerance with the
    largest number of features. In these cases the problem counts as resolved nevertheless if u changed by less than the
    tolerance since the best attempt before and the residual is below the square root of the tolerance, because second
    derivatives have larger rounding errors than u. If the equation is singular up to rounding, it does not count as resolved.
    The result is the attempt with the smallest residual.

    Args:
        attempt: A function that returns the attempt with a number, counted from 0, or None if it would be too large.
        tolerance: The relative residual at held-out points below which the run ends; with None there is one
            attempt, which is not judged.
        accuracy: The estimated relative error of u below which a run ends; with None it is not estimated.
        most: The largest number of features.
        like: A tensor with the dtype and device of the coefficients.
        remarks: Notes for the user at the end of a run.
    """

    objective_kind = ObjectiveKind.RELATIVE_RESIDUAL
    refines_space = True

    def __init__(
        self,
        attempt: Callable[[int], Attempt | None],
        *,
        tolerance: float | None,
        accuracy: float | None,
        most: int,
        like: Tensor,
        remarks: list[str],
    ) -> None:
        self._attempt = functools.lru_cache(maxsize=2)(attempt)
        self._tolerance, self._accuracy, self._most = tolerance, accuracy, most
        self._like, self._remarks = like, remarks
        self._solved: tuple[int, _Solution] | None = None  # with the number of the attempt

    def init(self) -> State:
        space = self._at(0).space
        return State(space, self._like.new_zeros(space.num_coefficients), self._memory(-1, Status.DONE, [], []))

    def step(self, state: State) -> State:
        number = int(state.memory["attempt"]) + 1
        return self._judged(state, number, self._solution(number).coefficients)

    def certificate(self, state: State, modes: Modes) -> Certificate | None:
        """The certificate of the attempt that led to a state, from u = 0. The damping is the ridge.

        The remainder is zero if the least-squares problem is solved directly, and a bound on the error of the conjugate gradients
        otherwise.
        """
        if (number := int(state.memory["attempt"])) < 0:
            return None
        solution, interior = self._solution(number), self._at(number).interior
        if not solution.has_all_rows:
            return None
        watched = modes_at_rows(modes, interior, len(solution.before), self._like)
        if watched is None:
            return None
        left = solution.factorization.solve(watched)[1]
        certificate = Certificate.of(left, watched, solution.before, solution.after, solution.after)
        inexact = solution.factorization.inexactness(solution.coefficients, -solution.after)
        remainder = inexact / (float(solution.before.norm()) or 1.0)
        return replace(certificate, damped=certificate.damped.clamp(max=1.0), remainder=remainder)  # the exact q_k are below 1

    def _solution(self, number: int) -> _Solution:
        """The solution of an attempt. That of the last attempt is kept for its certificate."""
        if self._solved is not None and self._solved[0] == number:
            return self._solved[1]
        self._solved = None  # frees the memory of the preceding attempt
        attempt = self._at(number)
        functional, zero = split(attempt.functional), self._like.new_zeros(attempt.space.num_coefficients)
        rows, columns, inside = functional.num_rows, len(zero), len(attempt.interior.x)
        sketched = attempt.rows != "factorized" and functional is attempt.functional
        if (seconds := 2 * (SKETCHED_ROWS * columns if sketched else rows) * columns**2 / _RATE) > _LONG:
            announce(f"solving a least-squares problem with {columns:,} features and {rows:,} rows, about {seconds:.0f} s")
        noise = zero.new_zeros(rows)
        noise[:inside] = torch.randn(inside, generator=stream(0, "condition"), dtype=torch.float64).to(noise)
        if sketched:
            before, factorization = functional.residual(zero), self._sketched(attempt, number)
        else:
            factor, before, (noise,), _ = functional.equivalent_rows(zero, noise)
            factorization = RidgeFactorization(factor)
        assert before is not None
        c, left = factorization.solve(-before)
        self._solved = number, _Solution(c, factorization, before, -left, noise, functional is attempt.functional)
        return self._solved[1]

    def _sketched(self, attempt: Attempt, number: int) -> SketchedFactorization:
        """The sketched rows of an attempt, with the rows themselves if they are stored."""
        zero = self._like.new_zeros(attempt.space.num_coefficients)
        rows = functools.partial(attempt.functional.factor_by_block, zero)
        stored = list(rows()) if attempt.rows == "stored" else None
        return SketchedFactorization(rows if stored is None else lambda: stored, len(zero), stream(0, "sketch", number))

    def objective(self, state: State) -> dict[str, Tensor]:
        residuals = state.memory["residuals"]
        return {"residual": residuals[-1] if len(residuals) else torch.tensor(1.0, dtype=torch.float64)}

    def columns(self, state: State) -> Mapping[str, Tensor]:
        return {"features": torch.tensor(float(state.space.num_coefficients))}

    def final_status(self, state: State) -> Status:
        return _ENDINGS[int(state.memory["status"])]

    def result_state(self, state: State) -> State:
        """The attempt with the smallest residual, as the state after it."""
        if "best" not in state.memory:
            return state
        best = int(state.memory["best"])
        made = {name: state.memory[name][: best + 1] for name in ("residuals", "sizes")}
        memory = {**state.memory, "attempt": torch.tensor(best), **made}
        return State(self._at(best).space, state.memory["best_coefficients"].to(self._like), memory, done=True)

    def notes(self, state: State) -> list[str]:
        number = int(state.memory["best"]) if "best" in state.memory else max(0, int(state.memory["attempt"]))
        told = [*self._remarks, self._at(number).text]
        residuals = state.memory["residuals"]
        if len(residuals):
            least = float(residuals.min())
            count = len(residuals)
            told.append(f"The smallest relative residual at held-out points is {least:.2g} (number of attempts: {count}).")
        if state.done and math.isfinite(error := float(state.memory.get("error", math.inf))):
            above = self._accuracy is not None and error > self._accuracy
            limit = f", which is above `accuracy` = {self._accuracy:.0e}" if above else ""
            told.append(f"The relative error of u, estimated from nested solutions, is {error:.1g}{limit}.")
        condition = float(state.memory["condition"])
        if condition > _SINGULAR:
            singular = (
                f"The equation is singular or nearly singular (condition number about {condition:.0e}), as a Helmholtz equation "
                "is at a resonance: u is not unique or does not exist, and no method can determine it. Change the reaction or "
                "the domain."
            )
            told.append(Note(singular, "nearly singular"))
        return told

    @property
    def shares_points(self) -> bool:
        return not self._at(0).functional.couples_points

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
        error = math.inf
        if status is not Status.DONE and self._is_worth_estimating(attempt, residuals[-1]):
            error = self._error(number)
            status = Status.DONE if self._accuracy is not None and error <= self._accuracy else status
        if status is Status.UNRESOLVED and self._is_settled(state, attempt, c, residuals[-1]):
            status = Status.DONE
        condition = self._condition(number) if status else 0.0
        status = Status.UNRESOLVED if condition > _SINGULAR else status
        memory = self._memory(number, status or Status.DONE, residuals, sizes, condition)
        best = residuals[-1] <= min(residuals)
        memory |= {
            "best": torch.tensor(number) if best else state.memory["best"],
            "best_coefficients": c if best else state.memory["best_coefficients"],
            "error": torch.tensor(error, dtype=torch.float64) if best else state.memory["error"],
        }
        return State(attempt.space, c, memory, done=status is not None)

    def _relative_residual(self, attempt: Attempt, c: Coefficients) -> float:
        held_out = split(attempt.held_out)
        own, zero = (held_out.value(each) for each in (c, torch.zeros_like(c)))
        return float((own / zero).sqrt()) if float(zero) > 0 else float(own.sqrt())

    def _ending(self, number: int, residuals: list[float], sizes: list[float]) -> Status | None:
        """The status with which the run ends after an attempt; None if it continues."""
        if self._tolerance is None or residuals[-1] <= self._tolerance:
            return Status.DONE
        before = [r for r, size in zip(residuals, sizes, strict=True) if 2 * size <= sizes[-1]]
        if before and min(residuals) > min(before) / _FALL:
            return Status.UNRESOLVED
        if self._needed(residuals, sizes) > self._most:
            return Status.UNRESOLVED
        return Status.UNRESOLVED if self._attempt(number + 1) is None else None

    def _needed(self, residuals: list[float], sizes: list[float]) -> float:
        """A lower bound for the number of features that reaches the tolerance, extrapolated from the last two attempts.

        The logarithm of the residual is extrapolated as a linear function of the bandwidth, which is proportional to the root of
        this number. This is optimistic except for entire functions. The number is 0 if the residual is large, because a large
        residual decreases abruptly when the bandwidth reaches the waves of u.
        """
        assert self._tolerance is not None
        if len(residuals) < 2 or residuals[-1] > _CONVERGING or sizes[-1] <= sizes[-2]:
            return 0.0
        fall = math.log(residuals[-2] / residuals[-1])
        missing = math.log(residuals[-1] / self._tolerance)
        before, last = (size ** (1 / self._dimension) for size in sizes[-2:])
        return (last + (last - before) * missing / fall) ** self._dimension if fall > 0 else math.inf

    @functools.cached_property
    def _dimension(self) -> int:
        return self._at(0).interior.x.shape[1]

    def _is_worth_estimating(self, attempt: Attempt, residual: float) -> bool:
        """Whether a small error of u may end the run.

        Small problems continue until the residual is small, because this takes little time. If the residual is large, the
        solution may contain waves that no nested space contains, which the differences of nested solutions do not show.
        """
        if self._tolerance is None or self._accuracy is None:
            return False
        return attempt.space.num_coefficients > _CHEAP and residual <= math.sqrt(self._tolerance)

    def _error(self, number: int) -> float:
        """An estimate of the relative error of u in an attempt, from two nested solutions of the same factorization.

        With u_1, u_2 and u from spaces with increasing bandwidths, and d_1 = |u_2 - u_1|, d_2 = |u - u_2|, the estimate is the
        larger one of d_2 and d_2^2 / (d_1 - d_2). The first one is an estimate of the error of u_2. The second one is the sum of
        the further differences if their ratio stays the same, as with algebraic convergence. It is infinite for
        nonlinear equations, and if the differences do not decrease.
        """
        if self._solved is None or self._solved[0] != number:
            return math.inf
        attempt, solution = self._at(number), self._solved[1]
        at = attempt.space.at(attempt.interior.x.to(self._like))
        found = solution.factorization.leading(-solution.before, attempt.nested)
        size = attempt.space.num_coefficients
        first, second = (at.value(torch.cat([c, c.new_zeros(size - len(c))])) for c in found)
        u = at.value(solution.coefficients)
        before, last = float((second - first).norm() / u.norm()), float((u - second).norm() / u.norm())
        return max(last, last**2 / (before - last)) if last < before else math.inf

    def _condition(self, number: int) -> float:
        """The condition number of the linear equation, estimated from the response of an attempt to a random source.

        It is the norm of u minus its mean, relative to that of the source, times the largest norm of the residual of a feature.
        The constant is left out, because it is not determined by some problems. For nonlinear equations the number is 0.
        """
        if self._solved is None or self._solved[0] != number:
            return 0.0
        solution, x = self._solved[1], self._at(number).interior.x.to(self._like)
        space = self._at(number).space
        (c,) = solution.factorization.leading(solution.noise, [space.num_coefficients])
        u = space.at(x).value(c)
        return float((u - u.mean()).norm() / math.sqrt(len(x)) / solution.noise.norm() * solution.factorization.largest)

    def _is_settled(self, before: State, attempt: Attempt, c: Coefficients, residual: float) -> bool:
        """Whether u changed by less than the tolerance since the best attempt before, with a residual that is small too."""
        if self._tolerance is None or "best" not in before.memory or residual > math.sqrt(self._tolerance):
            return False
        best, x = self.result_state(before), attempt.interior.x.to(self._like)
        u = attempt.space.at(x).value(c)
        change = best.space.at(x).value(best.coefficients) - u
        return bool(change.norm() <= self._tolerance * u.norm())

    @staticmethod
    def _memory(
        number: int, status: Status, residuals: list[float], sizes: list[float], condition: float = 0.0
    ) -> dict[str, Tensor]:
        return {
            "attempt": torch.tensor(number),
            "status": torch.tensor(_ENDINGS.index(status)),
            "residuals": torch.tensor(residuals, dtype=torch.float64),
            "sizes": torch.tensor(sizes, dtype=torch.float64),
            "condition": torch.tensor(condition, dtype=torch.float64),
        }

"""Newton's method in spaces of features, in attempts with increasing numbers of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.iterations.iteration import State
from pdefreq.iterations.least_squares_newton import LeastSquaresNewton
from pdefreq.iterations.linear.feature_least_squares import FeatureLeastSquares
from pdefreq.theory.least_squares import ridge_least_squares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.spectrum.modes import Modes
    from pdefreq.theory.certificate import Certificate

_INNER = "newton."
_NEAR = 1e-3  # relative residual below which an iterate is near a solution
_FIT = 1e-12  # ridge of a fit of values, with which its second derivatives are about as accurate as those of the iterate


class FeatureNewton(FeatureLeastSquares):
    """Solves a nonlinear least-squares problem in each attempt, with one step of Newton's method per step of the run.

    Attempts and the end of the run are those of `FeatureLeastSquares`. If the smallest residual so far is below 1e-3 of that of
    u = 0, an attempt starts from the function with that residual, fitted by the new features. Otherwise it starts from zero, with
    other features and with continuation, because the last iterate may be near a stationary point that is not a solution.
    """

    def init(self) -> State:
        return self._within(super().init(), 0)

    def step(self, state: State) -> State:
        number = int(state.memory["attempt"]) + 1
        newton = self._newton(number)
        memory = {name.removeprefix(_INNER): value for name, value in state.memory.items() if name.startswith(_INNER)}
        inner = newton.step(newton.restore(state.coefficients, memory))
        if not inner.done:
            return self._merged(state, inner)
        judged = self._judged(state, number, inner.coefficients)
        return judged if judged.done else self._within(judged, number + 1)

    def objective(self, state: State) -> dict[str, Tensor]:
        """The residual at held-out points of the current iterate, relative to that of u = 0."""
        number = int(state.memory["attempt"]) + (not state.done)
        return {"residual": torch.tensor(self._relative_residual(self._at(number), state.coefficients), dtype=torch.float64)}

    def certificate(self, state: State, modes: Modes) -> Certificate | None:
        """None: the factorizations of the steps are not kept."""
        return None

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        space = self._at(int(memory["attempt"]) + 1).space
        return State(space, coefficients.to(self._like, copy=True), dict(memory))

    def _newton(self, number: int) -> LeastSquaresNewton:
        attempt = self._at(number)
        start = self._like.new_zeros(attempt.space.num_coefficients)
        return LeastSquaresNewton((*attempt.stages, attempt.functional), attempt.space, start)

    def _within(self, outer: State, number: int) -> State:
        """The state at the start of an attempt."""
        newton, residuals = self._newton(number), outer.memory["residuals"]
        near = len(residuals) > 0 and float(residuals.min()) <= _NEAR
        return self._merged(outer, newton.last_stage(self._fitted(outer, number)) if near else newton.init())

    def _fitted(self, outer: State, number: int) -> Coefficients:
        """The coefficients in an attempt that fit the function with the smallest residual so far, by least squares at points."""
        attempt, best = self._at(number), self.result_state(outer)
        points = attempt.interior.x.to(self._like)
        start = self._like.new_zeros(attempt.space.num_coefficients)
        values = best.space.at(points).value(best.coefficients)
        return ridge_least_squares(attempt.space.at(points).jacobian(start), values, _FIT)

    @staticmethod
    def _merged(outer: State, inner: State) -> State:
        own = {name: value for name, value in outer.memory.items() if not name.startswith(_INNER)}
        return State(inner.space, inner.coefficients, own | {_INNER + name: value for name, value in inner.memory.items()})

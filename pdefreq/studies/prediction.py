"""Predictions for every mode before a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.announcements import announce
from pdefreq.core.errors import IncompatibleError, NotPredictedError
from pdefreq.core.text_table import text_table
from pdefreq.figures.notebook import Shown, paragraph, table
from pdefreq.iterations.defaults import discrete_solution_of, hand_over_steps_of
from pdefreq.iterations.protocols import Predicts
from pdefreq.solvers.refinable import Refines, degree_of
from pdefreq.spectrum.modes import MOST_DIMENSIONS, ModeFamilies
from pdefreq.spectrum.predicted import PredictedErrors
from pdefreq.spectrum.spectral_record import ERROR
from pdefreq.spectrum.watched import WatchedModes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from pdefreq.iterations.iteration import Iteration
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver
    from pdefreq.spectrum.modes import Modes
    from pdefreq.studies.predicted_orders import PredictedOrder

_COLUMNS = ("wavenumber", "amplitude", "initial rate", "final rate", "halved at step")
_FLOOR = 1e-12  # relative errors below this are rounding
_STEPS = np.unique(np.concatenate([[0], np.geomspace(1, 1e8, 401).astype(np.int64)]))


@dataclass(frozen=True, eq=False)
class PredictedModes(Shown):
    """Predicted errors of m modes, along the steps of a method and for its discretization.

    Args:
        modes: The modes, with their amplitudes in the solution.
        errors: Relative errors along the steps of the method, divided by those at `start_step` if that is not zero. Steps are
            counted from `start_step`; those of a heuristic are in units of the time 1 / kappa_1 of the fastest direction. The
            rate is the final one; it is nan if the error is not exponential there, or if the error of a network has not reached
            its final decay at the last step. The note gives the source and the assumptions, or the reason why there are no
            curves.
        initial_rate: Relative decrease in the first step, shape ``(m,)``; negative if the error increases first.
        is_heuristic: Whether there is no theory of the method, and the prediction is gradient flow on the initial kernel.
        start_step: The first step of the prediction: the hand-over step of a chain whose first part has no theory.
        orders: The orders of the discrete solution in the mesh width; None for methods without a mesh.
        title: The problem and the method, for figures.
    """

    modes: WatchedModes
    errors: PredictedErrors
    initial_rate: np.ndarray
    is_heuristic: bool = False
    start_step: int = 0
    orders: PredictedOrder | None = None
    title: str = ""

    def __repr__(self) -> str:
        head = f"<prediction of {len(self.modes)} {self.modes.kind} modes: {self.errors.note}>"
        return "\n".join([head, *text_table(_COLUMNS, self._rows())])

    def plot(self) -> Figure:
        """A figure of the error of each mode against the steps."""
        from pdefreq.figures.predicted_modes import predicted_modes_figure

        unit = "time, in units of the fastest direction of the kernel" if self.is_heuristic else "step"
        unit += f" after the hand-over step {self.start_step:,}" if self.start_step else ""
        order = np.argsort(self.modes.wavenumber, kind="stable")
        errors = self.errors.take(order) if len(self.errors) else self.errors
        return predicted_modes_figure(errors, self.modes.wavenumber[order], title=self.title, unit=unit)

    def _rows(self) -> list[dict[str, float]]:
        values = (self.modes.wavenumber, self.modes.amplitude, self.initial_rate, self.errors.rate, self.errors.halving_steps)
        return [dict(zip(_COLUMNS, map(float, row), strict=True)) for row in zip(*values, strict=True)]

    def _html(self) -> str:
        return paragraph([self.title, self.errors.note]) + table(_COLUMNS, self._rows())


def predict(problem: Problem | str, solver: Solver | str, *, seed: int = 0, modes: str | None = None) -> PredictedModes:
    """The prediction for the modes of the solution, for the initial state of a run with this seed.

    Args:
        problem: A problem with a known or computable solution, in up to three dimensions, or its name or path as in `solve`.
        solver: A method with its options, or its name.
        seed: The seed of the initial state.
        modes: A mode family; by default that of the problem, or else sine modes on a box and eigen modes on other domains.

    Raises:
        NotPredictedError: If there is no theory of the method for this problem, or there are no modes.
    """
    import torch

    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.spectral import SpectralProbe
    from pdefreq.probes.target import Target
    from pdefreq.runs.arguments import problem_of, solver_of
    from pdefreq.runs.reference import reference_solution
    from pdefreq.solvers.solver import chosen
    from pdefreq.studies.predicted_orders import predict_order

    problem = problem_of(problem)
    solver = chosen(solver_of(solver), problem.blind).solver
    if modes is not None:
        problem = replace(problem, spectrum=replace(problem.spectrum, modes=modes))  # type: ignore[arg-type]
    iteration = solver.prepare(problem.blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    families = ModeFamilies(problem)
    families.check(families.chosen)  # errors that are found before modes and a reference solution are computed
    target = Target(problem, problem.exact) if problem.exact is not None else reference_solution(problem).target(problem)
    state = iteration.init()
    start, known = Iterate.of_state(state), discrete_solution_of(iteration, state)
    discrete_solution = None if known is None else start.member(known)
    measurement = SpectralProbe().prepare(target, start, discrete_solution=discrete_solution, facts={})
    watched = WatchedModes.in_facts(measurement.facts)
    if not len(watched):
        raise NotPredictedError(_no_modes(target, known=target.solution is not None or discrete_solution is not None))
    found = families.modes(watched.kind, watched.indices)
    values = None if target.solution is None else torch.from_numpy(target.solution.values(found.points(start.space)))
    told = _of_iteration(iteration, found, watched, np.asarray(measurement(start)[ERROR]), values, solver.name)
    discretized = degree_of(solver) is not None or isinstance(solver, Refines)
    orders = predict_order(problem, solver, start.space, watched.kind, watched.wavevectors) if discretized else None
    nothing = not len(told.errors) and np.isnan(told.errors.rayleigh_quotient).all()
    if nothing and (orders is None or (orders.order is None and degree_of(solver))):
        why = f"; orders: {orders.condition}" if orders is not None else ""
        raise NotPredictedError(f"there is no theory of modes for {solver.name} on this problem: {told.errors.note}{why}")
    return replace(told, orders=orders, title=f"{problem.title or problem.name}: {solver.name}, predicted")


def _no_modes(target: Target, *, known: bool) -> str:
    """The reason why a problem has no modes to predict."""
    if target.problem.domain.dimension > MOST_DIMENSIONS:
        return f"modes are predicted in up to {MOST_DIMENSIONS} dimensions, got {target.problem.domain.dimension}"
    if not known:
        return "predictions need a solution, and neither an exact nor a reference solution is known"
    return f"the solution has no {target.families.chosen} modes to predict: choose another family (`--modes`)"


def _of_iteration(
    iteration: Iteration, modes: Modes, watched: WatchedModes, start: np.ndarray, target: Tensor | None, name: str
) -> PredictedModes:
    """The prediction for a prepared method with the relative initial errors `start`."""
    import torch

    def without_curves(note: str) -> PredictedModes:
        return PredictedModes(watched, PredictedErrors.none(len(watched), note), np.full(len(watched), np.nan))

    announce("predicting the error of each mode")
    steps = np.unique(np.concatenate([_STEPS, *(step + _STEPS for step in hand_over_steps_of(iteration))]))
    predictor = iteration.find(Predicts)
    try:
        prediction = None if predictor is None else predictor.predict(modes, torch.from_numpy(steps), target)
    except IncompatibleError as refusal:
        return without_curves(str(refusal))
    if prediction is None:
        known = "relaxation and cycles in sine or cosine modes, and networks in all modes"
        return without_curves(f"no curves along the steps of {name} in {modes.kind} modes: theory covers {known}")
    found = replace(without_curves(prediction.note), is_heuristic=prediction.is_heuristic)
    told = {"rayleigh_quotient": prediction.rayleigh_quotients, "eigen_residual": prediction.eigen_residuals}
    errors = replace(found.errors, **{name: value.numpy() for name, value in told.items() if value is not None})
    curves = prediction.curves.abs().numpy()
    if not np.isfinite(curves).any():
        return replace(found, errors=errors)
    if prediction.start_step:
        steps, curves = steps[steps >= prediction.start_step - 1], curves[steps >= prediction.start_step - 1]
        curves[0], start = 1.0, np.ones(len(watched))  # the hand-over step itself
    after = (steps - steps[0]).astype(float)
    if prediction.final_rates is None:
        final = _last_rates(after, curves)
    else:  # rates below one over the last step are not visible in the curves, or rounding
        final = prediction.final_rates.numpy()
        final = np.where(np.abs(final) * after[-1] < 1, np.nan, final)
    rates = prediction.rates.numpy()
    errors = replace(errors, step=after, error=start * curves, rate=np.where(np.isnan(rates), final, rates))
    return replace(found, errors=errors, initial_rate=1 - curves[1], start_step=int(steps[0]))


def _last_rates(steps: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The rate of each error just above the level of rounding, shape ``(m,)``."""
    rates = np.full(error.shape[1], np.nan)
    for mode, column in enumerate(error.T):
        above = np.flatnonzero(column > _FLOOR * column[0])
        if len(above) > 1 and above[-1] == len(above) - 1 and np.isfinite(column[above[-1]]):
            first, last = above[-2:]
            rates[mode] = -np.log(column[last] / column[first]) / (steps[last] - steps[first])
    return rates

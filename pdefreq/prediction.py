"""What theory says of every mode before a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.errors import IncompatibleError
from pdefreq.iterations.defaults import discrete_solution_of, hand_over_steps_of
from pdefreq.iterations.protocols import HasTangentKernel, Predicts
from pdefreq.solvers.refinable import Refines, degree_of
from pdefreq.spectrum.modes import MOST_DIMENSIONS, check_family, family_of

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem
    from pdefreq.refinement.theory import PredictedOrder
    from pdefreq.solvers.solver import Solver
    from pdefreq.spectrum.modes import Modes

_FLOOR = 1e-12  # relative errors below this are rounding
_STEPS = np.unique(np.concatenate([[0], np.geomspace(1, 1e8, 401).astype(np.int64)]))


@dataclass(frozen=True)
class PredictedModes:
    """Predicted errors of m modes: along the steps of a method, and of its discretization.

    Args:
        wavenumber: |xi|, shape ``(m,)``.
        amplitude: |u^_k| of the solution, shape ``(m,)``.
        steps: Shape ``(T,)``, counted from `since`; of a guide, in units of the time 1 / kappa_1 of the fastest direction. None
            where there are no curves.
        error: Relative errors, shape ``(T, m)``; over those at `since` where that is not the start.
        initial_rate: Relative decrease in the first step, shape ``(m,)``; negative where an error grows first.
        own_rate: v_k^T K v_k, what a step takes off an error that is this mode alone, shape ``(m,)``; nan where it is unknown.
        coupling: |K v_k - kappa_k v_k| / kappa_k, how far that rate holds, shape ``(m,)``; nan where it is unknown.
        final_rate: Decay -d log e / d step in the end, shape ``(m,)``; nan where the error is no exponential there, or that of a
            network is still above its end at the last step.
        note: Where it comes from and when it holds, or why there are no curves.
        guide: Whether the method itself has no theory, and this is gradient flow on the kernel of the start.
        since: The step from which on curves are predicted: where a chain hands over, if its first part has no theory.
        orders: How the errors of the discrete solution fall with the mesh width; None for methods without a mesh.
    """

    wavenumber: np.ndarray
    amplitude: np.ndarray
    steps: np.ndarray
    error: np.ndarray
    initial_rate: np.ndarray
    own_rate: np.ndarray
    coupling: np.ndarray
    final_rate: np.ndarray
    note: str
    guide: bool
    since: int = 0
    orders: PredictedOrder | None = None

    @property
    def half_step(self) -> np.ndarray:
        """The step after which each error stays below one half, nan where it never does, shape ``(m,)``."""
        from pdefreq.spectrum.rates import half_time

        return half_time(self.steps.astype(float), self.error) if len(self.steps) else np.full(len(self.wavenumber), np.nan)


def predict(problem: Problem | str, solver: Solver | str, *, seed: int = 0, modes: str | None = None) -> PredictedModes:
    """What theory says of the modes of the solution, for a method started as a run with this seed would be.

    Args:
        problem: A problem with a known or computable solution, in up to three dimensions; or the name or path of one, as
            `solve` takes it.
        solver: A method with its options, or the name of one.
        seed: Of the random start.
        modes: A family; by default what the problem names, else sine modes on a box and eigen modes elsewhere.

    Raises:
        IncompatibleError: If there is no theory for the method on this problem, or no modes to predict.
    """
    import torch

    from pdefreq.iterations.linearized import require_waves
    from pdefreq.probes.sampled import field_values
    from pdefreq.probes.spectral import SpectralProbe
    from pdefreq.problem_file import load_problem
    from pdefreq.reference import reference_solution
    from pdefreq.refinement.theory import predict_order
    from pdefreq.solvers import make_solver
    from pdefreq.spectrum.modes import modes_of

    problem = load_problem(problem) if isinstance(problem, str) else problem
    solver = make_solver(solver) if isinstance(solver, str) else solver
    if modes is not None:
        problem = replace(problem, spectrum=replace(problem.spectrum, modes=modes))  # type: ignore[arg-type]
    iteration = solver.prepare(problem.blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    check_family(problem, family_of(problem))  # what can be refused before modes and a reference solution are computed
    if iteration.find(HasTangentKernel) is not None:
        require_waves(family_of(problem))
    found = None if problem.exact is not None else reference_solution(problem)
    reference = problem.exact or (found and found[0])
    state = iteration.init()
    limit = discrete_solution_of(iteration, state)
    measurement = SpectralProbe().prepare(problem, state, reference=reference or None, limit=limit, facts={})
    facts = measurement.facts
    if "mode_indices" not in facts:
        raise IncompatibleError(_no_modes(problem, known=bool(reference) or limit is not None))
    watched = modes_of(problem, str(facts["mode_kind"]), facts["mode_indices"])
    target = torch.from_numpy(field_values(reference, watched.points(state.space))) if reference else None
    start = np.asarray(measurement(state)["mode_error"])
    told = _of_iteration(iteration, watched, np.asarray(facts["mode_amplitude"]), start, target, solver.name)
    discretized = degree_of(solver) is not None or isinstance(solver, Refines)
    orders = predict_order(problem, solver, state.space, watched.kind, watched.wavevectors) if discretized else None
    if not len(told.steps) and np.isnan(told.own_rate).all() and (orders is None or (orders.order is None and degree_of(solver))):
        why = f"; orders: {orders.condition}" if orders is not None else ""
        raise IncompatibleError(f"there is no theory of modes for {solver.name} on this problem: {told.note}{why}")
    return replace(told, orders=orders)


def _no_modes(problem: Problem, *, known: bool) -> str:
    """Why a problem has no modes to predict."""
    if problem.domain.dimension > MOST_DIMENSIONS:
        return f"modes are predicted in up to {MOST_DIMENSIONS} dimensions, got {problem.domain.dimension}"
    if not known:
        return "the error of modes is predicted against a solution, and neither an exact nor a reference solution is known"
    return f"the solution has no {family_of(problem)} modes to predict: name others (`--modes`)"


def _of_iteration(
    iteration: Iteration, modes: Modes, amplitude: np.ndarray, start: np.ndarray, target: Tensor | None, name: str
) -> PredictedModes:
    """The prediction of a prepared method, whose errors at the start are `start`, relative."""
    import torch

    unknown = np.full(len(modes), np.nan)
    nothing = PredictedModes(
        modes.magnitude, amplitude, _STEPS[:0], np.empty((0, len(modes))), *[unknown] * 4, note="", guide=False
    )
    steps = np.unique(np.concatenate([_STEPS, *(step + _STEPS for step in hand_over_steps_of(iteration))]))
    predictor = iteration.find(Predicts)
    try:
        prediction = None if predictor is None else predictor.predict(modes, torch.from_numpy(steps), target)
    except IncompatibleError as refusal:
        return replace(nothing, note=str(refusal))
    if prediction is None:
        known = "relaxation and cycles in sine or cosine modes, and of networks under gradient descent at one rate"
        return replace(nothing, note=f"no curves along the steps of {name} in {modes.kind} modes: theory knows those of {known}")
    known = unknown if prediction.own_rates is None else prediction.own_rates.numpy()
    coupling = unknown if prediction.coupling is None else prediction.coupling.numpy()
    found = replace(nothing, own_rate=known, coupling=coupling, note=prediction.note, guide=prediction.guide)
    curves = prediction.curves.abs().numpy()
    if not np.isfinite(curves).any():
        return found
    if prediction.since:
        steps, curves = steps[steps >= prediction.since - 1], curves[steps >= prediction.since - 1]
        curves[0], start = 1.0, np.ones(len(modes))  # the hand-over itself
    after = steps - steps[0]
    if prediction.final_rates is None:
        final = _last_rates(after, curves)
    else:  # below one over the last step they are of what no curve shows, or rounding
        final = prediction.final_rates.numpy()
        final = np.where(np.abs(final) * after[-1] < 1, np.nan, final)
    rates = prediction.rates.numpy()
    rates = np.where(np.isnan(rates), final, rates)
    return replace(found, steps=after, error=start * curves, initial_rate=1 - curves[1], final_rate=rates, since=int(steps[0]))


def _last_rates(steps: np.ndarray, error: np.ndarray) -> np.ndarray:
    """What each error falls at where it has all but reached the floor of rounding, shape ``(m,)``."""
    rates = np.full(error.shape[1], np.nan)
    for mode, column in enumerate(error.T):
        above = np.flatnonzero(column > _FLOOR * column[0])
        if len(above) > 1 and above[-1] == len(above) - 1 and np.isfinite(column[above[-1]]):
            first, last = above[-2:]
            rates[mode] = -np.log(column[last] / column[first]) / (steps[last] - steps[first])
    return rates

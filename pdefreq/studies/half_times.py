"""Half times of modes, predicted at stated steps of a run and measured along it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.errors import NotPredictedError
from pdefreq.spectrum.predicted import Drift, halved
from pdefreq.spectrum.rates import whole_step

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import State
    from pdefreq.iterations.protocols import HasTangentKernel
    from pdefreq.problem.problem import Problem
    from pdefreq.solvers.solver import Solver
    from pdefreq.spectrum.modes import Modes
    from pdefreq.theory.linearization import Linearization

LEARNED = 0.1
"""The relative error at or below which a mode is learned, and its half time is no longer predicted."""
_AHEAD = 10.0  # predictions end at this multiple of the remaining steps


@dataclass(frozen=True)
class HalfTime:
    """The half time of one mode from a step on: the number of steps after which the error stays at or below half of its value.

    Args:
        start: The step at which the network was linearized.
        wavenumber: |xi| of the mode, rad per unit length.
        predicted: The predicted half time in steps, up to the end of the run if the prediction reaches it there; inf if it is
            not reached in ten times these steps.
        measured: The measured half time in steps; inf if the run ends before it.
        drift: The drift of the kernel and the parameters from `start` to the measured half time, or to the end of the run.
    """

    start: int
    wavenumber: float
    predicted: float
    measured: float
    drift: Drift

    @property
    def is_reached(self) -> bool:
        """Whether the error is halved in the run."""
        return math.isfinite(self.measured)

    @property
    def agrees(self) -> bool:
        """Whether the measured half time is within a factor of two of the predicted one, both in whole steps."""
        if not self.is_reached or math.isinf(self.predicted):
            return False
        predicted, measured = whole_step(self.predicted), whole_step(self.measured)
        return predicted <= 2 * measured and measured <= 2 * predicted


def half_times(
    problem: Problem | str,
    solver: Solver | str,
    *,
    steps: int,
    starts: Sequence[int] = (0,),
    seed: int = 0,
    as_it_ran: bool = False,
) -> list[HalfTime]:
    """The half times of all watched modes that are not learned, predicted at each of the stated steps and measured.

    A prediction linearizes the network in the parameters of the stated step, and uses the memory of the optimizer there: the
    preconditioner of Adam and the damping of Gauss-Newton. The velocity of gradient descent with momentum is set to zero.

    Args:
        problem: A problem with an exact solution, or its name as in `solve`.
        solver: A network method, or its name.
        steps: The number of steps.
        starts: The stated steps, at most `steps`.
        seed: The seed of the run.
        as_it_ran: Whether the dampings of Gauss-Newton are those of the run, instead of those that its rule would choose if
            every step decreased the objective as its model predicts.

    Raises:
        NotPredictedError: If the method trains no network, or there is no theory and no guide for its optimizer.
    """
    import torch

    from pdefreq.core.history import Schedule, Stop
    from pdefreq.iterations.protocols import HasTangentKernel
    from pdefreq.runs.arguments import problem_of, solver_of
    from pdefreq.runs.solve import solve
    from pdefreq.solvers.solver import chosen
    from pdefreq.spectrum.modes import ModeFamilies
    from pdefreq.spectrum.spectral_record import SpectralRecord

    problem = problem_of(problem)
    solver = chosen(solver_of(solver), problem.blind).solver
    iteration = solver.prepare(problem.blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    network = iteration.find(HasTangentKernel)
    if network is None or problem.exact is None:
        raise NotPredictedError("half times are predicted for networks on problems with an exact solution")
    states: dict[int, State] = {}

    def watch(step: int, state: State, _: object) -> None:
        memory = {name: value.clone() for name, value in state.memory.items()}
        states[step] = replace(state, coefficients=state.coefficients.clone(), memory=memory)

    schedule = Schedule(dense=steps if as_it_ran else 100, per_decade=50)
    found = solve(
        problem, solver, seed=seed, stop=Stop(steps=steps), schedule=schedule, callback=watch, predict=False, probes=("spectral",)
    )
    record = SpectralRecord.of(found.history)
    modes = ModeFamilies(problem).modes(record.modes.kind, record.modes.indices)
    functional, _ = network.start()
    dampings = _dampings(functional, [states[step].coefficients for step in sorted(states)]) if as_it_ran else None
    rows = []
    for start in (step for step in starts if step in states):
        state = states[start]
        model = network.linearization(modes, problem.exact(modes.points(state.space)), state)
        place = int(np.flatnonzero(record.step == start)[0])
        after, measured = record.step[place:] - start, record.halved_after(place)
        ahead = np.round(np.geomspace(1, max(_AHEAD * after[-1], 2), 300))
        grid = np.union1d([0, after[-1]], ahead).astype(int)
        predicted = half_times_of(grid, _curves(network, state, model, modes, grid, dampings and dampings[start:]), after[-1])
        drifts: dict[int, Drift] = {}
        for mode in np.flatnonzero(record.error[place] > LEARNED):
            if np.isnan(measured[mode]) or np.isnan(predicted[mode]):
                continue
            end = int(np.searchsorted(after, min(measured[mode], after[-1])))
            if end not in drifts:
                drifts[end] = _drift(functional, states[int(record.step[place + end])], state)
            told = (float(record.modes.wavenumber[mode]), float(predicted[mode]), float(measured[mode]))
            rows.append(HalfTime(start, *told, drifts[end]))
    return rows


def half_times_of(steps: np.ndarray, curves: np.ndarray, last: float) -> np.ndarray:
    """The half times of predicted curves, shape ``(m,)``, judged as in a run of `last` steps; nan for zero errors.

    A measured error has to stay at or below one half up to the end of the run, not beyond it, and a predicted one likewise. An
    error that is above one half at the end of the run has the half time of all predicted steps; inf if it is not reached.

    Args:
        steps: The predicted steps, ascending, shape ``(T,)``; `last` is one of them.
        curves: Errors relative to those at the start, shape ``(T, m)``.
        last: The number of steps of the run.
    """
    within = steps <= last
    in_the_run = halved(steps[within], curves[within])
    return np.where(np.isinf(in_the_run), halved(steps, curves), in_the_run)


def _curves(
    network: HasTangentKernel, state: State, model: Linearization, modes: Modes, steps: np.ndarray, dampings: list[float] | None
) -> np.ndarray:
    """The predicted moduli of the errors of modes relative to those at the start, ``(len(steps), m)``."""
    import torch

    from pdefreq.theory.damping_schedule import DampingScheduleFilter

    asked = torch.from_numpy(steps)
    exact = network.spectral_filter
    guide = None if exact is not None else network.guide(state, model)
    if dampings:
        errors = model.dynamics().errors(DampingScheduleFilter(tuple(dampings)), asked)
    elif exact is not None:
        errors = model.dynamics().errors(exact, asked)
    elif guide is not None:
        errors = guide.errors(model, asked)
    else:
        raise NotPredictedError("there is no theory of this optimizer and no guide for it")
    return np.abs(modes.of_parts(errors.numpy()) / modes.of_parts(model.start.numpy()))


def _dampings(functional: Functional, iterates: Sequence[Tensor]) -> list[float]:
    """The damping of each Gauss-Newton step between successive iterates: lambda d = -G - F^T F d.

    A step that changes nothing has none. A damping below rounding is replaced by the smallest positive one.
    """
    found = []
    for before, after in zip(iterates[:-1], iterates[1:], strict=True):
        d, factor = after - before, functional.gauss_newton_factor(before)
        if d.any():
            damping = -float(d @ (functional.gradient(before) + factor.T @ (factor @ d)) / (d @ d))
            found.append(max(damping, 1e-16 * float(factor.square().sum())))
    return found


def _drift(functional: Functional, now: State, start: State) -> Drift:
    from pdefreq.iterations.training.linearized import kernel_drift
    from pdefreq.theory.kernel_modes import relative_distance

    c, c_start = now.coefficients, start.coefficients
    return Drift(kernel_drift(functional, c, c_start), relative_distance(c, c_start))

"""Notes for the user on a run that ended: its method and why it was chosen, predictions, resolution, modes and lifting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.history import Status
from pdefreq.core.notes import Note
from pdefreq.iterations.defaults import drift_of, notes_of, objective_kind_of
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.runs.resolution import resolution_notes
from pdefreq.runs.stopping import reduction

if TYPE_CHECKING:
    from collections.abc import Callable

    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State
    from pdefreq.runs.prepared_run import PreparedRun

_VISIBLE = 1e-3  # relative to u: smaller penalty errors are not mentioned
_ROUNDING = 1e-12  # relative error below which a lifting equals the solution up to rounding; transfinite liftings had 2e-16


def notes_on(prepared: PreparedRun, state: State, history: History, status: Status) -> tuple[str, ...]:
    """The notes on a run that ends with a state. The drift is stored among the facts of the history."""
    makers = (
        lambda: [*prepared.spec.reasons],
        lambda: [*prepared.problem.domain.remarks],
        lambda: _on_linearity(prepared, state, history),
        lambda: notes_of(prepared.iteration, state),
        lambda: resolution_notes(prepared.target, prepared.iteration, state),
        lambda: _on_tolerance(prepared, history, status),
        lambda: _on_lifting(prepared, state),
        lambda: _on_data(prepared, history),
        lambda: _on_penalty(prepared, state, history),
        lambda: _on_named(prepared, history),
    )
    return tuple(note for make in makers for note in _made(make))


def _made(make: Callable[[], list[str]]) -> list[str]:
    """The notes, or the reason why they failed, such as too little memory: a run that ended is saved in any case."""
    try:
        return make()
    except Exception as error:
        reason = str(error).partition("\n")[0]
        return [f"The notes on this run could not be computed: {type(error).__name__}: {reason}"]


def _on_tolerance(prepared: PreparedRun, history: History, status: Status) -> list[str]:
    """A note if the budget of a run ended before its objective was below the tolerance."""
    tolerance = prepared.spec.stop.tolerance
    if tolerance is None or status not in (Status.STEPS, Status.SECONDS):
        return []
    reached = reduction(history, is_relative=objective_kind_of(prepared.iteration) is ObjectiveKind.RELATIVE_RESIDUAL)
    told = f"Not converged: the budget ended at a relative objective of {reached:.2g}, above the tolerance {tolerance:.2g}."
    return [Note(told, "not converged")]


def _on_linearity(prepared: PreparedRun, state: State, history: History) -> list[str]:
    """A note on the drift of a network, which must be small for predictions from its initial state to be valid."""
    from pdefreq.spectrum.predicted import PREDICTABLE_DRIFT
    from pdefreq.spectrum.spectral_record import keep_drift

    drift = drift_of(prepared.iteration, state)
    if drift is None:
        return []
    told = f"Since initialization {drift.in_words()}: "
    if keep_drift(history, drift):
        return [told + "predictions from initialization are " + ("valid" if drift.is_small else "not valid here")]
    near = "at most" if drift.is_small else "more than"
    return [told + f"{near} the {100 * PREDICTABLE_DRIFT:g} % up to which it trains like its linearization"]


def _on_penalty(prepared: PreparedRun, state: State, history: History) -> list[str]:
    """A note on the difference between the minimizer with a boundary penalty and the solution.

    The minimizer of an energy plus beta int (u - g)^2 satisfies flux + 2 beta (u - g) = 0 at the boundary.
    """
    from pdefreq.runs.penalty_floor import penalty_floor
    from pdefreq.solvers.network_solver import NetworkSolver

    solver = prepared.solver
    if not (isinstance(solver, NetworkSolver) and solver.boundary.is_penalty):
        return []
    if objective_kind_of(prepared.iteration) is not ObjectiveKind.ENERGY:
        return []  # a sum of squares is zero at the solution, whatever beta is
    found = penalty_floor(prepared.problem, state, solver.penalty_parameter(prepared.problem, int(history.last("step"))))
    if found is None or found.relative < _VISIBLE:
        return []
    sentence = (
        f"The boundary penalty leaves an error: with the factor beta = {found.beta:g} of the penalty the minimizer differs from "
        "the boundary values by "
        f"about flux / (2 beta), here {found.absolute:.2g} in the mean square, which is {100 * found.relative:.2g} % of u. "
        "Increase `beta`, or build the values in: --set boundary=hard."
    )
    return [Note(sentence, "penalty floor")]


def _on_data(prepared: PreparedRun, history: History) -> list[str]:
    """A note on what a strong residual at few points means, since between them the equation does not enter."""
    data, problem = prepared.problem.data, prepared.problem
    if data is None or problem.is_regression or "objective.residual" not in history:
        return []
    number = data.count(problem.domain.dimension)
    return [
        f"The loss is the residual of the equation at the {number:,} points of [data] only; between them nothing but the method "
        "determines u. The Ritz energy (deep-ritz) treats the same data as point sources."
    ]


def _on_named(prepared: PreparedRun, history: History) -> list[str]:
    """A note on each wavenumber that the problem names and that has no error."""
    from pdefreq.spectrum.named import remarks_on_named
    from pdefreq.spectrum.spectral_record import TOTAL
    from pdefreq.spectrum.watched import WatchedModes

    named = prepared.problem.spectrum.wavenumbers
    return remarks_on_named(WatchedModes.in_facts(history.facts), named, history.last(TOTAL))


def _on_lifting(prepared: PreparedRun, state: State) -> list[str]:
    """A note if the lifting of the boundary values is already the solution.

    On a box, transfinite interpolation reproduces sums of functions that each do not depend on one of the coordinates.
    """
    from pdefreq.probes.error import relative_error
    from pdefreq.probes.target import Target
    from pdefreq.spaces.networks.hard_boundary import HardBoundary

    exact = prepared.problem.exact
    if exact is None or not isinstance(state.space, HardBoundary):
        return []
    target = prepared.target if prepared.target.reference is exact else Target(prepared.problem, exact)
    error = relative_error(state.space.lifting, target)
    if not error <= _ROUNDING:
        return []
    return [
        f"The lifting of the boundary values is already the solution (relative L2 error {error:.2g}), so the network has to "
        "converge to zero; to train it on the solution: --set boundary=penalty."
    ]

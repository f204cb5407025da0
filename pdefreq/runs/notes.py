"""Notes for the user about a finished run, from the method and from the boundary values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.iterations.defaults import drift_of, notes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State
    from pdefreq.runs.prepared_run import PreparedRun

_ROUNDING = 1e-12  # relative error of a lifting that is the solution to rounding: transfinite ones came out at 2e-16


def notes_on(prepared: PreparedRun, state: State, history: History) -> tuple[str, ...]:
    """Notes on a run that ends with a state. The drift, which decides whether predictions are valid, is stored in the history."""
    makers = (
        lambda: _on_linearity(prepared, state, history),
        lambda: notes_of(prepared.iteration, state),
        lambda: _on_lifting(prepared, state),
    )
    return tuple(note for make in makers for note in _made(make))


def _made(make: Callable[[], list[str]]) -> list[str]:
    """Notes, or the reason why they failed; an error here, such as too little memory, must not prevent saving the run."""
    try:
        return make()
    except Exception as error:
        reason = str(error).partition("\n")[0]
        return [f"The notes on this run could not be computed: {type(error).__name__}: {reason}"]


def _on_linearity(prepared: PreparedRun, state: State, history: History) -> list[str]:
    """A note on the drift of a network from initialization, which decides whether its predictions are valid."""
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


def _on_lifting(prepared: PreparedRun, state: State) -> list[str]:
    """A note if the lifting of built-in boundary values equals the solution.

    On a box, transfinite interpolation is exact for sums of functions each of which is independent of one coordinate.
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
        f"The lifting of the boundary values equals the solution (relative L2 error {error:.2g}), so the network only has to "
        "become zero; use boundary=penalty to observe its training."
    ]

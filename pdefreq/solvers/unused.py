"""Options of network methods that do something only beside others: said to who sets one where it would do nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pdefreq.errors import OptionError

if TYPE_CHECKING:
    from pdefreq.solvers.network_solver import NetworkSolver


class Need(NamedTuple):
    """What an option needs, and in words what would fulfil it."""

    holds: Callable[[NetworkSolver], bool]
    remedy: str


_PENALTY = Need(lambda s: s.boundary == "penalty" and not s.functional.startswith("misfit"), "boundary=penalty")
_RATE = Need(lambda s: s.optimizer not in ("lbfgs", "gauss-newton"), "optimizer=adam, gd or sgd")

NEEDS: dict[str, Need] = {
    "beta": _PENALTY,
    "boundary_points": _PENALTY,
    "staged": _PENALTY,
    "staged_steps": Need(lambda s: s.staged, "staged=true"),
    "form": Need(lambda s: len(s.scales or ()) > 1, "`scales`, several of them"),
    "fourier_std": Need(lambda s: s.fourier is not None, "`fourier`, a number of frequencies"),
    "misfit_exponent": Need(lambda s: s.functional.startswith("misfit"), "functional=misfit"),
    "resample_every": Need(lambda s: s.points != "gauss", "points=sobol or uniform"),
    "learning_rate": _RATE,
    "half_life": _RATE,
    "clip": _RATE,
    "decay": Need(lambda s: _RATE.holds(s) and s.half_life is not None, "`half_life`, with optimizer=adam, gd or sgd"),
    "momentum": Need(lambda s: s.optimizer == "sgd", "optimizer=sgd"),
    "damping": Need(lambda s: s.optimizer == "gauss-newton", "optimizer=gauss-newton"),
}


def require_used(solver: NetworkSolver, changed: Iterable[str]) -> None:
    """Whether options do something.

    Args:
        solver: With all its options.
        changed: Those that were given another value than the method's own, which may be idle beside what was given.

    Raises:
        OptionError: If one of them does nothing.
    """
    for name in changed:
        if name in NEEDS and not NEEDS[name].holds(solver):
            raise OptionError(f"`{name}` does nothing here: it needs {NEEDS[name].remedy}; set that, or leave `{name}` out")

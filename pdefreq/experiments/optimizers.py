"""The order in which optimizers learn frequencies: ``pdefreq reproduce optimizers``.

A network with two layers of 30 tanh units is trained on the same energy at the same points with seven optimizers. The solution
of -u'' = f on (-1, 1) is the sum of five tones of equal amplitude. Random features solve the same equation in one step, without
training, if this method is registered. The setting is our choice; the question is that of the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.fields import CallableField
from pdefreq.core.history import Schedule, Stop
from pdefreq.domains.box import Box
from pdefreq.experiments.entry import Entry
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum.bias import BiasIndex, bias_of_seeds, in_equation, with_relation
from pdefreq.spectrum.spectral_record import SpectralRecord

if TYPE_CHECKING:
    from pdefreq.solvers.solver import Solver

SOURCE = (
    "arXiv 2602.19265, on second-order steps and the order of frequencies; the optimizers with their sources in docs/training.md"
)
TONES = (1, 2, 4, 8, 12)  # numbers of half waves on the interval
_NETWORK = "deep-ritz:network=mlp,widths=[30,30],activation=tanh,input=null,points=gauss,number=200,scaling=none"
OPTIMIZERS = {  # the options of each optimizer, and its steps
    "gradient descent": ("optimizer=gd,learning_rate=2e-3,half_life=null", 10_000),
    "momentum": ("optimizer=sgd,learning_rate=1e-3,momentum=0.9,half_life=null", 10_000),
    "Adam": ("optimizer=adam,learning_rate=1e-3,half_life=null", 5000),
    "SOAP": ("optimizer=soap,learning_rate=1e-3,half_life=null", 5000),
    "L-BFGS": ("optimizer=lbfgs", 300),
    "SSBroyden": ("optimizer=ssbroyden", 300),
    "Gauss-Newton": ("optimizer=gauss-newton", 100),
}
FEATURES = "random-features"


def tones() -> Problem:
    """The problem -u'' = f on (-1, 1) with u = sum sin(k pi (x + 1) / 2), which is zero at both ends."""

    def values(x: torch.Tensor, power: int) -> torch.Tensor:
        waves = [k * torch.pi / 2 for k in TONES]
        return torch.stack([w**power * torch.sin(w * (x[:, 0] + 1)) for w in waves]).sum(dim=0)

    return Problem(
        domain=Box((-1.0,), (1.0,)),
        source=CallableField(lambda x: values(x, 2)),
        boundary=(BoundaryPart("dirichlet"),),
        exact=CallableField(lambda x: values(x, 0)),
    )


def methods() -> dict[str, tuple[Solver, int | None]]:
    """The methods by their names in figures, with their steps; None for a direct method."""
    found: dict[str, tuple[Solver, int | None]] = {
        name: (make_solver(f"{_NETWORK},{options}"), steps) for name, (options, steps) in OPTIMIZERS.items()
    }
    if FEATURES in SOLVERS:
        found["random features"] = make_solver(FEATURES), None
    return found


@dataclass(frozen=True)
class Learned:
    """The half times of the tones under one optimizer.

    Args:
        steps: The steps of each run.
        halving_steps: t_k(0.5) of each seed, ``(seeds, tones)``; inf if a tone is never halved.
        wavenumber: |xi| of the tones, ascending.
        errors: The relative L2 error at the end, of each seed.
    """

    steps: int
    halving_steps: np.ndarray
    wavenumber: np.ndarray
    errors: Sequence[float]

    @classmethod
    def of(cls, solver: Solver, steps: int | None, *, seeds: int) -> Learned:
        """Train with seeds 0, 1, ..."""
        records, errors, taken = [], [], 0
        for seed in range(seeds):
            run = solve(
                tones(),
                solver,
                seed=seed,
                modes="sine",
                schedule=Schedule(dense=30, per_decade=30),
                predict=False,
                stop=Stop(steps=steps),
            )
            records.append(SpectralRecord.of(run.history).numbered(TONES))
            errors.append(run.error())
            taken = max(taken, run.step)
        return cls(taken, np.stack([r.halving_steps for r in records]), records[0].modes.wavenumber, errors)

    @property
    def half_times(self) -> np.ndarray:
        """The median over the seeds of each t_k(0.5), ``(tones,)``."""
        return np.median(self.halving_steps, axis=0)

    @property
    def bias(self) -> BiasIndex:
        """B, the slope of log t_k against log |xi_k| of the medians."""
        return bias_of_seeds(self.wavenumber, self.halving_steps, last_step=self.steps)

    @property
    def spread(self) -> float:
        """The largest over the smallest half time; inf if a tone is never halved."""
        times = self.half_times
        return float(times.max() / times.min()) if np.isfinite(times).all() else float("inf")


@Entry(
    publication="arXiv 2602.19265",
    shows="The order in which frequencies converge depends on the optimizer: first-order methods learn low frequencies first, "
    "second-order methods reduce or remove the order.",
    lacks="The comparison on these problems is our own.",
    seconds=43.3,
)
def experiment(*, seeds: int = 1, shorter: int = 1) -> Report:
    """Half times against wavenumbers for each optimizer.

    Args:
        seeds: The number of runs of each optimizer.
        shorter: The divisor of the steps of all optimizers.

    Raises:
        OptionError: If one of them is less than 1.
    """
    require_at_least(1, seeds=seeds, shorter=shorter)
    return report_of(
        {
            name: Learned.of(solver, None if steps is None else -(-steps // shorter), seeds=seeds)
            for name, (solver, steps) in methods().items()
        },
        seeds=seeds,
    )


def report_of(found: Mapping[str, Learned], *, seeds: int) -> Report:
    """The report of finished runs."""
    if not found:
        raise OptionError("there are no runs to report")
    rows = [
        [name, each.steps, *(_count(t) for t in each.half_times), _table_cell(each.bias), _number(each.spread, ".3g"),
         f"{max(each.errors):.1e}"]
        for name, each in found.items()
    ]  # fmt: skip
    findings = [
        f"{name}: half times {', '.join(_count(t) for t in each.half_times)} steps; "
        f"{_equation(each.bias)}, largest over smallest {_number(each.spread, '.3g')}."
        for name, each in found.items()
    ]
    curves = [
        Curve(name, published=(each.wavenumber, np.where(halved, each.half_times, np.nan)))  # interrupted where it is "never"
        for name, each in found.items()
        if (halved := np.isfinite(each.half_times)).any()
    ]
    count = f"median of {seeds} seeds" if seeds > 1 else "1 seed"
    heading = "one network and energy"
    figure = error_curves_figure(
        {heading: curves},
        title=f"Half time of each tone under each optimizer ({count})",
        xlabel="wavenumber ξ",
        ylabel="steps until the error is halved",
        logarithmic=(heading,),
    )
    columns = ["method", "steps", *(f"t(0.5), k = {k}" for k in TONES), "B", "spread", "largest relative L2"]
    table = Table(columns, rows)
    return Report(
        "The order of frequencies under each optimizer", SOURCE, findings, {"optimizers": table}, {"optimizers": figure}
    )


def _count(steps: float) -> str:
    return f"{steps:.3g}" if np.isfinite(steps) else "never"


def _equation(bias: BiasIndex) -> str:
    return "B undefined" if bias.value is None else in_equation(bias.value, bias.relation)


def _table_cell(bias: BiasIndex) -> str:
    return "-" if bias.value is None else with_relation(f"{bias.value:+.2f}", bias.relation)


def _number(value: float | None, style: str) -> str:
    return "-" if value is None or not np.isfinite(value) else f"{value:{style}}"


if __name__ == "__main__":
    main("optimizers", experiment)

"""Gauss-Newton beside Adam and L-BFGS at equal time: ``python -m pdefreq.reproduce.gauss_newton``.

One network, 20-20 units of sines, one loss and the same points for all three. `poisson` with its four tones and two waves on a
square are solved by their residual, the multiscale p-Laplacian with p = 3 by its energy. Adam has the learning rate of `pinn`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.domains.box import Box
from pdefreq.errors import OptionError
from pdefreq.fields import CallableField
from pdefreq.figures.comparison import comparison_figure
from pdefreq.figures.courses import Curve, courses_figure
from pdefreq.history import Schedule, Stop
from pdefreq.loop import solve
from pdefreq.prediction import predict
from pdefreq.problem import BoundaryPart, Problem
from pdefreq.problem_file import load_problem
from pdefreq.reproduce.report import Report, Table, main
from pdefreq.solvers.networks import deep_ritz, gauss_newton, pinn
from pdefreq.spectrum.bias import bias_index

if TYPE_CHECKING:
    from pdefreq.solution import Solution
    from pdefreq.solvers.solver import Solver

SOURCE = "Mueller, Zeinhofer (2023), arXiv 2302.13163; Nielsen (1999), IMM-REP-1999-05"
_NETWORK = {"widths": (20, 20), "activation": "sin", "initialization": "siren(10)"}
_RATE = {"learning_rate": 5e-3, "half_life": 500.0}
_DAMPING = 1.0  # of the predicted Gauss-Newton steps: far below the largest eigenvalue, some 1e6, and above the smallest


@dataclass(frozen=True)
class Case:
    """A problem, the functional that is lowered, and how many points it is sampled at.

    Args:
        problem: With its exact solution.
        functional: ``"residual"`` or ``"ritz"``.
        number: Interior points.
    """

    problem: Problem
    functional: str
    number: int

    @property
    def solvers(self) -> dict[str, Solver]:
        """The same network under three optimizers."""
        plain = {"residual": pinn, "ritz": deep_ritz}[self.functional]
        common = {"number": self.number, **_NETWORK}
        return {
            "Adam": plain(**common, **_RATE),
            "L-BFGS": plain(**common, optimizer="lbfgs"),
            "Gauss-Newton": gauss_newton(**common, functional=self.functional),
        }


def two_waves() -> Problem:
    """-div grad u = f on the unit square, u = (sin pi x sin pi y + sin 4 pi x sin 4 pi y) / 2."""

    def values(x: torch.Tensor, power: int) -> torch.Tensor:
        return sum(((2 * (k * math.pi) ** 2) ** power * torch.sin(k * math.pi * x).prod(dim=1) / 2 for k in (1, 4)), x[:, 0] * 0)

    return Problem(
        domain=Box((0.0, 0.0), (1.0, 1.0)),
        source=CallableField(lambda x: values(x, 1)),
        boundary=(BoundaryPart("dirichlet"),),
        exact=CallableField(lambda x: values(x, 0)),
    )


def cases() -> dict[str, Case]:
    """By what figures call them."""
    return {
        "poisson": Case(load_problem("poisson"), "residual", 500),
        "two waves on a square": Case(two_waves(), "residual", 1600),
        "p-Laplacian, p = 3": Case(load_problem("p-laplacian", p=3, epsilon=0.1), "ritz", 500),
    }


@dataclass(frozen=True)
class Trained:
    """A case under each optimizer.

    Args:
        case: The case.
        runs: By optimizer.
    """

    case: Case
    runs: Mapping[str, Solution]

    @classmethod
    def of(cls, case: Case, seconds: float) -> Trained:
        """Train for so many seconds; what is measured on the way is not counted."""
        schedule = Schedule(dense=20, per_decade=20)
        stop = Stop(steps=10**7, seconds=seconds)
        return cls(case, {name: solve(case.problem, s, stop=stop, schedule=schedule) for name, s in case.solvers.items()})

    @cached_property
    def rows(self) -> list[list[object]]:
        """Steps, seconds, error and bias index of each run."""
        return [
            [name, run.step, round(run.seconds, 1), f"{run.error():.1e}", _signed(run.spectrum().bias_index)]
            for name, run in self.runs.items()
        ]

    @property
    def curve(self) -> list[Curve]:
        """Errors against seconds."""
        histories = {name: run.history for name, run in self.runs.items()}
        return [Curve(name, [(h.column("seconds"), h.column("relative_l2"))]) for name, h in histories.items()]


def experiment(*, seconds: float = 10.0) -> Report:
    """Gauss-Newton beside Adam and L-BFGS at equal time: the error falls by orders of magnitude more, and no frequency waits.

    Args:
        seconds: Of each run.

    Raises:
        OptionError: If they are not positive and finite.
    """
    if not 0 < seconds < math.inf:
        raise OptionError(f"`seconds` must be positive and finite, got {seconds:g}")
    trained = {name: Trained.of(case, seconds) for name, case in cases().items()}
    predicted = predicted_bias(trained["poisson"].case)
    rows = [[name, *row] for name, each in trained.items() for row in each.rows]
    findings = [
        f"On {name} the relative L2 error after {seconds:g} s is {each.runs['Gauss-Newton'].error():.1e} with Gauss-Newton, "
        f"{each.runs['Adam'].error():.1e} with Adam, {each.runs['L-BFGS'].error():.1e} with L-BFGS."
        for name, each in trained.items()
    ]
    findings.append(
        "On poisson the tangent kernel of the start predicts "
        + ", ".join(f"B = {_signed(b)} for {name}" for name, b in predicted.items())
        + "; measured are "
        + ", ".join(f"{_signed(run.spectrum().bias_index)} with {name}" for name, run in trained["poisson"].runs.items())
        + "."
    )
    errors = courses_figure(
        {name: each.curve for name, each in trained.items()},
        title=f"One network, one loss, equal seconds: {len(_NETWORK['widths'])} layers of 20 sines",
        xlabel="seconds",
        ylabel="relative L2 error",
    )
    bias = comparison_figure(
        {name: [run.history] for name, run in trained["poisson"].runs.items()},
        title="The same network on poisson: gradients leave an order of frequencies, Gauss-Newton steps do not",
    )
    columns = ["problem", "optimizer", "steps", "seconds", "relative L2", "B"]
    return Report(
        "Gauss-Newton beside Adam and L-BFGS",
        SOURCE,
        findings,
        {"gauss-newton": Table(columns, rows)},
        {"gauss-newton": errors, "gauss-newton-bias": bias},
    )


def predicted_bias(case: Case) -> dict[str, float | None]:
    """B of gradient flow and of Gauss-Newton at one damping, on the kernel of the network that the runs start from."""
    solvers = {
        "gradient flow": case.solvers["Adam"],
        "Gauss-Newton": gauss_newton(number=case.number, functional=case.functional, damping=_DAMPING, **_NETWORK),
    }
    found = {}
    for name, solver in solvers.items():
        modes = predict(case.problem, solver)
        times = np.where(np.isnan(modes.half_step), np.inf, modes.half_step)
        found[name] = bias_index(modes.wavenumber, times, last_step=float(modes.steps[-1]), complete=True).value
    return found


def _signed(number: float | None) -> str:
    return "-" if number is None else f"{number:+.2f}"


if __name__ == "__main__":
    main("gauss-newton", experiment)

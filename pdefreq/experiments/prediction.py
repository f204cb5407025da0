"""The error of each frequency, predicted before training and measured: ``pdefreq reproduce prediction``.

A network with one hidden layer in NTK scaling, antisymmetric with u = 0 at initialization, learns three tones of equal
size on (-1, 1), zero at both ends, by plain gradient descent at the rate 0.05 / kappa_1: as a regression (order 0), by its Ritz
energy (order 1) and by the square of its residual (order 2). The dynamics of the network
linearized at initialization are known in closed form before the first step. With small targets a wide network stays near its
initial state; for targets of full size the prediction is drawn with a flag, since the drift of the kernel is large.

The setting is our choice; the theory is that of the sources, for losses of any order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.history import Schedule, Stop
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import in_words, require_at_least
from pdefreq.figures.prediction import PredictedRun, prediction_figure
from pdefreq.functionals.misfit import Misfit
from pdefreq.functionals.objective_schedule import ConstantSchedule
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.iterations.training.linearized import kernel_drift
from pdefreq.iterations.training.steppers import GradientDescentStepper, LearningRate
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.solver import Solver
from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spectrum.modes import make_modes
from pdefreq.spectrum.predicted import PREDICTABLE_DRIFT
from pdefreq.theory.kernel_modes import relative_distance

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.core.history import History
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import State
    from pdefreq.spaces.trial_space import Network

SOURCE = (
    "Jacot, Gabriel, Hongler (2018), arXiv 1806.07572; Lee et al. (2019), arXiv 1902.06720; antisymmetric initialization: Zhang, "
    "Xu, Luo, Ma (2020), arXiv 1905.07777"
)
BOX = Box((-1.0,), (1.0,))
TONES = (1, 2, 3)  # half waves on the interval
LOSSES: dict[str, type[Functional]] = {"regression": Misfit, "Ritz energy": RitzEnergy, "residual": StrongResidual}
RATE = 0.05  # of gradient descent, over 1 / kappa_1: the fastest eigenvector falls by an e-fold in 20 steps
LEARNED = 0.05  # the relative error below which the first mode counts as learned


@dataclass(frozen=True)
class Lazy(Solver):
    """Plain gradient descent of a wide network that starts at zero.

    Args:
        loss: A name in `LOSSES`.
        width: Units, those of both copies together.
        number: Gauss points, of which the rule takes whole panels of ten.
        steps: Budget.
    """

    loss: str
    width: int
    number: int
    steps: int

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.steps)

    def parts(self, problem: Problem, like: torch.Tensor) -> tuple[Network, Functional]:
        """The space and what is lowered."""
        network = AntisymmetricSpace(MlpSpace(BOX, (self.width // 2,), "tanh", "ntk"))
        space = HardBoundary(network, CallableField(lambda x: 0 * x[:, 0]), BOX.distance())
        return space, LOSSES[self.loss](problem, space, BOX.quadrature(self.number), like=like)  # type: ignore[call-arg]

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> TrainingIteration:
        like = torch.empty(0, dtype=dtype, device=device)
        space, functional = self.parts(problem, like)
        f = functional.gauss_newton_factor(space.initialize(stream(seed, "initialization")).to(like))
        rate = RATE / float(torch.linalg.eigvalsh(f @ f.T)[-1])
        return TrainingIteration(
            space, ConstantSchedule(functional), GradientDescentStepper(LearningRate(rate)), seed=seed, like=like
        )


def tones(order: Literal[0, 2], size: float) -> CallableField:
    """The tones, or minus their second derivative."""

    def values(x: torch.Tensor) -> torch.Tensor:
        waves = [k * math.pi / 2 for k in TONES]
        return size * torch.stack([xi**order * torch.sin(xi * (x[:, 0] + 1)) for xi in waves]).sum(dim=0)

    return CallableField(values)


def problem_of(loss: str, size: float) -> Problem:
    """The problem whose solution is the sum of the tones times `size`: -u'' = f, or u = f for the regression loss."""
    if loss == "regression":
        return Problem(
            domain=BOX, source=tones(0, size), diffusion=ConstantField(0.0), reaction=ConstantField(1.0), exact=tones(0, size)
        )
    boundary = (BoundaryPart("dirichlet"),)
    return Problem(domain=BOX, source=tones(2, size), diffusion=ConstantField(1.0), boundary=boundary, exact=tones(0, size))


def trained(loss: str, size: float, *, width: int, steps: int, number: int = 20) -> PredictedRun:
    """One network: predicted, then trained."""
    problem, solver = problem_of(loss, size), Lazy(loss, width, number, steps)
    like = torch.empty(0, dtype=torch.float64)
    iteration = solver.prepare(problem.blind(), seed=0, device=like.device, dtype=like.dtype)
    modes = make_modes("sine", BOX, [[k] for k in TONES])
    x = modes.points()
    target = tones(0, size)(x)
    dynamics = iteration.linearized(modes, target)
    recorded: list[int] = []
    measured: list[np.ndarray] = []
    start = iteration.init().coefficients

    def watch(step: int, state: State, _: History) -> None:
        recorded.append(step)
        with torch.no_grad():
            measured.append(modes.coefficients((state.space.at(x).value(state.coefficients) - target).numpy(), state.space))

    found = solve(problem, solver, probes=(), schedule=Schedule(dense=10, per_decade=20), callback=watch, predict=False)
    assert iteration.spectral_filter is not None
    predicted = dynamics.errors(iteration.spectral_filter, torch.tensor(recorded)).numpy()
    _, functional = solver.parts(problem, like)
    end = found.state.coefficients
    return PredictedRun(
        loss,
        np.array(recorded),
        np.array(measured) / -size,
        predicted / -size,
        modes.wavenumber,
        drift=kernel_drift(functional, end, start),
        moved=relative_distance(end, start),
        threshold=PREDICTABLE_DRIFT,
    )


def learned(run: PredictedRun) -> int | None:
    """The first recorded step with the first mode below 0.05 of its initial amplitude; None if there is none."""
    below = np.abs(run.measured[:, 0]) < LEARNED
    return int(run.steps[np.argmax(below)]) if below.any() else None


def _step_in_words(step: int | None) -> str:
    return "which no step reaches" if step is None else f"step {step}"


def difference_until_learned(run: PredictedRun) -> float:
    """The largest |measured - predicted| of a mode, over its initial amplitude, until the first mode is below 0.05."""
    last = learned(run)
    rows = slice(None) if last is None else run.steps <= last
    return float(np.abs(run.measured - run.predicted)[rows].max())


def experiment(*, width: int = 10_000, steps: int = 5000, sizes: Sequence[float] = (0.01, 1.0)) -> Report:
    """All losses at all sizes."""
    runs = {size: [trained(loss, size, width=width, steps=steps) for loss in LOSSES] for size in sizes}
    return report_of(runs, width=width)


def report_of(runs: Mapping[float, Sequence[PredictedRun]], *, width: int) -> Report:
    """The report of finished runs, by the size of their target."""
    sizes, rows = list(runs), list(runs.values())
    table = Table(
        [
            "target times",
            "loss",
            "step at which mode 1 is below 0.05",
            "largest difference until then",
            "largest difference of all steps",
            *(f"mode {k} at the end" for k in TONES),
            "kernel moved",
            "parameters moved",
            "flag",
        ],
        [
            [
                size,
                run.name,
                in_words([learned(run)]),
                difference_until_learned(run),
                run.largest_difference,
                *np.abs(run.measured[-1]).tolist(),
                run.drift,
                run.moved,
                f"above {100 * PREDICTABLE_DRIFT:g} %" if run.flagged else "",
            ]
            for size, row in zip(sizes, rows, strict=True)
            for run in row
        ],
    )
    findings = [
        f"Target times {size:g}, {run.name}: measured and predicted curves differ by at most "
        f"{difference_until_learned(run):.1e} of each mode's initial amplitude until mode 1 is below {LEARNED:g} "
        f"({_step_in_words(learned(run))}), and by {run.largest_difference:.1e} at most of all steps; the kernel changed by "
        f"{run.drift:.1e} of itself, the parameters by {run.moved:.1e}"
        + (f": above {100 * PREDICTABLE_DRIFT:g} %, flag raised" if run.flagged else "")
        + "."
        for size, row in zip(sizes, rows, strict=True)
        for run in row
    ]
    labels = [f"target × {size:g}" for size in sizes]
    title = f"Predicted and measured errors of each mode, network of width {width:,}"
    figure = prediction_figure(rows, labels, title=title)
    tables, figures = {"prediction": table}, {"prediction": figure}
    return Report("Predicted and measured errors of each frequency", SOURCE, findings, tables, figures)


@Entry(
    places=(
        Place(Document.LINEAR, "section 1.1, equations 1.5 to 1.11"),
        Place(Document.SLIDES, "slide 'Linear approximation for wide NN'"),
        Place(Document.PHENOMENA, "paragraph on lazy training"),
    ),
    publication="arXiv 1806.07572; arXiv 1902.06720",
    shows="The error of each frequency of a wide network along its training follows from the tangent kernel at initialization, "
    "for a regression, an energy and a residual. The prediction fails as the parameters move.",
    lacks="The sources print no numbers for these problems.",
    full="`--steps 5000 --set width=10000`, more than 150 s on one core.",
    seconds=43,
)
def prediction(*, width: int = 4000, steps: int = 3000) -> Report:
    """The error of each frequency along training, predicted from the initial kernel: regression, Ritz, residual.

    Args:
        width: Units of each network, an even number.
        steps: Steps of gradient descent.

    Raises:
        OptionError: If one of them is less than 2.
    """
    require_at_least(2, width=width, steps=steps)
    return experiment(width=width, steps=steps)


if __name__ == "__main__":
    main("prediction", prediction)

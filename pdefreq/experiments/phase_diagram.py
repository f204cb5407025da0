"""The relative distance of inner weights by the scale of initialization: ``pdefreq reproduce phase-diagram``.

Two-layer networks of the width m,

    u = (1 / alpha) sum_k a_k relu(w_k x + b_k),    a_k ~ N(0, beta^2),  w_k, b_k ~ N(0, 1),    (gamma, gamma') by beta and alpha,

antisymmetric at initialization, learn x^2 at four points by gradient descent until the mean square is below 1e-6. The relative
distance RD = |w - w_0| / |w_0| of the inner weights, biases among them, then goes with the width as m^S. In the linear regime
S < 0, in the condensed one S > 0, and S = 0 on the line between them.

The sources say: the points, the loss, the widths, that the rate is halved whenever the loss rises, and S at gamma' = 0. Ours are:

- the first rate, 1 / kappa_1 of the tangent kernel at the start;
- no step is longer than a tenth of the parameters. Far in the condensed regime the kernel of the start is tiny and its rate huge;
  without the limit single steps overshoot, and the result depends on the rate (S = 1.6 or 0.5 at gamma = 2.5, gamma' = 0.5).
  With it, a fifth of the limit changes no S by more than 0.003.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.history import Schedule, Stop
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.samples import Samples
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.phase_diagram import phase_diagram_figure
from pdefreq.functionals.misfit import Misfit
from pdefreq.functionals.objective_schedule import ConstantSchedule
from pdefreq.iterations.training.steppers import Memory, Stepper
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.solver import Solver
from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.theory.kernel_modes import relative_distance
from pdefreq.theory.phase_diagram import COMMON_INITIALIZATIONS, PhasePoint, critical_gamma, distance_slope

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import State
    from pdefreq.spaces.trial_space import Network

SOURCE = (
    "Luo, Xu, Ma, Zhang (2021), Phase diagram for two-layer ReLU neural networks at infinite-width limit, JMLR 22(71), arXiv "
    "2007.07497, figures 2 and 3"
)
BOX = Box((-0.5,), (0.5,))
POINTS = (-1 / 2, -1 / 6, 1 / 6, 1 / 2)
WIDTHS = (1000, 5000, 10_000, 20_000, 40_000)
PUBLISHED = {0.5: "-0.506", 1.0: "0.007", 1.75: "positive"}  # S at gamma' = 0 by gamma, as printed
MAP_WIDTHS = (1000, 4000, 16_000)
GAMMAS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
GAMMA_PRIMES = (-1.0, -0.5, 0.0, 0.5, 1.0)
TITLES = {"lecun": "LeCun", "he": "He", "xavier": "Xavier", "ntk": "NTK", "mean-field": "mean field"}
SHORT: Mapping[str, Any] = {"widths": (1000, 5000, 10_000), "map_widths": (1000, 4000), "gammas": (0.5, 1.0, 1.5, 2.0)}
"""The sizes of the default."""
ENOUGH = 1e-6  # of the mean square
LONGEST = 0.1  # step, over the length of the parameters
_MOST_STEPS = 50_000  # a guard: the longest training took 3000


@dataclass(frozen=True)
class HalvedWhenItRises(Stepper):
    """Gradient descent; a step after which the objective is higher is taken back, and the rate halved.

    Args:
        rate: The first.
    """

    title = "gradient descent with a rate that halves"

    rate: float

    def memory(self, c: Coefficients) -> dict[str, torch.Tensor]:
        return {
            "rate": c.new_tensor(self.rate),
            "value": c.new_tensor(torch.inf),
            "before": c.clone(),
            "gradient": torch.zeros_like(c),
        }

    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        value, gradient = functional.value_and_gradient(c)
        rejected = bool(value > memory["value"])
        if rejected:
            c.copy_(memory["before"])
        else:
            memory.update(value=value, before=c.clone(), gradient=gradient)
        if value <= ENOUGH:
            return True
        rate = torch.minimum(memory["rate"], LONGEST * c.norm() / memory["gradient"].norm())
        if rejected:
            memory["rate"] = rate = rate / 2
        c.sub_(rate * memory["gradient"])
        return False


@dataclass(frozen=True)
class TwoLayer(Solver):
    """A two-layer ReLU network of one place of the diagram.

    Args:
        point: The place.
        width: Units, those of both copies together.
    """

    point: PhasePoint
    width: int

    @property
    def budget(self) -> Stop:
        return Stop(steps=_MOST_STEPS)

    @property
    def space(self) -> Network:
        """The network, zero at its start."""
        scale = f"phase({self.point.gamma}, {self.point.gamma_prime})"
        return AntisymmetricSpace(MlpSpace(BOX, (self.width // 2,), "relu", scale, bias="hidden"))

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> TrainingIteration:
        like, space = torch.empty(0, dtype=dtype, device=device), self.space
        x = torch.tensor(POINTS, dtype=torch.float64)[:, None]
        misfit = Misfit(problem, space, Samples(x, torch.full((len(x),), BOX.measure / len(x), dtype=torch.float64)), like=like)
        f = misfit.gauss_newton_factor(space.initialize(stream(seed, "initialization")).to(like))
        rate = 1 / float(torch.linalg.eigvalsh(f @ f.T)[-1])
        return TrainingIteration(space, ConstantSchedule(misfit), HalvedWhenItRises(rate), seed=seed, like=like)


@dataclass(frozen=True)
class Trained:
    """One network at the end.

    Args:
        distance: RD of its inner weights and biases.
        distance_of_weights: RD of its inner weights without the biases.
        steps: Of training.
        misfit: The mean square that is left.
    """

    distance: float
    distance_of_weights: float
    steps: int
    misfit: float


def train(point: PhasePoint, width: int, seed: int) -> Trained:
    """Train one network to the end."""
    space, start, end = trained(point, width, seed)
    inner, weights = (
        relative_distance(inner_weights(space, end.coefficients, names), inner_weights(space, start, names))
        for names in (("weight1", "bias1"), ("weight1",))
    )
    return Trained(inner, weights, int(end.memory["steps"]), float(end.memory["value"]))


def trained(point: PhasePoint, width: int, seed: int, steps: int = _MOST_STEPS) -> tuple[Network, Coefficients, State]:
    """The network at one place, its initial coefficients, and its state after training for at most a number of steps."""
    parabola = CallableField(lambda x: x[:, 0] ** 2)
    problem = Problem(domain=BOX, source=parabola, diffusion=ConstantField(0.0), reaction=ConstantField(1.0), exact=parabola)
    solver, schedule = TwoLayer(point, width), Schedule(dense=1, per_decade=1)
    found = solve(problem, solver, seed=seed, stop=Stop(steps=steps), probes=(), schedule=schedule, predict=False)
    return solver.space, solver.space.initialize(stream(seed, "initialization")), found.state


def inner_weights(space: Network, c: Coefficients, names: tuple[str, ...] = ("weight1", "bias1")) -> torch.Tensor:
    """The inner parameters with these names, of both copies, as one vector."""
    return torch.cat([t.flatten() for name, t in space.unflatten(c).items() if name.endswith(names)])


def diagram(
    gammas: Iterable[float], gamma_primes: Iterable[float], widths: Sequence[int], seed: int = 0
) -> dict[PhasePoint, float]:
    """S at each place, of one seed."""
    points = [PhasePoint(*place) for place in itertools.product(gammas, gamma_primes)]
    return {point: distance_slope(widths, [train(point, m, seed).distance for m in widths]) for point in points}


def experiment(
    *,
    seeds: int = 3,
    widths: Sequence[int] = WIDTHS,
    map_widths: Sequence[int] = MAP_WIDTHS,
    gammas: Sequence[float] = GAMMAS,
    gamma_primes: Sequence[float] = GAMMA_PRIMES,
) -> Report:
    """Slopes at gamma' = 0 beside the published ones, and a map of slopes with one seed."""
    require_at_least(1, seeds=seeds)
    line = {gamma: [[train(PhasePoint(gamma, 0.0), m, seed) for m in widths] for seed in range(seeds)] for gamma in PUBLISHED}
    distances = {gamma: np.array([[run.distance for run in runs] for runs in of_seeds]) for gamma, of_seeds in line.items()}
    slopes = {gamma: [distance_slope(widths, row.tolist()) for row in found] for gamma, found in distances.items()}
    alone = {
        gamma: [distance_slope(widths, [run.distance_of_weights for run in runs]) for runs in of_seeds]
        for gamma, of_seeds in line.items()
    }
    places = diagram(gammas, gamma_primes, map_widths)
    off = max(abs(slope - point.predicted_slope) for point, slope in places.items())
    sides = [(point, slope) for point, slope in places.items() if abs(point.distance) > 1e-12]
    right = sum((slope > 0) == (point.distance > 0) for point, slope in sides)
    worst = max(abs(slope) for point, slope in places.items() if abs(point.distance) <= 1e-12)
    every = [run for of_seeds in line.values() for runs in of_seeds for run in runs]
    enough, steps = sum(run.misfit <= ENOUGH for run in every), max(run.steps for run in every)
    findings = [
        f"gamma = {gamma:g}, gamma' = 0: RD grows like m^S, S = {', '.join(f'{s:.3f}' for s in found)} seed by seed; published: "
        f"{PUBLISHED[gamma]}. Of the inner weights without the biases: {', '.join(f'{s:.3f}' for s in alone[gamma])}."
        for gamma, found in slopes.items()
    ] + [
        f"{enough} of these {len(every)} networks reached a mean square of {ENOUGH:g}; the largest number of steps is {steps}.",
        f"In the map, S has the predicted sign at {right} of {len(sides)} places off the line, and on the line |S| is at most "
        f"{worst:.2g}.",
        f"The scaling argument of `PhasePoint.predicted_slope` gives S to {off:.2g} everywhere in the map.",
    ]
    line_rows = [
        [gamma, m, seed, run.distance, run.distance_of_weights, run.steps]
        for gamma, of_seeds in line.items()
        for seed, runs in enumerate(of_seeds)
        for m, run in zip(widths, runs, strict=True)
    ]
    map_rows = [
        [point.gamma, point.gamma_prime, slope, point.predicted_slope, str(point.regime)] for point, slope in places.items()
    ]
    values = np.array([[places[PhasePoint(g, p)] for g in gammas] for p in gamma_primes])
    figure = phase_diagram_figure(
        np.array(widths), distances, slopes, np.array(gammas), np.array(gamma_primes), values, critical_gamma, _marks()
    )
    return Report(
        "Linear and condensed regimes: relative distances of the inner weights of wide ReLU networks",
        SOURCE,
        findings,
        {
            "distances": Table(["gamma", "m", "seed", "RD", "RD of weights alone", "steps"], line_rows),
            "map": Table(["gamma", "gamma'", "S", "S by scaling", "regime"], map_rows),
        },
        {"phase-diagram": figure},
    )


def _marks() -> dict[tuple[float, float], str]:
    """The names of the common initializations by their place; several may share one."""
    names: dict[tuple[float, float], list[str]] = {}
    for name, point in COMMON_INITIALIZATIONS.items():
        names.setdefault((point.gamma, point.gamma_prime), []).append(TITLES[name])
    return {place: ", ".join(found) for place, found in names.items()}


@Entry(
    places=(Place(Document.SLIDES, "slides 'Setup' to 'Regime separation -- theorems', figures 2 and 3 of the paper"),),
    publication="arXiv 2007.07497, figures 2 and 3",
    shows="The relative distance that the inner weights of a two-layer ReLU network move scales like a power of the width. The "
    "sign of the exponent separates the linear regime, where the network is a kernel method, from the condensed regime.",
    published=("exponents -0.506 (gamma = 0.5), 0.007 (gamma = 1) and positive (gamma = 1.75) at gamma' = 0",),
    full="`--set full=true`, ten times the work of the default.",
    seconds=91.3,
)
def phase_diagram(*, seeds: int = 3, full: bool = False) -> Report:
    """The relative distance of inner weights of ReLU networks by width: linear and condensed regimes (Luo et al., 2021).

    Args:
        seeds: Number of networks of each width at gamma' = 0; the map has one.
        full: Whether the widths are the published ones, up to 40,000, and the map has 35 places; by default the widths are at
            most 10,000 and the map has 20 places.
    """
    return experiment(seeds=seeds) if full else experiment(seeds=seeds, **SHORT)


if __name__ == "__main__":
    main("phase-diagram", phase_diagram)

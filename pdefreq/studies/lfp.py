"""The linear frequency principle (LFP) for given data: the limit of a wide two-layer ReLU network, splines, and a network."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.figures.notebook import Shown, paragraph, table
from pdefreq.theory.lfp_model import LfpModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from pdefreq.problem.problem import Problem
    from pdefreq.theory.lfp import Moments

SAMPLED = 100_000  # number of units over which moments are averaged if no network is trained
_PERIOD = 10.0  # period of the waves, in units of the range of the data
_WAVES = {1: 2000, 2: 100}  # largest integer along each axis
_RIDGE = 1e-6
_ARRAYS = 4  # number of arrays with an entry for each wave at each training point
_LINE = 800  # number of points at which the network is evaluated in one dimension
_SIDE = 61  # number of points along each side of the grid in two dimensions
_ENOUGH = 2e-3  # largest residual, in units of the largest value, at which training ends
_MOST_STEPS = 200_000


@dataclass(frozen=True, eq=False)
class LfpFit(LfpModel, Shown):
    """The LFP solution of a regression, with the splines that are its limits and, if it was trained, a network.

    Args:
        title: The problem.
        initialization: Name of the initialization.
        network: The trained network, if there is one.
        period: The period of the waves.
        waves: The largest integer of the waves along each axis.
    """

    title: str = ""
    initialization: str = ""
    network: TrainedNetwork | None = None
    period: float = math.nan
    waves: int = 0

    def __repr__(self) -> str:
        trained = f", network of {self.network.width} units" if self.network else ""
        return f"<LFP fit of {len(self.x)} points, {self.initialization}{trained}>"

    @functools.cached_property
    def distances(self) -> dict[str, float]:
        """Relative root-mean-square distances of the LFP solution to each spline and to the network, between the data points.

        In two dimensions, only the distance to the network is computed, at the points of its grid.
        """
        found = {}
        if self.splines:
            values = self(self.line)
            found = {name: _distance(values, spline) for name, spline in self.splines.items()}
        if self.network is not None:
            found["trained network"] = _distance(self(self.network.points), self.network.values)
        return found

    def plot(self) -> Figure:
        """The solution with its limits, gamma^2 with both terms and, in one dimension, the model during training."""
        from pdefreq.figures.lfp import Curve, lfp_figure

        title = f"{self.title}: linear frequency principle, weights {self.initialization}"
        found = self.network
        return lfp_figure(
            self, title=title, network=found and Curve(f"network, {found.width:,} units", found.points, found.values)
        )

    def _html(self) -> str:
        rows: list[dict[str, object]] = [{"distance to": name, "relative rms": value} for name, value in self.distances.items()]
        return paragraph([f"{self.title}: LFP, {self.initialization}"]) + table(("distance to", "relative rms"), rows)


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A wide two-layer ReLU network, initially zero, after gradient descent on the data.

    Args:
        width: Number of units, of both copies together.
        steps: Number of steps.
        residual: Largest |u - y| at the training points over the largest |y|.
        points: Uniform points between the training points at which it was evaluated, shape ``(q, d)``.
        values: Its values there, shape ``(q,)``.
    """

    width: int
    steps: int
    residual: float
    points: np.ndarray = field(repr=False)
    values: np.ndarray = field(repr=False)


def lfp(
    problem: Problem | str,
    *,
    initialization: str = "uniform(3,3,0.1)",
    width: int = 0,
    seed: int = 0,
    period: float | None = None,
    waves: int | None = None,
    ridge: float = _RIDGE,
) -> LfpFit:
    """The LFP model of a wide two-layer ReLU network for the data of a regression.

    Args:
        problem: A regression with data in one or two dimensions, or its name or path.
        initialization: The initialization of the network, which determines E[r^3] and E[a^2 r]. They are averages over the units
            of the trained network, or over 100,000 random units.
        width: The number of units of a network that is also trained; 0 for no network.
        seed: Seed of the weights.
        period: The period of the waves of the model, longer than the range of the data; by default ten times this range, as in
            the lecture notes.
        waves: The largest integer M of the waves exp(2 pi i J . x / period), |J_a| <= M; by default 2000, and 100 in two
            dimensions.
        ridge: epsilon of the ridge regression.

    Raises:
        IncompatibleError: If the problem is not a regression with data in one or two dimensions.
        OptionError: If an option is outside its range, or the waves need more memory than the machine has.

    Source:
        Zhang, Xu, Luo, Ma (2019), arXiv 1905.10264; Xu (2023), lecture notes, equations 1.27 to 1.30.

    Example:
        >>> fit = lfp("five-points", initialization="uniform(3, 3, 0.01)")
        >>> fit.distances["natural cubic spline"] < 0.02 < fit.distances["linear interpolant"]
        True
    """
    from pdefreq.core.devices import require_memory
    from pdefreq.functionals.sampling import data_samples
    from pdefreq.problem.files import load_problem
    from pdefreq.theory.lfp import lfp_kernel

    problem = load_problem(problem) if isinstance(problem, str) else problem
    d = problem.domain.dimension
    if problem.data is None or not problem.is_regression or d not in _WAVES:
        raise IncompatibleError(
            "the LFP needs a regression u = f with [data] in one or two dimensions, such as the problem five-points; got "
            f"'{problem.name}'"
        )
    if width < 0 or width % 2:
        raise OptionError(f"`width` must be an even number of units, or 0 for no network, got {width}", option="width")
    if not 0 <= ridge < math.inf:
        raise OptionError(f"`ridge` must be finite and at least 0, got {ridge}", option="ridge")
    waves = _WAVES[d] if waves is None else waves
    if waves < 1:
        raise OptionError(f"`waves` must be at least 1, got {waves}", option="waves")
    sampled, y = data_samples(problem)
    x = sampled.x
    reach = float((x.amax(dim=0) - x.amin(dim=0)).max())
    period = _PERIOD * (reach or 1.0) if period is None else period
    if not reach < period < math.inf:
        raise OptionError(
            f"`period` must be finite and longer than the range of the data, {reach:g}, got {period}", option="period"
        )
    require_memory(waves, "waves", _ARRAYS * 8 * len(x) * (2 * waves + 1) ** d)
    moments = initial_moments(initialization, d, width // 2 or SAMPLED, seed)
    kernel = lfp_kernel(d, 2 * math.pi / period, waves, inner=moments.inner, outer=moments.outer)
    fit = kernel.fit(x, y, ridge=ridge)
    network = train(problem, initialization, width, seed) if width else None
    return LfpFit(x, y, moments, fit, ridge, problem.title or problem.name, initialization, network, period, waves)


def initial_moments(initialization: str, dimension: int, units: int, seed: int) -> Moments:
    """The moments of the weights of random ReLU units.

    Here a is the parameter itself, without the constant factor of the network's output: this factor multiplies the gradients with
    respect to inner and outer weights alike and does not change the ratio of the moments. w is the weight that multiplies x.
    """
    import torch

    from pdefreq.core.streams import stream
    from pdefreq.spaces.networks.activations import activation_named
    from pdefreq.spaces.networks.initializations import initialization_named
    from pdefreq.spaces.networks.initializations.initialization import Layer
    from pdefreq.theory.lfp import sampled_moments

    rule, relu, random = initialization_named(initialization), activation_named("relu"), stream(seed, "initialization")

    def inputs(n: int, generator: torch.Generator) -> Tensor:
        return 2 * torch.rand(n, dimension, generator=generator, dtype=torch.float64) - 1

    first = Layer(dimension, units, 1, relu, (inputs, torch.ones(1, units, 1, dtype=torch.float64)))
    last = Layer(units, 1, 1, None, None)
    weight, _ = rule.parameters(first, random)
    outer, _ = rule.parameters(last, random)
    return sampled_moments(rule.weight_scales(first)[0] * weight[0], outer.reshape(-1))


def train(problem: Problem, initialization: str, width: int, seed: int) -> TrainedNetwork:
    """Train an antisymmetric two-layer ReLU network by gradient descent at the rate 1 / kappa_1 of its tangent kernel."""
    import torch

    from pdefreq.core.history import Schedule, Stop
    from pdefreq.functionals.sampling import data_samples
    from pdefreq.runs.solve import solve
    from pdefreq.solvers.network_methods import regression

    solver = regression().with_options(
        widths=(width // 2,),
        activation="relu",
        initialization=initialization,
        bias="hidden",
        start="antisymmetric",
        optimizer="gd",
        half_life=None,
        steps=_MOST_STEPS,
        scaling="none",
    )
    sampled, y = data_samples(problem)
    x = sampled.x
    state = solver.prepare(problem, seed=seed, device=torch.device("cpu"), dtype=torch.float64).init()
    inside = state.space.at(x)
    with torch.no_grad():
        at_data = inside.jacobian(state.coefficients)
    largest = float(torch.linalg.eigvalsh(at_data @ at_data.T)[-1])
    rate = len(x) / (2 * largest)  # the kernel of the loss, a mean of squares, is 2 / n times K

    def residual(coefficients: Tensor) -> float:
        with torch.no_grad():
            return float((inside.value(coefficients) - y).abs().max() / y.abs().max())

    found = solve(
        problem,
        solver.with_options(learning_rate=rate),
        seed=seed,
        probes=(),
        stop=Stop(steps=_MOST_STEPS),
        schedule=Schedule(dense=1, per_decade=50),
        callback=lambda _step, state, _history: residual(state.coefficients) < _ENOUGH,
        predict=False,
    )
    number = _LINE if x.shape[1] == 1 else _SIDE
    axes = [torch.linspace(float(column.min()), float(column.max()), number, dtype=torch.float64) for column in x.T]
    points = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    with torch.no_grad():
        values = found.state.space.at(points).value(found.state.coefficients)
    steps = int(found.state.memory["steps"])
    return TrainedNetwork(width, steps, residual(found.state.coefficients), points.numpy(), values.numpy())


def _distance(values: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))

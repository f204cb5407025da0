"""Neural networks, plain and multiscale, trained on the Ritz energy or on a misfit."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.history import Stop
from pdefreq.registry import convert, options_of
from pdefreq.solvers.requirements import require_memory
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.fields import Field
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.sampling import Sampling
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem
    from pdefreq.spaces.trial_space import Network

# Interior points by dimension. In 2-D fewer than 130 along each axis were overfitted on `poisson-multilevel`, within 300 steps.
_NUMBER = {1: 1000, 2: 19600}
_NUMBER_BEYOND = 8192
_LIVE = 12  # arrays of the size of all units at 1024 points, and of all weights, that live at once in a step, at most


@dataclass(frozen=True, kw_only=True)
class NetworkSolver(Solver):
    """A network trained along gradients.

    Args:
        functional: ``"ritz"``, the energy of the problem, or ``"misfit"``, the mean square distance to the target.
        widths: Units of each hidden layer; of each sub-network where there are sub-networks.
        scales: Factors of the input of a multiscale network; null is a plain one.
        form: ``"subnetworks"``, one for each scale, or ``"first-layer"``, one network whose first layer is split.
        activation: sin, tanh, srelu, phi or sin-srelu.
        initialization: How weights are drawn: tiled, glorot or mscale.
        boundary: ``"hard"``, boundary values built into the network, or ``"penalty"``, a term of the energy.
        beta: Factor of the penalty; the answer misses boundary values by du/dn / (2 beta).
        points: ``"gauss"``, a fixed quadrature, or ``"uniform"`` or ``"sobol"``, random; null is gauss to 2-D, else sobol.
        number: Interior points; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond.
        boundary_points: Boundary points of the penalty, in 2-D and beyond.
        resample_every: Steps between draws of random points.
        optimizer: ``"adam"``, or ``"gd"``, gradient descent.
        learning_rate: At the first step.
        half_life: Steps in which the learning rate halves; null keeps it.
        steps: Budget.

    Raises:
        OptionError: If an option has the wrong type or lies outside its range.
        UnknownNameError: If there is no such activation or initialization.
    """

    functional: Literal["ritz", "misfit"]
    widths: tuple[int, ...]
    activation: str
    learning_rate: float
    half_life: float | None
    steps: int
    scales: tuple[float, ...] | None = None
    form: Literal["subnetworks", "first-layer"] = "subnetworks"
    initialization: str = "tiled"
    boundary: Literal["hard", "penalty"] = "hard"
    beta: float = 500.0
    points: Literal["gauss", "uniform", "sobol"] | None = None
    number: int | None = None
    boundary_points: int = 400
    resample_every: int = 1
    optimizer: Literal["adam", "gd"] = "adam"

    def __post_init__(self) -> None:
        for option in options_of(type(self)):
            value = convert(option.name, getattr(self, option.name), option.annotation)
            object.__setattr__(self, option.name, value)
        for name in ("widths", "number", "boundary_points", "resample_every"):
            _require(name, getattr(self, name), lambda n: n >= 1, "at least 1")
        _require("steps", self.steps, lambda n: n >= 0, "at least 0")
        for name in ("scales", "beta", "learning_rate", "half_life"):
            _require(name, getattr(self, name), lambda x: 0 < x < math.inf, "positive and finite")
        if self.form == "first-layer" and self.widths[0] < len(self.scales or ()):
            raise OptionError(
                f"the first of `widths` must be at least the number of scales, {len(self.scales or ())}, so that each has "
                f"a unit, got {self.widths[0]}"
            )
        from pdefreq.spaces.activations import activation_named
        from pdefreq.spaces.initialization import initialization_named

        activation_named(self.activation)
        initialization_named(self.initialization)

    @property
    def name(self) -> str:
        return "regression" if self.functional == "misfit" else "deep-ritz" if self.scales is None else "mscale"

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.steps)

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        method = self.name
        if guess is not None:
            raise IncompatibleError(f"{method} can't start from a given function: let it come first, or use `jacobi`")
        if self.functional == "ritz" and problem.is_regression:
            raise IncompatibleError(
                f"{method} lowers the energy of a differential equation and this is a regression: use `regression`"
            )
        if self.functional == "misfit" and not problem.is_regression:
            raise IncompatibleError(
                "regression fits a given function and this is a differential equation: use `deep-ritz` or `mscale`"
            )
        dimension = problem.domain.dimension
        points = self.points or ("gauss" if dimension <= 2 else "sobol")
        if points == "gauss" and dimension > 3:
            raise IncompatibleError(f"Gauss points fill at most 3 dimensions, got {dimension}: use points=sobol")
        number = self.number or _NUMBER.get(dimension, _NUMBER_BEYOND)
        self._require_memory(dimension, number)

        import torch

        from pdefreq.functionals.sampling import Sampling
        from pdefreq.iterations.gradient import Adam, Gradient, GradientDescent
        from pdefreq.spaces.compatibility import require_compatible

        if problem.is_pure_neumann and dimension <= 3:  # beyond, quadrature can't tell
            require_compatible(problem)  # else the energy has no minimum
        like = torch.empty(0, dtype=dtype, device=device)
        space = self._space(problem)
        sampling = Sampling(points, number, self.boundary_points, self.resample_every, seed)

        @functools.lru_cache(maxsize=1)
        def functional(draw: int) -> Functional:
            return self._functional(problem, space, sampling, draw, like)

        if functional(0).order > space.smoothness:
            raise IncompatibleError(
                f"{method} takes derivatives of order {functional(0).order} and {self.activation} has {space.smoothness:g}: "
                "use activation=sin or tanh"
            )
        optimizer = (Adam if self.optimizer == "adam" else GradientDescent)(self.learning_rate, self.half_life)
        return Gradient(space, lambda step: functional(sampling.draw(step)), optimizer, seed=seed, like=like)

    def _space(self, problem: Problem) -> Network:
        from pdefreq.spaces.hard_boundary import HardBoundary
        from pdefreq.spaces.mlp import Mlp
        from pdefreq.spaces.mscale import Mscale

        if self.scales is None:
            network = Mlp(problem.domain, self.widths, self.activation, self.initialization)
        else:
            network = Mscale(problem.domain, self.scales, self.widths, self.activation, self.initialization, self.form)
        if self.functional == "misfit" or self.boundary == "penalty":
            return network
        if problem.dirichlet is None:
            raise IncompatibleError(
                "boundary values can be built into a network only where one Dirichlet condition holds on all of the boundary: "
                "use boundary=penalty"
            )
        return HardBoundary(network, problem.domain.lifting(problem.dirichlet), problem.domain.distance())

    def _functional(self, problem: Problem, space: Network, sampling: Sampling, draw: int, like: torch.Tensor) -> Functional:
        from pdefreq.functionals.misfit import Misfit
        from pdefreq.functionals.ritz_energy import RitzEnergy
        from pdefreq.functionals.sampling import data_samples

        known = problem.data is not None
        interior, source = data_samples(problem) if known else (problem.regular(sampling.interior(problem.domain, draw)), None)
        if self.functional == "misfit":
            return Misfit(problem, space, interior, source=source, like=like)
        if self.boundary == "hard":
            return RitzEnergy(problem, space, interior, source=source, like=like)
        edge = problem.regular(sampling.boundary(problem.domain, draw))
        return RitzEnergy(problem, space, interior, edge, beta=self.beta, source=source, like=like)

    def _require_memory(self, dimension: int, number: int) -> None:
        parts = 1 if self.scales is None or self.form == "first-layer" else len(self.scales)
        weights = parts * sum(a * b for a, b in itertools.pairwise((dimension, *self.widths, 1)))
        units = parts * sum(self.widths)
        require_memory(max(self.widths), "widths", 8 * _LIVE * (weights + 1024 * units))
        require_memory(number, "number", 8 * (24 + 8 * dimension) * number)  # points, fields, boundary factors


def deep_ritz(
    *,
    widths: tuple[int, ...] = (75, 75, 75),
    activation: str = "tanh",
    initialization: str = "tiled",
    boundary: Literal["hard", "penalty"] = "hard",
    beta: float = 500.0,
    points: Literal["gauss", "uniform", "sobol"] | None = None,
    number: int | None = None,
    boundary_points: int = 400,
    resample_every: int = 1,
    optimizer: Literal["adam", "gd"] = "adam",
    learning_rate: float = 1e-3,
    half_life: float | None = 1500.0,
    steps: int = 4000,
) -> NetworkSolver:
    """A plain network that minimises the energy: low frequencies converge first, high ones late or never.

    Args:
        widths: Units of each hidden layer.
        activation: sin, tanh, srelu, phi or sin-srelu.
        initialization: How weights are drawn: tiled, glorot or mscale.
        boundary: Boundary values built into the network (hard), or a term of the energy (penalty).
        beta: Factor of the penalty; the answer misses boundary values by du/dn / (2 beta).
        points: A fixed Gauss quadrature, or random points; null means gauss to 2-D, else sobol.
        number: Interior points; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond.
        boundary_points: Boundary points of the penalty, in 2-D and beyond.
        resample_every: Steps between draws of random points.
        optimizer: Adam, or gradient descent (gd).
        learning_rate: At the first step.
        half_life: Steps in which the learning rate halves; null keeps it.
        steps: Budget.

    Source:
        E and Yu (2018), The Deep Ritz method, Commun. Math. Stat. 6.
    """
    return NetworkSolver(functional="ritz", **locals())


def mscale(
    *,
    scales: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    widths: tuple[int, ...] = (30, 30, 30),
    form: Literal["subnetworks", "first-layer"] = "subnetworks",
    activation: str = "sin",
    initialization: str = "tiled",
    boundary: Literal["hard", "penalty"] = "hard",
    beta: float = 500.0,
    points: Literal["gauss", "uniform", "sobol"] | None = None,
    number: int | None = None,
    boundary_points: int = 400,
    resample_every: int = 1,
    optimizer: Literal["adam", "gd"] = "adam",
    learning_rate: float = 8e-3,
    half_life: float | None = 800.0,
    steps: int = 2000,
) -> NetworkSolver:
    """Sub-networks on scaled inputs (MscaleDNN) that minimise the energy: all frequencies converge at similar speed.

    Args:
        scales: Factors of the input.
        widths: Units of each hidden layer of each sub-network, or of the network in the first-layer form.
        form: One sub-network for each scale (MscaleDNN-2), or one network whose first layer is split (MscaleDNN-1).
        activation: sin, tanh, srelu, phi or sin-srelu.
        initialization: How weights are drawn: tiled, glorot or mscale.
        boundary: Boundary values built into the network (hard), or a term of the energy (penalty).
        beta: Factor of the penalty; the answer misses boundary values by du/dn / (2 beta).
        points: A fixed Gauss quadrature, or random points; null means gauss to 2-D, else sobol.
        number: Interior points; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond.
        boundary_points: Boundary points of the penalty, in 2-D and beyond.
        resample_every: Steps between draws of random points.
        optimizer: Adam, or gradient descent (gd).
        learning_rate: At the first step.
        half_life: Steps in which the learning rate halves; null keeps it.
        steps: Budget.

    Source:
        Liu, Cai, Xu (2020), Multi-scale deep neural network (MscaleDNN), arXiv 2007.11207.
    """
    return NetworkSolver(functional="ritz", **locals())


def regression(
    *,
    widths: tuple[int, ...] = (200, 200, 200, 100),
    scales: tuple[float, ...] | None = None,
    activation: str = "tanh",
    initialization: str = "tiled",
    points: Literal["gauss", "uniform", "sobol"] | None = None,
    number: int | None = None,
    resample_every: int = 1,
    optimizer: Literal["adam", "gd"] = "adam",
    learning_rate: float = 1e-3,
    half_life: float | None = 2000.0,
    steps: int = 3000,
) -> NetworkSolver:
    """A network fitted to a given function, or to its values at the problem's data: the frequency principle at its simplest.

    Args:
        widths: Units of each hidden layer; of each sub-network where there are scales.
        scales: Factors of the input of a multiscale network; null is a plain one.
        activation: sin, tanh, srelu, phi or sin-srelu.
        initialization: How weights are drawn: tiled, glorot or mscale.
        points: Where the misfit is taken if the problem has no data: a fixed Gauss quadrature, or random points;
            null means gauss to 2-D, else sobol.
        number: How many; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond.
        resample_every: Steps between draws of random points.
        optimizer: Adam, or gradient descent (gd).
        learning_rate: At the first step.
        half_life: Steps in which the learning rate halves; null keeps it.
        steps: Budget.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 2.
    """
    return NetworkSolver(functional="misfit", **locals())


def _require(name: str, value: float | tuple[float, ...] | None, holds: Callable[[float], bool], expected: str) -> None:
    """Check a number, or each of a list of numbers; None is always right."""
    for number in value if isinstance(value, tuple) else () if value is None else (value,):
        if not holds(number):
            raise OptionError(f"`{name}` must be {expected}, got {number:g}")

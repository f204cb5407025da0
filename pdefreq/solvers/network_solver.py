"""The one solver behind all methods that train a network: its options, and how they are put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pdefreq.conversion import convert
from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.history import Stop
from pdefreq.registry import options_of
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem

Loss = Literal["ritz", "residual", "residual-gradient", "misfit", "misfit-gradient"]
_METHODS: dict[Loss, str] = {
    "ritz": "deep-ritz",
    "residual": "pinn",
    "residual-gradient": "pinn-gradient",
    "misfit": "regression",
    "misfit-gradient": "regression-gradient",
}


@dataclass(frozen=True, kw_only=True)
class NetworkSolver(Solver):
    """A network trained along gradients.

    Args:
        functional: "ritz", the energy of the problem; "residual", the square of the equation's; "misfit", the distance to a
            target; with "-gradient" the same of their gradients is added.
        widths: Units of each hidden layer; of each sub-network where there are sub-networks.
        scales: Factors of the input of a multiscale network; null is a plain one.
        form: One sub-network for each scale (subnetworks, MscaleDNN-2), or one network whose first layer is split
            (first-layer, MscaleDNN-1).
        frequencies: Angular wavenumbers by which sub-networks are shifted (PhaseDNN), two for each: a list of numbers in
            1-D, of wavevectors beyond; null is none.
        fourier: So many random frequencies, whose cosines and sines are the network's input in place of the coordinates;
            they are the same for every seed; null is none.
        fourier_std: Standard deviation of the components of the frequencies of `fourier`, angular wavenumbers.
        periodic: So many harmonics of each side of a box, whose cosines and sines are the input: the network is periodic;
            null is none.
        residual: Whether a hidden layer's input is added to its output, where both have the same width.
        bias: Which layers have biases: all, hidden (all but the last) or none.
        adaptive: n of activations sigma(n a z) with a trainable slope a for each layer, 1 / n at the start; null is none.
        activation: sin, tanh, srelu, phi, sin-srelu, relu or ricker(a).
        initialization: How weights are drawn: tiled, glorot, he, lecun, torch (the default there), mscale, ntk, mean-field,
            siren, or with numbers normal(std), phase(gamma, gamma_prime), siren(omega).
        start: How the network is made to start at zero: antisymmetric, the difference of two equal ones; doubled, the
            last hidden layer there twice with opposite signs; or wide, their control, twice the width and no zero;
            null is as drawn.
        boundary: Boundary values built into the network (hard), or a term of the objective (penalty).
        beta: Factor of the boundary terms, on integrals; the minimum of an energy misses boundary values by du/dn / (2 beta).
        staged: Whether beta is multiplied by 1, 10, 50, 100, 200, 500 from 0, 10, 20, 25, 50, 75 per cent of the steps on.
        staged_steps: The steps meant there; null means those that the run may take when it starts: a resumed run keeps its
            stages.
        weights: Further factors of terms of the objective by name, such as boundary:10; their names are the columns
            objective.NAME of the history.
        balance_every: Steps after which terms of squares are weighted anew, by the traces of their tangent kernels, on top
            of `weights`; null never does.
        misfit_exponent: q of a misfit, the mean of |u - target|^q.
        points: A fixed Gauss quadrature, or random points (uniform, sobol); null means gauss to 2-D, else sobol.
        number: Interior points; null means 1000 in 1-D, 19600 in 2-D, 8192 beyond, with gauss-newton 500, 1600, 2000.
        boundary_points: Boundary points of the penalty, in 2-D and beyond.
        resample_every: Steps between draws of random points.
        batch: Interior points used in one step, in a new order each epoch; null is all.
        optimizer: adam; gd, gradient descent; sgd, the same with momentum; lbfgs, which searches along its directions, and
            gauss-newton, which solves for its steps: both know no learning rate.
        learning_rate: At the first step.
        half_life: Steps after which the learning rate is first the half; null keeps it.
        decay: How it falls: exponential, inverse (as 1 / (1 + t)) or cosine (zero after two half-lives).
        momentum: Of sgd.
        clip: Largest norm of a gradient; null is none.
        damping: lambda in the steps of gauss-newton, (F^T F + lambda) d = -gradient; null adapts it from step to step.
        keep: What the run hands back: the last state, or the best at held-out points.
        patience: Stop once the objective at held-out points has not fallen for this many steps; null never does.
        steps: Budget.
        method: What tables and messages call it; null is the name of the method for its functional.

    Raises:
        OptionError: If an option has the wrong type or lies outside its range.
        UnknownNameError: If there is no such activation or initialization.
    """

    functional: Loss
    widths: tuple[int, ...]
    scales: tuple[float, ...] | None = None
    form: Literal["subnetworks", "first-layer"] = "subnetworks"
    frequencies: tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None
    fourier: int | None = None
    fourier_std: float = 10.0
    periodic: int | None = None
    residual: bool = False
    bias: Literal["all", "hidden", "none"] = "all"
    adaptive: float | None = None
    activation: str = "tanh"
    initialization: str = "tiled"
    start: Literal["antisymmetric", "doubled", "wide"] | None = None
    boundary: Literal["hard", "penalty"] = "hard"
    beta: float = 500.0
    staged: bool = False
    staged_steps: int | None = None
    weights: Mapping[str, float] | None = None
    balance_every: int | None = None
    misfit_exponent: float = 2.0
    points: Literal["gauss", "uniform", "sobol"] | None = None
    number: int | None = None
    boundary_points: int = 400
    resample_every: int = 1
    batch: int | None = None
    optimizer: Literal["adam", "gd", "sgd", "lbfgs", "gauss-newton"] = "adam"
    learning_rate: float = 1e-3
    half_life: float | None = None
    decay: Literal["exponential", "inverse", "cosine"] = "exponential"
    momentum: float = 0.9
    clip: float | None = None
    damping: float | None = None
    keep: Literal["last", "best"] = "last"
    patience: int | None = None
    steps: int = 4000
    method: str | None = field(default=None, compare=False)  # by whatever name, it is the same method

    def __post_init__(self) -> None:
        for option in options_of(type(self)):
            value = convert(option.name, getattr(self, option.name), option.annotation)
            object.__setattr__(self, option.name, value)
        counts = ("widths", "fourier", "periodic", "number", "boundary_points", "resample_every", "batch", "balance_every")
        for name in (*counts, "patience", "staged_steps"):
            _require(name, getattr(self, name), lambda n: n >= 1, "at least 1")
        _require("steps", self.steps, lambda n: n >= 0, "at least 0")
        for name in ("scales", "fourier_std", "beta", "learning_rate", "half_life", "clip", "damping"):
            _require(name, getattr(self, name), lambda x: 0 < x < math.inf, "positive and finite")
        _require("weights", tuple((self.weights or {}).values()), lambda x: 0 < x < math.inf, "positive and finite")
        _require("momentum", self.momentum, lambda x: 0 <= x < 1, "at least 0 and below 1")
        _require("adaptive", self.adaptive, lambda n: 1 <= n < math.inf, "at least 1 and finite")
        for omega in self.wavevectors:
            _require("frequencies", omega, math.isfinite, "finite")
        _require("misfit_exponent", self.misfit_exponent, lambda x: 1 <= x < math.inf, "at least 1 and finite")
        if self.form == "first-layer" and self.widths[0] < len(self.scales or ()):
            raise OptionError(
                f"the first of `widths` must be at least the number of scales, {len(self.scales or ())}, so that each has "
                f"a unit, got {self.widths[0]}"
            )
        if self.scales is not None and self.frequencies is not None:
            raise OptionError("`scales` and `frequencies` each say what the sub-networks are: set the other to null")
        if self.fourier is not None and self.periodic is not None:
            raise OptionError("`fourier` and `periodic` each say what the input is: set the other to null")
        if self.optimizer == "lbfgs" and self.batch is not None:
            raise OptionError("lbfgs needs an objective that stays the same from step to step: leave `batch` out, or use adam")
        from pdefreq.spaces.activations import activation_named
        from pdefreq.spaces.initializations import initialization_named

        activation_named(self.activation)
        initialization_named(self.initialization)

    @property
    def name(self) -> str:
        return self.method or _METHODS[self.functional]

    @property
    def wavevectors(self) -> tuple[tuple[float, ...], ...]:
        """`frequencies` as wavevectors; none where there are none."""
        return tuple(omega if isinstance(omega, tuple) else (omega,) for omega in self.frequencies or ())

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.steps)

    def within(self, stop: Stop) -> NetworkSolver:
        settled = not self.staged or self.staged_steps is not None or not stop.steps
        return self if settled else replace(self, staged_steps=stop.steps)

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        from pdefreq.solvers.network_parts import course_of, held_out_of, optimizer_of, require_factor, require_suitable
        from pdefreq.solvers.network_space import network_of
        from pdefreq.solvers.requirements import require_precision

        require_suitable(self, problem)
        require_precision(problem, dtype)
        if guess is not None:
            raise IncompatibleError(f"{self.name} can't start from a given function: let it come first, or use `jacobi`")

        import torch

        from pdefreq.iterations.gradient import Gradient

        like = torch.empty(0, dtype=dtype, device=device)
        space = network_of(self, problem)
        course = course_of(self, problem, space, seed, like)
        require_factor(self, course.at(0), space)
        quadratic = problem.is_linear and self.misfit_exponent == 2
        return Gradient(
            space,
            course,
            optimizer_of(self),
            seed=seed,
            like=like,
            balance_every=self.balance_every,
            held_out=held_out_of(self, course),
            course_in=(lambda other: course_of(self, problem, other, seed, like)) if quadratic else None,
        )


def _require(name: str, value: float | tuple[float, ...] | None, holds: Callable[[float], bool], expected: str) -> None:
    """Check a number, or each of a list of numbers; None is always right."""
    for number in value if isinstance(value, tuple) else () if value is None else (value,):
        if not holds(number):
            raise OptionError(f"`{name}` must be {expected}, got {number:g}")

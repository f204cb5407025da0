"""The checks that the parts of a network method fit together, and that they fit a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pdefreq.core.devices import require_memory
from pdefreq.core.errors import IncompatibleError, OptionError, UnknownNameError
from pdefreq.core.reduce import processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain
    from pdefreq.parts.boundary import Boundary
    from pdefreq.parts.losses import Loss
    from pdefreq.parts.networks import Network
    from pdefreq.parts.optimizers import Optimizer
    from pdefreq.parts.points import Points
    from pdefreq.parts.training import Training
    from pdefreq.problem.data import Data
    from pdefreq.problem.terms.equation import Equation
    from pdefreq.problem.terms.term import Term
    from pdefreq.spaces.trial_space import TrialSpace

_FEW = 64  # points at which a term is tested for being nonzero


class Parts(Protocol):
    """A network method: its name and its six parts."""

    @property
    def name(self) -> str: ...
    @property
    def network(self) -> Network: ...
    @property
    def loss(self) -> Loss: ...
    @property
    def boundary(self) -> Boundary: ...
    @property
    def points(self) -> Points: ...
    @property
    def optimizer(self) -> Optimizer: ...
    @property
    def training(self) -> Training: ...


def require_consistent(parts: Parts) -> None:
    """Check the pairs of parts that do not depend on a problem.

    Raises:
        OptionError: If two parts do not fit together.
    """
    if parts.loss.is_regression and parts.boundary.is_penalty:
        raise OptionError("a fit of a function has no boundary conditions: leave `boundary` out, or use `--set loss=residual`")
    if not parts.loss.is_square and parts.training.balance_every is not None:
        raise OptionError(
            "`balance_every` does nothing here: it needs a loss that is a sum of squares, such as loss=residual; set that, "
            "or leave `balance_every` out"
        )
    if not parts.loss.is_square and (option := parts.optimizer.for_squares) is not None:
        raise OptionError(
            f"`{option}` needs a loss that is a sum of squares, such as loss=residual; set that, or leave `{option}` out"
        )
    if parts.optimizer.needs_fixed_objective and parts.training.batch is not None:
        raise OptionError(
            f"{parts.optimizer.title} needs an objective that is the same in every step: leave `batch` out, or use "
            "`--set optimizer=adam`"
        )


def require_start(parts: Parts, equation: Equation, domain: Domain, values: Mapping[str, Field] | None) -> None:
    """Refuse an initial state with constant u if p > 2, where the derivative of the flux |grad u|^(p-2) grad u is zero.

    Raises:
        IncompatibleError: If the network starts with constant u, and no other term of the equation or the boundary depends on
            u.
    """
    from pdefreq.domains.domain import only_one
    from pdefreq.problem.terms.diffusion import Diffusion

    diffusion, only = equation.find(Diffusion), only_one(values) if values else None
    edge = None if parts.boundary.is_penalty or only is None else only.constant
    residual = parts.loss.is_square and not parts.loss.is_regression
    if diffusion is None or diffusion.exponent <= 2 or edge is None or not (residual and parts.network.starts_at_zero):
        return
    others = [term for term in equation if term is not diffusion]
    if not any(_acts_on_constants(term, domain, edge) for term in others):
        raise IncompatibleError(
            f"start=antisymmetric begins with grad u = 0, where the residual for exponent = {diffusion.exponent:g} is "
            "degenerate, so that training makes no progress: leave `start` out"
        )


def require_pairs(parts: Parts, points: Points, boundary: Boundary, data: Data | None, *, is_regression: bool) -> None:
    """Check that the options of different parts are compatible with each other on a problem.

    Raises:
        IncompatibleError: If states are to be compared at held-out points, and no data points are held out.
        OptionError: If the objective changes from step to step and the optimizer needs a fixed one, or if a batch is too
            large.
        UnknownNameError: If `weights` names a boundary term that the loss does not have.
    """
    training = parts.training
    if points.number is None and not (data and data.holdout) and (training.keep == "best" or training.patience is not None):
        remedy = "hold out some of them, such as holdout = 0.2, or " if is_regression else ""
        raise IncompatibleError(
            f"{parts.name} uses all points at which the source is known ([data]), which leaves none to compare states: "
            f"{remedy}leave `keep` and `patience` out"
        )
    if parts.loss.couples_points and (not points.is_fixed or training.batch is not None):
        raise OptionError(
            "a metric of the residual couples all points, which must stay the same: use `--set points=gauss`, and leave "
            "`batch` out"
        )
    if parts.optimizer.needs_fixed_objective and not points.is_fixed and points.draw(1) != points.draw(0):
        raise OptionError(
            f"{parts.optimizer.title} needs an objective that is the same in every step, and random points change it: "
            "use `--set points=gauss` or `--set resample_every=100`"
        )
    if points.number is not None and training.batch is not None and training.batch > points.number:
        raise OptionError(
            f"`batch` must be at most the number of points, {points.number}, got {training.batch}: leave it out to use all"
        )
    if "boundary" in (parts.loss.weights or {}) and not boundary.is_penalty and not is_regression:
        raise UnknownNameError(
            "unknown term 'boundary' in `weights`: boundary values are built into the network, which leaves no such term; "
            "use `--set boundary=penalty`"
        )


def require_capture(parts: Parts, device: torch.device) -> None:
    """Check that the steps can be recorded as CUDA graphs.

    Raises:
        OptionError: If the device is not a GPU, the optimizer is not adam, gd or sgd, or several processes share the points.
    """
    from pdefreq.iterations.training.steppers import FirstOrderStepper

    if device.type != "cuda":
        raise OptionError(f"`capture` records a CUDA graph and needs a GPU, got the device {device}: leave `capture` out")
    stepper = parts.optimizer.stepper()
    if not isinstance(stepper, FirstOrderStepper) or not stepper.elementwise:
        raise OptionError(f"`capture` needs the optimizer adam, gd or sgd, got {parts.optimizer.title}: leave `capture` out")
    if (number := processes().size) > 1:  # a recorded step contains no sum over the processes
        raise OptionError(f"`capture` needs a run in one process, got {number} processes: leave `capture` out")


def require_room(parts: Parts, points: Points, boundary: Boundary, dimension: int) -> None:
    """Check from the options alone that the memory suffices for a step and for the points, before anything is built.

    Raises:
        TooLargeError: If it does not.
    """
    parts.network.require_memory(dimension)
    if boundary.number is not None:
        entries = 3 * dimension + 4  # point, normal, weight, part, values given, and the distance of the point
        require_memory(boundary.number, "boundary.points", 8 * entries * boundary.number)
    if points.number is not None:
        require_memory(points.number, "number", bytes_of_points(parts, dimension))


def bytes_of_points(parts: Parts, dimension: int) -> int:
    """The number of bytes of points, fields, boundary factors and input that are kept between steps."""
    kept = 24 + 8 * dimension + (dimension + 2) * parts.network.inputs(dimension)
    return 8 * kept * (parts.points.number or 0)


def require_smooth(parts: Parts, network: TrialSpace, space: TrialSpace, order: int) -> None:
    """Check that the network is smooth enough for the derivatives in the loss.

    Raises:
        IncompatibleError: If the network, or the built-in boundary values, have fewer derivatives.
    """
    if order <= space.smoothness:
        return
    if order > network.smoothness:
        cause, remedy = f"{parts.network.smoothness_from} has {network.smoothness:g}", parts.network.smoother
    else:
        cause = f"boundary values built in on this domain leave the network {space.smoothness:g}"
        remedy = "`--set boundary=penalty`"
    raise IncompatibleError(f"{parts.name} takes derivatives of order {order} and {cause}: use {remedy}")


def _acts_on_constants(term: Term, domain: Domain, value: float) -> bool:
    """Whether the linearization of a term at a constant is nonzero at some of a few points of a domain."""
    import torch

    from pdefreq.core.streams import stream

    x = domain.interior(_FEW, stream(0, "constants")).x
    strong, at = term.strong(x), (torch.full_like(x[:, 0], value), torch.zeros_like(x))
    return any(slope is not None and bool(slope.any()) for slope in (*strong.lower_slopes(*at), strong.second(*at)))

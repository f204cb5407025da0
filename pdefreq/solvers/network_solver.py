"""The solver behind all methods that train a network, composed of six parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Stop
from pdefreq.parts.adaptive_points import AdaptivePoints
from pdefreq.parts.boundary import Automatic as AutomaticBoundary
from pdefreq.parts.boundary import Boundary, Setting
from pdefreq.parts.inputs import ReceivesBands
from pdefreq.parts.losses import Loss, Ritz, Sampled
from pdefreq.parts.networks import Mlp, Network
from pdefreq.parts.optimizers import Adam, FirstOrder, Optimizer
from pdefreq.parts.point_numbers import fitted_number
from pdefreq.parts.points import Automatic, Gauss, Points
from pdefreq.parts.training import Training
from pdefreq.problem.compatibility import require_compatible
from pdefreq.problem.needs import VALUES_WITH_DERIVATIVES, Need
from pdefreq.solvers.network_checks import (
    bytes_of_points,
    require_capture,
    require_consistent,
    require_pairs,
    require_room,
    require_smooth,
    require_start,
)
from pdefreq.solvers.requirements import require, require_precision
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Values
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.frame import Frame
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.objective_schedule import SampledSchedule
    from pdefreq.iterations.training.growing_training import GrowingTraining
    from pdefreq.iterations.training.steppers import Stepper
    from pdefreq.iterations.training.training_iteration import TrainingIteration
    from pdefreq.problem.problem import Problem
    from pdefreq.problem.scales import NaturalUnits, Scales
    from pdefreq.spaces import trial_space
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.data_spectrum import SpectralData

_UNITS = "The network was trained in units that the data imply: {}; scaling=none trains it in those of the problem."
_MOST_AXES, _ORDER = 3, 2  # of lattices for the spectrum of the residual, and of the derivatives in it


@dataclass(frozen=True, kw_only=True)
class NetworkSolver(Solver):
    """A network of any architecture, trained to minimize any loss, with each part selected separately.

    Args:
        network: The architecture.
        loss: The loss to minimize.
        boundary: How boundary conditions are imposed; a fit of a function has none.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.

    Raises:
        OptionError: If two parts do not fit together.
    """

    network: Network = field(default_factory=Mlp)
    loss: Loss = field(default_factory=Ritz)
    boundary: Boundary = field(default_factory=AutomaticBoundary)
    points: Points = field(default_factory=Automatic)
    optimizer: Optimizer = field(default_factory=Adam)
    training: Training = field(default_factory=Training)
    loss_choice: str = field(default="", compare=False, metadata={"option": False})  # sentences of `resolved`
    boundary_choice: str = field(default="", compare=False, metadata={"option": False})
    points_choice: str = field(default="", compare=False, metadata={"option": False})
    label: str = field(default="network", compare=False, metadata={"option": False})  # the label does not change the method

    def __post_init__(self) -> None:
        super().__post_init__()
        require_consistent(self)

    @property
    def name(self) -> str:
        return self.label

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.training.steps)

    @property
    def needs(self) -> Sequence[Need]:
        if self.loss.is_regression:
            return self.loss.needs
        if not self.boundary.builds_in:
            return (*self.loss.needs, *self.boundary.needs)
        return (*self.loss.needs, *self.boundary.needs, VALUES_WITH_DERIVATIVES[max(self.loss.derivatives, 1)])

    def resolved(self, problem: Problem, stop: Stop) -> NetworkSolver:
        """The same method with all defaults set that depend on the problem or on the budget.

        Raises:
            IncompatibleError: If the rule for points does not work for the problem.
            OptionError: If an option does nothing for the problem.
        """
        from pdefreq.domains.holes import WithHoles
        from pdefreq.spectrum.data_spectrum import SpectralData

        d, budget = problem.domain.dimension, self.budget.override(stop).steps
        loss, loss_choice = self.loss.suited(problem.lacks, is_semilinear=problem.equation.is_semilinear)
        known = problem.data is not None and loss.sums_over_data
        is_residual = loss.is_square and not loss.is_regression
        data = SpectralData(problem)
        network = self.network.sized(data, is_residual=is_residual).resolved(problem.periodic_axes)
        holes = isinstance(problem.domain, WithHoles)
        around_holes = holes and is_residual and self.optimizer.has_few_points
        rule = self.points.suited(d, known=known, even=around_holes)
        on_lines = holes and isinstance(rule, Gauss)
        number, on_boundary = self.optimizer.points(d, network.num_parameters(d), on_lines=on_lines)
        points_choice = self.points_choice
        if isinstance(self.optimizer, FirstOrder) and self.points.number is None and not known:
            number, points_choice = fitted_number(number, data, holes=holes)
        points = rule.resolved(d, number, known=known)
        setting = Setting(
            problem,
            loss.derivatives,
            waves=network.consists_of_waves and is_residual,
            around_holes=around_holes,
            steps=budget or self.training.steps,
            number=on_boundary,
            beta=self.optimizer.penalty_parameter(is_residual=is_residual),
        )
        boundary, told = self.boundary, ""
        if not problem.is_regression:
            boundary, told = boundary.chosen(setting)
            boundary = boundary.resolved(setting)
        return replace(
            self,
            network=network,
            loss=loss,
            points=points,
            boundary=boundary,
            loss_choice=loss_choice or self.loss_choice,
            boundary_choice=told or self.boundary_choice,
            points_choice=points_choice,
        )

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.loss_choice, self.boundary_choice, self.points_choice)))

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> TrainingIteration | GrowingTraining:
        import torch

        from pdefreq.spectrum.data_spectrum import SpectralData

        domain = problem.domain
        require(problem, self.name, self.loss.needs)
        require(problem, self.name, self.needs, advice="use `--set boundary=penalty`")
        require_precision(problem.equation, dtype)
        if guess is not None:
            raise IncompatibleError(f"{self.name} can't start from a given function: let it come first, or use `jacobi`")
        if problem.is_up_to_constant and domain.dimension <= 3:  # quadrature is too coarse beyond
            require_compatible(problem)  # otherwise the energy has no minimum
        resolved, data = self.resolved(problem, Stop()), SpectralData(problem)
        method, reason = resolved._settled(data)
        require(problem, self.name, method.needs, advice="use `--set boundary=penalty`")
        require_start(method, problem.equation, domain, problem.side_values)
        require_room(method, method.points, method.boundary, domain.dimension)
        require_pairs(self, method.points, method.boundary, problem.data, is_regression=problem.is_regression)
        if method.training.precision == "mixed" and dtype != torch.float64:
            raise OptionError("precision=mixed does nothing in float32: use `--dtype float64`, or leave `precision` out")
        if method.training.capture:
            require_capture(method, device)
        like, remarks = torch.empty(0, dtype=dtype, device=device), [*self.network.remarks, *([reason] if reason else [])]
        training = method._training(data, seed, like, remarks)
        asked, network = resolved.network, method.network
        bands = asked.bands(data, method._frame(domain)) if isinstance(asked, ReceivesBands) else None
        if bands is None or not isinstance(network, ReceivesBands) or not _shows_bands(data, training.space):
            return training

        from pdefreq.functionals.residual_bands import ResidualBands
        from pdefreq.iterations.training.growing_training import GrowingTraining

        def with_bands(octaves: tuple[int, ...]) -> TrainingIteration:
            return replace(method, network=network.with_bands(octaves))._training(data, seed, like, remarks)

        return GrowingTraining(training, with_bands, ResidualBands(problem, bands.length, like), bands.covered, seed)

    def _training(self, of: SpectralData, seed: int, like: torch.Tensor, remarks: list[str]) -> TrainingIteration:
        """The training of the network of a method whose options are all set."""
        from pdefreq.functionals.adaptive_sampling import AdaptiveSampling
        from pdefreq.functionals.mixed_precision import in_mixed_precision
        from pdefreq.functionals.objective_schedule import SampledSchedule
        from pdefreq.functionals.sampling import Sampling, data_samples, held_out_samples
        from pdefreq.iterations.training.held_out import HeldOut
        from pdefreq.iterations.training.training_iteration import TrainingIteration
        from pdefreq.problem.boundary_extent import BoundaryExtent
        from pdefreq.problem.scales import NaturalUnits

        problem, training = of.problem, self.training
        domain, regular = problem.domain, problem.regular
        loss, points, boundary, mixed = self.loss, self.points, self.boundary, training.precision == "mixed"
        network, space, scales = self._spaces(NaturalUnits(problem))
        data = None if problem.data is None else data_samples(problem)
        known, load = (data, None) if loss.sums_over_data else (None, data)
        validation = held_out_samples(problem) if problem.data is not None and problem.data.holdout else None
        unit = 1.0 if scales is None else loss.unit(scales)
        sampling = Sampling(points, boundary.number, seed, training.batch)

        edge = sampling.boundary(domain, 0)
        if edge is not None:
            BoundaryExtent(problem).require_sampled(edge)

        def objectives_in(space: TrialSpace) -> SampledSchedule:
            def functional(interior: Samples, edge: Samples | None, source: Values | None) -> Functional:
                beta, flux_beta = boundary.penalty_parameter, boundary.flux_parameter
                sampled = Sampled(interior, edge, beta, flux_beta, source, load, scales).in_unit(unit)
                if not mixed:
                    return loss.functional(problem, space, sampled, like=like).weighted(loss.weights or {})
                return in_mixed_precision(loss.functional(problem, space, sampled, like=like.float())).weighted(
                    loss.weights or {}
                )

            return SampledSchedule(domain, regular, sampling, functional, boundary.penalty_schedule, known, validation)

        objectives = objectives_in(space)
        start = objectives.at(0)
        require_smooth(self, network, space, start.order)
        self.optimizer.require_memory(start.num_rows, space.num_coefficients)
        held_out = objectives.held_out()
        adaptive = None
        if isinstance(points, AdaptivePoints):
            if not start.tends_to_zero:
                raise OptionError(
                    f"points={points.title} chooses points by the residual and needs a loss that is a sum of squares, such as "
                    "loss=residual: use that, or `--set points=sobol`"
                )
            adaptive = AdaptiveSampling(points, domain, seed, regular, lambda interior: objectives.on(interior))
        return TrainingIteration(
            space,
            objectives,
            self._stepper(),
            seed=seed,
            like=like,
            unit=unit,
            remarks=[*([_UNITS.format(scales.text)] if scales is not None and scales.text else []), *remarks],
            balance_every=training.balance_every,
            held_out=None
            if held_out is None
            else HeldOut(held_out, training.keep == "best", training.patience, unit, is_data=known is not None),
            adaptive=adaptive,
            bytes_needed=self.network.step_bytes(domain.dimension) + bytes_of_points(self, domain.dimension),
            objectives_in=objectives_in if loss.is_quadratic(linear=problem.is_linear) and not mixed else None,
        )

    def _stepper(self) -> Stepper:
        """The stepper of the optimizer, which records its steps if `capture` is set."""
        from pdefreq.iterations.training.step_graphs import StepGraphs
        from pdefreq.iterations.training.steppers import FirstOrderStepper

        stepper = self.optimizer.stepper()
        if not self.training.capture:
            return stepper
        assert isinstance(stepper, FirstOrderStepper)
        return replace(stepper, graphs=StepGraphs())

    def penalty_parameter(self, problem: Problem, step: int) -> float:
        """The factor of the boundary penalty of an energy at a step, in the units of the problem."""
        from pdefreq.problem.scales import NaturalUnits
        from pdefreq.spectrum.data_spectrum import SpectralData

        blind = problem.blind()
        method, _ = self.resolved(blind, Stop())._settled(SpectralData(blind))
        _, _, scales = method._spaces(NaturalUnits(blind))
        return method.boundary.penalty_parameter_at(step) * (1.0 if scales is None else scales.penalty_in_energy)

    def _settled(self, data: SpectralData) -> tuple[NetworkSolver, str]:
        """The method with a network chosen by the spectrum of the data, and a sentence on the choice."""
        network, reason = self.network.settled(data, self._frame(data.problem.domain))
        return replace(self, network=network), reason

    def _frame(self, domain: Domain) -> Frame:
        """The coordinates that the network receives."""
        from pdefreq.domains.frame import Frame

        return Frame.of(domain) if self.training.scaling == "auto" else Frame.identity(domain.dimension)

    def _spaces(self, units: NaturalUnits) -> tuple[trial_space.Network, trial_space.Network, Scales | None]:
        """The network, the space of u, and the units of the problem; None for those in which it is given."""
        from pdefreq.spaces.networks.embedding import require_periodic
        from pdefreq.spaces.networks.hard_boundary import HardBoundary, InUnits

        problem, scaled = units.problem, self.training.scaling == "auto"
        domain = problem.domain
        network = self.network.on(domain, self._frame(domain))
        require_periodic(network, domain, problem.periodic_axes)

        def space_of(network: trial_space.Network) -> trial_space.Network:
            return network if problem.is_regression else self.boundary.applied(network, problem.domain, problem.side_values)

        space = space_of(network)
        if not scaled:
            return network, space, None
        scales = units.scales(space.lifting if isinstance(space, HardBoundary) else None)
        if scales.offset or scales.amplitude != 1:
            space = space_of(InUnits(network, scales.offset, scales.amplitude))
        return network, space, scales


def _shows_bands(data: SpectralData, space: TrialSpace) -> bool:
    """Whether the residual of the equation can be evaluated on a lattice of points."""
    from pdefreq.problem.needs import CONTINUOUS

    problem = data.problem
    known = problem.data is None and problem.domain.dimension <= _MOST_AXES
    return known and (problem.is_regression or (problem.lacks((CONTINUOUS,)) is None and space.smoothness >= _ORDER))

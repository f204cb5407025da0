"""Treatments of the boundary conditions by networks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.composition import Part
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.parts.part import COUNT, POSITIVE, require
from pdefreq.parts.penalty_schedules import PenaltySchedule
from pdefreq.parts.tables import BOUNDARIES

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain
    from pdefreq.functionals.objective_schedule import StagedPenalty
    from pdefreq.problem.needs import Need
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import Network

_ENDS = 2  # of an interval
_BETA = 500.0  # in units of 1 the minimizer of an energy differs from the boundary values by du/dn / 1000
_FLUX = 5.0  # of 0.05 to 500, the most accurate with Adam on squares, disks and rings with mixed conditions


@dataclass(frozen=True)
class Setting:
    """What the treatment of boundary conditions depends on.

    Args:
        problem: The problem without its exact solution.
        derivatives: The highest order of derivatives of u in the loss.
        waves: Whether the solution is expected to be a sum of units of the network.
        around_holes: Whether a residual is minimized with few points on a domain with holes.
        steps: The step budget of the run.
        number: The default number of boundary points in 2-D and beyond.
        beta: The penalty parameter in units of 1; None if it depends on the gaps of the domain.
    """

    problem: Problem
    derivatives: int
    waves: bool
    around_holes: bool
    steps: int
    number: int
    beta: float | None = None

    @property
    def default_beta(self) -> float:
        """The penalty parameter.

        A penalty in an energy leaves the error du/dn / (2 beta), and du/dn grows like 1 / gap between two pieces of the boundary
        with different values. By default beta is 500 times half the size of the domain over the smallest gap.
        """
        if self.beta is not None:
            return self.beta
        from pdefreq.domains.gaps import smallest_gap

        domain = self.problem.domain
        half = min(b - a for a, b in zip(*domain.bounds, strict=True)) / 2
        return float(f"{_BETA * max(1.0, half / smallest_gap(domain)):.2g}")


class Boundary(Part):
    """A way to impose boundary conditions.

    Attributes:
        is_penalty: Whether the boundary values are imposed by terms of the objective.
    """

    registry = BOUNDARIES
    is_penalty: ClassVar[bool] = False

    @property
    def needs(self) -> Sequence[Need]:
        """What the boundary treatment needs of a differential equation."""
        return ()

    @property
    def number(self) -> int | None:
        """The number of points at which the boundary is sampled; None if it is not sampled."""
        return None

    @property
    def penalty_parameter(self) -> float | None:
        """The penalty parameter beta, which multiplies the squared errors of values; None if the network has these values."""
        return None

    @property
    def flux_parameter(self) -> float:
        """The factor of the squared errors of fluxes in a residual."""
        return _FLUX

    @property
    def penalty_schedule(self) -> StagedPenalty | None:
        """The schedule of the penalty parameter; None keeps it constant."""
        return None

    def penalty_parameter_at(self, step: int) -> float:
        """The penalty parameter at a step of its schedule."""
        schedule, beta = self.penalty_schedule, self.penalty_parameter
        assert beta is not None
        return beta * (1.0 if schedule is None else schedule.multiplier(step))

    @property
    def builds_in(self) -> bool:
        """Whether boundary values are built into the network for every problem."""
        return False

    def chosen(self, setting: Setting) -> tuple[Boundary, str]:
        """The treatment for a network on a problem, and a sentence on the choice, "" if the treatment was given."""
        return self, ""

    def resolved(self, setting: Setting) -> Boundary:
        """The same part with all defaults set.

        Raises:
            OptionError: If an option does nothing for the problem.
        """
        return self

    @abstractmethod
    def applied(self, network: Network, domain: Domain, values: Mapping[str, Field] | None) -> Network:
        """The trial space, with the boundary values built in if the treatment builds them in.

        Args:
            network: The network, periodic along the periodic axes of the problem.
            domain: The domain.
            values: The prescribed values by the names of sides; None if a side has values and fluxes.

        Raises:
            IncompatibleError: If the values can't be built in.
        """


@dataclass(frozen=True, kw_only=True)
class Automatic(Boundary):
    """The treatment that is chosen for a network and a problem: boundary values are built in, or imposed by penalty terms.

    Penalty terms are used if the network starts with waves of the solution, or if boundary values can't be built in with as many
    derivatives as the loss takes, or for the residual on a domain with holes with gauss-newton. Built-in values multiply the
    network by a function that vanishes on the boundary, so that the solution is not a sum of these waves.

    Args:
        points: Number of boundary points in 2-D and beyond where the boundary is sampled; null means the default of the
            treatment.
    """

    points: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "points")

    def chosen(self, setting: Setting) -> tuple[Boundary, str]:
        problem = setting.problem
        if problem.is_periodic:
            return Hard(points=self.points), ""
        reason = _obstacle(setting)
        if reason is None:
            told = "boundary=auto chose boundary=hard, since the boundary values can be built into this network."
            return Hard(points=self.points), told
        penalty = Penalty(beta=setting.default_beta, points=self.points)
        return penalty, f"boundary=auto chose boundary=penalty with beta={penalty.beta:g}, since {reason}."

    def applied(self, network: Network, domain: Domain, values: Mapping[str, Field] | None) -> Network:
        raise AssertionError("the treatment is chosen by `chosen`")


def _obstacle(setting: Setting) -> str | None:
    """The reason why boundary values can't be built into the network, as a clause; None if they can be."""
    from pdefreq.domains.holes import WithHoles

    problem = setting.problem
    if setting.waves:
        return "values that are built in would multiply the waves of the network"
    if setting.around_holes:
        return "values that are built in around holes would multiply the network by a function with large derivatives"
    if problem.no_built_in is not None:
        return problem.no_built_in
    values, least = problem.side_values, max(setting.derivatives, 1)
    if not values:
        return None
    rough = problem.rough_values
    if rough is not None and rough.order < least:
        return f"the boundary values {rough.text}"
    try:
        smoothness = min(problem.domain.lifting_from(values).smoothness, problem.domain.distance_from(values).smoothness)
    except IncompatibleError as error:
        return str(error).partition(":")[0]
    domain = problem.domain
    if least > 1 and isinstance(domain, WithHoles) and not {*domain.base.part_names} & {*values}:
        # pinn on a disk with values on its hole and fluxes outside, median errors: built in 0.14 after 500 steps (5 seeds) and
        # 0.023 after 2500 (3 seeds), with a penalty 0.083 and 0.017 (benchmarks/boundary_treatments.py)
        return "values on holes alone are less accurate in a residual if they are built in"
    if smoothness < least:
        return f"the functions that build in values on this domain have {smoothness:g} derivatives, and the loss takes {least}"
    return None


@dataclass(frozen=True, kw_only=True)
class Hard(Boundary):
    """Boundary values are built into the network: u = lifting + distance times network.

    Fluxes can't be built in. They are terms of the objective.

    Args:
        points: Number of boundary points in 2-D and beyond, where the problem has conditions on fluxes; null means 400, with
            gauss-newton a quarter of the interior points if that is more.
    """

    points: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "points")

    @property
    def needs(self) -> Sequence[Need]:
        from pdefreq.problem.needs import BUILT_IN_VALUES

        return (BUILT_IN_VALUES,)

    @property
    def builds_in(self) -> bool:
        return True

    @property
    def number(self) -> int | None:
        return self.points

    def resolved(self, setting: Setting) -> Hard:
        if not setting.problem.has_fluxes:
            if self.points is None:
                return self
            raise OptionError(
                "`boundary.points` does nothing here: the boundary is not sampled if all of its values are built in; use "
                "boundary=penalty, or leave `boundary.points` out"
            )
        return replace(self, points=_points(self.points, setting))

    def applied(self, network: Network, domain: Domain, values: Mapping[str, Field] | None) -> Network:
        from pdefreq.spaces.networks.hard_boundary import HardBoundary

        if not values:
            return network
        return HardBoundary(network, domain.lifting_from(values), domain.distance_from(values))


def _points(points: int | None, setting: Setting) -> int:
    """The number of boundary points.

    Raises:
        OptionError: If a number is given for an interval.
    """
    if setting.problem.domain.dimension > 1:
        return points or setting.number
    if points not in (None, _ENDS):
        raise OptionError(
            "`boundary.points` does nothing here: an interval has two ends, and both are used; leave `boundary.points` out"
        )
    return _ENDS


@dataclass(frozen=True, kw_only=True)
class Penalty(Boundary):
    """Boundary values are imposed by penalty terms of the objective.

    Args:
        beta: Penalty parameter, the factor of the integrals over the boundary, in the units in which the network is trained
            (`scaling`); null means 5e4 for residuals with gauss-newton, and otherwise 500 times half the shortest side of the
            bounding box over the smallest gap between pieces of the boundary, at least 500. In units of 1 the minimizer of an
            energy differs from the boundary values by du/dn / (2 beta).
        points: Number of boundary points in 2-D and beyond; null means 400, with gauss-newton a quarter of the interior points if
            that is more.
        schedule: The schedule of beta along a run; null keeps it constant.
    """

    is_penalty = True

    beta: float | None = None
    points: int | None = None
    schedule: PenaltySchedule | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, POSITIVE, "beta")
        require(self, COUNT, "points")

    @property
    def number(self) -> int | None:
        return self.points

    @property
    def penalty_parameter(self) -> float:
        assert self.beta is not None  # set by `resolved`
        return self.beta

    @property
    def flux_parameter(self) -> float:
        return self.penalty_parameter

    @property
    def penalty_schedule(self) -> StagedPenalty | None:
        return None if self.schedule is None else self.schedule.multipliers()

    def resolved(self, setting: Setting) -> Penalty:
        schedule = self.schedule and self.schedule.resolved(setting.steps)
        return replace(self, beta=self.beta or setting.default_beta, points=_points(self.points, setting), schedule=schedule)

    def applied(self, network: Network, domain: Domain, values: Mapping[str, Field] | None) -> Network:
        return network

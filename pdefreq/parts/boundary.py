"""Treatments of the boundary conditions by networks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from pdefreq.core.composition import Part
from pdefreq.core.errors import OptionError
from pdefreq.parts.part import COUNT, POSITIVE, require
from pdefreq.parts.penalty_schedules import PenaltySchedule
from pdefreq.parts.tables import BOUNDARIES

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain
    from pdefreq.functionals.objective_schedule import StagedPenalty
    from pdefreq.problem.needs import Need
    from pdefreq.spaces.trial_space import Network

_ENDS = 2  # of an interval
_BETA_OF_WAVES = 5e4  # gives errors of u at the boundary about the weight of errors of its second derivatives inside


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
    def penalty_parameter(self) -> float:
        """The penalty parameter beta, which multiplies the boundary terms of the objective."""
        return 1.0

    @property
    def penalty_schedule(self) -> StagedPenalty | None:
        """The schedule of the penalty parameter; None keeps it constant."""
        return None

    def penalty_parameter_at(self, step: int) -> float:
        """The penalty parameter at a step of its schedule."""
        schedule = self.penalty_schedule
        return self.penalty_parameter * (1.0 if schedule is None else schedule.multiplier(step))

    @property
    def builds_in(self) -> bool:
        """Whether boundary values are built into the network for every problem."""
        return not self.is_penalty

    def suited(self, *, waves: bool, holes: bool, can_build_in: bool) -> Boundary:
        """The treatment for a network on a problem.

        Args:
            waves: Whether the solution is expected to be a sum of units of the network.
            holes: Whether a residual is minimized with few points on a domain with holes.
            can_build_in: Whether there is one prescribed function on the whole boundary.
        """
        return self

    def told(self, chosen: Boundary, *, waves: bool, holes: bool) -> str:
        """The choice of `suited` in a sentence, or "" if the treatment was given.

        Args:
            chosen: The treatment that was chosen.
            waves: Whether the solution is expected to be a sum of units of the network.
            holes: Whether a residual is minimized with few points on a domain with holes.
        """
        return ""

    def resolved(self, dimension: int, steps: int, number: int, beta: float) -> Boundary:
        """The same part with all defaults set.

        Args:
            dimension: The dimension of the domain.
            steps: The step budget of the run.
            number: The default number of boundary points in 2-D and beyond.
            beta: The default penalty parameter.

        Raises:
            OptionError: If an option does nothing in this dimension.
        """
        return self

    @abstractmethod
    def applied(self, network: Network, domain: Domain, values: Field | None, axes: Sequence[int]) -> Network:
        """The trial space, with the boundary values built in if the treatment builds them in.

        Args:
            network: The network, periodic along the periodic axes of the problem.
            domain: The domain.
            values: The Dirichlet values if one condition holds on all sides that are not periodic; otherwise None.
            axes: The axes across which the sides of the domain are not periodic.

        Raises:
            IncompatibleError: If the values can't be built in.
        """


@dataclass(frozen=True, kw_only=True)
class Automatic(Boundary):
    """The treatment that is chosen for a network: boundary values are built in, or imposed by penalty terms with beta = 5e4.

    Penalty terms are used if the network starts with waves of the solution, or if boundary values can't be built in. Built-in
    values multiply the network by a function that vanishes on the boundary, so that the solution is not a sum of these waves.
    They are also used for the residual on a domain with holes with gauss-newton, where this function has large derivatives.
    """

    @property
    def builds_in(self) -> bool:
        return False

    def suited(self, *, waves: bool, holes: bool, can_build_in: bool) -> Boundary:
        return Penalty(beta=_BETA_OF_WAVES) if waves or holes or not can_build_in else Hard()

    def told(self, chosen: Boundary, *, waves: bool, holes: bool) -> str:
        if not isinstance(chosen, Penalty):
            return "boundary=hard was chosen, since the boundary values can be built into this network."
        built_in = "values that are built in would multiply the waves of the network"
        around = "values that are built in around holes would multiply the network by a function with large derivatives"
        reason = built_in if waves else around if holes else "there is no single function of boundary values to build in"
        return f"boundary=penalty with beta={chosen.beta:g} was chosen, since {reason}."

    def applied(self, network: Network, domain: Domain, values: Field | None, axes: Sequence[int]) -> Network:
        raise AssertionError("the treatment is chosen by `suited`")


@dataclass(frozen=True, kw_only=True)
class Hard(Boundary):
    """Boundary values are built into the network: u = lifting + distance times network."""

    @property
    def needs(self) -> Sequence[Need]:
        from pdefreq.problem.needs import BUILT_IN_VALUES

        return (BUILT_IN_VALUES,)

    def applied(self, network: Network, domain: Domain, values: Field | None, axes: Sequence[int]) -> Network:
        from pdefreq.domains.box import Box
        from pdefreq.spaces.networks.hard_boundary import HardBoundary

        if not axes:
            return network
        assert values is not None  # checked with the needs of the method
        if not isinstance(domain, Box):
            return HardBoundary(network, domain.lifting(values), domain.distance())
        return HardBoundary(network, domain.lifting(values, axes), domain.distance(axes))


@dataclass(frozen=True, kw_only=True)
class Penalty(Boundary):
    """Boundary values are imposed by penalty terms of the objective.

    Args:
        beta: Penalty parameter, the factor of the integrals over the boundary, in the units in which the network is trained
            (`scaling`); null means 500, and 5e4 for residuals with gauss-newton. In units of 1 the minimizer of an energy differs
            from the boundary values by du/dn / (2 beta).
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
    def penalty_schedule(self) -> StagedPenalty | None:
        return None if self.schedule is None else self.schedule.multipliers()

    def resolved(self, dimension: int, steps: int, number: int, beta: float) -> Penalty:
        if dimension == 1 and self.points not in (None, _ENDS):
            raise OptionError(
                "`boundary.points` does nothing here: an interval has two ends, and both are used; leave `boundary.points` out"
            )
        points = _ENDS if dimension == 1 else self.points or number
        schedule = self.schedule and self.schedule.resolved(steps)
        return replace(self, beta=self.beta or beta, points=points, schedule=schedule)

    def applied(self, network: Network, domain: Domain, values: Field | None, axes: Sequence[int]) -> Network:
        return network

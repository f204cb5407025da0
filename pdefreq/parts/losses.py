"""The losses that network methods minimize."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pdefreq.core.composition import Part
from pdefreq.core.errors import OptionError
from pdefreq.parts.part import EXPONENT, POSITIVE, require
from pdefreq.parts.tables import LOSSES

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Values
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.problem.needs import Need
    from pdefreq.problem.problem import Problem
    from pdefreq.problem.scales import Scales
    from pdefreq.spaces.trial_space import TrialSpace


@dataclass(frozen=True)
class Sampled:
    """The points and factors with which a loss is sampled.

    Args:
        interior: Points and weights in the domain.
        boundary: Points, weights and normals on its boundary; None if it is not sampled.
        beta: The penalty parameter, which multiplies the squared errors of boundary values; None if they are built into the
            network.
        flux_beta: The factor of the squared errors of fluxes.
        source: f at the interior points, if it is known only there.
        load: The points at which f is known and the values of f, for losses whose other terms remain integrals.
        scales: The units of the problem; None for those in which it is given.
    """

    interior: Samples
    boundary: Samples | None = None
    beta: float | None = 1.0
    flux_beta: float = 1.0
    source: Values | None = None
    load: tuple[Samples, Values] | None = None
    scales: Scales | None = None

    def in_unit(self, unit: float) -> Sampled:
        """The same points with weights of integrals that are divided by a unit."""
        load = None if self.load is None else (_divided(self.load[0], unit), self.load[1])
        edge = None if self.boundary is None else _divided(self.boundary, unit)
        return replace(self, interior=_divided(self.interior, unit), boundary=edge, load=load)

    @property
    def length(self) -> float:
        """The unit of length."""
        return 1.0 if self.scales is None else self.scales.frame.length


def _divided(samples: Samples, unit: float) -> Samples:
    return samples if unit == 1 else replace(samples, weights=samples.weights / unit)


@dataclass(frozen=True, kw_only=True)
class Loss(Part):
    """A rule that builds a functional for a given problem.

    Args:
        weights: Additional factors of terms of the objective by name, such as boundary:10; their names are the columns
            objective.NAME of the history.

    Attributes:
        is_square: Whether the loss is a sum of squares, whose minimum is zero; that of an energy is not.
        sums_over_data: Whether the loss is a sum over the points of [data], if the problem has data.
        is_regression: Whether the loss applies to problems without derivatives, and has no boundary terms.
    """

    registry = LOSSES
    adopters = ("function",)
    is_square: ClassVar[bool] = True
    sums_over_data: ClassVar[bool] = True

    @property
    def derivatives(self) -> int:
        """The highest order of derivatives of u."""
        return 0

    is_regression: ClassVar[bool] = False

    weights: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, POSITIVE, "weights")

    @property
    def couples_points(self) -> bool:
        """Whether each row depends on all points, so that their number and places must not change."""
        return False

    @property
    def needs(self) -> Sequence[Need]:
        """What the loss needs of a problem."""
        from pdefreq.problem.needs import EQUATION, REGRESSION

        return (REGRESSION if self.is_regression else EQUATION,)

    def is_quadratic(self, *, linear: bool) -> bool:
        """Whether the loss is quadratic in u if the equation is linear, or, with linear=False, if it is nonlinear."""
        return linear

    def suited(self, lacks: Callable[[Sequence[Need]], object | None], *, is_semilinear: bool) -> tuple[Loss, str]:
        """The loss that is used for a problem, and a sentence on the choice, or "" if the loss was given.

        Args:
            lacks: Says which of several needs the problem does not meet; see `Problem.lacks`.
            is_semilinear: Whether the second-order coefficients of the equation do not depend on u.
        """
        return self, ""

    def unit(self, scales: Scales) -> float:
        """The size of the loss for functions of the size of the solution, by which it is divided for the optimizer."""
        return 1.0

    @abstractmethod
    def functional(self, problem: Problem, space: TrialSpace, sampled: Sampled, *, like: Tensor) -> Functional:
        """The functional of members of a space.

        Args:
            problem: The problem.
            space: The trial space of u.
            sampled: Points, weights and factors.
            like: A tensor with the dtype and device of the values.
        """


@dataclass(frozen=True, kw_only=True)
class Ritz(Loss):
    """The energy whose minimizer solves the problem (Deep Ritz).

    Source:
        E and Yu (2018), The Deep Ritz method, Commun. Math. Stat. 6.
    """

    is_square = False
    sums_over_data = False

    @property
    def derivatives(self) -> int:
        return 1

    @property
    def needs(self) -> Sequence[Need]:
        from pdefreq.problem.needs import COERCIVE, ENERGY, EQUATION

        return EQUATION, ENERGY, COERCIVE

    def unit(self, scales: Scales) -> float:
        return scales.energy

    def functional(self, problem: Problem, space: TrialSpace, sampled: Sampled, *, like: Tensor) -> Functional:
        from pdefreq.functionals.ritz_energy import RitzEnergy

        unit = 1.0 if sampled.scales is None else sampled.scales.penalty_in_energy
        beta = None if sampled.beta is None else sampled.beta * unit
        return RitzEnergy(problem, space, sampled.interior, sampled.boundary, beta=beta, data=sampled.load, like=like)


@dataclass(frozen=True, kw_only=True)
class Residual(Loss):
    """The squared residual of the equation (physics-informed networks).

    Args:
        gradient: Factor of the squared gradient of the residual (gradient-enhanced loss), in squared units of length of the
            domain (`scaling`); null leaves it out.
        metric: The norm of the residual: of L2, which weights the squared error of u at wavenumber k by k^4; of H^-1, by k^2; or
            of H^-2, which has the size of the error in L2. The other two need points that stay the same.

    Source:
        Raissi, Perdikaris, Karniadakis (2019), J. Comput. Phys. 378; with the gradient Yu, Lu, Meng, Karniadakis (2022), CMAME
        393; in H^-1 Taylor, Pardo, Muga (2023), CMAME 405.
    """

    gradient: float | None = None
    metric: Literal["l2", "h-1", "h-2"] = "l2"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, POSITIVE, "gradient")
        if self.gradient is not None and self.metric != "l2":
            raise OptionError(f"`gradient` is a term of the residual in L2, got metric={self.metric}: leave one of the two out")

    @property
    def couples_points(self) -> bool:
        return self.metric != "l2"

    @property
    def derivatives(self) -> int:
        return 2 if self.gradient is None else 3

    @property
    def needs(self) -> Sequence[Need]:
        from pdefreq.problem.needs import CONTINUOUS, EQUATION, SEMILINEAR, SOURCE

        return (EQUATION, CONTINUOUS) if self.gradient is None else (EQUATION, CONTINUOUS, SEMILINEAR, SOURCE)

    def unit(self, scales: Scales) -> float:
        from pdefreq.functionals.residual_metric import ORDERS

        return scales.squared_residual * scales.frame.length ** (2 * ORDERS[self.metric])

    def functional(self, problem: Problem, space: TrialSpace, sampled: Sampled, *, like: Tensor) -> Functional:
        from pdefreq.functionals.residual_metric import ORDERS
        from pdefreq.functionals.strong_residual import GradientOfResidual, StrongResidual

        interior, boundary, scales = sampled.interior, sampled.boundary, sampled.scales
        beta, robin = (1.0, 1.0) if scales is None else (scales.penalty_in_residual, scales.robin_in_residual)
        beta, robin = (factor * sampled.length ** (2 * ORDERS[self.metric]) for factor in (beta, robin))
        residual = StrongResidual(
            problem,
            space,
            interior,
            boundary,
            beta=None if sampled.beta is None else sampled.beta * beta,
            robin_beta=sampled.flux_beta * robin,
            source=sampled.source,
            metric=self.metric,
            like=like,
        )
        if self.gradient is None:
            return residual
        factor = {"gradient": self.gradient * sampled.length**2}
        return residual + GradientOfResidual(problem, space, interior, like=like).weighted(factor)


@dataclass(frozen=True, kw_only=True)
class Automatic(Residual):
    """The energy if second-order coefficients depend on u or grad u and there is an energy; otherwise the squared residual.

    For p != 2 the residual is degenerate where grad u = 0: the coefficient |grad u|^(p-2) of the second derivatives is zero or
    infinite there. Functions with small residuals at the points need not be close to the solution, whereas the energy is convex.
    If `gradient` or `metric` is set, the loss is the residual.
    """

    def suited(self, lacks: Callable[[Sequence[Need]], object | None], *, is_semilinear: bool) -> tuple[Loss, str]:
        residual, energy = Residual(weights=self.weights, gradient=self.gradient, metric=self.metric), Ritz(weights=self.weights)
        given = replace(residual, weights=None) != Residual()
        if given or is_semilinear or lacks(energy.needs) is not None:
            return residual, ""
        return energy, "loss=ritz was chosen, since second-order coefficients depend on u or grad u."


@dataclass(frozen=True, kw_only=True)
class Misfit(Loss):
    """The distance to a given function, or to its values at the data of the problem (regression).

    Args:
        exponent: q of the mean of |u - target|^q.
        gradient: Factor of the mean of |grad u - grad target|^2, in squared units of length of the domain (`scaling`); null
            leaves it out.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 2; with the gradient Xu, lecture notes, equation 1.23.
    """

    is_regression = True

    exponent: float = 2.0
    gradient: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, EXPONENT, "exponent")
        require(self, POSITIVE, "gradient")

    def is_quadratic(self, *, linear: bool) -> bool:
        return self.exponent == 2

    @property
    def needs(self) -> Sequence[Need]:
        from pdefreq.problem.needs import REGRESSION, SOURCE

        return (REGRESSION,) if self.gradient is None else (REGRESSION, SOURCE)

    def unit(self, scales: Scales) -> float:
        return scales.amplitude**self.exponent

    def functional(self, problem: Problem, space: TrialSpace, sampled: Sampled, *, like: Tensor) -> Functional:
        from pdefreq.functionals.misfit import GradientMisfit, Misfit

        misfit = Misfit(problem, space, sampled.interior, exponent=self.exponent, source=sampled.source, like=like)
        if self.gradient is None:
            return misfit
        amplitude = 1.0 if sampled.scales is None else sampled.scales.amplitude
        factor = {"gradient": self.gradient * sampled.length**2 * amplitude ** (self.exponent - 2)}
        return misfit + GradientMisfit(problem, space, sampled.interior, like=like).weighted(factor)

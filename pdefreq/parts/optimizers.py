"""Optimizers: rules that turn a gradient or a linearization into a step."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from pdefreq.core.composition import Part
from pdefreq.core.errors import OptionError, TooLargeError
from pdefreq.parts.part import COUNT, FRACTION, POSITIVE, require
from pdefreq.parts.step_controls import Nielsen, StepControl
from pdefreq.parts.tables import OPTIMIZERS

if TYPE_CHECKING:
    from pdefreq.iterations.training.steppers import LearningRate, Stepper

_BOUNDARY = 400  # boundary points in 2-D and beyond
_BETA_OF_RESIDUALS = 5e4  # penalty parameter with gauss-newton, which is not slowed down by large factors
_PER_PARAMETER = 2.6  # points per parameter with gauss-newton: with fewer, the residual is small at the points only
_ON_LINES = 3  # factor of the points on domains with holes if these are Gauss points, which lie on lines
_MOST = 4  # times the default number of points, for large networks
_FACTOR = (
    2**27
)  # largest size of the matrix of a step: 1 GiB in double precision, and 2 GiB with the blocks from which it is assembled


class Optimizer(Part):
    """A rule for steps.

    Attributes:
        needs_fixed_objective: Whether the objective must be the same in all steps.
        number: Default number of interior points in 1-D, 2-D and beyond.
        has_few_points: Whether the default number of points is of the order of the number of parameters.
    """

    registry = OPTIMIZERS
    needs_fixed_objective: ClassVar[bool] = False
    has_few_points: ClassVar[bool] = False
    # In 2-D, networks overfitted fewer than 130 points along each axis on `poisson-multilevel` within 300 steps.
    number: ClassVar[tuple[int, int, int]] = (1000, 19600, 8192)

    @property
    def for_squares(self) -> str | None:
        """The name of an option that is set and needs a loss that is a sum of squares; None if there is none."""
        return None

    def penalty_parameter(self, *, is_residual: bool) -> float | None:
        """The default penalty parameter in the units in which networks are trained; None if it depends on the domain.

        Args:
            is_residual: Whether the loss is a squared residual.
        """
        return None

    @abstractmethod
    def stepper(self) -> Stepper:
        """The object that takes the steps."""

    def points(self, dimension: int, parameters: int, *, on_lines: bool) -> tuple[int, int]:
        """The default numbers of interior points and, in 2-D and beyond, of boundary points.

        Args:
            dimension: The dimension of the domain.
            parameters: The number of parameters of the network, 0 if it is not known.
            on_lines: Whether the points are Gauss points on lines between holes.
        """
        return self.number[min(dimension, 3) - 1], _BOUNDARY

    def require_memory(self, rows: int, coefficients: int) -> None:
        """Check that a step fits into memory, for a given number of rows of the functional.

        Raises:
            OptionError: If it does not.
        """
        return


@dataclass(frozen=True, kw_only=True)
class FirstOrder(Optimizer):
    """Optimizers of first order, with a learning rate.

    Args:
        learning_rate: The learning rate of the first step.
        half_life: Number of steps after which the learning rate has first decreased by half; null keeps it constant.
        decay: The decay of the learning rate: exponential, inverse (1 / (1 + t)) or cosine (zero after two half-lives).
        clip: Largest norm of a gradient; null means no clipping.
    """

    learning_rate: float = 1e-3
    half_life: float | None = None
    decay: Literal["exponential", "inverse", "cosine"] = "exponential"
    clip: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, POSITIVE, "learning_rate", "half_life", "clip")
        if self.half_life is None and self.decay != "exponential":
            raise OptionError("`decay` does nothing here: it needs `half_life`; set that, or leave `decay` out")

    @property
    def rate(self) -> LearningRate:
        """The learning rate of each step."""
        from pdefreq.iterations.training.steppers import LearningRate

        return LearningRate(self.learning_rate, self.half_life, self.decay)


@dataclass(frozen=True, kw_only=True)
class Adam(FirstOrder):
    """Adam.

    Source:
        Kingma and Ba (2015), Adam: a method for stochastic optimization, Algorithm 1, with its default constants.
    """

    def stepper(self) -> Stepper:
        from pdefreq.iterations.training.steppers import AdamStepper

        return AdamStepper(self.rate, self.clip)


@dataclass(frozen=True, kw_only=True)
class GradientDescent(FirstOrder):
    """Gradient descent."""

    def stepper(self) -> Stepper:
        from pdefreq.iterations.training.steppers import GradientDescentStepper

        return GradientDescentStepper(self.rate, self.clip)


@dataclass(frozen=True, kw_only=True)
class Sgd(FirstOrder):
    """Gradient descent with momentum (Polyak's heavy ball), as in `torch.optim.SGD`.

    Args:
        momentum: The momentum parameter, in [0, 1).
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, FRACTION, "momentum")

    def stepper(self) -> Stepper:
        from pdefreq.iterations.training.steppers import GradientDescentStepper

        return GradientDescentStepper(self.rate, self.clip, self.momentum)


@dataclass(frozen=True, kw_only=True)
class Soap(FirstOrder):
    """Adam in the eigenbasis of Shampoo's preconditioners, one basis for each side of a weight matrix.

    Args:
        basis_every: Number of steps between updates of the bases.

    Source:
        Vyas et al. (2025), SOAP: improving and stabilizing Shampoo using Adam, arXiv 2409.11321.
    """

    basis_every: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "basis_every")

    def stepper(self) -> Stepper:
        from pdefreq.iterations.training.soap import SoapStepper

        return SoapStepper(self.rate, self.clip, self.basis_every)


@dataclass(frozen=True, kw_only=True)
class Lbfgs(Optimizer):
    """The limited-memory BFGS method with a line search.

    Source:
        Nocedal and Wright (2006), Numerical Optimization, Algorithms 7.4 and 7.5.
    """

    needs_fixed_objective = True

    def stepper(self) -> Stepper:
        from pdefreq.iterations.training.lbfgs import LbfgsStepper

        return LbfgsStepper()


@dataclass(frozen=True, kw_only=True)
class SsBroyden(Optimizer):
    """The self-scaled Broyden method, with a dense inverse Hessian and a line search.

    Source:
        Urban, Stefanou, Pons (2025), J. Comput. Phys. 523, 113656, arXiv 2405.04230; Kiyani, Shukla, Urban, Darbon, Karniadakis
        (2025), CMAME 446, 118308, arXiv 2501.16371.
    """

    needs_fixed_objective = True

    def stepper(self) -> Stepper:
        from pdefreq.iterations.training.ssbroyden import SsBroydenStepper

        return SsBroydenStepper()

    def require_memory(self, rows: int, coefficients: int) -> None:
        if coefficients**2 > _FACTOR:
            size, most = (entries / 2**27 for entries in (coefficients**2, _FACTOR))
            raise TooLargeError(
                f"ssbroyden would hold a matrix of {coefficients:,} x {coefficients:,} entries, {size:,.1f} GiB, and takes at "
                f"most {most:.0f} GiB: use narrower `widths` or `--set optimizer=lbfgs`"
            )


@dataclass(frozen=True, kw_only=True)
class GaussNewton(Optimizer):
    """Gauss-Newton steps, which solve the linearized problem.

    Args:
        damping: lambda in (F^T F + lambda) d = -gradient; null adapts it in each step (Levenberg-Marquardt).
        control: The rule by which the damping is adapted.
        factorization: Cholesky factorization of F^T F or F F^T (cholesky). With cholesky-qr, a QR factorization of F is used for
            dampings below the rounding error of these matrices, for losses that are sums of squares.
        last_layer: Whether the coefficients of the last layer are damped like the others (damped), or eliminated by variable
            projection (projected), for losses that are sums of squares.
        spring_momentum: The momentum, in [0, 1): the damping penalizes the difference from this multiple of the previous step
            (SPRING). It is intended for points that are drawn anew.
        sketch_rows: Number of random combinations that replace the rows of F, at least two per coefficient, for losses that are
            sums of squares; with null all rows are used.
        sketch_columns: Number of random combinations of coefficients that a step changes; with null a step changes all.

    Source:
        Mueller, Zeinhofer (2023), Achieving high accuracy with PINNs via energy natural gradient descent, arXiv 2302.13163;
        projection Kaufman (1975), BIT 15; momentum and sketches arXiv 2505.12149 and arXiv 2607.02194.
    """

    number = (500, 1600, 2000)  # each point is a row of a matrix, or several
    has_few_points = True

    damping: float | None = None
    control: StepControl = field(default_factory=Nielsen)
    factorization: Literal["cholesky", "cholesky-qr"] = "cholesky"
    last_layer: Literal["damped", "projected"] = "damped"
    spring_momentum: float = 0.0
    sketch_rows: int | None = None
    sketch_columns: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, POSITIVE, "damping")
        require(self, FRACTION, "spring_momentum")
        require(self, COUNT, "sketch_rows", "sketch_columns")
        if self.damping is not None and self.control != Nielsen():
            raise OptionError("`control` does nothing here: it needs damping=null; set that, or leave `control` out")
        if self.last_layer == "projected" and self.sketch_columns is not None:
            raise OptionError("`sketch_columns` mixes all coefficients: leave it out, or leave `last_layer` out")

    def points(self, dimension: int, parameters: int, *, on_lines: bool) -> tuple[int, int]:
        least = self.number[min(dimension, 3) - 1]
        if dimension == 1:  # 500 points suffice for smooth solutions
            return least, _BOUNDARY
        factor = _ON_LINES if on_lines else 1
        # wide networks keep fewer points than parameters: their steps use the rows of F
        interior = factor * min(max(least, math.ceil(_PER_PARAMETER * parameters)), _MOST * least)
        return interior, max(_BOUNDARY, interior // 4)

    def penalty_parameter(self, *, is_residual: bool) -> float | None:
        return _BETA_OF_RESIDUALS if is_residual else None

    @property
    def for_squares(self) -> str | None:
        named = {"last_layer": self.last_layer == "projected", "sketch_rows": self.sketch_rows is not None}
        return next((name for name, used in named.items() if used), None)

    def stepper(self) -> Stepper:
        from pdefreq.iterations.training.levenberg_marquardt import LevenbergMarquardtStepper
        from pdefreq.iterations.training.linear_algebra import LinearAlgebra

        algebra = LinearAlgebra(
            refined=self.factorization == "cholesky-qr",
            projects=self.last_layer == "projected",
            sketch_rows=self.sketch_rows,
            sketch_columns=self.sketch_columns,
        )
        return LevenbergMarquardtStepper(self.damping, self.control.rule(), algebra, self.spring_momentum)

    def require_memory(self, rows: int, coefficients: int) -> None:
        if rows * coefficients > _FACTOR:
            size, most = (entries / 2**27 for entries in (rows * coefficients, _FACTOR))
            raise TooLargeError(
                f"gauss-newton would hold a matrix of {rows:,} rows for {coefficients:,} coefficients, {size:,.1f} GiB, "
                f"and takes at most {most:.0f} GiB: use a smaller `number`, narrower `widths` or `--set optimizer=lbfgs`"
            )

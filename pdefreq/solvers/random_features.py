"""The method of random features: least squares over linear combinations of sines with random wavevectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pdefreq.core.devices import require_memory
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Stop
from pdefreq.parts.features import RandomSines, Singular, WaveFeatures
from pdefreq.parts.part import POSITIVE
from pdefreq.parts.part import require as require_range
from pdefreq.problem.compatibility import require_compatible
from pdefreq.problem.needs import CONTINUOUS, EQUATION, PLANE_OR_SPACE, SOURCE, Need
from pdefreq.solvers.requirements import require
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Values
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.iterations.linear.feature_least_squares import Attempt
    from pdefreq.problem.problem import Problem
    from pdefreq.problem.terms.equation import Equation
    from pdefreq.spaces.features.wave_bands import WaveBands
    from pdefreq.spectrum.data_spectrum import DataSpectrum

_MARGIN = {
    1: 8.0,
    2: 8.0,
    3: 4.0,
}  # in units of pi per side, beyond the occupied wavenumbers, since the solution is not periodic on the box
_SPARSE = 0.5  # part of the box of wavenumbers below which only neighborhoods of the occupied ones are used
_DELTA = {1: 1e-2, 2: 1e-2, 3: 0.3}  # least relative amplitude of an occupied wavenumber; later attempts include others
_GROWTH = 1.2  # factor of the bandwidth from one attempt to the next, which increases by at least 3 units
_LEAST_GROWTH = 3.0
_DENSITY = {1: 3.0, 2: 1.0, 3: 0.5}  # features per unit volume of wavenumbers
_ROWS = {1: 3.0, 2: 2.6, 3: 2.2}  # rows per feature
_SIDES = 1.5  # boundary points per distance between interior points
_NONLINEAR_GROWTH = 1.5  # the same factor for nonlinear equations, which start from the margin alone
_SMALL = 2000  # features with which the first attempt resolves mirror images of holes
_MOST = 9000  # largest number of features in a dense least-squares problem, about 6e12 operations in two dimensions
_LEAST = 60
_HELD_OUT = 0.5  # held-out points per point
_BALANCED = 1 / 3  # of the bandwidth: the wavenumber at which boundary rows and interior rows count alike


@dataclass(frozen=True, kw_only=True)
class RandomFeatures(Solver):
    """The method of random features, which solves for all frequencies in one least-squares problem on any domain.

    The residual of the equation and of the boundary conditions at points is minimized over linear combinations of sines with
    random wavevectors. The bandwidth follows from the spectrum of the data. It is increased, together with the number of
    features, until the residual at held-out points is small. Nonlinear equations are solved by Newton's method.

    Args:
        waves: The family of functions that resolves the wavenumbers of the solution.
        singular: Functions around holes and at corners; with null there are none.
        bandwidth: The largest wavenumber of the first attempt along each axis, in units of pi per side of the bounding box; with
            null it is chosen by the spectrum of the data.
        number: The number of sines; with null it is chosen by the bandwidth.
        tolerance: The tolerance for the residual at held-out points, relative to the data. With null, or if number is given,
            there is one attempt only.
        metric: The norm of the residual that is minimized: of L2, of H^-1, or of H^-2, which has the size of the error in L2. The
            residual at held-out points is measured in L2.

    Raises:
        OptionError: If an option is not positive.

    Source:
        Chen, Chi, E, Yang (2022), arXiv 2207.13380; the rules for the bandwidth and the ridge are ours (docs/random_features.md).
    """

    waves: WaveFeatures = field(default_factory=RandomSines)
    singular: Singular | None = field(default_factory=Singular)
    bandwidth: tuple[float, ...] | float | None = None
    number: int | None = None
    tolerance: float | None = 1e-9
    metric: Literal["l2", "h-1", "h-2"] = "l2"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(self, POSITIVE, "bandwidth", "number", "tolerance")

    @property
    def needs(self) -> Sequence[Need]:
        return EQUATION, CONTINUOUS, SOURCE, PLANE_OR_SPACE

    @property
    def budget(self) -> Stop:
        return Stop(steps=1000)

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        import torch

        from pdefreq.iterations.feature_newton import FeatureNewton
        from pdefreq.iterations.linear.feature_least_squares import FeatureLeastSquares
        from pdefreq.spectrum.data_spectrum import data_spectrum

        require(problem, self.name, self.needs)
        if guess is not None:
            raise IncompatibleError(f"{self.name} can't start from a given function: leave the initial guess out")
        if problem.is_up_to_constant:
            require_compatible(problem)
        d = problem.domain.dimension
        if isinstance(self.bandwidth, tuple) and len(self.bandwidth) != d:
            raise OptionError(f"`bandwidth` must be one number or one for each of {d} axes, got {len(self.bandwidth)}")
        plan = _Plan(self, problem, data_spectrum(problem, _DELTA[d]), seed, torch.empty(0, dtype=dtype, device=device))
        fixed = self.number is not None  # further attempts would have fewer features per wavenumber
        kind = FeatureLeastSquares if problem.equation.is_linear else FeatureNewton
        return kind(plan.attempt, tolerance=None if fixed else self.tolerance, like=plan.like, remarks=[plan.reason])


@dataclass(frozen=True)
class _Plan:
    """The attempts for one problem, each determined by its number."""

    method: RandomFeatures
    problem: Problem
    spectrum: DataSpectrum
    seed: int
    like: torch.Tensor

    @property
    def reason(self) -> str:
        if self.method.bandwidth is not None:
            return "The bandwidth of the features is the given one."
        reason = self.spectrum.reason
        return f"The bandwidth was chosen by the spectrum of the data: {reason}."

    def attempt(self, number: int) -> Attempt | None:
        """The attempt with a given number, counted from 0; None if it would be too large."""
        from pdefreq.core.streams import stream
        from pdefreq.core.validation import validated
        from pdefreq.functionals.residual_metric import MOST_POINTS, ORDERS, is_dense
        from pdefreq.functionals.strong_residual import StrongResidual
        from pdefreq.iterations.linear.feature_least_squares import Attempt
        from pdefreq.spaces.features.features import Features

        problem, d = self.problem, self.problem.domain.dimension
        lengths = [math.pi / (b - a) for a, b in zip(*problem.domain.bounds, strict=True)]
        bands = self._bands(number)
        count = self.method.number or max(_LEAST, round(_DENSITY[d] * bands.volume))
        if number > 0 and count > _MOST:
            return None
        count = min(count, _MOST) if self.method.number is None else count
        angular = bands.scaled(lengths)
        singular = [] if self.method.singular is None else self.method.singular.families(problem)
        most = count + sum(family.size for family in singular)
        require_memory(count, "number", 8 * 3 * most * (math.ceil(_ROWS[d] * most) + most))  # before anything is drawn
        waves = self.method.waves.family(problem, angular, count, stream(self.seed, "features", number))
        space = Features((waves, *singular))
        rows, metric = math.ceil(_ROWS[d] * space.num_coefficients), self.method.metric
        if number > 0 and rows > MOST_POINTS and is_dense(problem, metric):
            return None
        interior, edge = self._points(rows)
        held, held_edge = self._held_out(rows, len(edge.x))
        beta, robin = self._weights(_BALANCED * max(angular.largest), interior, edge)
        zero = self.like.new_zeros(0)

        source = validated(problem.source, "[equation] source", interior.x)

        def functional(problem: Problem, source: Values) -> Functional:
            given = {"beta": beta, "robin_beta": robin, "source": source, "like": zero}
            return StrongResidual(problem, space, interior, edge, metric=metric, **given)

        def stage(equation: Equation) -> Functional:
            return functional(replace(problem, terms=equation.terms), source)

        in_l2 = max(angular.largest) ** (2 * ORDERS[metric])
        elsewhere = StrongResidual(problem, space, held, held_edge, beta=in_l2 * beta, robin_beta=lambda alpha: in_l2 * robin(alpha), like=zero)

        widths = " by ".join(f"{high:.3g}" for high in dict.fromkeys(bands.largest))
        near = "" if bands.is_box else " near those in the data"
        extra = f" and {space.num_coefficients - waves.size} singular functions" if singular else ""
        text = (
            f"The least-squares problem has {waves.size} features with wavenumbers{near} up to {widths} (pi per side){extra}, "
            f"{len(interior.x)} points in the domain and {len(edge.x)} points on its boundary."
        )
        stages = () if problem.equation.is_linear else tuple(map(stage, problem.equation.stages[:-1]))
        return Attempt(space, functional(problem, source), elsewhere, interior, text, stages)

    def _bands(self, number: int) -> WaveBands:
        """The wavevectors of an attempt, in units of pi per side.

        The first attempt for a linear equation uses the neighborhoods of the occupied wavenumbers if their volume is less than
        half of that of the box and no mirror images of holes have to be resolved. All other attempts use the box. For nonlinear
        equations, the box of the first attempt consists of the margin alone.
        """
        import torch

        from pdefreq.spaces.features.wave_bands import WaveBands

        d, given = self.problem.domain.dimension, self.method.bandwidth
        if given is not None:
            widths = given if isinstance(given, tuple) else (given,) * d
            return WaveBands.box([width * _GROWTH**number for width in widths])
        margin = _MARGIN[d]
        if number == 0 and self.problem.equation.is_linear and not any(self._images):
            around = WaveBands.around(torch.from_numpy(self.spectrum.wavenumbers), (margin,) * d)
            if around.volume < _SPARSE * math.prod(2 * (largest + margin) for largest in self.spectrum.largest):
                return around
        if not self.problem.equation.is_linear:
            return WaveBands.box([margin * _NONLINEAR_GROWTH**number] * d)
        widths = []
        for largest, images in zip(self.spectrum.largest, self._images, strict=True):
            width = max(largest + margin, images)
            for _ in range(number):
                width = max(width + _LEAST_GROWTH, _GROWTH * width)
            widths.append(width)
        return WaveBands.box(widths)

    @cached_property
    def _images(self) -> list[float]:
        """The wavenumbers up to which mirror images of holes are resolved, in pi per side, limited by a small problem."""
        if self.method.singular is None:
            return [0.0] * self.problem.domain.dimension
        from pdefreq.spaces.features.multipoles import image_wavenumber

        wavenumber = image_wavenumber(self.problem)
        widths = [wavenumber * (b - a) / math.pi for a, b in zip(*self.problem.domain.bounds, strict=True)]
        volume = _DENSITY[len(widths)] * math.prod(2 * width for width in widths)
        shrunk = min(1.0, (_SMALL / volume) ** (1 / len(widths))) if volume > 0 else 1.0
        return [shrunk * width for width in widths]

    def _points(self, rows: int) -> tuple[Samples, Samples]:
        """The interior points, which are Gauss points on a box and Sobol points otherwise, and the boundary points."""
        from pdefreq.core.streams import stream
        from pdefreq.domains.box import Box

        domain, regular = self.problem.domain, self.problem.regular
        if isinstance(domain, Box):
            interior = domain.quadrature(rows)
        else:
            interior = domain.interior(rows, stream(self.seed, "interior"), sobol=True)
        return regular(interior), regular(domain.boundary(self._edge_number(rows)))

    def _held_out(self, rows: int, edge: int) -> tuple[Samples, Samples]:
        """The held-out points, which are random: half as many as rows in the domain, and as many on the boundary as before."""
        from pdefreq.core.streams import stream

        domain, regular = self.problem.domain, self.problem.regular
        interior = domain.interior(math.ceil(_HELD_OUT * rows), stream(self.seed, "held-out interior"), sobol=True)
        return regular(interior), regular(domain.boundary(max(edge, 2), stream(self.seed, "held-out boundary")))

    def _edge_number(self, rows: int) -> int:
        domain, d = self.problem.domain, self.problem.domain.dimension
        if d == 1:
            return 2
        spacing = (domain.measure / rows) ** (1 / d)
        perimeter = float(domain.boundary(1000).weights.sum())
        return math.ceil(_SIDES * perimeter / spacing ** (d - 1))

    def _weights(self, wavenumber: float, interior: Samples, edge: Samples) -> tuple[float, Callable[[Values], Values]]:
        """The factor of squared boundary errors, and that of squared Robin errors as a function of the coefficient alpha.

        The residual of a wave with wavenumber k is A k^2 + c times the wave, and its Robin data have the amplitude
        ((A k)^2 + alpha^2)^(1/2). With these factors the mean squares of all kinds of rows are about equal for waves with this
        wavenumber. Robin rows with large alpha become those of prescribed values. The wavenumber is less than the bandwidth,
        because amplitudes decay. Larger factors of the boundary rows would lead to a wrong function at re-entrant corners, where
        no u with square integrable second derivatives satisfies both the boundary values and the equation. A metric divides the
        residual by k or k^2.
        """
        from pdefreq.core.fields import ConstantField
        from pdefreq.functionals.residual_metric import ORDERS
        from pdefreq.problem.solution_size import SizeEstimate

        averaged = SizeEstimate(self.problem, ConstantField(0.0)).averaged
        stiffness = averaged.mean_diffusion * wavenumber**2 + abs(averaged.reaction)
        row = stiffness / wavenumber ** ORDERS[self.method.metric]
        beta = row**2 * float(interior.weights.sum()) / float(edge.weights.sum())
        flux = averaged.mean_diffusion * wavenumber
        return beta, lambda alpha: beta / (flux**2 + alpha**2)

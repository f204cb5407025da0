"""The method of random features: least squares over linear combinations of sines with random wavevectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pdefreq.core.devices import fits_memory, require_memory
from pdefreq.core.errors import IncompatibleError, OptionError, TooLargeError
from pdefreq.core.history import Stop
from pdefreq.core.reduce import processes
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
    from pdefreq.solvers.feature_bands import FeatureBands
    from pdefreq.spaces.features.wave_bands import WaveBands

_ROWS = {1: 3.0, 2: 2.6, 3: 2.2}  # rows per feature
_ROWS_AT_CORNERS = 8.0  # at corners without singular functions; with fewer rows the residual is large between their points
_POINTS_PER_HALF_WAVE = 2.0  # of the shortest wave along each axis of a grid of Gauss points
_SIDES = 1.5  # boundary points per distance between interior points
_SINGLE = 1e-5  # least tolerance in float32: residuals of solutions that are accurate to rounding were 4e-7 to 6e-6
_LEAST = 60
_HELD_OUT = 0.5  # held-out points per point
_NESTED = 0.9  # ratio of the bandwidths of nested solutions
_TRIANGLES = 6  # matrices of the size of a triangular factor in each of several processes, besides the factors of all
_SKETCHED = 1000  # number of functions above which a sketch takes less time than a factorization of all rows
_BALANCED = 1 / 3  # of the bandwidth: the wavenumber at which boundary rows and interior rows count alike
_BALANCED_AT_CORNERS = 1.5  # the same, of the occupied wavenumbers, at corners without singular functions


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
        tolerance: The tolerance for the residual at held-out points, relative to the data, in float32 at least 1e-5. With null
            there is one attempt, which is not judged. If number is given, there is one attempt, which is judged.
        accuracy: The estimated relative L2 error of u below which a run with more than 1000 functions ends, although the residual
            is above the tolerance. With null only the residual is judged.
        metric: The norm of the residual that is minimized: of L2, of H^-1, or of H^-2, which has the size of the error in L2. The
            residual at held-out points is measured in L2.
        solve: How linear problems are solved: by a QR factorization of all rows, or by conjugate gradients with a sketch of the
            rows as preconditioner, which takes less time and memory for many functions. With auto it is the faster one that
            fits into the memory.

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
    accuracy: float | None = 1e-7
    metric: Literal["l2", "h-1", "h-2"] = "l2"
    solve: Literal["auto", "qr", "sketched"] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(self, POSITIVE, "bandwidth", "number", "tolerance", "accuracy")

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
        from pdefreq.solvers.feature_bands import MOST_FEATURES, FeatureBands

        require(problem, self.name, self.needs)
        if guess is not None:
            raise IncompatibleError(f"{self.name} can't start from a given function: leave the initial guess out")
        if problem.is_up_to_constant:
            require_compatible(problem)
        if self.solve == "sketched" and not problem.equation.is_linear:
            raise IncompatibleError(
                f"`solve` = sketched needs a linear equation, and {problem.name} is nonlinear: use qr or auto"
            )
        d = problem.domain.dimension
        if isinstance(self.bandwidth, tuple) and len(self.bandwidth) != d:
            raise OptionError(f"`bandwidth` must be one number or one for each of {d} axes, got {len(self.bandwidth)}")
        bands = FeatureBands(problem, self.bandwidth)
        plan = _Plan(self, problem, bands, seed, torch.empty(0, dtype=dtype, device=device))
        kind = FeatureLeastSquares if problem.equation.is_linear else FeatureNewton
        least = _SINGLE if dtype == torch.float32 else 0.0
        tolerance = None if self.tolerance is None else max(self.tolerance, least)
        limits = {"tolerance": tolerance, "accuracy": self.accuracy, "most": MOST_FEATURES}
        return kind(plan.attempt, **limits, like=plan.like, remarks=[bands.reason])


@dataclass(frozen=True)
class _Plan:
    """The attempts for one problem, each determined by its number."""

    method: RandomFeatures
    problem: Problem
    bands: FeatureBands
    seed: int
    like: torch.Tensor

    def attempt(self, number: int) -> Attempt | None:
        """The attempt with a given number, counted from 0; None if it would be too large."""
        from pdefreq.core.streams import stream
        from pdefreq.core.validation import validated
        from pdefreq.functionals.residual_metric import MOST_POINTS, ORDERS, is_dense
        from pdefreq.functionals.strong_residual import StrongResidual
        from pdefreq.iterations.linear.feature_least_squares import Attempt
        from pdefreq.solvers.feature_bands import MOST_FEATURES, num_features
        from pdefreq.solvers.feature_objectives import boundary_weights, energy, reentrant_corners, weighted_near_corners
        from pdefreq.spaces.features.features import Features

        problem, d = self.problem, self.problem.domain.dimension
        lengths = [math.pi / (b - a) for a, b in zip(*problem.domain.bounds, strict=True)]
        bands = self.bands.attempt(number)
        count = self.method.number or max(_LEAST, round(self.method.waves.redundancy * num_features(bands)))
        if number > 0 and (count > MOST_FEATURES or self.method.number is not None):
            return None  # with a given number, further attempts would have fewer features per wavenumber
        count = min(count, MOST_FEATURES) if self.method.number is None else count
        angular = bands.scaled(lengths)
        singular = [] if self.method.singular is None else self.method.singular.families(problem)
        most = count + sum(family.size for family in singular)
        metric, functions = self.method.metric, self.method.singular is not None and self.method.singular.at_corners(problem)
        bare = metric == "l2" and not functions and bool(reentrant_corners(problem.domain))  # in H^-1 the residual is finite
        per_column = _ROWS_AT_CORNERS if bare else _ROWS[d]
        try:
            how = self._rows(count, most, math.ceil(per_column * most))  # checks the memory before anything is drawn
        except TooLargeError:
            if number == 0:
                raise
            return None
        waves = self.method.waves.family(problem, angular, count, stream(self.seed, "features", number))
        space = Features((*singular, waves))
        outside = space.num_coefficients - waves.size
        nested = tuple(outside + round(waves.size * ratio**d) for ratio in (_NESTED**2, _NESTED))
        rows = math.ceil(per_column * space.num_coefficients)
        if number > 0 and rows > MOST_POINTS and is_dense(problem, metric):
            return None
        interior, edge = self._points(rows, bands)
        held, held_edge = self._held_out(rows, len(edge.x))
        balanced = _BALANCED * max(angular.largest)
        balanced = min(balanced, _BALANCED_AT_CORNERS * self._occupied(lengths)) if bare else balanced
        beta, robin = boundary_weights(problem, metric, balanced, interior, edge)
        fitted = weighted_near_corners(problem.domain, interior) if bare else interior
        held = weighted_near_corners(problem.domain, held) if bare else held
        zero = self.like.new_zeros(0)

        source = validated(problem.source, "[equation] source", interior.x)

        def functional(problem: Problem, source: Values) -> Functional:
            given = {"beta": beta, "robin_beta": robin, "source": source, "like": zero}
            return StrongResidual(problem, space, fitted, edge, metric=metric, **given)

        def stage(equation: Equation) -> Functional:
            easier = replace(problem, terms=equation.terms)
            return energy(easier, space, interior, edge, zero) if by_energy else functional(easier, source)

        in_l2 = max(angular.largest) ** (2 * ORDERS[metric])
        elsewhere = StrongResidual(
            problem, space, held, held_edge, beta=in_l2 * beta, robin_beta=lambda alpha: in_l2 * robin(alpha), like=zero
        )

        widths = " by ".join(f"{high:.3g}" for high in dict.fromkeys(bands.largest))
        near = "" if bands.is_box else " near those in the data"
        extra = f" and {outside} singular functions" if singular else ""
        text = (
            f"The least-squares problem has {waves.size} features with wavenumbers{near} up to {widths} "
            f"(in units of pi per side){extra}, {len(interior.x)} points in the domain and {len(edge.x)} points on its boundary."
        )
        by_energy = problem.equation.has_energy and not problem.equation.is_semilinear
        stages = () if problem.equation.is_linear else tuple(map(stage, problem.equation.stages[: None if by_energy else -1]))
        return Attempt(space, functional(problem, source), elsewhere, interior, text, nested, stages, how)

    def _occupied(self, lengths: Sequence[float]) -> float:
        """The largest occupied wavenumber of the data, at least a half wave per side, in rad per unit of length."""
        return max(max(1.0, k) * unit for k, unit in zip(self.bands.spectrum.largest, lengths, strict=True))

    def _rows(self, count: int, columns: int, rows: int) -> Literal["factorized", "stored", "computed"]:
        """How a problem with a number of sines, columns and rows is solved.

        Several processes factorize the rows of a linear problem together: each of them factorizes those of its points, and then
        the triangular factors of all (`SplitFunctional.equivalent_rows`). For a nonlinear equation each factorizes all rows.

        Raises:
            TooLargeError: If the memory of the machine does not suffice.
        """
        over, solve, linear = processes(), self.method.solve, self.problem.equation.is_linear
        in_factors, in_sketch = 8 * 3 * columns * (rows + columns), 8 * 4 * columns**2  # bytes, with working space
        if over.size > 1:
            shared = 8 * columns * max(3 * rows // over.size, (over.size + _TRIANGLES) * columns)
            each = shared if linear else in_factors
            require_memory(count, "number", over.here * each, remedy="use a smaller number, or fewer processes")
            return "factorized"
        if solve == "auto" and linear:
            solve = "sketched" if columns >= _SKETCHED or not fits_memory(in_factors) else "qr"
        if solve == "sketched":
            require_memory(count, "number", in_sketch)
            return "stored" if fits_memory(in_sketch + 8 * columns * rows) else "computed"
        require_memory(count, "number", in_factors)
        return "factorized"

    def _points(self, rows: int, bands: WaveBands) -> tuple[Samples, Samples]:
        """The interior points and the boundary points.

        The interior points are Gauss points on a box if these resolve all wavenumbers, and Sobol points otherwise. If bands fill
        a small part of the wavenumbers up to the largest one, a grid with a few points for each feature would be too coarse.
        """
        from pdefreq.core.streams import stream
        from pdefreq.domains.box import Box
        from pdefreq.domains.geometry.tensor_rules import equal_panels, tensor_product
        from pdefreq.domains.samples import Samples

        domain, regular = self.problem.domain, self.problem.regular
        per_axis = math.ceil(rows ** (1 / domain.dimension))
        if isinstance(domain, Box) and per_axis >= _POINTS_PER_HALF_WAVE * max(bands.largest):
            rules = [equal_panels(a, b, per_axis) for a, b in zip(*domain.bounds, strict=True)]
            interior = Samples(*tensor_product(rules))
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

"""Errors against the exact or a reference solution, at test points that are not used for training."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.core.scaling import power_of_two_near
from pdefreq.probes.iterate import Iterate
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.probes.sampled import field_values

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.domains.samples import Samples
    from pdefreq.probes.target import Target

NORMS = ("l2", "h1", "max", "homogeneous")
_COLUMNS: tuple[str, ...] = ("relative_l2", "relative_l2_homogeneous", "max_error", "boundary_error")
_SOLVED = 1e-10  # relative to u*: a smaller homogeneous part is zero up to rounding, and errors relative to it mean nothing
_RELEVANT = 1e-8  # smaller relative H1 errors may consist of rounding errors, which have no wavenumber
_EXCESS = 4  # factor beyond the largest wavenumber of the points, for meshes that are not uniform
_without_warnings = np.errstate(over="ignore", invalid="ignore")  # for a run that failed, whose error is printed as inf or nan


class Errors:
    """The difference e = u - u* over the test points of a target, in several norms, with shared intermediate results.

    For a reference solution u* the error of u is at most this difference plus the error of u* (`Target.bound`). If the solution
    is determined up to a constant, means are subtracted.

    Args:
        u: The approximate solution.
        target: A target with an exact or reference solution u*.
        samples: The points and weights; by default the test points.
    """

    def __init__(self, u: Iterate, target: Target, samples: Samples | None = None) -> None:
        assert target.solution is not None
        samples = samples or target.test_points
        self._u, self._solution, self._target = u, target.solution, target
        self._x, self._weights = samples.x, samples.weights.numpy()

    @_without_warnings
    def norm(self, name: str = "l2") -> float:
        """One norm of the error.

        ``"l2"``: ||e|| / ||u*||;  ``"h1"``: sqrt((||e||^2 + ||grad e||^2) / (||u*||^2 + ||grad u*||^2));
        ``"max"``: max |e|, an absolute number;  ``"homogeneous"``: ||e|| / ||u* - G|| with the lifting G of the boundary values
        (`Target.lifting`).

        Raises:
            OptionError: If the norm is unknown.
        """
        if not isinstance(name, str) or name not in NORMS:
            raise OptionError(f"`norm` must be one of {', '.join(NORMS)}, got '{name}'")
        exact, error = self._values
        if name == "max":
            return float(np.abs(error).max())
        if name == "homogeneous":
            return self.norm("l2") * self.offset
        sizes = [size(error, self._weights), size(exact, self._weights)]
        if name == "h1":
            sizes = [math.hypot(own, of_gradient) for own, of_gradient in zip(sizes, self._gradient_sizes, strict=True)]
        above, below = sizes
        return above / below if below > 0 else math.nan

    @functools.cached_property
    def offset(self) -> float:
        """||u*|| / ||u* - G|| with the lifting G of the boundary values; nan if G is the solution."""
        exact = self._values[0]
        return size(exact, self._weights) / _homogeneous_size(self._target, self._x, exact, self._weights)

    @_without_warnings
    def contradiction(self, spacing: float = math.inf) -> float | None:
        """The mean wavenumber ``||grad e|| / ||e||`` of the error, if it is too large for the points; otherwise None.

        A function without wavenumbers above pi / h along each axis, the largest that points at distances h can represent,
        satisfies ``||grad e|| <= pi sqrt(d) / h ||e||`` (Bernstein's inequality). Errors of piecewise polynomials with nodes
        at distances h have about the same ratio, as the interpolation errors of P1 and P2: 3.2 / h. A ratio of more than 4 times
        the bound shows that the values at the points miss what the gradients see: oscillations, or jumps of the gradient.

        Args:
            spacing: The smallest distance between nodes of the approximate solution, if it has nodes.
        """
        own, of_gradient = size(self._values[1], self._weights), self._gradient_sizes[0]
        if not self.norm("h1") > _RELEVANT or not own > 0:
            return None
        d = self._x.shape[1]
        h = min(float(self._weights.min()) ** (1 / d), spacing)
        ratio = of_gradient / own
        return ratio if ratio > _EXCESS * math.pi * math.sqrt(d) / h else None

    @functools.cached_property
    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        """Values of the solution and of the error at the test points."""
        exact = self._target.centered(self._solution.values(self._x), self._weights)
        return exact, self._target.centered(self._u.values(self._x), self._weights) - exact

    @functools.cached_property
    def _gradient_sizes(self) -> list[float]:
        """The L2 norms of the gradients of the error and of the solution."""
        exact = self._solution.gradients(self._x)
        return [size(slope, self._weights) for slope in (self._u.gradients(self._x) - exact, exact)]


def size(values: np.ndarray, weights: np.ndarray) -> float:
    """The L2 norm of values ``(n,)`` or ``(n, d)``, also where their squares are not representable."""
    unit = power_of_two_near(values)
    return unit * math.sqrt(float(weights @ ((values / unit).reshape(len(weights), -1) ** 2).sum(axis=1)))


def _homogeneous_size(target: Target, x: Points, exact: np.ndarray, weights: np.ndarray) -> float:
    """The L2 norm of u* - G; nan if it is zero up to rounding, so that no error can be relative to it."""
    found = size(exact - target.centered(field_values(target.lifting, x), weights), weights)
    return found if found > _SOLVED * size(exact, weights) else math.nan


def relative_error(u: Field, target: Target, norm: str = "l2") -> float:
    """The difference of a field from the solution of a target in one norm; see `Errors.norm`."""
    return Errors(Iterate.of_function(u), target).norm(norm)


def mean_error(u: Iterate, target: Target) -> float:
    """The constant that is subtracted from u - u*: its mean if u is determined up to a constant, otherwise 0."""
    if not target.problem.is_up_to_constant or target.solution is None:
        return 0.0
    x, weights = target.test_points.x, target.test_points.weights.numpy()
    return target.mean(u.values(x) - target.solution.values(x), weights)


@dataclass(frozen=True)
class ErrorProbe(Probe):
    """Records ``relative_l2`` = ||u - u*|| / ||u*||, ``max_error`` = max |u - u*| and ``boundary_error`` = max |u - g|.

    It also records ``relative_l2_homogeneous`` = ||u - u*|| / ||u* - G|| with the lifting G of the boundary values, which an
    offset of the solution does not make small. The estimated error of a reference solution u* is added, so that these errors are
    upper bounds (`Target.bound`). They are nan without an exact or reference solution, and ``boundary_error`` is nan without
    prescribed boundary values. If test points are random, recorded steps use the first 20,000, since a measurement at all
    points would take longer than most steps.
    """

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> ErrorMeasurement:
        return ErrorMeasurement(target)


class ErrorMeasurement(Measurement):
    """Errors from stored values of the solution at the recorded points and of the boundary data."""

    def __init__(self, target: Target) -> None:
        self._target, self._given = target, target.boundary_values
        self._x, self._weights = target.recorded_points.x, target.recorded_points.weights.numpy()
        known = target.solution
        self._exact = None if known is None else target.centered(known.values(self._x), self._weights)
        if self._exact is not None:
            self._size = size(self._exact, self._weights)
            self._offset = self._size / _homogeneous_size(target, self._x, self._exact, self._weights)

    @_without_warnings
    def __call__(self, iterate: Iterate) -> Mapping[str, float]:
        row = dict.fromkeys(_COLUMNS, math.nan)
        if self._exact is not None:
            error = self._target.centered(iterate.values(self._x), self._weights) - self._exact
            if self._size > 0:
                row["relative_l2"] = self._target.bound("l2", size(error, self._weights) / self._size)
            row["relative_l2_homogeneous"] = row["relative_l2"] * self._offset
            row["max_error"] = self._target.bound("max", float(np.abs(error).max()))
        if self._given is not None:
            x, given = self._given
            row["boundary_error"] = float(np.abs(iterate.values(x) - given).max())
        return row

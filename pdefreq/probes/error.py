"""Errors against the exact or a reference solution, at test points that are not used for training."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.core.scaling import unit_of
from pdefreq.probes.iterate import Iterate
from pdefreq.probes.probe import Measurement, Probe

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.probes.target import Target

NORMS = ("l2", "h1", "max")
_without_warnings = np.errstate(over="ignore", invalid="ignore")  # for a run that failed, whose error is printed as inf or nan


class Errors:
    """The error e = u - u* over the test points of a target, in several norms, with shared intermediate results.

    If the solution is determined up to a constant, means are subtracted.

    Args:
        u: The approximate solution.
        target: A target with an exact or reference solution u*.
    """

    def __init__(self, u: Iterate, target: Target) -> None:
        assert target.solution is not None
        self._u, self._solution, self._target = u, target.solution, target
        self._x, self._weights = target.test_points.x, target.test_points.weights.numpy()

    @_without_warnings
    def norm(self, name: str = "l2") -> float:
        """One norm of the error.

        ``"l2"``: ||e|| / ||u*||;  ``"h1"``: sqrt((||e||^2 + ||grad e||^2) / (||u*||^2 + ||grad u*||^2));
        ``"max"``: max |e|, an absolute number.

        Raises:
            OptionError: If the norm is unknown.
        """
        if name not in NORMS:
            raise OptionError(f"`norm` must be one of {', '.join(NORMS)}, got '{name}'")
        exact, error = self._values
        if name == "max":
            return float(np.abs(error).max())
        squares = [self._weights @ (values / self._unit) ** 2 for values in (error, exact)]
        if name == "h1":
            squares = [own + of_gradient for own, of_gradient in zip(squares, self._gradient_squares, strict=True)]
        above, below = squares
        return math.sqrt(above / below) if below > 0 else math.nan

    @functools.cached_property
    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        """Values of the solution and of the error at the test points."""
        exact = self._target.centered(self._solution.values(self._x), self._weights)
        return exact, self._target.centered(self._u.values(self._x), self._weights) - exact

    @functools.cached_property
    def _unit(self) -> float:
        """The unit of the squares."""
        return unit_of(self._values[0])

    @functools.cached_property
    def _gradient_squares(self) -> list[float]:
        """The squared L2 norms of the gradients of the error and of the solution, in this unit."""
        exact = self._solution.gradients(self._x)
        error = self._u.gradients(self._x) - exact
        return [float(self._weights @ ((slope / self._unit) ** 2).sum(axis=1)) for slope in (error, exact)]


def relative_error(u: Field, target: Target, norm: str = "l2") -> float:
    """The error of a field in one norm; see `Errors.norm`."""
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

    The first two are nan without an exact or reference solution, the last without prescribed boundary values. If test points are
    random, recorded steps use the first 20,000, since a measurement at all points would take longer than most steps.
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
        self._unit = 1.0 if self._exact is None else unit_of(self._exact)

    @_without_warnings
    def __call__(self, iterate: Iterate) -> Mapping[str, float]:
        row = {"relative_l2": math.nan, "max_error": math.nan, "boundary_error": math.nan}
        if self._exact is not None:
            error = self._target.centered(iterate.values(self._x), self._weights) - self._exact
            above, below = (self._weights @ (values / self._unit) ** 2 for values in (error, self._exact))
            row["relative_l2"] = math.sqrt(above / below) if below > 0 else math.nan
            row["max_error"] = float(np.abs(error).max())
        if self._given is not None:
            x, given = self._given
            row["boundary_error"] = float(np.abs(iterate.values(x) - given).max())
        return row

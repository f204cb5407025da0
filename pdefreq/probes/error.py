"""The error against the exact or a reference solution, at test points that no method trains on."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.domains.box import Box
from pdefreq.domains.domain import Domain, Samples
from pdefreq.errors import OptionError
from pdefreq.probes.probe import Measurement, Probe
from pdefreq.probes.sampled import Sampled, field_gradients, field_values
from pdefreq.spectrum.box_modes import RECORDED_INTERVALS, grid_axes, tensor_points
from pdefreq.streams import stream

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients

_INTERVALS = {1: 2000, 2: 150}
_RANDOM = 100_000
_ALONG = 20_000  # of the random ones, at each record of a run
_BOUNDARY = 4000
_PURPOSE = "test points"  # of a stream that nothing else draws from, whatever the seed of the run
NORMS = ("l2", "h1", "max")
_without_warnings = np.errstate(over="ignore", invalid="ignore")  # of a run that failed: its error is inf or nan, and printed so


def test_points(domain: Domain, *, along: bool = False) -> Samples:
    """Where errors are taken: on an interval 2001 and on a rectangle 151^2 uniform points, else 1e5 fixed random ones.

    Weights are those of the trapezoidal rule, or equal.

    Args:
        domain: Where the solution lives.
        along: Whether they are for the records of a run, which take every fourth point of an interval, and the first 20,000 of
            random points.
    """
    if not (isinstance(domain, Box) and domain.dimension in _INTERVALS):
        samples = domain.interior(_RANDOM, stream(0, _PURPOSE))
        kept = min(_ALONG, _RANDOM) if along else _RANDOM
        return Samples(samples.x[:kept], samples.weights[:kept] * (_RANDOM / kept))
    n, d = (RECORDED_INTERVALS if along else _INTERVALS)[domain.dimension], domain.dimension
    x = torch.from_numpy(tensor_points(grid_axes(domain, (n,) * d)))
    rule = torch.full((n + 1,), 1 / n, dtype=torch.float64)
    rule[[0, -1]] /= 2
    weights = torch.cartesian_prod(*[rule * length for length in domain.lengths]).reshape(len(x), -1).prod(dim=1)
    return Samples(x, weights)


class Errors:
    """The error e = u - u* over the test points of the problem's domain, in each norm; what two norms share is worked out once.

    Where the problem fixes the solution up to a constant, means are taken off.

    Args:
        u: The approximate solution.
        reference: The exact or a reference solution u*.
        problem: Its domain and its boundary conditions count.
    """

    def __init__(self, u: Field, reference: Field, problem: Problem) -> None:
        self._u, self._reference = u, reference
        self._samples = test_points(problem.domain)
        self._weights = self._samples.weights.numpy()
        self._centre = _centring(problem, self._weights)

    @_without_warnings
    def norm(self, name: str = "l2") -> float:
        """One norm of the error.

        ``"l2"``: ||e|| / ||u*||;  ``"h1"``: sqrt((||e||^2 + ||grad e||^2) / (||u*||^2 + ||grad u*||^2));
        ``"max"``: max |e|, which is absolute.

        Raises:
            OptionError: If the norm is none of these.
        """
        if name not in NORMS:
            raise OptionError(f"`norm` must be one of {', '.join(NORMS)}, got '{name}'")
        exact, error = self._values
        if name == "max":
            return float(np.abs(error).max())
        squares = [self._weights @ error**2, self._weights @ exact**2]
        if name == "h1":
            squares = [own + of_gradient for own, of_gradient in zip(squares, self._gradient_squares, strict=True)]
        above, below = squares
        return math.sqrt(above / below) if below > 0 else math.nan

    @functools.cached_property
    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        """The solution and the error."""
        exact = self._centre(field_values(self._reference, self._samples.x))
        return exact, self._centre(field_values(self._u, self._samples.x)) - exact

    @functools.cached_property
    def _gradient_squares(self) -> list[float]:
        """The squared norms of the gradient of the error, and of that of the solution."""
        exact = field_gradients(self._reference, self._samples.x)
        error = field_gradients(self._u, self._samples.x) - exact
        return [float(self._weights @ (slope**2).sum(axis=1)) for slope in (error, exact)]


def relative_error(u: Field, reference: Field, problem: Problem, norm: str = "l2") -> float:
    """The error in one norm, as `Errors.norm`."""
    return Errors(u, reference, problem).norm(norm)


def mean_error(u: Field, reference: Field, problem: Problem) -> float:
    """What is taken off u - u* before it is an error: its mean where the problem fixes u up to a constant, else 0."""
    if not problem.is_pure_neumann:
        return 0.0
    samples = test_points(problem.domain)
    difference = torch.from_numpy(field_values(u, samples.x) - field_values(reference, samples.x))
    return float(samples.weights @ difference / samples.weights.sum())


@dataclass(frozen=True)
class ErrorProbe(Probe):
    """Records ``relative_l2`` = ||u - u*|| / ||u*||, ``max_error`` = max |u - u*| and ``boundary_error`` = max |u - g|.

    The first two are nan where no exact or reference solution is known, the last where no boundary values are given. Where test
    points are random, a record takes the first 20,000: measuring at all of them would take longer than most steps.
    """

    def prepare(
        self,
        problem: Problem,
        state: State,
        *,
        reference: Field | None,
        limit: Coefficients | None,
        facts: Mapping[str, Any],
    ) -> ErrorMeasurement:
        return ErrorMeasurement(problem, state, reference)


class ErrorMeasurement(Measurement):
    """The space at the test points, and what the solution is there."""

    def __init__(self, problem: Problem, state: State, reference: Field | None) -> None:
        samples = test_points(problem.domain, along=True)
        self._weights = samples.weights.numpy()
        self._centre = _centring(problem, self._weights)
        self._exact = None if reference is None else self._centre(field_values(reference, samples.x))
        self._inside = Sampled(state, samples.x)
        given = _boundary_values(problem)
        self._given = None if given is None else given[1]
        self._rim = None if given is None else Sampled(state, given[0])

    @_without_warnings
    def __call__(self, state: State) -> Mapping[str, float]:
        row = {"relative_l2": math.nan, "max_error": math.nan, "boundary_error": math.nan}
        if self._exact is not None:
            error = self._centre(self._inside(state.coefficients)) - self._exact
            size = self._weights @ self._exact**2
            row["relative_l2"] = math.sqrt(self._weights @ error**2 / size) if size > 0 else math.nan
            row["max_error"] = float(np.abs(error).max())
        if self._rim is not None:
            row["boundary_error"] = float(np.abs(self._rim(state.coefficients) - self._given).max())
        return row


def _boundary_values(problem: Problem) -> tuple[torch.Tensor, np.ndarray] | None:
    """Points on the Dirichlet parts, and g there; None where there are none."""
    if problem.is_regression or not problem.boundary:
        return None
    samples = problem.domain.boundary(_BOUNDARY, stream(0, _PURPOSE))
    part = problem.part_of(samples)
    points, values = [], []
    for i, condition in enumerate(problem.boundary):
        x = samples.x[part == i]
        if condition.kind == "dirichlet" and len(x):
            points.append(x)
            values.append(field_values(condition.value, x))
    return (torch.cat(points), np.concatenate(values)) if points else None


def _centring(problem: Problem, weights: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What is done to values before they are compared: nothing, or for a pure Neumann problem the mean taken off."""
    if problem.is_pure_neumann:
        return lambda values: values - weights @ values / weights.sum()
    return lambda values: values

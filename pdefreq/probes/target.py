"""Targets of measurements: a problem with its exact or a reference solution, at fixed points."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.domain import Domain
from pdefreq.domains.samples import Samples
from pdefreq.probes.iterate import Iterate
from pdefreq.probes.sampled import field_values
from pdefreq.spectrum.box_modes import RECORDED_INTERVALS, grid_axes, tensor_points
from pdefreq.spectrum.modes import ModeFamilies

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.problem.problem import Problem

_INTERVALS = {1: 2000, 2: 150}  # along each axis
_RANDOM = 100_000
_ALONG = 20_000  # number of random points used at each record of a run
_BOUNDARY = 1000  # at each record; 4000 points were a fifth of all evaluation points of a network in two dimensions
_PURPOSE = "test points"  # a random stream of its own, independent of the seed of the run


def test_points(domain: Domain) -> Samples:
    """The points at which errors are measured: 2001 uniform ones on an interval, 151^2 on a rectangle, else 1e5 random ones.

    The weights are those of the trapezoidal rule for uniform points, and equal for random points, which are always the same.
    """
    if isinstance(domain, Box) and domain.dimension in _INTERVALS:
        return _uniform(domain, _INTERVALS[domain.dimension])
    return domain.interior(_RANDOM, stream(0, _PURPOSE))


def _uniform(box: Box, number: int) -> Samples:
    """The nodes of a grid with `number` intervals along each axis, and the weights of the trapezoidal rule."""
    x = torch.from_numpy(tensor_points(grid_axes(box, (number,) * box.dimension)))
    rule = torch.full((number + 1,), 1 / number, dtype=torch.float64)
    rule[[0, -1]] /= 2
    weights = torch.cartesian_prod(*[rule * length for length in box.lengths]).reshape(len(x), -1).prod(dim=1)
    return Samples(x, weights)


@dataclass(frozen=True, eq=False)
class Target:
    """The solution of a problem, with the points and modes in which iterates are compared with it.

    All properties are computed at their first use and stored.

    Args:
        problem: The problem, including its exact solution.
        reference: The exact or a reference solution; None if unknown.
        reference_error: Estimated relative L2 error of the reference: 0 for an exact solution, nan without a reference.
    """

    problem: Problem
    reference: Field | None = None
    reference_error: float = 0.0

    @functools.cached_property
    def solution(self) -> Iterate | None:
        """The exact or reference solution; None if unknown."""
        return None if self.reference is None else Iterate.of_function(self.reference)

    @functools.cached_property
    def families(self) -> ModeFamilies:
        """The mode families available for the problem."""
        return ModeFamilies(self.problem)

    @functools.cached_property
    def test_points(self) -> Samples:
        """The points at which the error of a finished run is measured."""
        return test_points(self.problem.domain)

    @functools.cached_property
    def recorded_points(self) -> Samples:
        """The points at which errors are recorded along a run, fewer than the test points to reduce the cost of a record.

        There are 501 uniform points on an interval and 129^2 on a rectangle. Modes are measured at the same points
        (`Modes.recorded`), so that iterates are evaluated once. Elsewhere the first 20,000 random test points are used.
        """
        samples, domain = self.test_points, self.problem.domain
        if isinstance(domain, Box) and domain.dimension in RECORDED_INTERVALS:
            return _uniform(domain, RECORDED_INTERVALS[domain.dimension])
        count, kept = len(samples.x), min(_ALONG, len(samples.x))
        return Samples(samples.x[:kept], samples.weights[:kept] * (count / kept))

    @functools.cached_property
    def boundary_values(self) -> tuple[Points, np.ndarray] | None:
        """Points on the Dirichlet boundary, ``(n, d)``, and the values of g, ``(n,)``; None without Dirichlet parts."""
        problem = self.problem
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

    def mean(self, values: np.ndarray, weights: np.ndarray) -> float:
        """The weighted mean of values ``(n,)``, which is subtracted if u is determined up to a constant; otherwise 0."""
        return float(weights @ values / weights.sum()) if self.problem.is_up_to_constant else 0.0

    def centered(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` minus their `mean`."""
        return values - self.mean(values, weights) if self.problem.is_up_to_constant else values

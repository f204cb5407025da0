"""Targets, with which iterates are compared: a problem with its exact or a reference solution, at fixed points."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
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
_ALONG = 20_000  # number of random points at each recorded step
_BOUNDARY = 1000  # at each recorded step: 4000 were a fifth of all points at which a network in two dimensions is evaluated
_PURPOSE = "test points"  # of a separate random stream, independent of the seed of the run


def test_points(domain: Domain) -> Samples:
    """The test points: 2001 uniform points on an interval, 151^2 on a rectangle, 1e5 fixed random points on other domains.

    Weights are those of the trapezoidal rule, or equal for random points.
    """
    if isinstance(domain, Box) and domain.dimension in _INTERVALS:
        return _uniform(domain, _INTERVALS[domain.dimension])
    return domain.interior(_RANDOM, stream(0, _PURPOSE))


def _uniform(box: Box, number: int) -> Samples:
    """The nodes of a uniform grid with the weights of the trapezoidal rule."""
    x = torch.from_numpy(tensor_points(grid_axes(box, (number,) * box.dimension)))
    rule = torch.full((number + 1,), 1 / number, dtype=torch.float64)
    rule[[0, -1]] /= 2
    weights = torch.cartesian_prod(*[rule * length for length in box.lengths]).reshape(len(x), -1).prod(dim=1)
    return Samples(x, weights)


@dataclass(frozen=True)
class Accuracy:
    """Estimated errors of a reference solution in the norms of `Errors`; zero for an exact solution.

    Args:
        l2: Relative L2 error.
        h1: Relative H1 error.
        max: Largest error, absolute.
        energy: A bound of the relative error in the energy norm by the residual estimator; nan if there is none.
    """

    l2: float = 0.0
    h1: float = 0.0
    max: float = 0.0
    energy: float = math.nan


@dataclass(frozen=True, eq=False)
class Target:
    """The solution of a problem, with the points and modes in which iterates are compared with it.

    All properties are computed at their first use and cached.

    Args:
        problem: The problem, with its exact solution if known.
        reference: The exact or a reference solution; None if unknown.
        accuracy: The accuracy of a reference solution.
        coarser: Less accurate reference solutions, from which the accuracy of derived quantities can be estimated.
        reason: Why there is no reference solution; empty if there is one or if the exact solution is known.
    """

    problem: Problem
    reference: Field | None = None
    accuracy: Accuracy = Accuracy()
    coarser: Sequence[Field] = ()
    reason: str = ""

    @property
    def reference_error(self) -> float:
        """Estimated relative L2 error of the reference: 0 for an exact solution, nan without one."""
        return math.nan if self.reference is None else self.accuracy.l2

    def bound(self, norm: str, distance: float) -> float:
        """An upper bound of an error: the distance from the reference plus the estimated error of the reference.

        Args:
            norm: ``"l2"``, ``"h1"`` or ``"max"``.
            distance: The distance in this norm.
        """
        return distance + getattr(self.accuracy, norm)

    @functools.cached_property
    def solution(self) -> Iterate | None:
        """The exact or reference solution; None if unknown."""
        return None if self.reference is None else Iterate.of_function(self.reference)

    @functools.cached_property
    def families(self) -> ModeFamilies:
        """The mode families of the domain."""
        return ModeFamilies(self.problem)

    @functools.cached_property
    def test_points(self) -> Samples:
        """The points for the errors of finished runs."""
        return test_points(self.problem.domain)

    @functools.cached_property
    def recorded_points(self) -> Samples:
        """The points for errors along a run, fewer than the test points to limit the cost.

        These are 501 uniform points on an interval and 129^2 on a rectangle, at which modes are measured as well
        (`Modes.recorded`), so that one evaluation serves both; on other domains, the first 20,000 random points.
        """
        samples, domain = self.test_points, self.problem.domain
        if isinstance(domain, Box) and domain.dimension in RECORDED_INTERVALS:
            return _uniform(domain, RECORDED_INTERVALS[domain.dimension])
        count, kept = len(samples.x), min(_ALONG, len(samples.x))
        return Samples(samples.x[:kept], samples.weights[:kept] * (count / kept))

    @functools.cached_property
    def boundary_values(self) -> tuple[Points, np.ndarray] | None:
        """Points on the Dirichlet parts of the boundary, ``(n, d)``, and g at these points, ``(n,)``; None if there are none."""
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

    @functools.cached_property
    def lifting(self) -> Field:
        """A lifting G of the boundary values, or a constant; see `lifting_of`."""
        from pdefreq.problem.scales import lifting_of

        return lifting_of(self.problem)

    def mean(self, values: np.ndarray, weights: np.ndarray) -> float:
        """The constant that is subtracted from values ``(n,)``: their mean if u is determined up to a constant, otherwise 0."""
        return float(weights @ values / weights.sum()) if self.problem.is_up_to_constant else 0.0

    def centered(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` minus their `mean`."""
        return values - self.mean(values, weights) if self.problem.is_up_to_constant else values

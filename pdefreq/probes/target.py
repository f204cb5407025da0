"""Targets, with which iterates are compared: a problem with its exact or a reference solution, at fixed points."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.domain import Domain
from pdefreq.domains.geometry.strata import stratified
from pdefreq.domains.samples import Samples
from pdefreq.probes.iterate import Iterate
from pdefreq.probes.sampled import field_values
from pdefreq.spectrum.modes import ModeFamilies
from pdefreq.spectrum.sampling_grid import RECORDED_INTERVALS

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.problem.features import Feature
    from pdefreq.problem.problem import Problem

_CELLS = {1: 2001, 2: 151}  # along each axis; one test point in each cell
_MOST = {1: 200_000, 2: 400}  # the same for features finer than these cells
_PER_SPACING = 4  # cells for the largest spacing that can represent a feature: eight in a wavelength
_IN_PIECE = 128  # smallest number of cells between two interfaces, and in the neighborhood of a layer: 8 in its length
_NEIGHBORHOOD = 8  # radius in lengths of the layer
_RANDOM = 100_000
_ALONG = 20_000  # number of random points at each recorded step
_BOUNDARY = 1000  # at each recorded step: 4000 were a fifth of all points at which a network in two dimensions is evaluated
_PURPOSE = "test points"  # of a separate random stream, independent of the seed of the run


def test_points(domain: Domain, features: Sequence[Feature] = (), kinks: Sequence[float] = ()) -> Samples:
    """The test points: one random point in each of 2001 cells of an interval or 151^2 of a rectangle, else 1e5 random points.

    The points are the same in every run. Smaller cells are used if features need them, up to 200,000 on an interval
    and 400^2 on a rectangle. In one dimension kinks are ends of cells, and narrow layers get cells of their own.

    Args:
        domain: The domain.
        features: The features of the functions that are measured.
        kinks: Points of an interval at which these functions may lose smoothness.
    """
    if not isinstance(domain, Box) or domain.dimension not in _CELLS:
        return domain.interior(_RANDOM, stream(0, _PURPOSE))
    least, most = _CELLS[domain.dimension], _MOST[domain.dimension]
    everywhere = [f.spacing for f in features if f.kind == "wave" or domain.dimension > 1]
    finest = min(everywhere, default=math.inf)
    cells = [min(max(least, math.ceil(_PER_SPACING * length / finest)), most) for length in domain.lengths]
    return _stratified(domain, cells, features, kinks)


def _stratified(box: Box, cells: Sequence[int], features: Sequence[Feature], kinks: Sequence[float]) -> Samples:
    """One random point in each cell of a grid with these numbers of cells along the axes."""
    sides = zip(box.lower, box.upper, cells, strict=True)
    ticks = [torch.linspace(a, b, n + 1, dtype=torch.float64) for a, b, n in sides]
    if box.dimension == 1:
        ticks = [_with_pieces(ticks[0], features, kinks)]
    return stratified(ticks, stream(0, _PURPOSE))


def _with_pieces(ticks: Tensor, features: Sequence[Feature], kinks: Sequence[float]) -> Tensor:
    """The ticks of an interval, divided at kinks and around narrow layers such that each piece has enough cells."""
    lower, upper, width = float(ticks[0]), float(ticks[-1]), float(ticks[1] - ticks[0])
    ends = {lower, upper, *kinks}
    for feature in features:
        if feature.kind == "layer" and feature.spacing < _PER_SPACING * width:
            ends |= {feature.x[0] + side * _NEIGHBORHOOD * feature.spacing for side in (-1, 1)}
    inner = sorted(end for end in ends if lower <= end <= upper)
    if len(inner) == 2:
        return ticks
    pieces = [
        torch.linspace(a, b, max(math.ceil((b - a) / width), _IN_PIECE) + 1, dtype=torch.float64)
        for a, b in zip(inner, inner[1:], strict=False)
    ]
    return torch.cat([piece[:-1] for piece in pieces] + [ticks[-1:]])


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

    def on_data(self) -> Target:
        """The target of measurements at the points of data: for a regression of given values, these values are the solution.

        Between the points this solution has the value at the nearest point, which must not be used.
        """
        if self.reference is not None or not self.problem.is_known_at_points:
            return self
        return replace(self, reference=CallableField(self.problem.regression_target))

    @functools.cached_property
    def families(self) -> ModeFamilies:
        """The mode families of the domain."""
        return ModeFamilies(self.problem)

    @functools.cached_property
    def test_points(self) -> Samples:
        """The points for the errors of finished runs."""
        return test_points(self.problem.domain, self._features, self._kinks)

    @functools.cached_property
    def recorded_points(self) -> Samples:
        """The points for errors along a run, fewer than the test points to limit the cost.

        These are 462 uniform points on an interval and 114^2 on a rectangle, at which modes are measured as well
        (`Modes.recorded`), so that one evaluation serves both. If the problem has features that these points can't represent, the
        points are random, one in each of as many cells. On other domains they are the first 20,000 random points.
        """
        domain = self.problem.domain
        if isinstance(domain, Box) and domain.dimension in RECORDED_INTERVALS:
            n = RECORDED_INTERVALS[domain.dimension]
            spacing = max(domain.lengths) / n
            if any(feature.spacing < spacing for feature in self._features):
                return _stratified(domain, [n] * domain.dimension, self._features, self._kinks)
            return domain.trapezoidal([n] * domain.dimension)
        samples = self.test_points
        count, kept = len(samples.x), min(_ALONG, len(samples.x))
        return Samples(samples.x[:kept], samples.weights[:kept] * (count / kept))

    @property
    def _features(self) -> Sequence[Feature]:
        domain = self.problem.domain
        return self.problem.features if isinstance(domain, Box) and domain.dimension in _CELLS else ()

    @functools.cached_property
    def _kinks(self) -> tuple[float, ...]:
        return self.problem.kinks if self.problem.domain.dimension == 1 else ()

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
        """A lifting G of the boundary values, or a constant; see `NaturalUnits`."""
        from pdefreq.problem.scales import NaturalUnits

        return NaturalUnits(self.problem).lifting

    def mean(self, values: np.ndarray, weights: np.ndarray) -> float:
        """The constant that is subtracted from values ``(n,)``: their mean if u is determined up to a constant, otherwise 0."""
        return float(weights @ values / weights.sum()) if self.problem.is_up_to_constant else 0.0

    def centered(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` minus their `mean`."""
        return values - self.mean(values, weights) if self.problem.is_up_to_constant else values

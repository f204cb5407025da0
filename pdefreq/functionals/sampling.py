"""The sampling of functionals: fixed Gauss points, random points that are redrawn every few steps, or batches of either."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.reduce import block_size
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.data import Data
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace


_ENTRIES = 2**16  # size of the array of a layer: 512 KiB in double precision
_HELD_OUT = 0.77  # held-out points for each point of a step
_HELD_OUT_LEAST = 1024  # smallest number: the mean over fewer points is not reliable
_MORE = 1.1  # factor by which the number is increased until the Gauss rule differs
_MOST = 3  # largest such factor; beyond it a Sobol set is used
_SAME = 1e-9  # relative to the longest side: points at a smaller distance count as equal


def points_at_once(space: TrialSpace, like: Tensor, *, channels: int = 1, number: int = 0) -> int:
    """The number of points to evaluate together.

    On a CPU the arrays of a layer then fit into the cache, and the allocator reuses their memory: 512 points for layers of more
    than 64 units, up to 2048 for narrower layers. Smaller blocks were slower, since each costs about 0.4 ms of calls
    (docs/performance.md).

    Args:
        space: The space that is evaluated.
        like: A tensor on the device.
        channels: Numbers per unit in the largest array: d if gradients are propagated forward.
        number: The number of all points, which several processes share; 0 if one process evaluates all.
    """
    usual = 2**16
    if like.device.type == "cpu":
        fitting = _ENTRIES // (space.breadth * channels)
        usual = next((size for size in (2048, 1024) if size <= fitting), 512)
    return block_size(number, usual) if number else usual


def in_blocks(columns: Sequence[Tensor], space: TrialSpace, like: Tensor, *, channels: int = 1) -> list[tuple[Tensor, ...]]:
    """Columns by point, in the dtype and on the device of `like`, in blocks of `points_at_once` points."""
    size = points_at_once(space, like, channels=channels, number=len(columns[0]))
    return list(zip(*(column.to(like).split(size) for column in columns), strict=True))


class PointRule(Protocol):
    """A rule for interior points."""

    @property
    def number(self) -> int | None:
        """Interior points of one draw; None if the points belong to the problem."""
        ...

    @property
    def is_fixed(self) -> bool:
        """Whether all draws are the same."""
        ...

    def draw(self, step: int) -> int:
        """Which draw a step uses, counted from 0."""
        ...

    def interior(self, domain: Domain, seed: int, draw: int) -> Samples:
        """Interior points of one draw with their weights, float64 on the CPU."""
        ...


@dataclass(frozen=True)
class Sampling:
    """Point sets as a function of the step alone, so that a resumed run uses those of the uninterrupted run.

    Args:
        rule: The rule for interior points.
        boundary_number: Number of boundary points; None if the boundary is not sampled.
        seed: The seed of the run.
        batch: Number of interior points per step; None means all of them. Each epoch uses each point once, in a new order.
    """

    rule: PointRule
    boundary_number: int | None
    seed: int
    batch: int | None = None

    def draw(self, step: int) -> int:
        """Which draw a step uses, counted from 0."""
        return self.rule.draw(step)

    def interior(self, domain: Domain, draw: int) -> Samples:
        """Interior points of one draw, float64 on the CPU."""
        return self.rule.interior(domain, self.seed, draw)

    def boundary(self, domain: Domain, draw: int) -> Samples | None:
        """Boundary points of one draw, float64 on the CPU; None if the boundary is not sampled."""
        if self.boundary_number is None:
            return None
        return domain.boundary(self.boundary_number, None if self.rule.is_fixed else stream(self.seed, "boundary", draw))

    def batch_at(self, step: int, count: int) -> Tensor | None:
        """Indices of those of `count` interior points that a step uses; None means all of them."""
        if self.batch is None or self.batch >= count:
            return None
        epoch, position = divmod(step, math.ceil(count / self.batch))
        order = torch.randperm(count, generator=stream(self.seed, "batch", epoch))
        return order[position * self.batch : (position + 1) * self.batch]

    def held_out(self, domain: Domain) -> tuple[Samples, Samples | None]:
        """Interior and boundary points that no step uses.

        The interior points are those of another Gauss rule if there is one, otherwise a Sobol set: with a Sobol set of 1000
        points the energy of `poisson` was wrong by 0.3 percent, far more than the effect of overfitting. Boundary points are
        random. Both use streams of their own.
        """
        assert self.rule.number is not None
        number = max(math.ceil(_HELD_OUT * self.rule.number), _HELD_OUT_LEAST)
        interior = self._other_rule(domain, number) if domain.dimension <= 3 else None
        if interior is None:
            interior = domain.interior(number, stream(self.seed, "held-out interior"), sobol=True)
        edge = self.boundary_number
        return interior, None if edge is None else domain.boundary(edge, stream(self.seed, "held-out boundary"))

    def _other_rule(self, domain: Domain, number: int) -> Samples | None:
        """The first quadrature rule of at least `number` points that has no point of the training set; None if there is none.

        Domains round the number of points to whole panels or to the rules of their cells, so that two numbers can give the same
        rule, and two rules can share points. Random points are not in a fixed rule.
        """
        if not self.rule.is_fixed:
            return domain.quadrature(number)
        used, most = self.interior(domain, 0).x, _MOST * number
        while number <= most:
            rule = domain.quadrature(number)
            if not _meet(rule.x, used):
                return rule
            number = math.ceil(_MORE * number)
        return None


def _meet(x: Points, y: Points) -> bool:
    """Whether two point sets share a point."""
    from scipy.spatial import KDTree

    near, _ = KDTree(x.numpy()).query(y.numpy(), distance_upper_bound=_SAME * float((y.amax(dim=0) - y.amin(dim=0)).max()))
    return bool((near < math.inf).any())


def data_samples(problem: Problem) -> tuple[Samples, Values]:
    """The points at which a problem's source is known, equally weighted, and its values there, noise included.

    They belong to the problem and do not depend on the seed. Held-out points are not included.

    Raises:
        DataError: If every other point of a grid is to be held out, and the points are not those of a grid.
        IncompatibleError: If uniform points are requested on a domain that is not a box.
    """
    x, values, held_out = _known(problem)
    return _weighted(problem, x[~held_out]), values[~held_out]


def held_out_samples(problem: Problem) -> tuple[Samples, Values]:
    """The held-out points of the data, on which no method trains, and the values there; empty if no points are held out."""
    x, values, held_out = _known(problem)
    return _weighted(problem, x[held_out]), values[held_out]


def _weighted(problem: Problem, x: Points) -> Samples:
    return Samples(x, torch.full((len(x),), problem.domain.measure / max(len(x), 1), dtype=torch.float64))


def _known(problem: Problem) -> tuple[Points, Values, Tensor]:
    """All points, their values, and which are held out."""
    data, domain = problem.data, problem.domain
    assert data is not None
    if data.x is not None and data.values is not None:
        x, values = data.x, data.values
    else:
        x = _generated(data, domain)
        values = problem.source(x)
    values = values + data.noise * torch.randn(len(x), generator=stream(0, "noise"), dtype=torch.float64)
    return x, values, data.is_held_out(x)


def _generated(data: Data, domain: Domain) -> Points:
    if data.points == "random":
        return domain.interior(data.number, stream(0, "data")).x
    if not isinstance(domain, Box):
        raise IncompatibleError(
            f'[data] points = "uniform" need a box, and this domain is not a box ({domain.title}): use points = "random"'
        )
    axes = [torch.linspace(a, b, data.number, dtype=torch.float64) for a, b in zip(domain.lower, domain.upper, strict=True)]
    return torch.cartesian_prod(*axes).reshape(-1, domain.dimension)

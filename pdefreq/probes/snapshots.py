"""Values of the iterates on a grid, from which `pdefreq film` draws the solution and its spectrum along a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.probes.probe import Measurement, Probe

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target

COLUMN, POINTS, SHAPE = "snapshot", "snapshot_points", "snapshot_shape"
_NUMBER = {1: 463, 2: 65}  # points on a line, and along each side of a plane


@dataclass(frozen=True)
class SnapshotsProbe(Probe):
    """Records ``snapshot``, the values of u on a uniform grid at each recorded step.

    In one dimension the grid covers the interval. Otherwise it lies in the plane of the first two coordinates; the other
    coordinates are those of the midpoint of the bounding box. The facts are ``snapshot_points``, the points of the grid, and
    ``snapshot_shape``. Values outside the domain are nan.

    Args:
        number: Points along each axis; by default 463 on a line and 65 on a plane.
    """

    number: int = 0

    def __post_init__(self) -> None:
        if self.number and self.number < 2:
            raise OptionError(
                f"the option `number` of the probe snapshots must be at least 2, or 0 for the default, got {self.number}"
            )

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        return Snapshots(target.problem.domain, self.number)


class Snapshots(Measurement):
    """The grid of the snapshots."""

    def __init__(self, domain: Domain, number: int) -> None:
        import torch

        count = min(domain.dimension, 2)
        number = number or _NUMBER[count]
        sides = list(zip(*domain.bounds, strict=True))
        axes = [np.linspace(a, b, number) for a, b in sides[:count]] + [np.array([(a + b) / 2]) for a, b in sides[count:]]
        grid = torch.from_numpy(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, domain.dimension))
        self._inside = domain.contains(grid)
        self._x = grid[self._inside]
        self.facts = {POINTS: grid.numpy(), SHAPE: np.array([number] * count)}

    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        values = np.full(len(self._inside), np.nan)
        values[self._inside.numpy()] = iterate.values(self._x)
        return {COLUMN: values}

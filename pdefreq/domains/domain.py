"""What every domain can do, and the weighted point sets it hands out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.content import Content

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pdefreq.fields import Field
    from pdefreq.shapes import Points, Values

_MEAN = 64  # points for the mean of boundary values: a starting point, not an answer


@dataclass(frozen=True)
class Samples:
    """Points with quadrature weights.

    Args:
        x: Points, shape ``(n, d)``.
        weights: Weights, shape ``(n,)``; they sum to the measure of what was sampled, so a weighted sum is an integral.
        normals: Outward unit normals at boundary points, shape ``(n, d)``.
        parts: At boundary points, the index of the built-in part (`Domain.part_names`), shape ``(n,)``.
    """

    x: Points
    weights: Values
    normals: Tensor | None = None
    parts: Tensor | None = None


class Domain(Content, ABC):
    """A bounded open set. Domains are frozen and hashable."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """The space dimension d."""

    @property
    @abstractmethod
    def measure(self) -> float:
        """Length, area or volume."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Lower and upper corner of the smallest box that holds the domain."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What the domain is, for people: ``"disk of radius 1"``, ``"square (-1, 1)^2 with 3 holes"``."""

    @property
    @abstractmethod
    def part_names(self) -> tuple[str, ...]:
        """Names of the built-in pieces of the boundary, in the order of `Samples.parts`."""

    @property
    def opposite_sides(self) -> Mapping[str, tuple[int, int]]:
        """Pairs of sides that a translation maps onto each other, so that functions can be periodic; by default there are none.

        The name of each pair, in the order of the axes, and the indices of its sides in `part_names`.
        """
        return {}

    @abstractmethod
    def contains(self, x: Points) -> Tensor:
        """Whether each point lies in the closed domain, shape ``(n,)``, bool."""

    @abstractmethod
    def quadrature(self, n: int) -> Samples:
        """About `n` Gauss points in the interior (float64, CPU)."""

    @abstractmethod
    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        """`n` random points, independent and uniform or a scrambled Sobol set (float64, CPU)."""

    @abstractmethod
    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        """About `n` boundary points: Gauss points, or uniform random ones when a stream is given (float64, CPU)."""

    def boundary_mean(self, g: Field) -> float:
        """The mean of a field over the boundary, by the fixed rule of some points."""
        edge = self.boundary(_MEAN)
        return float((edge.weights * g(edge.x)).sum() / edge.weights.sum())

    @abstractmethod
    def distance(self) -> Field:
        """A smooth function, zero exactly on the boundary and positive inside."""

    @abstractmethod
    def lifting(self, g: Field) -> Field:
        """A function on the domain that equals `g` on its boundary, and looks at `g` nowhere else."""

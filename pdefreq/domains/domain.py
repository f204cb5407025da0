"""What every domain can do, and the weighted point sets it hands out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pdefreq.fields import Field
    from pdefreq.shapes import Points, Values


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


class Domain(ABC):
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
    def part_names(self) -> tuple[str, ...]:
        """Names of the built-in pieces of the boundary, in the order of `Samples.parts`."""

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

    @abstractmethod
    def distance(self) -> Field:
        """A smooth function, zero exactly on the boundary and positive inside."""

    @abstractmethod
    def lifting(self, g: Field) -> Field:
        """A function on the domain that equals `g` on its boundary."""

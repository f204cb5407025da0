"""Balls in any dimension: intervals, disks, balls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from pdefreq.domains import rules
from pdefreq.domains.domain import Domain, Samples
from pdefreq.domains.lifting import into_ellipsoid
from pdefreq.domains.shells import check_midpoint, place, rounding, shell_samples, sphere_samples
from pdefreq.errors import ProblemFileError
from pdefreq.fields import CallableField, ConstantField, Field

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Points


@dataclass(frozen=True)
class Ball(Domain):
    """The open ball ``|x - midpoint| < radius``.

    Args:
        midpoint: One coordinate for each dimension.
        radius: Above zero.

    Raises:
        ProblemFileError: If the midpoint is not finite, or the radius not finite and positive.
    """

    content_type: ClassVar[str] = "ball"
    midpoint: tuple[float, ...]
    radius: float

    def __post_init__(self) -> None:
        check_midpoint(self.midpoint, "ball")
        if not 0 < self.radius < math.inf:
            raise ProblemFileError(f"[domain] the radius of a ball must be above zero, got {self.radius:g}")

    @property
    def dimension(self) -> int:
        return len(self.midpoint)

    @property
    def measure(self) -> float:
        return rules.ball_volume(self.dimension) * self.radius**self.dimension

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(m - self.radius for m in self.midpoint), tuple(m + self.radius for m in self.midpoint)

    @property
    def title(self) -> str:
        kind = {1: "interval", 2: "disk"}.get(self.dimension, "ball")
        return f"{kind} of radius {self.radius:g}"

    @property
    def part_names(self) -> tuple[str, ...]:
        return ("outer",)

    def contains(self, x: Points) -> Tensor:
        return (x - x.new_tensor(self.midpoint)).norm(dim=1) <= self.radius * (1 + rounding(x, self.midpoint, self.radius))

    def quadrature(self, n: int) -> Samples:
        return shell_samples(self.midpoint, 0.0, self.radius, n, self.measure)

    def interior(self, n: int, stream: torch.Generator, *, sobol: bool = False) -> Samples:
        x = rules.shell_points(self.dimension, 0.0, self.radius, n, stream, sobol=sobol)
        return Samples(place(self.midpoint, x), torch.full((n,), self.measure / n, dtype=torch.float64))

    def boundary(self, n: int, stream: torch.Generator | None = None) -> Samples:
        return sphere_samples(self.midpoint, self.radius, n, stream)

    def distance(self) -> Field:
        """1 - |x - midpoint|^2 / radius^2: negative outside."""

        def level(x: Tensor) -> Tensor:
            return 1 - (x - x.new_tensor(self.midpoint)).square().sum(dim=1) / self.radius**2

        return CallableField(level, lambda x: -2 / self.radius**2 * (x - x.new_tensor(self.midpoint)))

    def lifting(self, g: Field) -> Field:
        if g.constant is not None:
            return ConstantField(g.constant)
        return into_ellipsoid(g, self.midpoint, (self.radius,) * self.dimension, self.boundary_mean(g))

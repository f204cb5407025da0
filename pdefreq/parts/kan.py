"""Kolmogorov-Arnold networks, whose layers are sums of trainable functions of one variable."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.parts.networks import FormulaNetwork
from pdefreq.parts.part import COUNT, POSITIVE, require

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values

_NOISE = 0.1  # standard deviation of the initial spline coefficients of a network with one input


@dataclass(frozen=True, kw_only=True)
class Kan(FormulaNetwork):
    """A Kolmogorov-Arnold network with layers ``h_o = sum_i w_oi silu(h_i) + sum_g c_oig B_g(h_i)`` and B-splines B_g.

    Args:
        widths: Number of nodes of each hidden layer.
        intervals: Number of intervals of the grid of the splines.
        degree: Degree of the splines.
        reach: The grid is uniform on [-reach, reach], in the units of the problem; outside only the SiLU part remains.

    Source:
        Liu, Wang, Vaidya, Ruehle, Halverson, Soljacic, Hou, Tegmark (2024), KAN: Kolmogorov-Arnold networks, arXiv 2404.19756,
        section 2.2; their frequency bias: Wang, Siegel, Liu, Hou (2024), arXiv 2410.01803.
    """

    widths: tuple[int, ...] = (10, 10)
    intervals: int = 20
    degree: int = 3
    reach: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, COUNT, "widths", "intervals", "degree")
        require(self, POSITIVE, "reach")

    @property
    def smoothness(self) -> float:
        return self.degree

    @property
    def smoother(self) -> str:
        return "degree=3"

    def shapes(self, dimension: int) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for number, (inputs, outputs) in enumerate(itertools.pairwise((dimension, *self.widths, 1)), start=1):
            found[f"silu{number}"] = (outputs, inputs)
            found[f"spline{number}"] = (outputs, inputs, self.intervals + self.degree)
        return found

    def draw(self, name: str, shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
        import torch

        if name.startswith("silu"):
            return super().draw(name, shape, stream)
        return _NOISE / math.sqrt(shape[1]) * torch.randn(shape, generator=stream, dtype=torch.float64)

    def value(self, p: Mapping[str, Tensor], x: Points) -> Values:
        import torch

        h = x
        for number in range(1, len(self.widths) + 2):
            splines = torch.einsum("nig,oig->no", self._splines(h), p[f"spline{number}"])
            h = torch.nn.functional.silu(h) @ p[f"silu{number}"].T + splines
        return h[:, 0]

    def _splines(self, h: Tensor) -> Tensor:
        """The B-splines at each entry of h, ``(n, i, intervals + degree)``, by the recurrence of Cox and de Boor."""
        import torch

        places = torch.arange(self.intervals + 2 * self.degree, dtype=h.dtype, device=h.device) - self.degree
        t = (h[..., None] / self.reach + 1) * (self.intervals / 2) - places  # distance from the first knot of each spline
        found = ((t >= 0) & (t < 1)).to(h)
        for k in range(1, self.degree + 1):
            left, right = t[..., :-k], k + 1 - t[..., :-k]
            found = (left * found[..., :-1] + right * found[..., 1:]) / k
        return found

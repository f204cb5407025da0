"""Fixed maps of the input: what a network sees instead of the coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.errors import OptionError
from pdefreq.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.box import Box
    from pdefreq.shapes import Points


@dataclass(frozen=True)
class FourierFeatures:
    """``x -> [cos B x, sin B x]``.

    Args:
        frequencies: The rows of B, angular wavevectors: radians per unit of length.

    Source:
        Tancik et al. (2020), Fourier features let networks learn high frequency functions, arXiv 2006.10739, section 5.
    """

    frequencies: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if not self.frequencies or len({len(row) for row in self.frequencies}) > 1:
            raise OptionError("Fourier features need at least one frequency, and one number for each coordinate in all of them")

    @property
    def number(self) -> int:
        """Features: two for each frequency."""
        return 2 * len(self.frequencies)

    @property
    def layer(self) -> tuple[Tensor, Tensor]:
        """Weights ``(number, d)`` and biases ``(number, 1)`` of the layer of sines that this is; float64."""
        b = torch.tensor(self.frequencies, dtype=torch.float64)
        phase = torch.zeros(self.number, 1, dtype=torch.float64)
        phase[: len(b)] = math.pi / 2
        return torch.cat([b, b]), phase

    def __call__(self, x: Points) -> Tensor:
        """The features of points, ``(n, number)``."""
        weight, phase = (t.to(x) for t in self.layer)
        return torch.sin(x @ weight.T + phase.T)


def random_features(dimension: int, number: int, std: float, seed: int = 0) -> FourierFeatures:
    """Frequencies drawn once from N(0, std^2 I).

    Args:
        dimension: Of the points.
        number: Frequencies; there are twice as many features.
        std: Standard deviation of each component, an angular wavenumber: 2 pi times that of Tancik et al.
        seed: Fixes the draw, apart from the seed of the weights.
    """
    rows = std * torch.randn(number, dimension, generator=stream(seed, "fourier features"), dtype=torch.float64)
    return FourierFeatures(tuple(map(tuple, rows.tolist())))


def periodic_features(box: Box, harmonics: int) -> FourierFeatures:
    """``cos, sin of 2 pi k x_i / L_i`` for each axis and k = 1 ... harmonics: what is made of them has the box as its period."""
    rows = [
        tuple(2 * math.pi * k / length if i == j else 0.0 for j in range(box.dimension))
        for i, length in enumerate(box.lengths)
        for k in range(1, harmonics + 1)
    ]
    return FourierFeatures(tuple(rows))

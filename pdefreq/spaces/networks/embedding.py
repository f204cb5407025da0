"""Fixed maps of the input: what a network sees instead of the coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.streams import stream
from pdefreq.spaces.networks.activations.sin import SIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.box import Box
    from pdefreq.domains.domain import Domain
    from pdefreq.spaces.trial_space import Network

_POINTS = 16  # on each side, at which values are compared
_TOLERANCE = 1e-9  # relative to the size of the values


@dataclass(frozen=True)
class FourierFeatures:
    """``x -> [cos B x, sin B x]``, and coordinates that are passed on as they are.

    Args:
        frequencies: The rows of B, angular wavevectors: radians per unit of length.
        passed: Axes of the coordinates that follow the features.

    Source:
        Tancik et al. (2020), Fourier features let networks learn high frequency functions, arXiv 2006.10739, section 5.
    """

    frequencies: tuple[tuple[float, ...], ...]
    passed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.frequencies or len({len(row) for row in self.frequencies}) > 1:
            raise OptionError("Fourier features need at least one frequency, and one number for each coordinate in all of them")

    @property
    def number(self) -> int:
        """Features: two for each frequency, and the coordinates that are passed on."""
        return 2 * len(self.frequencies) + len(self.passed)

    @property
    def layer(self) -> tuple[Tensor, Tensor]:
        """Weights ``(number, d)`` and biases ``(number, 1)`` of the layer that this is, with `jet` for activation; float64."""
        b = torch.tensor(self.frequencies, dtype=torch.float64)
        phase = torch.zeros(self.number, 1, dtype=torch.float64)
        phase[: len(b)] = math.pi / 2
        return torch.cat([b, b, torch.eye(b.shape[1], dtype=torch.float64)[list(self.passed)]]), phase

    def jet(self, a: Tensor, order: int) -> tuple[Tensor, ...]:
        """The activation of the layer and its derivatives up to an order: a sine, and for the last rows the identity.

        Args:
            a: Where, shape ``(..., number, n)``.
            order: Of the last derivative.
        """
        jet = SIN.jet(a, order)
        if not self.passed:
            return jet
        sines = 2 * len(self.frequencies)
        lines = [a[..., sines:, :], torch.ones_like(a[..., sines:, :]), *[torch.zeros_like(a[..., sines:, :])] * (order - 1)]
        return tuple(torch.cat([t[..., :sines, :], line], dim=-2) for t, line in zip(jet, lines, strict=False))

    def __call__(self, x: Points) -> Tensor:
        """The features of points, ``(n, number)``."""
        weight, phase = (t.to(x) for t in self.layer)
        return self.jet(weight @ x.T + phase, 0)[0].T


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


def periodic_features(box: Box, harmonics: int, axes: Sequence[int] | None = None) -> FourierFeatures:
    """``cos, sin of 2 pi k x_i / L_i`` for k = 1 ... harmonics: what is made of them has the sides of the box as its periods.

    Args:
        box: Its sides L_i.
        harmonics: Highest k.
        axes: Axes i; the coordinates along the others are passed on. By default all axes.
    """
    axes = range(box.dimension) if axes is None else axes
    rows = [
        tuple(2 * math.pi * k / box.lengths[i] if i == j else 0.0 for j in range(box.dimension))
        for i in axes
        for k in range(1, harmonics + 1)
    ]
    return FourierFeatures(tuple(rows), tuple(i for i in range(box.dimension) if i not in axes))


def require_periodic(network: Network, domain: Domain, axes: Sequence[int]) -> None:
    """Check that a network has equal values at opposite points of the sides across some axes, for random parameters.

    Raises:
        IncompatibleError: If it has not.
    """
    (lower, upper), names = domain.bounds, [*domain.opposite_sides]
    draw = stream(0, "periodicity")
    for axis in axes:
        c = network.initialize(draw)
        c = c + 0.1 * torch.randn(c.shape, generator=draw, dtype=c.dtype)  # a start may be zero everywhere
        below = domain.interior(_POINTS, draw).x
        above = below.clone()
        below[:, axis], above[:, axis] = lower[axis], upper[axis]
        with torch.no_grad():
            low, high = (network.at(x).value(c) for x in (below, above))
        if not float((low - high).abs().max()) <= _TOLERANCE * float(low.abs().max()):
            raise IncompatibleError(
                f"the problem is periodic along {names[axis]} and this network is not: use an mlp or mscale network with "
                "input=periodic, or `fem`"
            )

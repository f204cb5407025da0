"""Input maps: fixed functions of the coordinates that a network receives in place of them."""

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
    from pdefreq.domains.frame import Frame
    from pdefreq.spaces.trial_space import Network

_POINTS = 16  # pairs of points at which the values are compared
_TOLERANCE = 1e-9  # relative to the largest value


@dataclass(frozen=True)
class FourierFeatures:
    """The input map ``x -> [cos B (x - x_0), sin B (x - x_0)]``, optionally followed by some of the coordinates themselves.

    Args:
        frequencies: The rows of B, angular wavevectors in radians per length.
        passed: Axes of the coordinates that are appended to the features, in the units of the frame.
        frame: The frame with the origin x_0; None for x itself.

    Source:
        Tancik et al. (2020), Fourier features let networks learn high frequency functions, arXiv 2006.10739, section 5.
    """

    frequencies: tuple[tuple[float, ...], ...]
    passed: tuple[int, ...] = ()
    frame: Frame | None = None

    def __post_init__(self) -> None:
        if not (self.frequencies or self.passed) or len({len(row) for row in self.frequencies}) > 1:
            raise OptionError("Fourier features need at least one frequency, each with one number for each coordinate")

    @property
    def number(self) -> int:
        """The number of features: two for each frequency, and one for each appended coordinate."""
        return 2 * len(self.frequencies) + len(self.passed)

    @property
    def layer(self) -> tuple[Tensor, Tensor]:
        """Weights ``(number, d)`` and biases ``(number, 1)`` of the equivalent layer, whose activation is `jet`; float64."""
        dimension = len(self.frequencies[0]) if self.frequencies else len(self.passed)
        b = torch.tensor(self.frequencies, dtype=torch.float64).reshape(-1, dimension)
        phase = torch.zeros(self.number, 1, dtype=torch.float64)
        phase[: len(b)] = math.pi / 2
        axes = torch.eye(dimension, dtype=torch.float64)[list(self.passed)]
        if self.frame is None:
            return torch.cat([b, b, axes]), phase
        weight = torch.cat([b, b, axes / torch.tensor(self.frame.units, dtype=torch.float64)])
        return weight, phase - weight @ torch.tensor(self.frame.origin, dtype=torch.float64)[:, None]

    def jet(self, a: Tensor, order: int) -> tuple[Tensor, ...]:
        """The activation of the equivalent layer and its derivatives: a sine, and the identity for appended coordinates.

        Args:
            a: Arguments, shape ``(..., number, n)``.
            order: The highest order of derivative.
        """
        jet = SIN.jet(a, order)
        if not self.passed:
            return jet
        sines = 2 * len(self.frequencies)
        lines = [a[..., sines:, :], torch.ones_like(a[..., sines:, :]), *[torch.zeros_like(a[..., sines:, :])] * (order - 1)]
        return tuple(torch.cat([t[..., :sines, :], line], dim=-2) for t, line in zip(jet, lines, strict=False))

    def __call__(self, x: Points) -> Tensor:
        """The features at points ``(n, d)``, shape ``(n, number)``."""
        weight, phase = (t.to(x) for t in self.layer)
        return self.jet(weight @ x.T + phase, 0)[0].T


def coordinates(frame: Frame) -> FourierFeatures | None:
    """The coordinates in a frame, without sines; None for those of the points themselves."""
    return None if frame.is_identity else FourierFeatures((), tuple(range(len(frame.units))), frame)


def random_features(
    dimension: int, number: int, std: float, seed: int = 0, *, octaves: Sequence[int] = (), frame: Frame | None = None
) -> FourierFeatures:
    """Fourier features with random frequencies from N(0, std^2 I), and more of them in given octaves.

    Args:
        dimension: The dimension d of the points.
        number: The number of frequencies; there are twice as many features.
        std: Standard deviation of each component, an angular wavenumber: 2 pi times the value of Tancik et al.
        seed: Seed of the frequencies, independent of the seed of the weights.
        octaves: Numbers j. For each of them as many frequencies follow, with random directions and with moduli that are uniform
            in (2^(j-1), 2^j).
        frame: The frame in whose units the wavenumbers are given; by default lengths.
    """
    rows = std * torch.randn(number, dimension, generator=stream(seed, "fourier features"), dtype=torch.float64)
    for octave in octaves:
        draw = stream(seed, "fourier features of an octave", octave)
        rows = torch.cat(
            [
                rows,
                2.0 ** (octave - 1)
                * _directions(dimension, number, draw)
                * (1 + torch.rand(number, 1, generator=draw, dtype=torch.float64)),
            ]
        )
    wavevectors = tuple(map(tuple, rows.tolist()))
    if frame is None or frame.is_identity:
        return FourierFeatures(wavevectors)
    return FourierFeatures(frame.per_unit(wavevectors), frame=frame)


def _directions(dimension: int, number: int, draw: torch.Generator) -> Tensor:
    """Random unit vectors, ``(number, d)``, float64."""
    rows = torch.randn(number, dimension, generator=draw, dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True)


def periodic_features(
    box: Box, harmonics: int, axes: Sequence[int] | None = None, *, frame: Frame | None = None
) -> FourierFeatures:
    """Features ``cos, sin of 2 pi k x_i / L_i`` for k = 1 ... harmonics; functions of them are periodic on the box.

    Args:
        box: The box with the side lengths L_i.
        harmonics: The largest k.
        axes: The axes i, by default all. The coordinates along the other axes are appended, in the units of the frame.
        frame: The frame; by default x itself.
    """
    axes = range(box.dimension) if axes is None else axes
    rows = [
        tuple(2 * math.pi * k / box.lengths[i] if i == j else 0.0 for j in range(box.dimension))
        for i in axes
        for k in range(1, harmonics + 1)
    ]
    passed = tuple(i for i in range(box.dimension) if i not in axes)
    return FourierFeatures(tuple(rows), passed, None if frame is None or frame.is_identity else frame)


def require_periodic(network: Network, domain: Domain, axes: Sequence[int]) -> None:
    """Check that a network with random parameters has equal values at opposite points of the sides across some axes.

    Raises:
        IncompatibleError: If the values differ.
    """
    (lower, upper), names = domain.bounds, [*domain.opposite_sides]
    draw = stream(0, "periodicity")
    for axis in axes:
        c = network.initialize(draw)
        c = c + 0.1 * torch.randn(c.shape, generator=draw, dtype=c.dtype)  # some networks are zero at initialization
        below = domain.interior(_POINTS, draw).x
        above = below.clone()
        below[:, axis], above[:, axis] = lower[axis], upper[axis]
        with torch.no_grad():
            low, high = (network.at(x).value(c) for x in (below, above))
        if not float((low - high).abs().max()) <= _TOLERANCE * float(low.abs().max()):
            raise IncompatibleError(
                f"the problem is periodic along {names[axis]}, but this network is not: use an mlp or mscale network with "
                "`--set input=periodic`, or `fem`"
            )

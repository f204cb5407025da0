"""Bands of wavenumbers: a function as the sum of parts, one for each band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.spectrum.box_modes import BOX_FAMILIES
from pdefreq.spectrum.sampling_grid import grid_axes, grid_intervals, tensor_points

if TYPE_CHECKING:
    from pdefreq.domains.box import Box
    from pdefreq.spectrum.eigen import EigenModes
    from pdefreq.spectrum.family import Expansion

_EVEN = 1e-9  # relative to the side of a box: nodes at a smaller distance from a uniform grid are on the grid
_ROUNDING = 1e-12  # a remainder below this times the largest value is rounding
_EDGE = 1e-9  # octaves: a wavenumber that is twice the lowest up to rounding begins the second band


@dataclass(frozen=True, eq=False)
class Band:
    """The part of a function whose wavenumbers satisfy ``lower <= |xi| < upper``.

    Args:
        lower: Lower end of the band, rad per unit length.
        upper: Upper end of the band.
        values: The part at the points of the function.
    """

    lower: float
    upper: float
    values: np.ndarray


def dyadic_bands(expansion: Expansion) -> list[Band]:
    """One band per octave, from the lowest nonzero wavenumber; a constant belongs to the first band.

    The sum of the bands is the expansion of the function in the modes, without the part that the family subtracts first.

    Args:
        expansion: The expansion of a function in modes of any family.

    Example:
        >>> from pdefreq.domains.box import Box
        >>> from pdefreq.spectrum.box_modes import SineModes
        >>> x = np.linspace(0, np.pi, 9)
        >>> bands = dyadic_bands(SineModes.expand(Box((0.0,), (np.pi,)), np.sin(x) + np.sin(5 * x)))
        >>> [(round(band.lower, 9), round(band.upper, 9), bool(abs(band.values).max() > 1e-15)) for band in bands]
        [(0.0, 2.0, True), (2.0, 4.0, False), (4.0, 8.0, True)]
    """
    wavenumber = expansion.wavenumber
    lowest = float(wavenumber[wavenumber > 0].min())
    octave = np.floor(np.log2(np.maximum(wavenumber, lowest) / lowest) + _EDGE).astype(int)
    return [
        Band(
            lowest * 2.0**j if j else 0.0,
            lowest * 2.0 ** (j + 1),
            expansion.synthesize(np.where(octave == j, expansion.coefficients, 0)),
        )
        for j in range(octave.max() + 1)
    ]


def split_on_box(
    kind: str, box: Box, x: np.ndarray, values: np.ndarray, function: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """The parts of a function on a box by name, whose sum is the function.

    If the points are the nodes of a uniform grid, the modes of this grid are used; otherwise the bands are computed on the grid
    of the family and interpolated linearly.

    Args:
        kind: A mode family.
        box: A box in up to three dimensions.
        x: Points, shape ``(n, d)``.
        values: Values of the function at the points, shape ``(n,)``.
        function: The function, ``(n, d) -> (n,)``, which is used if the points are not a uniform grid.

    Returns:
        ``band_1_0_to_<upper>``, ``band_2_<lower>_to_<upper>``, ...; then ``boundary``, the part of the boundary
        values that the family subtracts, and ``unresolved``, the part that the grid of the family does not resolve, if they
        exist.
    """
    own = _as_grid(box, x)
    if own is not None:
        intervals, place = own
        parts = _split(kind, box, values[np.argsort(place)].reshape([n + 1 for n in intervals]))
        return {name: part.ravel()[place] for name, part in parts.items()}
    from scipy.interpolate import RegularGridInterpolator

    axes = grid_axes(box, grid_intervals(box))
    parts = _split(kind, box, function(tensor_points(axes)).reshape([len(axis) for axis in axes]))
    between = {name: RegularGridInterpolator(axes, part)(x) for name, part in parts.items()}
    return between | _remainder("unresolved", values, between)


def split_on_mesh(
    modes: EigenModes, x: np.ndarray, values: np.ndarray, function: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """The parts of a function on any domain by name, whose sum is the function.

    The bands are computed on the mesh of the modes and evaluated in its elements.

    Args:
        modes: Modes of the domain.
        x: Points, shape ``(n, d)``.
        values: Values of the function at the points, shape ``(n,)``.
        function: The function, ``(n, d) -> (n,)``.

    Returns:
        As `split_on_box`; ``unresolved`` includes the modes beyond the last one.
    """
    nodal = function(modes.points().numpy())
    parts = _named(dyadic_bands(modes.expand(nodal)))
    boundary = modes.boundary_part(nodal)
    parts |= {"boundary": boundary} if np.abs(boundary).max() > _ROUNDING * np.abs(nodal).max() else {}
    at = modes.straight.at(torch.from_numpy(x))
    there = {name: at.value(torch.from_numpy(part)).numpy() for name, part in parts.items()}
    return there | _remainder("unresolved", values, there)


def _split(kind: str, box: Box, values: np.ndarray) -> dict[str, np.ndarray]:
    """The parts of a function given at all nodes of a grid."""
    parts = _named(dyadic_bands(BOX_FAMILIES[kind].expand(box, values)))
    return parts | _remainder("boundary", values, parts)


def _named(bands: list[Band]) -> dict[str, np.ndarray]:
    width = len(str(len(bands)))
    return {f"band_{k:0{width}}_{band.lower:.3g}_to_{band.upper:.3g}": band.values for k, band in enumerate(bands, start=1)}


def _remainder(name: str, whole: np.ndarray, parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    rest = whole - np.sum([*parts.values()], axis=0)
    return {name: rest} if float(np.abs(rest).max()) > _ROUNDING * float(np.abs(whole).max()) else {}


def _as_grid(box: Box, x: np.ndarray) -> tuple[list[int], np.ndarray] | None:
    """Intervals of the uniform grid formed by the points, and the node number of each point in C order; None without a grid."""
    unit = (x - np.array(box.lower)) / np.array(box.lengths)
    sorted_by_axis = np.sort(unit, axis=0)
    intervals = [int(n) for n in (sorted_by_axis[1:] - sorted_by_axis[:-1] > _EVEN).sum(axis=0)]
    steps = unit * intervals
    numbers = np.round(steps).astype(int)
    shape = [n + 1 for n in intervals]
    if min(intervals) < 2 or len(x) != np.prod(shape) or (np.abs(steps - numbers) > _EVEN * np.array(intervals)).any():
        return None
    return intervals, np.arange(len(x)).reshape(shape)[tuple(numbers.T)]

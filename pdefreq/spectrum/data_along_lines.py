"""The spectrum of the data along lines parallel to the axes, for domains of more than three dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.streams import stream
from pdefreq.problem.solution_size import finite_values
from pdefreq.spectrum.averaged_symbol import AveragedSymbol
from pdefreq.spectrum.box_transform import decay_order, expanded
from pdefreq.spectrum.occupied_wavenumbers import DataSpectrum, decay_class

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem

_LINES, _ALONG = 8, 512  # number of lines parallel to each axis, and number of points on each line


def along_lines(problem: Problem, delta: float) -> DataSpectrum:
    """The spectrum from values on lines parallel to the axes through random points, in more than three dimensions.

    Args:
        problem: The problem. The exact solution is not used.
        delta: The least relative amplitude of an occupied wavenumber.
    """
    import torch

    (lower, upper), d = problem.domain.bounds, problem.domain.dimension
    sides = tuple(b - a for a, b in zip(lower, upper, strict=True))
    symbol, bases = AveragedSymbol(problem, sides), problem.domain.interior(_LINES, stream(0, "lines")).x
    middle = (torch.arange(_ALONG, dtype=torch.float64) + 0.5) / _ALONG
    fields: list[tuple[Field | None, int]] = [(None, 2)]
    if not problem.is_regression:
        fields += [
            (condition.value if condition.kind == "dirichlet" else condition.flux, 0 if condition.kind == "dirichlet" else 1)
            for condition in problem.boundary
            if condition.kind != "periodic"
        ]
    columns, slowest = [], math.inf
    for axis in range(d):
        x = bases[:, None, :].repeat(1, _ALONG, 1)
        x[:, :, axis] = lower[axis] + sides[axis] * middle
        k = np.arange(_ALONG, dtype=float)
        along = [k if other == axis else np.zeros(1) for other in range(d)]
        total = np.zeros(_ALONG)
        for field, order in fields:
            if field is not None and (field.constant is not None or field.has_kinks):
                continue
            function = field if field is not None else (problem.regression_target if problem.is_regression else problem.source)
            values = finite_values(function, x.reshape(-1, d)).reshape(_LINES, _ALONG).numpy()
            if field is not None:
                values = values - values.mean()
            else:
                slowest = min(slowest, *(decay_order(line) for line in values))
            c = np.sqrt((np.stack([expanded(line, "cosine", ())[0] for line in values]) ** 2).mean(axis=0))
            scale = {0: 1.0, 1: symbol.averaged.mean_diffusion * math.pi * np.maximum(k, 1) / sides[axis], 2: symbol.at(along)}[
                order
            ]
            total = np.maximum(total, c / scale)
        columns.append(total)
    u = np.stack(columns)
    top = float(u.max())
    if not 0 < top < math.inf:
        return DataSpectrum.lowest(sides, _ALONG, "lines", symbol.resonant, delta)
    index = np.argwhere(u > delta * top)
    index = index[np.argsort(-u[tuple(index.T)], kind="stable")]
    wavenumbers = np.eye(d)[index[:, 0]] * index[:, 1:]
    largest = tuple(max(1.0, float(wavenumbers[:, axis].max()), symbol.resonant * sides[axis] / math.pi) for axis in range(d))
    decay = decay_class(slowest)
    return DataSpectrum(sides, "lines", wavenumbers, u[tuple(index.T)] / top, largest, _ALONG, decay, symbol.resonant, delta)

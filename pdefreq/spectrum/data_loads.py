"""Further data whose waves the solution contains: prescribed values, fluxes, and a load for variable coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdefreq.problem.solution_size import finite_values
from pdefreq.spectrum.box_transform import Transform, summed

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.problem.problem import Problem
    from pdefreq.spectrum.averaged_symbol import AveragedSymbol

_SAME = 1e-10  # smaller relative changes of a load are rounding errors


def boundary_data(problem: Problem, x: Points) -> tuple[list[Tensor], list[Tensor]]:
    """The prescribed values and fluxes that are not constant, extended to the box by their formulas."""
    values, fluxes = [], []
    if problem.is_regression:
        return [], []
    for condition in problem.boundary:
        chosen: tuple[Field, list[Tensor]] | None = None
        if condition.kind == "dirichlet":
            chosen = condition.value, values
        elif condition.kind == "robin":
            chosen = condition.flux, fluxes
        if chosen is not None and chosen[0].constant is None and not chosen[0].has_kinks:
            chosen[1].append(finite_values(chosen[0], x))
    return values, fluxes


def second_load(problem: Problem, symbol: AveragedSymbol, x: Points, u: np.ndarray, kind: Transform) -> Tensor | None:
    """The second load, f - (L - L_averaged) u with the solution u for averaged coefficients; None if it is equal to f.

    Args:
        problem: The problem.
        symbol: The equation with averaged coefficients.
        x: The midpoints of equal cells of the box, shape ``(N, d)``.
        u: The coefficients of u in an expansion on these cells, one axis of the array for each coordinate.
        kind: The transform.

    Returns:
        The values at the points, shape ``(N,)``, or None.
    """
    import torch

    coefficients = [field for term in problem.equation for field in vars(term).values()]
    linear_and_constant = problem.is_linear and all(
        getattr(field, "constant", None) is not None for field in coefficients if not isinstance(field, (int, float))
    )
    if linear_and_constant:
        return None
    cells = [side / n for side, n in zip(symbol.sides, u.shape, strict=True)]
    values = summed(u, kind, problem.periodic_axes)
    slopes = np.stack([np.gradient(values, step, axis=axis) for axis, step in enumerate(cells)], axis=-1)
    v, q = torch.from_numpy(values.reshape(-1)), torch.from_numpy(slopes.reshape(-1, u.ndim))
    averaged = symbol.averaged
    load, stiffness = finite_values(problem.source, x), torch.zeros_like(v)
    for term in problem.equation:
        strong = term.strong(x)
        lower, second = strong.lower(v, q), strong.second(v, q)
        load = load if lower is None else load - lower
        if second is not None:
            isotropic = second.expand(len(v)) if second.ndim < 2 else second.diagonal(dim1=1, dim2=2).mean(dim=1)
            stiffness = stiffness + isotropic
    ratio = torch.where(stiffness > 0, averaged.mean_diffusion / stiffness, 1.0)
    load = torch.nan_to_num((load + averaged.reaction * v) * ratio, 0.0, 0.0, 0.0)
    first = finite_values(problem.source, x)
    if not bool((load - first).abs().max() > _SAME * first.abs().max()):
        return None
    return load

"""The mesh Peclet number, the ratio of convection to diffusion on the scale of a cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.notes import Note
from pdefreq.spaces.elements.densities import TermsAtPoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.core.shapes import Points
    from pdefreq.problem.terms.equation import Equation

_ROUNDING = 1e-9


def mesh_peclet_number(equation: Equation, x: Points, h: float | Sequence[float] | np.ndarray) -> float:
    """The largest mesh Peclet number ``|b h| / (2 n.A n)`` at points, with b the velocity and n = b / |b| its direction.

    Above 1 the solutions of central differences and of Galerkin methods with linear elements may oscillate. The result is 0 if
    there is no convection. It is also 0 if a term with derivatives is nonlinear, in which case no number is computed.

    Args:
        equation: The equation with its terms.
        x: The points, ``(n, d)``, float64.
        h: The cell size: a number, one for each axis, or one for each point, ``(n, 1)``.

    Raises:
        ProblemFileError: If a coefficient is not finite, or outside its range, at one of the points.

    Source:
        Elman, Silvester, Wathen (2014), Finite Elements and Fast Iterative Solvers, section 6.3.
    """
    terms = [term for term in equation if term.order > 0]
    if all(term.symmetric for term in terms) or not all(term.linear for term in terms):
        return 0.0
    n, d = x.shape
    slopes, _ = TermsAtPoints(terms, x, (n,)).slopes()
    if not slopes.value_q:
        return 0.0
    b = np.stack([np.broadcast_to(component, n) for component in slopes.value_q], axis=1)
    size = np.linalg.norm(b, axis=1)
    along = np.divide(b, size[:, None], out=np.zeros_like(b), where=size[:, None] > 0)
    diffusion = slopes.isotropic + sum(
        entry * along[:, i] * along[:, j] for i, row in enumerate(slopes.matrix) for j, entry in enumerate(row)
    )
    convection = np.linalg.norm(b * np.broadcast_to(h, (n, d)), axis=1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        numbers = np.where(convection > 0, convection / diffusion, 0.0)
    return float(numbers.max(initial=0.0))


def peclet_remark(number: float, option: str, value: int | None) -> list[str]:
    """A message for the user if the mesh Peclet number exceeds 1; otherwise an empty list.

    Args:
        number: The mesh Peclet number.
        option: The option that sets the number of cells: ``"cells"``, ``"intervals"``.
        value: The value of that option; None if the mesh does not depend on it.
    """
    if not number > 1 + _ROUNDING:
        return []
    if not math.isfinite(number):
        remedy = "there is convection without diffusion, which no mesh resolves: add diffusion everywhere"
    elif value is None:
        remedy = f"refine the mesh by a factor of {math.ceil(number * (1 - _ROUNDING))}"
    else:
        remedy = f"use at least {option}={math.ceil(number * value * (1 - _ROUNDING))}"
    told = f"The mesh Peclet number reaches {number:.3g}: the discrete solution may oscillate; {remedy}."
    return [Note(told, "coarse for its convection")]

"""The coefficients of an equation on tensor grids for finite differences, summed over its terms."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from pdefreq.core.validation import validated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.problem.terms.equation import Equation
    from pdefreq.problem.terms.term import FiniteDifferenceCoefficients


def diffusion_on_grid(equation: Equation, axis: int, axes: list[Tensor]) -> Tensor:
    """The coefficient A of the flux ``-A du/dx_k`` on a tensor grid, an array, or 0-d if it is constant.

    Args:
        equation: The equation with its terms.
        axis: The axis k.
        axes: The coordinates of the grid along each axis, float64.

    Raises:
        ProblemFileError: If a coefficient is not finite or negative at a point.
    """
    found = [(name, each.diffusion) for name, each in _of_terms(equation) if each.diffusion]
    return _sum(_values(a[axis if len(a) > 1 else 0], name, axes, least=0) for name, a in found)


def convection_on_grid(equation: Equation, axis: int, axes: list[Tensor]) -> Tensor | None:
    """The velocity b of ``b du/dx_k`` along the axis k, as in `diffusion_on_grid`; None if it is zero.

    Raises:
        ProblemFileError: If a coefficient is not finite at a point.
    """
    found = [(name, each.convection[axis]) for name, each in _of_terms(equation) if each.convection]
    found = [(name, b) for name, b in found if b.constant != 0]
    return _sum(_values(b, name, axes) for name, b in found) if found else None


def reaction_on_grid(equation: Equation, axes: list[Tensor]) -> Tensor:
    """The coefficient c of ``c u``, as in `diffusion_on_grid`.

    Raises:
        ProblemFileError: If a coefficient is not finite at a point.
    """
    return _sum(_values(each.reaction, name, axes) for name, each in _of_terms(equation) if each.reaction is not None)


def tensor_product(axes: list[Tensor]) -> Points:
    """All points of a tensor grid, ``(n, d)``, in C order."""
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))


def _of_terms(equation: Equation) -> Iterator[tuple[str, FiniteDifferenceCoefficients]]:
    """The name of each term and its finite difference coefficients."""
    for term in equation:
        found = term.finite_difference_coefficients()
        assert found is not None, "the method requires these coefficients"
        yield term.name, found


def _sum(values: Iterator[Tensor]) -> Tensor:
    found = list(values)
    return functools.reduce(torch.add, found) if found else torch.tensor(0.0, dtype=torch.float64)


def _values(field: Field, name: str, axes: list[Tensor], *, least: float = -torch.inf) -> Tensor:
    if field.constant is not None:
        return torch.tensor(field.constant, dtype=torch.float64)
    return validated(field, f"[equation] {name}", tensor_product(axes), least=least).reshape([len(axis) for axis in axes])

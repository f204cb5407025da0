"""The numbers of an equation whose coefficients are the same everywhere and whose derivatives are along the axes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.terms.equation import Equation


class Constants(NamedTuple):
    """``-sum_k a_k d^2 u / dx_k^2 + sum_k b_k du/dx_k + c u``.

    Args:
        diffusion: a_k, one for each axis.
        convection: b_k, one for each axis.
        reaction: c.
    """

    diffusion: tuple[float, ...]
    convection: tuple[float, ...]
    reaction: float

    @property
    def is_symmetric(self) -> bool:
        """Whether nothing is convected."""
        return not any(self.convection)


def constants_of(equation: Equation, dimension: int) -> Constants | None:
    """The numbers of an equation in so many dimensions; None where a coefficient varies or mixes the axes."""
    found = equation.finite_difference_coefficients()
    if found is None:
        return None
    convection = [_sum(each.convection[k] for each in found if each.convection) for k in range(dimension)]
    diffusion = [
        _sum(a[k if len(a) > 1 else 0] for each in found if (a := each.diffusion))  # one for all axes, or one for each
        for k in range(dimension)
    ]
    reaction = _sum(each.reaction for each in found if each.reaction is not None)
    if reaction is None or None in convection or None in diffusion:
        return None
    return Constants(tuple(diffusion), tuple(convection), reaction)  # pyright: ignore[reportArgumentType]


def _sum(fields: Iterable[Field]) -> float | None:
    """The sum of constant fields; None where one varies."""
    numbers = [field.constant for field in fields]
    return None if None in numbers else sum(numbers, 0.0)  # pyright: ignore[reportArgumentType, reportCallIssue]

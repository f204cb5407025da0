"""The constant coefficients of an equation whose derivatives are along the axes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.terms.equation import Equation


class Constants(NamedTuple):
    """The coefficients of ``-sum_k a_k d^2 u / dx_k^2 + sum_k b_k du/dx_k + c u``.

    Args:
        diffusion: The coefficients a_k, one for each axis.
        convection: The coefficients b_k, one for each axis.
        reaction: The coefficient c.
    """

    diffusion: tuple[float, ...]
    convection: tuple[float, ...]
    reaction: float

    @property
    def is_symmetric(self) -> bool:
        """Whether there is no convection."""
        return not any(self.convection)


def constants_of(equation: Equation, dimension: int) -> Constants | None:
    """The constant coefficients of an equation, or None if a coefficient varies or there are mixed derivatives."""
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
    """The sum of constant fields, or None if one of them varies."""
    numbers = [field.constant for field in fields]
    return None if None in numbers else sum(numbers, 0.0)  # pyright: ignore[reportArgumentType, reportCallIssue]

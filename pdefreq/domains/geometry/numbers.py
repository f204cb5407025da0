"""The numbers that define a shape."""

from __future__ import annotations

from typing import Any

from pdefreq.core.conversion import shown
from pdefreq.core.errors import DomainError


def numbers(values: Any, name: str) -> tuple[float, ...]:
    """A sequence of numbers as floating-point numbers.

    Args:
        values: The sequence.
        name: What the numbers are, for messages.

    Raises:
        DomainError: If it is not a sequence of numbers.
    """
    try:
        if not isinstance(values, str):
            return tuple(map(float, values))
    except (TypeError, ValueError, RuntimeError):
        pass
    raise DomainError(f"[domain] {name} must be numbers, got {shown(values)}")


def sequence(values: Any, name: str) -> tuple[Any, ...]:
    """The entries of a list or an array.

    Raises:
        DomainError: If the value has no entries, like a number.
    """
    try:
        return tuple(values)
    except TypeError:
        raise DomainError(f"[domain] {name} must be a list, got {shown(values)}") from None

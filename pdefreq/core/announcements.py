"""What is worked on outside the steps, for whoever waits: said where it is known, shown where there is a screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None]] = ContextVar("listener", default=lambda _: None)


def announce(activity: str) -> None:
    """Say what begins now, or how far it is; nothing happens where nobody listens.

    Example:
        >>> with listening(print):
        ...     announce("computing a reference solution")
        computing a reference solution
    """
    _listener.get()(activity)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Have a function called with each activity that is announced in the body."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)

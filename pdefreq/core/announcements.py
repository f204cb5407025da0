"""Announcements of long computations outside the steps of a run, and their listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None]] = ContextVar("listener", default=lambda _: None)


def announce(activity: str) -> None:
    """Announce an activity or its progress to the current listener; without a listener, do nothing.

    Example:
        >>> with listening(print):
        ...     announce("computing a reference solution")
        computing a reference solution
    """
    _listener.get()(activity)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """A context in which a function is called with each announced activity."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)

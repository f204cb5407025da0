"""Announcements of long computations outside the steps of a run, remarks before a run, and their listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None]] = ContextVar("listener", default=lambda _: None)


_reader: ContextVar[Callable[[str], None]] = ContextVar("reader", default=lambda _: None)


def announce(activity: str) -> None:
    """Announce an activity or its progress to the current listener; without a listener, do nothing.

    Example:
        >>> with listening(print):
        ...     announce("computing a reference solution")
        computing a reference solution
    """
    _listener.get()(activity)


def remark(sentence: str) -> None:
    """Tell the current reader a sentence that the user should know before a run; without a reader, do nothing."""
    _reader.get()(sentence)


@contextmanager
def listening(listener: Callable[[str], None], reader: Callable[[str], None] | None = None) -> Iterator[None]:
    """A context in which a function is called with each announced activity.

    Args:
        listener: The function for activities.
        reader: A function that is called with each remark; None keeps the current one.
    """
    token = _listener.set(listener)
    read = None if reader is None else _reader.set(reader)
    try:
        yield
    finally:
        _listener.reset(token)
        if read is not None:
            _reader.reset(read)

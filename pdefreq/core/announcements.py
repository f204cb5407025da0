"""What the library reports while it computes: by the standard library's logging, and to listeners such as a live display.

The logger is ``logging.getLogger("pdefreq")``. Warnings are sentences that the user should know, the level INFO has choices with
their reasons and the times of the phases of a run, and DEBUG each long computation when it begins. Nothing is printed unless the
program configures logging.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOGGER = logging.getLogger("pdefreq")
LOGGER.addHandler(logging.NullHandler())  # otherwise Python prints warnings of programs that do not configure logging

IN_RESULT = {"in_result": True}
"""The attributes of log records that repeat a part of the result, which the command line prints itself."""

_listener: ContextVar[Callable[[str], None]] = ContextVar("listener", default=lambda _: None)


_reader: ContextVar[Callable[[str], None]] = ContextVar("reader", default=lambda _: None)


def announce(activity: str) -> None:
    """Announce an activity or its progress to the current listener, and log it at the level DEBUG.

    Example:
        >>> with listening(print):
        ...     announce("computing a reference solution")
        computing a reference solution
    """
    _listener.get()(activity)
    LOGGER.debug("%s", activity)


def remark(sentence: str, level: int = logging.WARNING) -> None:
    """Tell the current reader a sentence that the user should know before a run, and log it."""
    _reader.get()(sentence)
    LOGGER.log(level, "%s", sentence)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """A context whose duration is logged at the level INFO."""
    began = time.perf_counter()
    yield
    LOGGER.info("%s took %.2g s", name, time.perf_counter() - began)


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

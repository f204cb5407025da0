"""Handling of Ctrl-C and termination requests between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """A context in which Ctrl-C and termination requests end a run between two steps, so that all data can be saved.

    Yields:
        A function that returns whether a request has arrived. A second request raises KeyboardInterrupt immediately.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set  # only the main thread can handle signals
        return

    def ask(*_: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked.is_set() and _ends_all.get():
        raise KeyboardInterrupt


_ends_all: ContextVar[bool] = ContextVar("ends_all", default=False)


@contextmanager
def ending_all() -> Iterator[None]:
    """A context in which a request also stops further runs: `interruptible` raises KeyboardInterrupt after the current run."""
    token = _ends_all.set(True)
    try:
        yield
    finally:
        _ends_all.reset(token)

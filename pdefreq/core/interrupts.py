"""Ctrl-C and termination requests, caught between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and a termination request end the run between two steps, with everything saved; a second Ctrl-C at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set  # only the main thread may catch signals
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
    """Within it a request ends not only the run that it meets but, by a KeyboardInterrupt, what would start the next one."""
    token = _ends_all.set(True)
    try:
        yield
    finally:
        _ends_all.reset(token)

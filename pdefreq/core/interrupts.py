"""Handling of Ctrl-C and of requests to terminate: between two steps of a run, and while modules are imported."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_REQUESTS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]  # no SIGHUP on Windows


class Request:
    """A request to end a run, which has arrived if the object, called, returns True.

    Args:
        condition: A further condition, as of `requested_by`.
    """

    number: int | None = None
    """The number of the signal."""

    def __init__(self, condition: Callable[[], bool] = lambda: False) -> None:
        self._condition = condition

    def __call__(self) -> bool:
        return self.number is not None or self._condition()

    def deliver(self) -> None:
        """Send the signal again, if one arrived, to the handler of the caller: a run that ended by itself did not answer it."""
        if self.number is not None:
            signal.raise_signal(self.number)


_latest = Request()


def exit_code() -> int:
    """The exit code after a request: 128 plus the number of the signal, thus 130 after Ctrl-C."""
    return 128 + (_latest.number or signal.SIGINT)


def terminal_is_gone() -> bool:
    """Whether the request was SIGHUP: the terminal may be closed, and nothing can be printed."""
    return _latest.number is not None and _latest.number == getattr(signal, "SIGHUP", None)


@contextmanager
def interruptible() -> Iterator[Request]:
    """A context in which Ctrl-C, SIGTERM and SIGHUP end a run between two steps, so that all data can be saved.

    Signals that the process ignores stay ignored, as SIGHUP under ``nohup``. A Ctrl-C after any earlier request raises
    KeyboardInterrupt immediately. Other signals may arrive twice, as SIGHUP from the terminal and from the shell, and are then
    answered once.

    Yields:
        The request. Called, it returns whether a signal has arrived.
    """
    global _latest
    request = Request(_condition.get())
    if threading.current_thread() is threading.main_thread():
        _latest = request

    def ask(number: int, *_: Any) -> None:
        if number == signal.SIGINT and request.number is not None:
            raise KeyboardInterrupt
        request.number = request.number or number

    with _handling(_REQUESTS, ask):
        yield request
    if request() and _ends_all.get():
        raise KeyboardInterrupt


@contextmanager
def exiting_at_once() -> Iterator[None]:
    """A context in which Ctrl-C ends the process without a traceback: for imports, where there is nothing to save.

    An exception could be raised inside a module that is half imported, and be reported as another error.
    """
    with _handling([signal.SIGINT], lambda *_: os._exit(128 + signal.SIGINT)):
        yield


@contextmanager
def _handling(numbers: Sequence[int], handler: Callable[..., Any]) -> Iterator[None]:
    """A context in which signals have a handler, unless the process ignores them; only the main thread can handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]  # None: not set from Python
    before = {number: signal.signal(number, handler) for number in own}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


_condition: ContextVar[Callable[[], bool]] = ContextVar("condition", default=lambda: False)


@contextmanager
def requested_by(condition: Callable[[], bool]) -> Iterator[None]:
    """A context in which runs also end when a condition holds. Threads other than the main one receive no signals."""
    token = _condition.set(condition)
    try:
        yield
    finally:
        _condition.reset(token)


_ends_all: ContextVar[bool] = ContextVar("ends_all", default=False)


@contextmanager
def ending_all() -> Iterator[None]:
    """A context in which a request also stops further runs: `interruptible` raises KeyboardInterrupt after the current run."""
    token = _ends_all.set(True)
    try:
        yield
    finally:
        _ends_all.reset(token)

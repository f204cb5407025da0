"""Worker processes of this machine, and signs of life from them. This module imports no numerical library."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

from pdefreq.core.conversion import convert
from pdefreq.core.errors import OptionError
from pdefreq.core.machine import available_cores

A = TypeVar("A")
R = TypeVar("R")

_MODULES = ["pdefreq.runs.worker", "torch", "pdefreq.problem.files.reader", "pdefreq.runs.lifecycle", "pdefreq.runs.loop"]


def number_of_workers(workers: int | str, runs: int) -> int:
    """The number of processes for so many runs.

    Raises:
        OptionError: If `workers` is neither a positive number nor ``"auto"``.
    """
    if workers == "auto":
        return max(1, min(available_cores(), runs))
    try:
        number = convert("workers", workers, int)
    except OptionError:
        number = 0
    if number < 1:
        raise OptionError(f"`workers` must be a positive number or 'auto', got {workers!r}", option="workers")
    return min(number, max(runs, 1))


class LocalProcesses:
    """Processes of this machine, which are replaced if they are killed.

    Args:
        workers: The number of processes.
        temporary: A folder for signs of life.
    """

    def __init__(self, workers: int, temporary: Path) -> None:
        self._workers = workers
        self._ready = temporary / "ready"
        self._pool: ProcessPoolExecutor | None = None
        self._others: list[BaseProcess] = []

    def __enter__(self) -> LocalProcesses:
        self._others = multiprocessing.active_children()  # those of the program that uses this package
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is not None:
            self.stop()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def submit(self, function: Callable[[A], R], task: A) -> Future[R]:
        """Submit a task, to new processes if one of the old ones was killed.

        Raises:
            OptionError: If no process could start, as in a script without the usual test of ``__name__``.
        """
        with _one_thread_each():
            if self._pool is not None:
                try:
                    return self._pool.submit(function, task)
                except BrokenExecutor:
                    if not self._ready.exists():
                        raise OptionError(
                            "the worker processes can't start; a script that uses `workers` must call pdefreq below "
                            "`if __name__ == '__main__':`, because each process imports the script",
                            option="workers",
                        ) from None
            self._pool = ProcessPoolExecutor(self._workers, _context(), _start_worker, (str(self._ready),))
            return self._pool.submit(function, task)

    def stop(self) -> None:
        """Ask the runs in the processes to end."""
        for process in multiprocessing.active_children():
            if process not in self._others:
                process.terminate()


def start_server() -> None:
    """Start the server from which processes are forked, where the system has one. It imports the modules in the background."""
    if _has_server():
        from multiprocessing import forkserver

        with _one_thread_each():
            multiprocessing.set_forkserver_preload(_MODULES)
            forkserver.ensure_running()


def _has_server() -> bool:
    return "forkserver" in multiprocessing.get_all_start_methods()


def _context() -> BaseContext:
    start_server()
    return multiprocessing.get_context("forkserver" if _has_server() else "spawn")


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """An environment in which processes that start use one thread for linear algebra."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_worker(ready: str) -> None:
    """Prepare a worker process of the local machine.

    Ctrl-C reaches all processes of a terminal. Between runs it is left to the parent process. The worker ends if its parent
    process ends, since nobody would give it further runs.

    Args:
        ready: A file that is created.
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            wait([parent.sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
    Path(ready).touch()

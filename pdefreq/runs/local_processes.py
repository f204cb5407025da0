"""Worker processes of this machine. This module imports no numerical library."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Self, TypeVar

from pdefreq.core.conversion import convert
from pdefreq.core.errors import OptionError
from pdefreq.core.machine import available_cores

A = TypeVar("A")
R = TypeVar("R")

_END_SECONDS = 10.0  # for a process to end after its last task, before it is killed

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
    """Processes of this machine, each of which executes one task after the other; those that are killed are replaced.

    Each process has a pipe of its own. The processes share no queue and no lock, which a killed process could leave locked, and
    the loss of a process affects only the task that it was executing.

    Args:
        workers: The number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers)  # each thread waits for one process
        self._lock = threading.Lock()
        self._processes: list[_Process] = []
        self._idle: list[_Process] = []
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Wait for the tasks. After an error, ask them to end; after a second Ctrl-C, kill the processes."""
        if kind is not None:
            self.stop(kill=not issubclass(kind, Exception))
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.close()
        for process in self._processes:
            process.end()

    def submit(self, function: Callable[[A], R], task: A) -> Future[R]:
        """Submit a task. The function must be at the top level of a module.

        The future raises BrokenExecutor if the process of the task is lost, and OptionError if no process can start, as in a
        script without the usual test of ``__name__``.
        """
        return self._threads.submit(self._made, function, task)

    def stop(self, *, kill: bool = False) -> None:
        """Ask the tasks to end, and begin no others.

        Args:
            kill: Whether the processes are killed, in place of the signal that runs answer between two steps.
        """
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.ask_to_end(kill=kill)

    def _made(self, function: Callable[[A], R], task: A) -> R:
        try:
            process = self._free()
            process.require_started()
            succeeded, result = process.answer(function, task)
        except (EOFError, OSError):
            raise BrokenExecutor("the process of the task was lost") from None
        with self._lock:
            self._idle.append(process)
        if succeeded:
            return result
        raise result

    def _free(self) -> _Process:
        """A process that executes no task: an idle one, or a new one."""
        with self._lock:
            if self._stopped:
                raise BrokenExecutor("the processes were stopped before the task began")
            while self._idle:
                if (process := self._idle.pop()).is_alive():
                    return process
            self._processes.append(process := _Process())
            return process


class _Process:
    """A worker process and this end of its pipe."""

    def __init__(self) -> None:
        context = _context()
        self._pipe, other = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(other,))  # pyright: ignore[reportAttributeAccessIssue]
        self._has_started = False
        with _one_thread_each():
            self._process.start()
        other.close()  # the pipe then ends with the process

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def require_started(self) -> None:
        """Wait until the process is ready.

        Raises:
            EOFError, OSError: If the process is lost.
            OptionError: If it ended with an exception, as in a script without the usual test of ``__name__``.
        """
        if self._has_started:
            return
        try:
            self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            if self._process.exitcode == 1:  # negative after a signal
                raise OptionError(
                    "the worker processes can't start; a script that uses `workers` must call pdefreq below "
                    "`if __name__ == '__main__':`, because each process imports the script",
                    option="workers",
                ) from None
            raise
        self._has_started = True

    def answer(self, function: Callable[[A], R], task: A) -> tuple[bool, Any]:
        """Whether the call of the function succeeded, and its result or its exception."""
        self._pipe.send((function, task))
        return self._pipe.recv()

    def ask_to_end(self, *, kill: bool) -> None:
        (self._process.kill if kill else self._process.terminate)()

    def close(self) -> None:
        """Close the pipe, by which a process without a task ends."""
        self._pipe.close()

    def end(self) -> None:
        """Wait for the end of the process after its pipe was closed."""
        self._process.join(_END_SECONDS)
        self._process.kill()
        self._process.join()


def start_server() -> None:
    """Start the server from which processes are forked, where the system has one. It imports the modules in the background."""
    if _has_server():
        from multiprocessing import forkserver, resource_tracker

        resource_tracker.ensure_running()  # it unblocks Ctrl-C once it has started
        with _one_thread_each(), _ctrl_c_blocked():
            multiprocessing.set_forkserver_preload(_MODULES)
            forkserver.ensure_running()


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """A context in which processes that start don't receive Ctrl-C: the server would print a traceback of its imports."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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


def _serve(pipe: Connection) -> None:
    """Execute the tasks that arrive through a pipe, until the other end is closed.

    Ctrl-C reaches all processes of a terminal. Between tasks it is left to the parent process. The process ends if its parent
    process ends, since nobody would read the results.
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    if _has_server():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked while the server started
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            wait([parent.sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
    with suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            _send(pipe, _answer(pipe))


def _answer(pipe: Connection) -> tuple[bool, Any]:
    """Whether the next task succeeded, and its result or its exception.

    Raises:
        EOFError: If the pipe is closed.
    """
    try:
        function, task = pipe.recv()
    except EOFError:
        raise
    except Exception as error:  # the task can't be read, for instance because a module is missing
        return False, error
    try:
        return True, function(task)
    except BaseException as error:
        error.add_note(traceback.format_exc())  # of this process
        return False, error


def _send(pipe: Connection, answer: tuple[bool, Any]) -> None:
    try:
        pipe.send(answer)
    except OSError:
        raise
    except Exception as error:  # an object that can't be sent; nothing was written
        cause = error if answer[0] else answer[1]
        pipe.send((False, RuntimeError("".join(traceback.format_exception(cause)))))

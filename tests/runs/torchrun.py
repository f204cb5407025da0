"""The command line in several processes that share a run, forked from the process of the tests, which has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    """How a process ended: its exit code, and what it printed."""

    code: int | None
    out: str
    err: str


def start(
    size: int, folder: Path, *arguments: object, before: Callable[[int], object] = lambda _: None, seconds: float = 60.0
) -> list:
    """Processes that execute a command as torchrun starts them; each prints into files in a folder.

    Args:
        size: The number of processes.
        folder: The folder of the files.
        arguments: The arguments of `pdefreq`.
        before: Called in each process with its rank before the command.
        seconds: The time after which a process that does not answer counts as lost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]

    def work(rank: int) -> None:
        warnings.simplefilter("ignore")  # as in a new process
        os.environ |= {
            "RANK": f"{rank}",
            "LOCAL_RANK": f"{rank}",
            "WORLD_SIZE": f"{size}",
            "LOCAL_WORLD_SIZE": f"{size}",
            "TORCHELASTIC_RUN_ID": "test",
        }
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}", "PDEFREQ_PROCESS_SECONDS": f"{seconds}"}
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / f"{name}-{rank}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        sys.argv = ["pdefreq", *map(str, arguments)]
        code: object = 1
        try:
            from pdefreq.cli import main

            before(rank)
            main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)

    processes = [multiprocessing.get_context("fork").Process(target=work, args=(rank,)) for rank in range(size)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks in a process with threads, from Python 3.12 on
        for process in processes:
            process.start()
    return processes


def ended(processes: list, folder: Path, seconds: float = 120.0) -> list[Ended]:
    """How the processes of `start` ended; those that have not ended after a time are killed, and have the code None."""
    end = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
        process.join()
    texts = ((folder / f"{name}-{rank}" for name in ("out", "err")) for rank in range(len(processes)))
    return [Ended(code, *(path.read_text() for path in paths)) for code, paths in zip(codes, texts, strict=True)]


def torchrun(size: int, folder: Path, *arguments: object, **options) -> list[Ended]:
    """Start the processes and wait for them."""
    return ended(start(size, folder, *arguments, **options), folder)

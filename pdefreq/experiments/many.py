"""Many experiments in parallel on an executor; each of them runs in one process, in its own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdefreq.core.errors import NotConvergedError, UserError
from pdefreq.core.interrupts import ending_all, interruptible
from pdefreq.experiments import experiment_named
from pdefreq.experiments.reproduction import Reproduction
from pdefreq.runs.local_processes import LocalProcesses
from pdefreq.runs.many_runs import process_died

_POLL_SECONDS = 0.25
_MOST_ATTEMPTS = 3  # of an experiment whose process is killed; each attempt continues with the runs on disk


@dataclass(frozen=True)
class Asked:
    """An experiment for another process, as plain data.

    Args:
        name: The registered name.
        options: The options that differ from their defaults.
        folder: The folder of the result, an absolute path, since the process may have another working directory.
    """

    name: str
    options: Mapping[str, Any]
    folder: Path


def reproduced(asked: Asked) -> str | UserError | None:
    """The text of the report of an experiment, which is run unless it is finished; its error, or None after an interruption."""
    import torch

    torch.set_num_threads(1)
    reproduction = Reproduction(asked.name, experiment_named(asked.name), asked.options, asked.folder)
    try:
        with ending_all():
            return reproduction.finished() or reproduction.run()
    except KeyboardInterrupt:
        return None
    except UserError as error:
        return error


def reproduce_all(
    asked: Sequence[Asked], *, workers: int, executor: Executor | None = None
) -> Iterator[tuple[int, str | UserError | None]]:
    """Run experiments, and yield the index and the result of each when it ends; `reproduced` defines the result.

    An experiment whose process is killed too often has the result `NotConvergedError`.

    Args:
        asked: The experiments.
        workers: The number of processes on this machine.
        executor: An executor in place of these processes, whose workers must see the folders.
    """
    if executor is not None:
        yield from _results(asked, lambda each: executor.submit(reproduced, each), lambda: None)
        return
    with LocalProcesses(workers) as pool:
        yield from _results(asked, lambda each: pool.submit(reproduced, each), pool.stop)


def _results(
    asked: Sequence[Asked], submit: Callable[[Asked], Future[str | UserError | None]], stop: Callable[[], None]
) -> Iterator[tuple[int, str | UserError | None]]:
    attempts = [1] * len(asked)
    with interruptible() as interrupted:
        pending = {submit(each): place for place, each in enumerate(asked)}
        stopping = False
        while pending:
            if interrupted() and not stopping:
                stopping = True
                for future in pending:
                    future.cancel()
                stop()
            done, _ = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                place = pending.pop(future)
                if future.cancelled():
                    continue
                error = future.exception()
                if error is None:
                    yield place, future.result()
                elif not process_died(error):
                    raise error
                elif not stopping:
                    attempts[place] += 1
                    if attempts[place] <= _MOST_ATTEMPTS:
                        pending[submit(asked[place])] = place
                        continue
                    yield (
                        place,
                        NotConvergedError(
                            f"its process was killed {_MOST_ATTEMPTS} times; if it needs more memory than there is, use fewer "
                            "workers: --workers 1"
                        ),
                    )

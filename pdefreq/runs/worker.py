"""Runs in another process: what is sent to it, what it does, and what it returns."""

from __future__ import annotations

import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pdefreq.core.errors import UserError
from pdefreq.core.file_io import write_atomically
from pdefreq.core.interrupts import requested_by
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.sent_spec import SentSpec

if TYPE_CHECKING:
    from pdefreq.runs.loop import Progress

_REPORT_SECONDS = 0.5  # shortest time between two reports of the progress of a run, and between two checks for the stop file


@dataclass(frozen=True)
class Task:
    """A run for another process, possibly on another machine, as plain data.

    Args:
        spec: What to run.
        folder: The folder of the run.
        mark: A file that exists where the file system is that of the sender.
        report: The file in which the progress is reported.
        sender: The process that made the task.
        trust: Whether the Python files may be loaded.
    """

    spec: SentSpec
    folder: str
    mark: str
    report: str
    sender: str
    trust: bool

    @classmethod
    def of(cls, run: PlannedRun, folder: Path, *, mark: Path, report: Path) -> Self:
        """The task that makes a run in a folder."""
        return cls(
            spec=SentSpec.of(run.spec),
            folder=str(folder.absolute()),  # the worker may have another working directory
            mark=str(mark.absolute()),
            report=str(report.absolute()),
            sender=_this_process(),
            # The files are those that the user named for this process, which has loaded them.
            trust=run.trust or bool(run.spec.code_files),
        )

    def planned(self, folder: Path, code_folder: Path) -> PlannedRun:
        """The run in a folder.

        Args:
            folder: The folder of the run.
            code_folder: Where the Python files are written if their own paths do not have the same content.
        """
        return PlannedRun(self.spec.read(code_folder), folder=folder, trust=self.trust)


@dataclass(frozen=True)
class Returned:
    """The result of a task.

    Args:
        files: The content of the files of the run folder by relative path, if the sender does not see the folder.
        error: The error of the run, if it has no result.
        begun: Whether the run was begun.
    """

    files: Mapping[str, bytes] | None = None
    error: UserError | None = None
    begun: bool = True

    def unpack(self, folder: Path) -> None:
        """Write the files into the run folder of the sender, ``run.json`` last."""
        files = dict(self.files or {})
        for name in sorted(files, key=lambda name: (name == "run.json", name)):
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"a worker returned a file outside the run folder: {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, files[name])


def work(task: Task) -> Returned:
    """Make the run of a task, or continue it from its last checkpoint.

    In a process of its own it runs on one thread, so that the result does not depend on the number of workers. In the process of
    the sender, the number of threads is not changed. The run ends as after an interruption if the stop file of the task appears.
    """
    stop = _FileAppears(stop_file(Path(task.mark)))
    if stop():
        return Returned(begun=False)
    if task.sender != _this_process():
        import torch

        from pdefreq.core.devices import keep_freed_memory

        torch.set_num_threads(1)
        keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="pdefreq-") as own:
        shared = Path(task.mark).exists()
        folder = Path(task.folder) if shared else Path(own) / "run"
        report = None
        if Path(task.report).parent.is_dir():  # on another machine it may be missing although the run folder is shared
            report = _Report(Path(task.report))
        try:
            with requested_by(stop):
                task.planned(folder, Path(own)).complete(progress=report)
        except UserError as error:
            return Returned(error=error)
        if shared:
            return Returned()
        return Returned({str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()})


def stop_file(mark: Path) -> Path:
    """The file that asks the workers that see the mark to end their runs."""
    return mark.with_name(f"{mark.name}.stop")


def _this_process() -> str:
    return f"{platform.node()} {os.getpid()}"


class _FileAppears:
    """Whether a file exists, which is checked at intervals."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._exists, self._looked = False, -math.inf

    def __call__(self) -> bool:
        if (now := time.monotonic()) - self._looked >= _REPORT_SECONDS:
            self._exists, self._looked = self._path.exists(), now
        return self._exists


class _Report:
    """The progress of a run in a file, which another process reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = -_REPORT_SECONDS

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.done or now - self._written >= _REPORT_SECONDS:
            write_atomically(self._path, json.dumps(asdict(progress)).encode())
            self._written = now

"""The folder of a study: a folder for each run, and ``study.json``, by which the same study is recognized and continued."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from pdefreq.core.announcements import remark
from pdefreq.core.errors import RunFolderError
from pdefreq.core.file_io import as_path, free_folder, json_bytes, make_folder, read_bounded, write_atomically
from pdefreq.core.locks import LOCK, is_locked, locked
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.run_folder import next_free

_FILE = "study.json"
_MOST_BYTES = 2**26


@dataclass(frozen=True)
class NextFolder:
    """The next free folder ``parent/name-1``, ``parent/name-2``, ... or the newest one in which the same study was interrupted.

    A study that another process is running is not interrupted.

    Args:
        parent: The folder of the folders.
        name: The start of their names.
    """

    parent: Path
    name: str

    def claimed(self, record: Mapping[str, Any]) -> Path:
        """The folder for a study with this record. A new one is created, so that no other command takes it as well."""
        for last in self._existing():
            with suppress(RunFolderError):
                if (last / _FILE).is_file() and _read(last) == {**record, "finished": False} and not is_locked(last):
                    remark(f"continuing the interrupted study in {last}")
                    return last
        while True:
            free = free_folder(next_free(self.parent, self.name))
            with suppress(FileExistsError):  # made by another command at the same time
                free.mkdir(parents=True)
                return free

    def _existing(self) -> list[Path]:
        """The folders with these names, the newest first."""
        if not self.parent.is_dir():
            return []
        parts = [(path.name.rpartition("-"), path) for path in self.parent.iterdir()]
        numbered = {int(number): path for (name, _, number), path in parts if name == self.name and number.isdecimal()}
        return [numbered[number] for number in sorted(numbered, reverse=True)]


class StudyFolder:
    """A context in which the runs of a study are made in its folder: a new one, or the one in which the same study has begun.

    No other process can run a study in the folder meanwhile. A folder in which nothing was stored is removed at the end.

    Args:
        folder: The folder. A new one is created. With None, nothing is written.
        kind: The kind of the study, such as ``"compare"``.
        runs: The runs without their folders, by the names that the folders are to have.
        others: Identifiers of runs of other programs, by the names of their folders.

    Attributes:
        path: The folder, or None.
        runs: The runs, each with its folder.
        was_finished: Whether no run of the study was left at the beginning.

    Raises:
        RunFolderError: If the folder holds something else, can't be written, is used by another process, or contains another run
            under one of the names.
    """

    path: Path | None = None
    runs: Sequence[PlannedRun]
    was_finished: bool = False

    def __init__(
        self,
        folder: str | Path | NextFolder | None,
        kind: str,
        runs: Mapping[str, PlannedRun],
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._record = {"kind": kind, "runs": {name: run.spec.id for name, run in runs.items()} | dict(others)}
        self._place = folder
        self._named = runs
        self.runs = list(runs.values())

    def __enter__(self) -> Self:
        if self._place is None:
            return self
        self.path = self._place.claimed(self._record) if isinstance(self._place, NextFolder) else as_path(self._place)
        self.runs = [replace(run, folder=self.path / name) for name, run in self._named.items()]
        is_new = not (self.path / _FILE).is_file()
        if is_new:
            free_folder(self.path, otherwise="choose another one with --out")
            make_folder(self.path)
        elif {**(before := _read(self.path)), "finished": None} != {**self._record, "finished": None}:
            raise RunFolderError(
                f"the folder {self.path} contains another study: repeat the command of that study to continue it, or choose "
                "another folder with --out"
            )
        else:
            self.was_finished = before.get("finished") is True
        with ExitStack() as entered:
            entered.enter_context(locked(self.path))
            if is_new:
                self._write(finished=False)
            for run in self.runs:
                run.require_own()
            self._held = entered.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self.path is None:
            return
        if is_empty := {path.name for path in self.path.iterdir()} <= {_FILE, LOCK}:
            (self.path / _FILE).unlink()
        self._held.close()
        if is_empty:
            self.path.rmdir()

    def finish(self) -> None:
        """Record that no run is left."""
        if self.path is not None:
            self._write(finished=True)

    def _write(self, *, finished: bool) -> None:
        assert self.path is not None
        write_atomically(self.path / _FILE, json_bytes({**self._record, "finished": finished}))


def _read(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads(read_bounded(folder / _FILE, _MOST_BYTES))
        if not isinstance(record, dict):
            raise ValueError("it is not a JSON object")
        return record
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"can't read {folder / _FILE}: {error}") from None

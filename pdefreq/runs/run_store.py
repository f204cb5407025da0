"""A folder that keeps every run of a longer computation, so that the computation can be interrupted and started again.

While a store is in use, `pdefreq.runs.lifecycle.run` looks up each specification in it: a finished run is loaded, an interrupted
run is resumed, and any other run starts in a folder of the store. The folders are named by the digests of the specifications.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.core.file_io import make_folder
from pdefreq.core.locks import is_locked

if TYPE_CHECKING:
    from pdefreq.runs.spec import RunSpec

_ACTIVE: ContextVar[RunStore | None] = ContextVar("run_store", default=None)


@dataclass(frozen=True)
class RunStore:
    """A folder of run folders.

    Args:
        folder: The folder, created with the first run.
    """

    folder: Path

    @contextmanager
    def active(self) -> Iterator[None]:
        """A context in which runs without a folder are kept here."""
        token = _ACTIVE.set(self)
        try:
            yield
        finally:
            _ACTIVE.reset(token)

    def place(self, spec: RunSpec) -> Path:
        """The folder of a run. What a process left that was killed while it created the folder is removed."""
        make_folder(self.folder)
        folder = self.folder / spec.id
        if folder.is_dir() and not (folder / "run.json").exists() and not is_locked(folder):
            shutil.rmtree(folder)
        return folder


def place_of(spec: RunSpec) -> Path | None:
    """The folder of a run in the active store.

    None if no store is active, or if the specification does not determine the run because it contains Python objects: a run that
    is found by its digest could be another one.
    """
    store = _ACTIVE.get()
    return None if store is None or spec.given else store.place(spec)

"""One experiment with its options and its folder: it is run once, found again when it is finished, and continued otherwise.

The folder contains, besides the files of the report, ``reproduce.json`` (the experiment, its options, the versions and the
processor time) and ``runs-<digest>/``, a run folder for each run. The digest covers the experiment, its options, the version of
pdefreq and the source code of the experiment, so that a result is found again only if it would be the same.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pdefreq
from pdefreq.core.file_io import as_path, free_folder, json_bytes, make_folder, write_atomically
from pdefreq.experiments import Experiment, run_experiment
from pdefreq.runs.run_store import RunStore

_RECORD = "reproduce.json"


@dataclass(frozen=True)
class Reproduction:
    """An experiment with its options.

    Args:
        name: The registered name, or ``"path/to/file.py:Name"``.
        experiment: The function of the experiment.
        options: The options that differ from their defaults.
        out: The requested folder; by default ``runs/reproduce-<name>-<digest>``.
    """

    name: str
    experiment: Experiment
    options: Mapping[str, Any]
    out: Path | None = None

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that identify the result."""
        try:
            code = hashlib.sha256(Path(inspect.getfile(self.experiment)).read_bytes()).hexdigest()
        except (TypeError, OSError):  # a callable that no file defines
            code = ""
        content = [self.name, {key: str(value) for key, value in self.options.items()}, pdefreq.__version__, code]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def folder(self) -> Path:
        """The folder of the result."""
        short = re.sub(r"[^\w.+-]+", "-", self.name.rpartition(":")[2])
        return Path("runs", f"reproduce-{short}-{self.digest}") if self.out is None else as_path(self.out)

    @property
    def runs(self) -> Path:
        """The folder of the run folders."""
        return self.folder / f"runs-{self.digest}"

    def finished(self) -> str | None:
        """The text of the report if the experiment is finished, else None.

        Raises:
            RunFolderError: If the folder contains anything else than this experiment, or can't be written.
        """
        record = self._record()
        if record.get("digest") == self.digest and record.get("finished"):
            return (self.folder / "report.md").read_text().partition("\n![")[0]
        if record.get("digest") != self.digest and not self.runs.is_dir():
            free_folder(self.folder, otherwise="choose another one with --out")
        return None

    def has_begun(self) -> bool:
        """Whether some of its runs are on disk."""
        return self.runs.is_dir() and any(self.runs.iterdir())

    def discard(self) -> None:
        """Remove the runs of this experiment, so that it starts again and replaces the files of its report."""
        if self.finished() is not None:
            self._write({**self._record(), "finished": False})
        if self.runs.is_dir():
            shutil.rmtree(self.runs)

    def run(self) -> str:
        """Run the experiment and write its report; runs that are on disk are not repeated.

        Returns:
            The text of the report.

        Raises:
            UserError: If an option is unknown or out of range; nothing is written then.
        """
        continued, start = self.has_begun(), time.process_time()
        with RunStore(self.runs).active():
            report = run_experiment(self.name, self.experiment, self.options)
        report.write(self.folder)
        record = {
            "experiment": self.name,
            "options": {key: str(value) for key, value in self.options.items()},
            "version": pdefreq.__version__,
            "digest": self.digest,
            "finished": True,
            "processor_seconds": None if continued else round(time.process_time() - start, 1),
        }
        self._write(record)
        return report.text()

    def _record(self) -> dict[str, Any]:
        """The content of ``reproduce.json``; empty if there is none that can be read."""
        try:
            record = json.loads((self.folder / _RECORD).read_bytes())
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _write(self, record: Mapping[str, Any]) -> None:
        make_folder(self.folder)
        write_atomically(self.folder / _RECORD, json_bytes(record))

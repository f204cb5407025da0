"""The results in a run folder without the solution: much faster to read, because the method is not prepared again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.history import Status
from pdefreq.runs.run_folder import RunFolder

if TYPE_CHECKING:
    import numpy as np

_STATUS = {status.label: status for status in Status}


@dataclass(frozen=True)
class StoredResult:
    """What a run folder contains of a run that has ended.

    Args:
        summary: The summary of the run, `Record.summary` as plain JSON.
        status: How the run ended.
        seconds: The time of the steps at each recorded step, shape ``(n,)``.
        errors: The relative L2 error there, shape ``(n,)``; nan without a solution to compare with.
    """

    summary: Mapping[str, Any]
    status: Status
    seconds: np.ndarray
    errors: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> StoredResult:
        """The results in a folder of a run or of a record of another program.

        Raises:
            RunFolderError: If the folder contains no run, or no checkpoint that can be read.
        """
        import numpy as np

        run_folder = RunFolder(folder)
        summary = run_folder.read_summary()
        history = run_folder.read_checkpoint()[0].history
        seconds = history.column("seconds").astype(float)
        errors = history.column("relative_l2").astype(float) if "relative_l2" in history else np.full(len(seconds), np.nan)
        return cls(summary, _STATUS.get(summary.get("status", ""), Status.INTERRUPTED), seconds, errors)

"""How the runs of a benchmark were made: the machine, the versions, the date, and the setup of the processes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pdefreq.studies.benchmark_file import FILE, read_json

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pdefreq.runs.study_folder import StudyFolder
    from pdefreq.studies.suite import Suite


def facts_of_command(suite: Suite, workers: int | str, executor: Executor | None, *, device: str, dtype: str) -> dict[str, Any]:
    """The machine, the versions, the date and the setup of a command, as `Benchmark` has them."""
    from pdefreq.core.machine import machine
    from pdefreq.runs.run_folder import versions

    return {
        "machine": machine() if executor is None else executor.submit(machine).result(),
        "versions": versions(),
        "date": datetime.now(UTC).date().isoformat(),
        "setup": {**_processes(suite, workers, executor), "device": device, "dtype": dtype},
    }


def facts_of_study(study: StudyFolder, here: Mapping[str, Any]) -> dict[str, Any]:
    """The machine, the versions, the date and the setup of the runs of a study.

    Args:
        study: The study. Some or all of its runs may have been made earlier, on another machine or with other processes.
        here: The facts of this command.

    Returns:
        The earlier facts if no run is left, otherwise those of this command; in the machine and the setup, facts in which the
        parts of the study differ are None.

    Raises:
        RunFolderError: If the result of the earlier part is damaged.
    """
    assert study.path is not None
    file = study.path / FILE
    if not file.is_file():
        return dict(here)
    before = read_json(file)
    if study.was_finished and not any(run.status == "failed" for run in before["runs"]):
        return {name: before[name] for name in here}
    return {**here, **{name: _common(before[name], here[name]) for name in ("machine", "setup")}}


def _common(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that are the same, and None for the others; empty if one is, because older files do not state the setup."""
    return {name: value if one[name] == value else None for name, value in other.items()} if one else {}


def _processes(suite: Suite, workers: int | str, executor: Executor | None) -> dict[str, int | None]:
    """The numbers of processes and of the threads of each; None for an executor, which does not report them."""
    import torch

    from pdefreq.runs.local_processes import number_of_workers

    if executor is not None:
        return {"workers": None, "threads": None}
    count = number_of_workers(workers, len(suite.problems) * len(suite.methods) * len(suite.budgets) * len(suite.seeds))
    return {"workers": count, "threads": torch.get_num_threads() if count == 1 else 1}

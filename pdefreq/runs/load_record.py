"""Records in folders: what a `Monitor` recorded, or the solution of a run, as it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import RunFolderError
from pdefreq.runs.lifecycle import load_run
from pdefreq.runs.prepared_run import Given
from pdefreq.runs.record import Record
from pdefreq.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.solution import Solution


def load_record(
    folder: str | Path, problem: Problem | None = None, *, reference: Field | None = None, trust: bool = False
) -> Record | Solution:
    """The record of a run in a folder: what a `Monitor` recorded, or the solution of a run of pdefreq.

    Args:
        folder: The folder.
        problem: The problem, if it contains Python functions, which a folder can't store.
        reference: The solution to which the errors refer, if one was given to the `Monitor`.
        trust: Whether Python files that the folder names may be loaded.

    Raises:
        RunFolderError: If the folder contains no run, or the problem is another one, or is needed.
    """
    from pdefreq.problem.identity import WrittenProblem

    run_folder = RunFolder(folder)
    recorded = run_folder.read_recorded()
    if recorded is None:
        return load_run(folder, problem, trust=trust)
    written = WrittenProblem.from_json(recorded["problem"], run_folder.problem_arrays())
    if problem is not None:
        modes: Any = recorded["modes"]
        problem = replace(problem, spectrum=replace(problem.spectrum, modes=modes))
        written.require_same(WrittenProblem.of(problem))
    stated = problem or written.read(run_folder.path, trust=trust)
    checkpoint, notes = run_folder.read_checkpoint()
    if recorded["reference_given"] and reference is None:
        raise RunFolderError(
            f"the errors in {run_folder.path} refer to a solution that was given as a Python function, which is not stored: "
            "pass it as load_record(folder, reference=...)"
        )
    target = Given(stated, reference=reference).target(None)
    label, said = recorded["label"], (*notes, *recorded["notes"])
    return Record(target=target, label=label, history=checkpoint.history, notes=said, folder=run_folder.path)

"""Records of other programs in folders: what a `Monitor` measured, written and read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import RunFolderError
from pdefreq.runs.checkpoint import Checkpoint
from pdefreq.runs.prepared_run import Given
from pdefreq.runs.record import Record
from pdefreq.runs.run_folder import RunFolder
from pdefreq.runs.run_record import RecordedRun

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.solution import Solution


def save_record(record: Record, folder: str | Path) -> Path:
    """Write the problem, the history, the modes and the summary of a record into a new folder.

    Raises:
        RunFolderError: If the folder is not empty, or can't be written.
    """
    import numpy as np

    from pdefreq.core.file_io import free_folder, make_folder
    from pdefreq.problem.identity import WrittenProblem

    run_folder, history = RunFolder(free_folder(folder)), record.history
    problem = WrittenProblem.of(record.problem)
    make_folder(run_folder.path / "checkpoints")
    if arrays := problem.arrays:
        run_folder.write_arrays("problem", arrays)
    if problem.text:
        (run_folder.path / "problem.toml").write_text(problem.text, encoding="utf-8")
    run_folder.write_history(history)
    step, seconds = (history.last(name) or 0 for name in ("step", "seconds"))
    run_folder.write_checkpoint(Checkpoint(int(step), max(float(seconds), 0.0), np.zeros(0), {}, history))
    object.__setattr__(record, "folder", run_folder.path)
    written: RecordedRun = {
        "problem": problem.to_json(),  # pyright: ignore[reportAssignmentType]  # the type of a JSON object
        "modes": record.problem.spectrum.modes,
        "label": record.label,
        "notes": [*record.notes],
        "reference_given": record.has_given_reference,
    }
    run_folder.write_run(None, record.summary(), recorded=written)
    return run_folder.path


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
    from pdefreq.runs.lifecycle import load_run

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

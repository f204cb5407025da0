"""Run folders. They contain arrays and JSON only, and each file is written under a temporary name and renamed.

run.json             the spec, versions, what the numbers mean, and once finished the summary
problem.toml         the problem file, for people, where the problem is what the file describes; the spec holds the problem itself
problem.npz          the arrays to which the spec refers: of meshes, data and pictures
history.csv          one row a recorded step: the scalar columns
spectrum.npz         the modes: facts, steps, and the error of each mode at each recorded step
solution.npz         points, the approximate and (where known) the exact solution there, and the coefficients
solution.vtu         the same on a mesh with the error and its bands of wavenumbers, where the domain has one
checkpoints/         <step>.<digest>.npz, the last two: all that resume needs
*.png                figures
.lock                locked while a process runs the run, and removed afterwards
"""

from __future__ import annotations

import math
import os
import platform
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pdefreq.core.array_files import read_npz
from pdefreq.core.errors import RunFolderError
from pdefreq.core.file_io import (
    as_path,
    csv_bytes,
    free_folder,
    json_bytes,
    make_folder,
    npz_bytes,
    read_bounded,
    remove_temporary_files,
    require_own_files,
    write_atomically,
)
from pdefreq.core.history import History
from pdefreq.runs.checkpoint import MOST_BYTES, Checkpoint, is_checkpoint, step_of
from pdefreq.runs.run_record import RecordedRun, read_record, require_record
from pdefreq.runs.spec import FORMAT, RunSpec

if TYPE_CHECKING:
    import numpy as np


_KEPT = 2  # number of checkpoints: the newest, and one more in case it is damaged

DEFINITIONS = {
    "relative_l2": "||u - u*|| / ||u*||, L2 norms over the domain (rooted), at test points that no method trains on",
    "relative_l2_homogeneous": "||u - u*|| / ||u* - G||, G the lifting of the boundary values, which takes an offset off",
    "relative_h1": "sqrt((||e||^2 + ||grad e||^2) / (||u*||^2 + ||grad u*||^2)), e = u - u*",
    "max_error": "max |u - u*| over the test points",
    "boundary_error": "max |u - g| over the Dirichlet boundary",
    "result": "the columns of history.csv for the result; objective, holdout_misfit, the errors and modes.error are those of the "
    "result as well",
    "recorded_step": "the step of the last row of history.csv; an interrupted run may have taken more steps",
    "is_last_state": "whether the result is the state after all steps; if not, it is an earlier state that the method returned, "
    "and the last row of history.csv does not belong to it",
    "held_out_objective": "the objective at points that no step uses, its terms weighted as in the same row",
    "weight": "what a term was multiplied by in that row, all factors but beta in one, where it changes along the run",
    "holdout_misfit": "mean of (u - f/c)^2 over the data points held out of training; the objective `misfit` is that of the rest",
    "mode_error": "|u^_k - target^_k| / |target^_k|, complex coefficients differenced first; the target is the discrete "
    "solution for grid methods (algebraic error), else the exact one",
    "halving_step": "first step after which mode_error stays at or below 0.5, log-interpolated between records",
    "rate": "-d log(mode_error) / d step over the longest window that is a straight line (R^2 > 0.99)",
    "bias_index": "slope of log(halving_step) against log(wavenumber); above 0: low frequencies first",
    "bias_index_relation": "that of the index of a longer run to bias_index; ~: none, since low and high modes were not halved",
    "seconds": "time spent in steps; measuring is not counted",
    "wavenumber": "angular, rad per unit length",
}


class RunFolder:
    """One run on disk.

    Args:
        path: The folder, which `create` makes.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = as_path(path)

    def create(self, spec: RunSpec) -> None:
        """Make the folder, and write the spec, the problem, and the Python files of the method.

        Args:
            spec: The specification.

        Raises:
            RunFolderError: If the folder is not empty, or can't be written, or if two Python files of the user have the same
                name.
        """
        free_folder(self.path, otherwise="name another one, or resume the run in it")
        code = spec.code_files
        names = [file.name for file in code]
        for name in names:
            if names.count(name) > 1:  # one copy would replace the other and be executed instead
                places = " and ".join(str(file) for file in code if file.name == name)
                raise RunFolderError(f"the run uses two Python files of one name, {places}: rename one, so that both can be kept")
        make_folder(self.path)
        make_folder(self.path / "checkpoints", new=True)  # of two processes that start at once, one is refused here
        if spec.problem.text:
            write_atomically(self.path / "problem.toml", spec.problem.text.encode())
        if arrays := spec.problem.arrays:
            self.write_arrays("problem", arrays)
        for file in code:
            shutil.copyfile(file, self.path / file.name)
        self.write_run(spec, {"status": "running"})

    def has_begun(self) -> bool:
        """Whether the folder contains a run. What is left of a run that was killed before its spec was stored is removed."""
        if (self.path / "run.json").is_file():
            return True
        checkpoints = self.path / "checkpoints"
        if checkpoints.is_dir() and not checkpoints.is_symlink() and not any(checkpoints.iterdir()):
            shutil.rmtree(self.path)
        return False

    def write_run(self, spec: RunSpec | None, summary: Mapping[str, Any], *, recorded: RecordedRun | None = None) -> None:
        """Write ``run.json``.

        Args:
            spec: The specification; None for a record of a run of another program.
            summary: The results of the run.
            recorded: What identifies the run of another program.
        """
        record = {
            "format": FORMAT,
            "spec": None if spec is None else spec.to_json(),
            "id": None if spec is None else spec.id,
            "recorded": recorded,
            "summary": to_json(summary),
            "definitions": DEFINITIONS,
            "versions": versions(),
        }
        write_atomically(self.path / "run.json", json_bytes(record))

    def read_spec(self) -> RunSpec:
        """The spec in ``run.json``.

        Raises:
            RunFolderError: If the folder contains no run, a run in another format, a damaged or an edited one, or a link.
        """
        record = self._record()
        if record["spec"] is None:
            raise RunFolderError(
                f"{self.path} holds the record of a run that pdefreq did not make: it can't be repeated, continued or diagnosed; "
                f"to print and draw it: pdefreq show {shlex.quote(str(self.path))}"
            )
        return RunSpec.from_json(record["spec"], self.problem_arrays())

    def read_recorded(self) -> RecordedRun | None:
        """What identifies the run of another program; None for a run of pdefreq.

        Raises:
            RunFolderError: As for `read_spec`, or if an older version wrote the record, which can't be read again.
        """
        record = self._record()
        if record["spec"] is not None:
            return None
        if record.get("recorded") is None:
            raise RunFolderError(f"{self.path} holds a record without its problem, of an older version: record the run again")
        return record["recorded"]

    def read_summary(self) -> dict[str, Any]:
        """The summary in ``run.json``; until the run ends it contains the status only.

        Raises:
            RunFolderError: As for `read_spec`.
        """
        return self._record()["summary"]

    def _record(self) -> dict[str, Any]:
        """The content of ``run.json``, which has the format of this version and fits its schema."""
        path = self.path / "run.json"
        if os.path.lexists(path):
            require_own_files(self.path)
        try:
            record = read_record(path)
            if (found := record.get("format", 1)) != FORMAT:
                raise RunFolderError(_other_format(self.path, found, record["spec"]))
            require_record(record)
        except (FileNotFoundError, NotADirectoryError):
            if (self.path / "checkpoints").is_dir():  # a run that is starting makes it first, and run.json last
                raise RunFolderError(
                    f"{self.path} is empty: its run was killed before it began; delete the folder and start the run again"
                ) from None
            inside = sorted(str(path.parent) for path in self.path.glob("*/run.json"))
            hint = f"; name one of the runs in it: {', '.join(inside)}" if inside else ""
            raise RunFolderError(f"{self.path} is not a run folder: it has no run.json{hint}") from None
        except OSError as error:
            raise RunFolderError(f"can't read {path}: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{path} can't be used: {error}") from None
        return record

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint and keep the previous one."""
        name, data = checkpoint.to_file()
        path = self.path / "checkpoints" / name
        write_atomically(path, data)
        others = [other for other in self._checkpoints() if other != path]
        # A run that failed ends at its last good state, possibly before a checkpoint that was written during the run.
        overtaken = [other for other in others if step_of(other) >= checkpoint.step]
        earlier = [other for other in others if other not in overtaken]
        for old in overtaken + earlier[: len(earlier) + 1 - _KEPT]:
            old.unlink(missing_ok=True)

    def read_checkpoint(self) -> tuple[Checkpoint, list[str]]:
        """The newest checkpoint that is whole, and a sentence for each damaged one that was passed over.

        Raises:
            RunFolderError: If there is none.
        """
        notes: list[str] = []
        for path in reversed(self._checkpoints()):
            try:
                return Checkpoint.read(path), notes
            except FileNotFoundError:  # the run, which is going on, has replaced it by a newer one
                return self.read_checkpoint()
            except OSError as error:
                raise RunFolderError(f"can't read {path}: {error.strerror or error}") from None
            except ValueError as error:
                notes.append(f"checkpoint {path.name} is damaged ({error}); going on from the one before it")
        if notes:
            raise RunFolderError(
                f"no checkpoint in {self.path} can be read: all are damaged; start again with `pdefreq rerun {self.path}`"
            )
        self.require_no_results()
        raise RunFolderError(
            f"{self.path} has no checkpoint yet, because its run is starting or was killed before its first step; in the second "
            f"case, run it with `pdefreq resume {self.path}`"
        )

    def require_no_results(self) -> None:
        """Refuse a folder with the results of a run but without a checkpoint: a run that starts again would replace them.

        Raises:
            RunFolderError: If the folder contains results.
        """
        if (steps := self.read_summary().get("steps")) is not None:
            raise RunFolderError(
                f"{self.path} contains the results of step {steps:,} but no checkpoint, so the run can't be read or continued; "
                f"repeat it into a new folder: pdefreq rerun {shlex.quote(str(self.path))} --out NEW"
            )

    @property
    def has_checkpoints(self) -> bool:
        """Whether there is a checkpoint, intact or not; without one, a run has not taken its first step."""
        return bool(self._checkpoints())

    def remove_temporary_files(self) -> None:
        """Remove the files that killed processes did not finish; only while no other process runs the run."""
        for folder in (self.path, self.path / "checkpoints"):
            remove_temporary_files(folder)

    def write_history(self, history: History, result: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Write ``history.csv`` and ``spectrum.npz``.

        Args:
            history: The rows.
            result: The columns of the result. Its vectors are written as ``result_NAME``.
        """
        columns = history.arrays()
        scalars = {name: values for name, values in columns.items() if values.ndim == 1}
        rows = zip(*[values.tolist() for values in scalars.values()], strict=True)
        write_atomically(self.path / "history.csv", csv_bytes(scalars, rows))
        vectors = {name: values for name, values in columns.items() if values.ndim > 1}
        if vectors:
            steps = {"step": columns["step"], "seconds": columns["seconds"]}
            returned = {f"result_{name}": result[name] for name in vectors if name in result}
            write_atomically(self.path / "spectrum.npz", npz_bytes(history.facts | steps | vectors | returned))

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write arrays to ``<name>.npz``."""
        write_atomically(self.path / f"{name}.npz", npz_bytes(arrays))

    def problem_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the problem, to which ``run.json`` refers.

        Raises:
            RunFolderError: If they can't be read.
        """
        path = self.path / "problem.npz"
        try:
            return read_npz(read_bounded(path, MOST_BYTES)) if path.is_file() else {}
        except OSError as error:
            raise RunFolderError(f"can't read {path}: {error.strerror or error}") from None
        except ValueError as error:
            raise RunFolderError(f"{path} is damaged: {error}") from None

    def _checkpoints(self) -> list[Path]:
        """The checkpoints by step. Files with other names are neither read nor removed."""
        folder = self.path / "checkpoints"
        if not folder.is_dir():
            return []
        if folder.is_symlink():  # checkpoints would be removed somewhere else
            raise RunFolderError(f"{folder} is a link, and a run folder can't have any: replace it by its target")
        require_own_files(folder)
        return sorted((path for path in folder.iterdir() if is_checkpoint(path)), key=step_of)


def next_free(parent: Path, name: str) -> Path:
    """``parent/name-1``, or the first number that does not exist."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def to_json(value: Any) -> Any:
    """Plain JSON: numpy numbers become Python numbers, numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): to_json(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    if hasattr(value, "tolist"):
        return to_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _other_format(path: Path, found: Any, spec: Mapping[str, Any] | None) -> str:
    """The sentence that refuses a folder of another format, and says how the run can be repeated.

    Args:
        path: The folder.
        found: Its format.
        spec: Its spec, which contains the problem by its name (format 1) or by its content; None for the record of a run
            that pdefreq did not make.
    """
    if not isinstance(found, int) or found > FORMAT:
        newer = str(found)[:20]
        return f"{path} was written by a newer pdefreq (format {newer}); this version reads format {FORMAT}: update pdefreq"
    older = f"{path} was written by pdefreq of an older format ({found}); this version reads format {FORMAT}: "
    if spec is None:
        return older + "record the run again"
    options = f"the options that {path / 'run.json'} lists"
    try:
        written = spec["problem"]
        problem, method = (shlex.quote(str(name)) for name in (written if found < 2 else written["name"], spec["method"]))
        again = f"pdefreq solve {problem} --method {method} --seed {spec['seed']}"
    except (KeyError, TypeError):  # a damaged spec
        return older + f"repeat the run with {options}"
    return older + f"repeat the run with `{again}` and {options}"


def versions() -> dict[str, str]:
    """The versions of Python, pdefreq and the numerical libraries."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("pdefreq", "torch", "numpy", "scipy", "sympy", "scikit-fem"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a clone that is not installed
            continue
    return found

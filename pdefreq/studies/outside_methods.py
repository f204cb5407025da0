"""Methods of other programs in a benchmark: functions in Python files that the user names, measured by a `Monitor`.

Each function is called in a process of its own, because other programs change global settings.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import symtable
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pdefreq.core.announcements import announce
from pdefreq.core.array_files import read_npz
from pdefreq.core.errors import OptionError, UserError
from pdefreq.core.file_io import npz_bytes
from pdefreq.core.history import Stop
from pdefreq.core.interrupts import interruptible
from pdefreq.core.registry import is_file, load_from_file, nearest
from pdefreq.problem.identity import WrittenProblem
from pdefreq.runs.local_processes import LocalProcesses, number_of_workers
from pdefreq.runs.stored_result import StoredResult

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem

_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class OutsideMethod:
    """A function in a Python file that solves a problem by another program.

    It is called as ``function(problem, monitor, stop, seed)`` with the problem without its exact solution, a `Monitor` that it
    calls at its steps, the `Stop` that it must obey, and the seed.

    Args:
        target: ``"path/to/file.py:function"``.
        label: The name in tables and figures.
    """

    target: str
    label: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The method of a text ``FILE.py:NAME`` or ``LABEL=FILE.py:NAME``.

        Raises:
            OptionError: If the text has another form, or the file does not exist or does not define the function.
        """
        before, equals, after = text.partition("=")
        label, target = (before.strip(), after.strip()) if equals and ".py:" not in before else ("", text)
        file, _, name = target.rpartition(":")
        if not (is_file(target) and name.isidentifier()):
            raise OptionError(f"an adapter is named FILE.py:NAME or LABEL=FILE.py:NAME, got '{text}'", option="adapter")
        if not Path(file).is_file():
            raise OptionError(f"there is no file '{file}': give the path of the Python file of the adapter", option="adapter")
        known = _names_in(Path(file))
        if known is not None and name not in known:
            raise OptionError(f"{file} defines no adapter '{name}': {nearest(name, known)}", option="adapter")
        return cls(f"{Path(file).resolve()}:{name}", label or name.replace("_", "-"))

    def id(self, problem: Problem, modes: str | None, stop: Stop, seed: int) -> str:
        """The identifier of a run: a digest of the file, the function, the problem, the budget and the seed."""
        file, _, name = self.target.rpartition(":")
        code = hashlib.sha256(Path(file).read_bytes()).hexdigest()
        content = [code, name, self.label, problem.digest, modes, asdict(stop), seed]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def _names_in(file: Path) -> list[str] | None:
    """The names that a Python file assigns or imports at its top level, without executing it; None if they can't be told."""
    try:
        text = file.read_text(encoding="utf-8")
        table = symtable.symtable(text, str(file), "exec")
    except (OSError, SyntaxError, ValueError):
        return None  # the process that executes the file states the reason
    if "import *" in text:
        return None
    return [each.get_name() for each in table.get_symbols() if each.is_assigned() or each.is_imported()]


@dataclass(frozen=True)
class OutsideRun:
    """One call of a function, as plain data for its process, and the folder of its record.

    Args:
        target: The function.
        label: The name of the method.
        problem: The problem as JSON.
        arrays: The arrays of the problem, as the content of an ``.npz`` file.
        modes: The mode family, or None.
        stop: The budget.
        seed: The seed.
        folder: The folder.
        trust: Whether Python files that the problem names may be loaded.
    """

    target: str
    label: str
    problem: str
    arrays: bytes = field(repr=False)
    modes: str | None
    stop: Mapping[str, Any]
    seed: int
    folder: Path = Path()
    trust: bool = False

    @classmethod
    def of(cls, method: OutsideMethod, problem: Problem, *, modes: str | None, stop: Stop, seed: int) -> Self:
        """The run of a method on a problem, without a folder."""
        written = WrittenProblem.of(problem)
        arrays = npz_bytes(written.arrays) if written.arrays else b""
        text = json.dumps(written.to_json())
        return cls(method.target, method.label, text, arrays, modes, asdict(stop), seed)

    @property
    def file(self) -> str:
        """The path of the Python file."""
        return self.target.rpartition(":")[0]

    @property
    def has_ended(self) -> bool:
        """Whether the folder contains the record."""
        return (self.folder / "run.json").is_file()


def measure(run: OutsideRun) -> str:
    """Call the function and store what the monitor recorded; a sentence if it failed, otherwise an empty text."""
    import torch

    from pdefreq.runs.monitor import Monitor

    torch.set_num_threads(1)
    try:
        written = WrittenProblem.from_json(json.loads(run.problem), read_npz(run.arrays) if run.arrays else {})
        problem = written.read(trust=run.trust)
        function = load_from_file("adapter", run.target)
        monitor = Monitor(problem, modes=run.modes, label=run.label)
        function(problem.blind(), monitor, Stop(**run.stop), run.seed)
        if not len(monitor.history):
            return "the function did not call the monitor."
        if run.folder.exists():  # left by a process that was killed
            shutil.rmtree(run.folder)
        monitor.record.save(run.folder)
    except UserError as error:
        return str(error)
    except Exception as error:  # whatever the other program raises is a result of the benchmark
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""


def measure_all(runs: Sequence[OutsideRun], *, workers: int | str = 1) -> list[StoredResult | str | None]:
    """Make the runs that have not ended, and read their records.

    Args:
        runs: The runs.
        workers: The number of processes at a time.

    Returns:
        For each run its record, the sentence with the reason why there is none, or None after an interruption.
    """
    outcomes: list[StoredResult | str | None] = [None] * len(runs)
    left = [place for place, run in enumerate(runs) if not run.has_ended]
    with interruptible() as interrupted:
        for file in dict.fromkeys(runs[place].file for place in left):  # processes for one program each
            if not interrupted():
                own = [place for place in left if runs[place].file == file]
                for place, sentence in _measured([runs[place] for place in own], workers, interrupted).items():
                    outcomes[own[place]] = sentence or None
    for place, run in enumerate(runs):
        if run.has_ended:
            outcomes[place] = StoredResult.read(run.folder)
    return outcomes


def _measured(runs: Sequence[OutsideRun], workers: int | str, interrupted: Callable[[], bool]) -> dict[int, str]:
    """The sentences of runs by their places."""
    found: dict[int, str] = {}
    count = number_of_workers(workers, len(runs))
    with LocalProcesses(count) as pool:
        waiting, pending = list(enumerate(runs)), dict[Future[str], int]()
        while waiting or pending:
            while waiting and len(pending) < count and not interrupted():
                place, run = waiting.pop(0)
                announce(f"{run.label}, seed {run.seed}")
                pending[pool.submit(measure, run)] = place
            if interrupted():
                waiting.clear()
                pool.stop()
            done, _ = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                place, error = pending.pop(future), future.exception()
                if error is None:
                    found[place] = future.result()
                elif not interrupted():
                    killed = isinstance(error, BrokenExecutor)
                    found[place] = "its process was killed, perhaps because the memory was exhausted." if killed else str(error)
    return found

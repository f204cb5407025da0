"""Checkpoints: the position of a run as arrays in one file, whose name contains the step and the digest of the content."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.core.array_files import read_npz
from pdefreq.core.file_io import npz_bytes, read_bounded
from pdefreq.core.history import History
from pdefreq.runs.checkpoint_arrays import require_checkpoint

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.iterations.iteration import State

MOST_BYTES = 2**32
"""The largest size of a file of arrays in a run folder that is read."""

_NAME = re.compile(r"([0-9]{9,18})\.([0-9a-f]{16})\.npz")  # the step, and the digest of the content


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint: the position of a run as arrays."""

    step: int
    seconds: float
    coefficients: np.ndarray
    memory: dict[str, np.ndarray]
    history: History
    done: bool = False
    elapsed: float = 0.0

    @classmethod
    def of(cls, state: State, step: int, seconds: float, history: History, elapsed: float) -> Checkpoint:
        """A state of a run as arrays."""
        memory = {name: value.detach().cpu().numpy() for name, value in state.memory.items()}
        return cls(step, seconds, state.coefficients.detach().cpu().numpy(), memory, history, state.done, elapsed)

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """The checkpoint in a file.

        Raises:
            OSError: If the file can't be read.
            ValueError: If it is damaged. The message is a clause.
        """
        data = read_bounded(path, MOST_BYTES)
        if _digest(data) != path.name.split(".")[1]:
            raise ValueError("its digest does not match")
        arrays = read_npz(data)
        require_checkpoint(arrays, step_of(path))

        def group(prefix: str) -> dict[str, np.ndarray]:
            return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}

        history = History.from_arrays(group("column/"), group("fact/"))
        done, memory, seconds = bool(arrays["done"]), group("memory/"), float(arrays["seconds"])
        elapsed = float(arrays.get("elapsed", seconds))
        return cls(int(arrays["step"]), seconds, arrays["coefficients"], memory, history, done, elapsed)

    def to_file(self) -> tuple[str, bytes]:
        """The name and the content of the file of the checkpoint."""
        import numpy as np

        arrays = {
            "coefficients": self.coefficients,
            "step": np.array(self.step),
            "seconds": np.array(self.seconds),
            "elapsed": np.array(self.elapsed),
            "done": np.array(self.done),
        }
        arrays |= {f"memory/{name}": value for name, value in self.memory.items()}
        arrays |= {f"column/{name}": value for name, value in self.history.arrays().items()}
        arrays |= {f"fact/{name}": value for name, value in self.history.facts.items()}
        data = npz_bytes(arrays)
        return f"{self.step:09d}.{_digest(data)}.npz", data


def is_checkpoint(path: Path) -> bool:
    """Whether a file has the name of a checkpoint."""
    return _NAME.fullmatch(path.name) is not None


def step_of(path: Path) -> int:
    """The step of a checkpoint, from its name."""
    return int(path.name.split(".")[0])


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]

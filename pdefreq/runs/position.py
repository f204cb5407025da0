"""The position of a run, and its form on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pdefreq.core.errors import RunFolderError
from pdefreq.core.history import History

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import State
    from pdefreq.runs.checkpoint import Checkpoint
    from pdefreq.runs.prepared_run import PreparedRun


@dataclass(frozen=True)
class Position:
    """The state, step, times and history of a run: the content of a checkpoint.

    Args:
        state: The state.
        step: The number of steps.
        seconds: The time of these steps.
        history: The rows so far.
        elapsed: The time of the run so far, measurements included.
    """

    state: State
    step: int
    seconds: float
    history: History
    elapsed: float = 0.0

    def checkpoint(self) -> Checkpoint:
        """The checkpoint that stores this position."""
        from pdefreq.runs.checkpoint import Checkpoint

        return Checkpoint.of(self.state, self.step, self.seconds, self.history, self.elapsed)

    @classmethod
    def start(cls, prepared: PreparedRun) -> Position:
        """The position before the first step."""
        return cls(prepared.iteration.init(), 0, 0.0, History())

    @classmethod
    def restored(cls, prepared: PreparedRun, checkpoint: Checkpoint) -> Position:
        """The position at which a checkpoint was written.

        Raises:
            RunFolderError: If another method wrote it.
        """
        import torch

        from pdefreq.core.devices import as_device

        device = as_device(prepared.spec.device)
        memory = {name: torch.from_numpy(value).to(device) for name, value in checkpoint.memory.items()}
        unlike = RunFolderError(
            f"the checkpoint at step {checkpoint.step:,} was not written by the method that run.json names, which was changed; "
            "start again with `pdefreq rerun`"
        )
        try:
            state = prepared.iteration.restore(torch.from_numpy(checkpoint.coefficients).to(device), memory)
        except (RuntimeError, ValueError, KeyError, IndexError) as error:  # sizes or names do not fit
            raise unlike from error
        if state.space.num_coefficients != len(checkpoint.coefficients):
            raise unlike
        state = replace(state, done=checkpoint.done)
        return cls(state, checkpoint.step, checkpoint.seconds, checkpoint.history, checkpoint.elapsed)

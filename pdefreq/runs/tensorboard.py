"""A callback that writes the recorded numbers of a run for TensorBoard."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import MissingPackageError

if TYPE_CHECKING:
    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State


class TensorBoard:
    """A callback for `solve` that writes the newest row of the history; used as a context, or closed.

    Args:
        folder: The folder for ``tensorboard --logdir FOLDER``.

    Raises:
        MissingPackageError: If TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            module = importlib.import_module("torch.utils.tensorboard")
        except ImportError:
            raise MissingPackageError(
                "TensorBoard is not installed: pip install 'pdefreq[tensorboard]', or omit it", package="tensorboard"
            ) from None
        self._make, self._folder = module.SummaryWriter, Path(folder)
        self._writer: Any = None  # created with the first row, so that a refused run writes nothing

    def __enter__(self) -> TensorBoard:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __call__(self, step: int, state: State, history: History) -> bool:
        """Write the row of a step, and return a value that does not stop the run."""
        if self._writer is None:
            self._writer = self._make(str(self._folder))
        for name in history.names:
            value = history.last(name)
            if name != "step" and getattr(value, "ndim", 0) == 0 and math.isfinite(value):
                self._writer.add_scalar(name.replace(".", "/"), float(value), step)
        return False

    def close(self) -> None:
        """Write all pending data."""
        if self._writer is not None:
            self._writer.close()

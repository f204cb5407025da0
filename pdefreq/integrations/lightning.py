"""A callback for the `Trainer` of Lightning, and therefore for packages that are based on it, such as PINA."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import OptionError

try:
    from lightning.pytorch.callbacks import Callback  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise OptionError("`pdefreq.integrations.lightning` needs Lightning: pip install lightning") from error

if TYPE_CHECKING:
    from torch.nn import Module

    from pdefreq.runs.monitor import Monitor


class MonitorCallback(Callback):  # pyright: ignore[reportUntypedBaseClass]
    """A callback that calls a monitor with the module at the beginning and after each batch; steps are those of the trainer.

    Args:
        monitor: The monitor.
        solution: A function of the Lightning module that returns the approximate solution, a module whose input is points
            ``(n, d)``; by default the Lightning module itself.

    Example::

        Trainer(callbacks=[MonitorCallback(monitor, lambda module: module.net)])
    """

    def __init__(self, monitor: Monitor, solution: Callable[[Any], Module] = lambda module: module) -> None:
        super().__init__()
        self._monitor, self._solution = monitor, solution
        self._step = -1  # of the last call; batches whose gradients are accumulated have the same step

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._measure(trainer, pl_module)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        self._measure(trainer, pl_module)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._measure(trainer, pl_module, last=True)

    def _measure(self, trainer: Any, pl_module: Any, *, last: bool = False) -> None:
        if last or trainer.global_step > self._step:
            self._step = trainer.global_step
            self._monitor(self._step, self._solution(pl_module), last=last)

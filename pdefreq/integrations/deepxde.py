"""A callback for `deepxde.Model.train`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError

try:
    from deepxde.callbacks import Callback  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise OptionError("`pdefreq.integrations.deepxde` needs DeepXDE: pip install deepxde") from error

if TYPE_CHECKING:
    from pdefreq.runs.monitor import Monitor


class MonitorCallback(Callback):  # pyright: ignore[reportUntypedBaseClass]
    """A callback that calls a monitor with ``model.predict`` at the beginning and after each epoch.

    Args:
        monitor: The monitor.
        component: The component of the output that is measured.

    Example::

        model.train(iterations=5000, callbacks=[MonitorCallback(monitor)])
    """

    def __init__(self, monitor: Monitor, component: int = 0) -> None:
        super().__init__()
        self._monitor, self._component = monitor, component

    def on_train_begin(self) -> None:
        self._measure(last=False)

    def on_epoch_end(self) -> None:
        self._measure(last=False)

    def on_train_end(self) -> None:
        self._measure(last=True)

    def _measure(self, *, last: bool) -> None:
        state = self.model.train_state
        step = int(state.iteration if hasattr(state, "iteration") else state.epoch)  # named `epoch` before DeepXDE 1.15
        previous = self._monitor.history.last("step")
        if previous is None or step > previous:
            self._monitor(step, lambda x: self.model.predict(x)[:, self._component], last=last)

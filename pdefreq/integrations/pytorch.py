"""A hook that measures a module after each step of a PyTorch optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.nn import Module
    from torch.optim import Optimizer
    from torch.utils.hooks import RemovableHandle

    from pdefreq.runs.monitor import Monitor


def watch(optimizer: Optimizer, u: Module, monitor: Monitor) -> RemovableHandle:
    """Call a monitor for the initial state, and then after each `optimizer.step()`.

    Args:
        optimizer: The optimizer.
        u: The approximate solution, a module whose input is points ``(n, d)``.
        monitor: The monitor.

    Returns:
        A handle whose method ``remove()`` ends the measurements.

    Example:
        >>> import torch
        >>> from pdefreq import Monitor
        >>> u = torch.nn.Linear(1, 1)
        >>> optimizer, monitor = torch.optim.SGD(u.parameters(), lr=1e-2), Monitor("poisson")
        >>> handle = watch(optimizer, u, monitor)
        >>> u(torch.ones(4, 1)).square().mean().backward()
        >>> optimizer.step()
        >>> len(monitor.history)
        2
    """
    step = 0
    monitor(0, u)

    def after(*_: Any) -> None:
        nonlocal step
        step += 1
        monitor(step, u)

    return optimizer.register_step_post_hook(after)

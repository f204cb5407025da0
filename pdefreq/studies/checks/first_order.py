"""First-order optimizers for the checks of steps, and the reason why other optimizers have no limit of the learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdefreq.parts.optimizers import FirstOrder
    from pdefreq.runs.solution import Solution

NO_NETWORK = "the method does not train a network"


def first_order_of(run: Solution) -> FirstOrder | None:
    """The optimizer of a network if it has a learning rate, else None."""
    from pdefreq.parts.optimizers import FirstOrder
    from pdefreq.solvers.network_solver import NetworkSolver

    optimizer = run.solver.optimizer if isinstance(run.solver, NetworkSolver) else None
    return optimizer if isinstance(optimizer, FirstOrder) else None


def no_limit(run: Solution) -> str:
    """Why there is no limit of the learning rate."""
    from pdefreq.solvers.network_solver import NetworkSolver

    if not isinstance(run.solver, NetworkSolver):
        return NO_NETWORK
    if (optimizer := first_order_of(run)) is None:
        return (
            f"there is no such limit for {run.solver.optimizer.title}, in which a line search or a damped linear system "
            "determines the length of a step"
        )
    clipped = " if gradients are clipped" if optimizer.clip is not None else ""
    return f"no such limit is known for {optimizer.title}{clipped}"

"""Which runs several processes can share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.reduce import processes
from pdefreq.iterations.defaults import shares_points

if TYPE_CHECKING:
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.runs.spec import RunSpec


def require_shareable(spec: RunSpec, iteration: Iteration) -> None:
    """Check that the joined processes, if there are several, can share a run.

    Raises:
        IncompatibleError: If they can't.
    """
    size = processes().size
    if size == 1:
        return
    alone = "type the command without torchrun"
    if not shares_points(iteration):
        raise IncompatibleError(
            f"{spec.method} has no sums over points that {size} processes could share: {alone}, or use a method that trains a "
            "network, or random-features, without a metric of the residual"
        )
    if "solver" in spec.given or spec.problem.is_given:
        raise IncompatibleError(
            f"the run contains Python objects, which can't be sent to the other {size - 1} processes: {alone}, or write the "
            "problem as a problem file and the method as a file, my_method.py:MySolver"
        )
    if spec.device.startswith("cuda:"):
        raise IncompatibleError(f"each of the {size} processes uses a GPU of its own, not {spec.device}: use `--device cuda`")

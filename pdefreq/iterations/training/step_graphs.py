"""Steps that are recorded as a CUDA graph and replayed, so that all kernels of a step are launched by one call.

The tests replace the graph by a function that repeats the recorded operations. The module has not been run on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.core.devices import is_out_of_memory
from pdefreq.core.errors import IncompatibleError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional

    Numbers = Sequence[float | Tensor]
    Replay = Callable[[], None]
    Record = Callable[[Callable[[], None], Sequence[Tensor]], Replay]

_WARM_UP = 3  # executions before the recording, in which the libraries choose algorithms and allocate workspaces


class StepGraphs:
    """Records steps of a stepper that changes tensors in place.

    A step is recorded if the step before it had the same functional and the same tensors. Later steps replay the recording:
    they apply the same operations to the current content of the tensors, with their own numbers. Points and weights are part
    of a functional. A step with new points is therefore not recorded, but the next step with the same points is.

    Args:
        record: Records a function without arguments that changes some tensors, and leaves the tensors as they were. It returns
            the function that repeats the operations.
    """

    def __init__(self, record: Record | None = None) -> None:
        self._record = cuda_graph if record is None else record
        self._key: tuple[Sequence[object], Sequence[object]] = ((), ())
        self._replay: Replay | None = None
        self._numbers: Tensor | None = None

    def take(
        self, work: Callable[[Numbers], None], numbers: Sequence[float], functional: Functional, tensors: Sequence[Tensor]
    ) -> None:
        """Take a step.

        Args:
            work: The step. It receives the numbers, or zero-dimensional tensors with their values, and changes the tensors. It
                must not depend on anything else that changes from step to step.
            numbers: What differs from step to step, such as the learning rate.
            functional: The objective of the step.
            tensors: The coefficients, and the memory of the stepper.

        Raises:
            IncompatibleError: If the operations can't be recorded.
        """
        key = functional.blocks, [*functional.weights.values(), *(each.data_ptr() for each in tensors)]
        if not _is_same(key, self._key):
            self._key, self._replay = key, None
            work(numbers)
            return
        values = torch.tensor(numbers, dtype=tensors[0].dtype)
        if self._replay is None:
            self._numbers = values.to(tensors[0].device)
            places = self._numbers.unbind()
            try:
                self._replay = self._record(lambda: work(places), tensors)
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                raise IncompatibleError(
                    f"the steps of this method can't be recorded as a CUDA graph ({str(error).splitlines()[0]}): leave "
                    "`capture` out"
                ) from error
        assert self._numbers is not None
        self._numbers.copy_(values)
        self._replay()


def _is_same(one: tuple[Sequence[object], Sequence[object]], other: tuple[Sequence[object], Sequence[object]]) -> bool:
    """Whether two keys have the same blocks, and equal weights and places in memory."""
    blocks = len(one[0]) == len(other[0]) and all(a is b for a, b in zip(one[0], other[0], strict=True))
    return blocks and one[1] == other[1]


def cuda_graph(work: Callable[[], None], tensors: Sequence[Tensor]) -> Replay:
    """A function as a CUDA graph.

    Args:
        work: A function that changes tensors on a GPU in place.
        tensors: The tensors that it changes. The executions before the recording change them as well; their content is restored.

    Returns:
        The function that repeats the operations on the current content of the same tensors.

    Source:
        PyTorch documentation, CUDA semantics, section "CUDA Graphs".
    """
    before = [each.clone() for each in tensors]
    with torch.cuda.device(tensors[0].device):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                work()
        torch.cuda.current_stream().wait_stream(side)
        for each, content in zip(tensors, before, strict=True):
            each.copy_(content)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
    return graph.replay

"""Gradients that are recorded as a CUDA graph and replayed, so that the kernels of a step are launched by one call.

The tests replace the graph by a function that repeats the recorded operations. The module has not been run on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.functionals.functional import Functional

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.block import Block

    Replay = Callable[[], Tensor]
    Record = Callable[[Callable[[], Tensor]], Replay]

_WARM_UP = 3  # executions before the recording, in which the libraries choose algorithms and allocate workspaces


class CapturedGradients:
    """The gradients of functionals at coefficients that are changed in place.

    A functional that is evaluated for the second time in a row at the same place in memory is recorded, and later evaluations
    replay the record: the same operations on the current content of the coefficients. Points and weights are part of a
    functional, so that new points are a new functional, which is evaluated as usual until it occurs again.

    Args:
        record: Records a function without arguments and returns the function that repeats its operations into the same result.
    """

    def __init__(self, record: Record | None = None) -> None:
        self._record = cuda_graph if record is None else record
        self._seen: tuple[tuple[Block, ...], tuple[float, ...], int] | None = None
        self._replay: Replay | None = None

    def of(self, functional: Functional) -> Functional:
        """The functional, whose gradients are recorded and replayed."""
        captured = _Captured(functional.blocks, self._gradient)
        captured.weights = functional.weights
        return captured

    def _gradient(self, functional: Functional, c: Coefficients) -> Coefficients:
        seen = functional.blocks, tuple(functional.weights.values()), c.data_ptr()
        if self._seen is None or not _is_same(seen, self._seen):
            self._seen, self._replay = seen, None
            return Functional.gradient(functional, c)
        if self._replay is None:
            try:
                self._replay = self._record(lambda: Functional.gradient(functional, c))
            except RuntimeError as error:
                raise IncompatibleError(
                    f"the gradient of this objective can't be recorded as a CUDA graph ({str(error).splitlines()[0]}): leave "
                    "`capture` out"
                ) from error
        return self._replay()


class _Captured(Functional):
    def __init__(self, blocks: tuple[Block, ...], gradient: Callable[[Functional, Coefficients], Coefficients]) -> None:
        super().__init__(blocks)
        self._gradient = gradient

    def gradient(self, c: Coefficients) -> Coefficients:
        return self._gradient(self, c)


def _is_same(one: tuple, other: tuple) -> bool:
    """Whether two keys have the same blocks, weights and place in memory."""
    blocks = len(one[0]) == len(other[0]) and all(a is b for a, b in zip(one[0], other[0], strict=True))
    return blocks and one[1:] == other[1:]


def cuda_graph(work: Callable[[], Tensor]) -> Replay:
    """A function as a CUDA graph.

    Args:
        work: A function that reads and returns tensors on a GPU.

    Returns:
        The function that repeats the operations on the current content of the same tensors. It returns the same tensor each time.

    Source:
        PyTorch documentation, CUDA semantics, section "CUDA Graphs".
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = work()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay

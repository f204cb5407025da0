"""Sums over the points of a run that several processes share: the identity in one process, an all-reduce in several.

Each process evaluates some blocks of points, and `Reduce.sum` adds what the processes found. Sums are collective: every process
must reach the same ones in the same order. A `Reduce` is therefore current only inside steps, which all processes take together.
Everything else, such as the measurements of the first process, uses all points in one process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.errors import NotConvergedError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Reduce:
    """The sums of one process.

    Args:
        rank: The number of this process, from 0.
        size: The number of processes.
        here: The number of processes on this machine, which share its memory.
    """

    rank: int = 0
    size: int = 1
    here: int = 1

    def sum(self, values: Tensor) -> Tensor:
        """The sum of a tensor over all processes, with the same bits in each of them.

        Args:
            values: A tensor with the same shape in each process. It may be overwritten.

        Raises:
            NotConvergedError: If another process ended or did not answer.
        """
        return values


class AllReduce(Reduce):
    """The sums over the processes of the default group of `torch.distributed`."""

    def sum(self, values: Tensor) -> Tensor:
        import torch.distributed as dist

        with telling_of_lost_processes(self.size):
            dist.all_reduce(values)
        return values


@contextmanager
def telling_of_lost_processes(size: int) -> Iterator[None]:
    """A context in which a failed collective operation becomes one sentence.

    Args:
        size: The number of processes.

    Raises:
        NotConvergedError: If a collective operation failed.
    """
    try:
        yield
    except RuntimeError as error:
        raise NotConvergedError(
            f"another one of the {size} processes of this run ended or did not answer: continue with `pdefreq resume` from the "
            "newest checkpoint, with any number of processes"
        ) from error


def is_loss(error: Exception) -> bool:
    """Whether an error says that another process of the run is lost."""
    return isinstance(error, NotConvergedError) and isinstance(error.__cause__, RuntimeError)


ALONE = Reduce()
"""The sums of one process."""

_joined = ALONE
_current = ALONE


def processes() -> Reduce:
    """The processes that were joined for a whole command; one process unless there are more."""
    return _joined


def current() -> Reduce:
    """The sums at this place: those over all processes inside `together`, otherwise those of one process."""
    return _current


@contextmanager
def joined(reduce: Reduce) -> Iterator[None]:
    """A context in which several processes make each run, and functionals have blocks that they can share.

    Args:
        reduce: The sums over these processes.
    """
    global _joined
    before, _joined = _joined, reduce
    try:
        yield
    finally:
        _joined = before


@contextmanager
def together() -> Iterator[None]:
    """A context that all joined processes enter: `current` returns the sums over all of them."""
    global _current
    before, _current = _current, _joined
    try:
        yield
    finally:
        _current = before


def block_size(number: int, usual: int) -> int:
    """The number of points in a block, such that the joined processes receive about the same number of points.

    Args:
        number: The number of all points.
        usual: The number of points in a block where one process has all blocks.
    """
    size = processes().size
    if size == 1:
        return usual
    blocks = size * math.ceil(number / (size * usual))
    return max(1, math.ceil(number / blocks))

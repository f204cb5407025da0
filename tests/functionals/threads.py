"""Sums over threads in place of processes, so that several parts of a functional can be evaluated in one process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from pdefreq.core.reduce import Reduce


class Sums:
    """What the threads have in common: the values of each, and two points at which they wait for each other."""

    def __init__(self, size: int) -> None:
        self.values: list[torch.Tensor] = [torch.empty(0)] * size
        self.barrier = threading.Barrier(size, timeout=30)


class ThreadReduce(Reduce):
    """The sums of one thread; values are added in the order of the threads."""

    def __init__(self, rank: int, size: int, sums: Sums) -> None:
        super().__init__(rank, size)
        object.__setattr__(self, "sums", sums)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        sums: Sums = self.__dict__["sums"]
        sums.values[self.rank] = values
        sums.barrier.wait()
        total = torch.stack(sums.values).sum(dim=0)
        sums.barrier.wait()
        return total


def in_threads(size: int, work: Callable[[Reduce], object]) -> list:
    """The results of a function of the sums, called in each thread."""
    sums = Sums(size)
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(lambda rank: work(ThreadReduce(rank, size, sums)), range(size)))

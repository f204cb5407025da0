"""Time of a study of 12 runs: one after the other, on two processes, and on two workers of Dask.

    python benchmarks/workers.py [--repeats 3] [--steps 300]

The three ways take turns. The table has the median of the wall times and the ratio to one process; the coefficients must be equal
bit for bit. The profiler of Dask, which interrupts each worker every 10 ms, is off (docs/many_runs.md). Wall times include
everything else that runs on the machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Sequence
from typing import Literal

import torch

from pdefreq import Stop
from pdefreq.core.devices import keep_freed_memory
from pdefreq.runs.many_runs import run_all
from pdefreq.runs.planned_run import PlannedRun

RUNS = 12


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    dask: list[Way] = ["Dask", "Dask, started before"] if importlib.util.find_spec("distributed") else []
    ways: list[Way] = [1, given.processes, *dask]
    seconds, _ = measured(ways, given.steps, given.repeats, given.processes)
    alone = statistics.median(seconds[1])
    print(f"{RUNS} runs of mscale on poisson, {given.steps} steps each, median of {given.repeats}")
    for way, found in seconds.items():
        middle, name = statistics.median(found), way if isinstance(way, str) else f"processes: {way}"
        print(f"{name:>20}   {middle:7.1f} s ({min(found):.1f} to {max(found):.1f})   {alone / middle:.2f} times faster")


Way = int | Literal["Dask", "Dask, started before"]


def measured(ways: Sequence[Way], steps: int, repeats: int, dask_workers: int = 2) -> tuple[dict[Way, list[float]], list]:
    """The wall times of the study, and its solutions.

    Args:
        ways: Numbers of processes, ``"Dask"`` for a local cluster whose start is included in the time, and ``"Dask, started
            before"`` for one whose workers have imported pdefreq before the time is taken. They take turns.
        steps: The number of steps of each run.
        repeats: The number of turns.
        dask_workers: The number of workers of the cluster.

    Raises:
        AssertionError: If the coefficients of two ways are not equal bit for bit.
    """
    runs = [PlannedRun.of("poisson", "mscale", stop=Stop(steps=steps), seed=seed) for seed in range(RUNS)]
    seconds: dict[Way, list[float]] = {way: [] for way in ways}
    first: list = []
    for way in [*ways] * repeats:
        if isinstance(way, int):
            began = time.perf_counter()
            outcomes = run_all(runs, workers=way)
            seconds[way].append(time.perf_counter() - began)
        else:
            outcomes, took = on_dask(runs, dask_workers, started=way != "Dask")
            seconds[way].append(took)
        first = first or outcomes
        assert all(
            torch.equal(one.state.coefficients, other.state.coefficients) for one, other in zip(first, outcomes, strict=True)
        ), way
    return seconds, first


def on_dask(runs: list[PlannedRun], processes: int, *, started: bool) -> tuple[list, float]:
    """The runs on a local cluster and their time, with the start of the cluster, or without it and without the first runs."""
    import dask  # pyright: ignore[reportMissingImports]
    from distributed import Client, LocalCluster  # pyright: ignore[reportMissingImports]

    dask.config.set({"distributed.worker.profile.enabled": False})
    began = time.perf_counter()
    with LocalCluster(n_workers=processes, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        executor = client.get_executor(pure=False)
        if started:
            warm = [PlannedRun.of("poisson", "mscale", stop=Stop(steps=1), seed=1000 + each) for each in range(2 * processes)]
            run_all(warm, executor=executor)
            began = time.perf_counter()
        outcomes = run_all(runs, executor=executor)
        took = time.perf_counter() - began
    return outcomes, took if started else time.perf_counter() - began


if __name__ == "__main__":
    main()

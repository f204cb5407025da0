"""Time of a study of 12 runs: one after the other, on two processes, and on two workers of Dask.

    python benchmarks/workers.py [--repeats 3] [--steps 300]

The three ways take turns. The table has the median of the wall times and the ratio to one process; the coefficients must be equal
bit for bit. Run it on a quiet machine: wall times include everything else that runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time

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
    runs = [PlannedRun.of("poisson", "mscale", stop=Stop(steps=given.steps), seed=seed) for seed in range(RUNS)]
    ways = {"one process": lambda: run_all(runs), f"{given.processes} processes": lambda: run_all(runs, workers=given.processes)}
    if importlib.util.find_spec("distributed"):
        ways["Dask"] = lambda: on_dask(runs, given.processes)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    first = None
    for _ in range(given.repeats):
        for name, way in ways.items():
            began = time.perf_counter()
            outcomes = way()
            seconds[name].append(time.perf_counter() - began)
            found = [outcome.state.coefficients for outcome in outcomes]
            first = first or found
            assert all(torch.equal(one, other) for one, other in zip(first, found, strict=True)), name
    alone = statistics.median(seconds["one process"])
    print(f"{RUNS} runs of mscale on poisson, {given.steps} steps each, median of {given.repeats}")
    for name, found in seconds.items():
        middle = statistics.median(found)
        print(f"{name:>14}   {middle:7.1f} s ({min(found):.1f} to {max(found):.1f})   {alone / middle:.2f} times faster")


def on_dask(runs: list[PlannedRun], processes: int) -> list:
    """The runs on a local cluster, whose start is included in the time."""
    from distributed import Client, LocalCluster  # pyright: ignore[reportMissingImports]

    with LocalCluster(n_workers=processes, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        return run_all(runs, executor=client.get_executor(pure=False))


if __name__ == "__main__":
    main()

"""Profile of a training step: ``python benchmarks/profile_step.py [METHOD PROBLEM] ...``.

For each pair: CPU time of a step, and the share of each kind of operation, by the profiler of torch, with one thread.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict

import torch
from torch.profiler import ProfilerActivity, profile

from pdefreq.core.devices import keep_freed_memory
from pdefreq.problem.files import load_problem
from pdefreq.solvers.names import make_solver

PAIRS = (("mscale", "poisson"), ("pinn", "poisson"), ("mscale", "poisson-chirp"), ("pinn", "poisson-chirp"))
KINDS = {
    "matrix products": ("aten::bmm", "aten::baddbmm", "aten::baddbmm_", "aten::mm", "aten::addmm"),
    "sine, cosine, tanh": ("aten::sin", "aten::cos", "aten::tanh", "aten::cos_", "aten::sin_"),
    "products and sums, entry by entry": tuple(
        f"aten::{name}" for name in ("mul", "add", "sub", "neg", "addcmul", "rsub", "mul_", "add_", "sub_", "addcmul_", "neg_")
    ),
    "sums over an axis": ("aten::sum",),
    "copies": ("aten::copy_", "aten::fill_", "aten::zero_", "aten::cat"),
}


def main(pairs: list[tuple[str, str]]) -> None:
    """Print a table for each pair of method and problem."""
    torch.set_num_threads(1)
    keep_freed_memory()
    for method, problem in pairs:
        iteration = make_solver(method).prepare(
            load_problem(problem).blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64
        )
        state = iteration.step(iteration.init())
        times = []
        for _ in range(11):
            began = time.process_time()
            state = iteration.step(state)
            times.append(time.process_time() - began)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            for _ in range(5):
                state = iteration.step(state)
        shares: dict[str, float] = defaultdict(float)
        events = profiler.key_averages()
        whole = sum(event.self_cpu_time_total for event in events)
        for event in events:
            kind = next((kind for kind, names in KINDS.items() if event.key in names), "the rest: calls, views, autograd")
            shares[kind] += event.self_cpu_time_total / whole
        print(f"{method} on {problem}: {1e3 * statistics.median(times):.1f} ms a step")
        for kind, share in sorted(shares.items(), key=lambda pair: -pair[1]):
            print(f"  {share:5.0%}  {kind}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(list(zip(given[::2], given[1::2], strict=True)) or list(PAIRS))

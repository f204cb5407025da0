"""Seconds, memory and errors of the linear algebra of `random-features`: ``python benchmarks/feature_solves.py [NUMBER...]``.

The problem is `poisson-multilevel` with wavenumbers up to 64 pi and the bandwidth 72. For each number of sines the least-squares
problem is solved with a QR factorization of all rows, with a sketch and rows that are stored, and with a sketch and rows that are
recomputed in each iteration. Each case has its own process, with one thread and float64. The processor seconds include the
rows and exclude held-out residuals. The memory is the largest resident set minus that before the solve.

``--how qr`` (or ``stored``, ``computed``) selects one of the three.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).parents[1]))

PROBLEM, BANDWIDTH = "poisson-multilevel", 72
HOW = {"qr": "factorized", "stored": "stored", "computed": "computed"}
_POINTS = 20_000


def measured(number: int, how: str) -> str:
    """One case in this process, as a row of the table."""
    from dataclasses import replace

    import torch

    from pdefreq.core.devices import keep_freed_memory
    from pdefreq.core.streams import stream
    from pdefreq.problem.files import load_problem
    from pdefreq.solvers.names import make_solver

    torch.set_num_threads(1)
    keep_freed_memory()
    problem = load_problem(PROBLEM)
    x = problem.domain.interior(_POINTS, stream(0, "benchmark")).x
    exact = problem.exact(x)
    torch.linalg.lstsq(torch.eye(2), torch.ones(2, 1), driver="gels")  # loads libraries
    method = make_solver(f"random-features:number={number},bandwidth={BANDWIDTH},tolerance=null")
    iteration = method.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
    attempt = replace(iteration._at(0), rows=HOW[how])
    iteration._attempt = lambda _: attempt
    before, began = _resident(), time.process_time()
    solution = iteration._solution(0)
    seconds, memory = time.process_time() - began, _resident() - before
    c = solution.coefficients
    error = float((attempt.space.at(x).value(c) - exact).norm() / exact.norm())
    residual = float(solution.after.norm() / solution.before.norm())
    return f"| {number} | {how} | {seconds:.3g} | {memory:.2f} | {residual:.1e} | {error:.1e} |"


def _resident() -> float:
    """The largest resident set so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure the numbers of the command line, each in its own process, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", type=int, default=[1000, 2000, 4000, 8000])
    parser.add_argument("--how", choices=HOW, action="append")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(measured(arguments.numbers[0], arguments.how[0]))
        return
    print("| functions | solve | seconds | GiB | residual | error |\n|---|---|---|---|---|---|", flush=True)
    for number in arguments.numbers:
        for how in arguments.how or HOW:
            subprocess.run([sys.executable, __file__, str(number), "--how", how, "--alone"], check=True)


if __name__ == "__main__":
    main()

"""Steps of training against the largest wavenumber of the solution: ``python benchmarks/training_steps.py``.

The problem is -lap u = f on the unit interval or the unit square, with u = sin(k pi x) or u = sin(k pi x) sin(k pi y), and the
default network and points of each method. The learning rate is constant (`half_life=null`) unless `--options` states otherwise,
since a schedule would determine when training ends. The table has the first step after which the error of the mode is at most
0.5 and the first step with a relative L2 error of at most 0.1, both checked every 20 steps, and the smallest error of the run.
Seed 0, float64, one thread. A run ends with an error of 0.05, or after a number of processor seconds.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from pdefreq import Box, Problem, Stop, make_solver
from pdefreq.probes.iterate import Iterate

METHODS = ("mscale", "deep-ritz", "pinn")
WAVES = {1: (1, 2, 4, 8, 16, 32), 2: (2, 4, 8)}
EVERY, CELLS, ENOUGH = 20, {1: 1001, 2: 101}, 0.05


def one(dimension: int, wavenumber: int, method: str, options: str, seconds: float) -> list[str]:
    """The cells of a row: half time, steps to an error of 0.1, the smallest error, and steps with their processor seconds."""
    formula = "*".join(f"sin({wavenumber}*pi*{x})" for x in "xy"[:dimension])
    problem = Problem(domain=Box((0,) * dimension, (1,) * dimension), exact=formula)
    blind = problem.blind()
    solver = make_solver(f"{method}:{options}").resolved(blind, Stop())
    iteration = solver.prepare(blind, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    axis = (torch.arange(CELLS[dimension], dtype=torch.float64) + 0.5) / CELLS[dimension]
    x = torch.cartesian_prod(*[axis] * dimension).reshape(-1, dimension)
    exact = torch.sin(wavenumber * torch.pi * x).prod(1)
    half = tenth = None
    state, best, start = iteration.init(), float("inf"), time.process_time()
    for step in itertools.count():
        if step % EVERY == 0:
            spent = time.process_time() - start
            difference = torch.from_numpy(Iterate.of_state(state).values(x)) - exact
            error, mode = float(difference.norm() / exact.norm()), float(abs(difference @ exact) / (exact @ exact))
            best = min(best, error)
            half = step if half is None and mode <= 0.5 else half
            tenth = step if tenth is None and error <= 0.1 else tenth
            if error <= ENOUGH or spent > seconds:
                break
        state = iteration.step(state)
    shown = ["-" if each is None else str(each) for each in (half, tenth)]
    return [*shown, f"{best:.2g}", f"{step}", f"{spent:.0f}"]


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="processor seconds of each run")
    parser.add_argument("--dimensions", type=int, nargs="+", choices=[*WAVES], default=[*WAVES])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--waves", type=int, nargs="+", help="wavenumbers in place of those of the table")
    parser.add_argument("--options", default="half_life=null", help="of the methods")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| d | k | method | half time | steps to 0.1 | smallest error | steps | seconds |\n|---|---|---|---|---|---|---|---|")
    for dimension in given.dimensions:
        for method in given.methods:
            for wavenumber in given.waves or WAVES[dimension]:
                cells = one(dimension, wavenumber, method, given.options, given.seconds)
                print(f"| {dimension} | {wavenumber} | `{method}` |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()

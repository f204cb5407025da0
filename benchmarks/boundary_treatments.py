"""Built-in boundary values and penalties: ``python benchmarks/boundary_treatments.py [--seeds N] [--rows NAME...] [--steps N]``.

The table has the relative L2 errors of `deep-ritz` and `pinn` after N steps, by default 500, the largest of the seeds, for a
network with two layers of 40 units at 1600 points; `--each` prints the error of every seed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from pdefreq import Stop, load_problem, solve

METHODS, OPTIONS = ("deep-ritz", "pinn"), "widths=[40,40],number=1600"
INTERVAL = """
title = "An interval with two parts of the boundary"
[domain]
kind = "box"
lower = 0
upper = 1
[equation]
exact = "x + sin(4*pi*x)/4"
[[boundary.part]]
name = "x-min"
[[boundary.part]]
name = "x-max"
"""
HOLE = """
title = "Values on a hole and fluxes on the disk"
[domain]
kind = "ball"
midpoint = [0, 0]
radius = 1
holes = [{kind = "ball", midpoint = [0.2, 0.1], radius = 0.3}]
[equation]
exact = "sin(3*x)*exp(y) + x*y"
[[boundary.part]]
name = "hole-1"
[[boundary.part]]
kind = "robin"
"""
ROWS = {"interval": INTERVAL, "robin": "robin", "hole": HOLE, "four-discs": "four-discs"}


def error(problem: str, method: str, boundary: str, seed: int, steps: int) -> float:
    """The relative L2 error of one run."""
    run = solve(problem, f"{method}:boundary={boundary},{OPTIONS}", seed=seed, stop=Stop(steps=steps), predict=False)
    return run.error()


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=[*ROWS])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--each", action="store_true", help="print the errors of all seeds")
    given = parser.parse_args()
    print("| problem | method | `hard` | `penalty` |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.rows:
            problem = ROWS[name]
            if "\n" in problem:
                path = Path(folder) / f"{name}.toml"
                path.write_text(problem)
                problem = str(path)
            load_problem(problem)
            for method in given.methods:
                cells = []
                for boundary in ("hard", "penalty"):
                    errors = [error(problem, method, boundary, seed, given.steps) for seed in range(given.seeds)]
                    cells.append(", ".join(f"{each:.2g}" for each in (errors if given.each else [max(errors)])))
                print(f"| {name} | `{method}` |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()

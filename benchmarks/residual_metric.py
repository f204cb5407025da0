"""The errors of the lowest and the highest frequency for each metric of the residual.

The solution is u = sin(pi x) + sin(k pi x) on (0, 1). The table has the relative errors of both modes and the relative L2
error, the largest of five seeds, for features and networks that resolve the high frequency and for some that do not.

Run from the repository root: ``python -m benchmarks.residual_metric``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import pdefreq
from pdefreq.solvers.names import make_solver

SEEDS = range(5)
METRICS = ("l2", "h-1", "h-2")
TEXT = """
title = "A low and a high tone"
[domain]
kind = "box"
lower = 0
upper = 1
[equation]
exact = "sin(pi*x) + sin({k}*pi*x)"
[spectrum]
modes = "sine"
wavenumbers = ["pi", "{k}*pi"]
"""


class Case(NamedTuple):
    """A method on the problem with one k; `steps` is None for methods that end by themselves."""

    title: str
    k: int
    method: str
    options: Mapping[str, Any]
    steps: int | None = None


CASES = (
    Case("`random-features`", 64, "random-features", {}),
    Case("`random-features`", 256, "random-features", {}),
    Case("the same, 80 features", 64, "random-features", {"bandwidth": 70, "number": 80, "tolerance": None}),
    Case("`gauss-newton`, 60 steps", 64, "gauss-newton", {}, 60),
    Case(
        "the same, `network=mlp`",
        64,
        "gauss-newton",
        {"network": "mlp", "widths": (20, 20), "activation": "sin", "initialization": "siren(30)"},
        60,
    ),
)


def errors(problem: pdefreq.Problem, case: Case, metric: str) -> tuple[np.ndarray, float]:
    """The relative errors of the low and the high mode and of u, the largest of the seeds, and processor seconds of one run."""
    solver, found, began = make_solver(case.method, {**case.options, "metric": metric}), [], time.process_time()
    for seed in SEEDS:
        solution = pdefreq.solve(problem, solver, steps=case.steps, seed=seed, predict=False)
        low, high = solution.spectrum().asked
        found.append([low.error, high.error, solution.error()])
    return np.max(np.array(found, dtype=float), axis=0), (time.process_time() - began) / len(SEEDS)


def main() -> None:
    """Print the table in Markdown."""
    print("| method | k | metric | error of sin πx | error of sin kπx | relative L2 error | seconds |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            path = Path(folder) / f"two-tones-{case.k}.toml"
            path.write_text(TEXT.format(k=case.k))
            problem = pdefreq.load_problem(path)
            for metric in METRICS:
                (low, high, whole), seconds = errors(problem, case, metric)
                cells = [case.title, str(case.k), f"`{metric}`", *(f"{e:.1e}" for e in (low, high, whole)), f"{seconds:.1f}"]
                print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()

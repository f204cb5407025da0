"""Errors and processor seconds of the method `random-features`: ``python benchmarks/random_features.py [PROBLEM...]``.

Each problem is solved with the seeds 0 to 4 in one process with one thread and float64. The largest error and the largest number
of processor seconds are printed. The seconds include the choice of the bandwidth and all attempts, and exclude imports and the
measurement of the error. Errors are relative L2 errors at the points of the rows of a history, or at 20,000 random points if the
solution is a series or a reference solution.

``--method random-features:OPTION=VALUE`` changes an option, ``--param NAME=VALUE`` a parameter of the problems, ``--seeds`` the
number of seeds, and a problem may be a file.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    import torch

    from pdefreq.problem.problem import Problem

Solution = Callable[["torch.Tensor"], "torch.Tensor"]

PROBLEMS = (
    "poisson",
    "poisson-tones",
    "poisson-tones:2d",
    "poisson-chirp",
    "perforated",
    "perforated:2",
    "helmholtz:2d-8pi",
    "helmholtz:2d-16pi",
    "harmonic-holes",
    "l-shape:source",
    "four-discs",
)
_POINTS = 20_000  # test points where the solution is a series


def reference(problem: Problem) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, str]:
    """Points, weights, the values of the solution, and the origin of the solution in words."""
    import torch

    from pdefreq.core.streams import stream
    from pdefreq.probes.target import Target

    if problem.exact is not None:
        points = Target(problem, problem.exact).recorded_points
        return points.x, points.weights, problem.exact(points.x), "exact"
    points = problem.domain.interior(_POINTS, stream(0, "benchmark"))
    series = {"harmonic-holes": _of_holes, "l-shape:source": _of_l_shape}.get(problem.name)
    if series is not None:
        return points.x, points.weights, torch.from_numpy(series(points.x.numpy())), "series"
    from pdefreq.runs.reference import reference_solution

    found = reference_solution(problem)
    if found.solution is None or found.accuracy is None:
        raise SystemExit(f"{problem.name} has no reference solution.")
    with torch.no_grad():
        return points.x, points.weights, found.solution(points.x), f"finite elements, accurate to {found.accuracy.l2:.1e}"


def _of_l_shape(x):
    from tests.spaces.features import l_shape_series

    return l_shape_series.solution(l_shape_series.fitted()[0], x)


def _of_holes(x):
    """The series of tests/test_harmonic_holes.py, whose boundary values are accurate to 1e-11."""
    import numpy as np

    from tests import test_harmonic_holes as holes

    def boundary(number: int):
        side = 0.5 + 0.5j * np.cos(np.pi * (np.arange(number) + 0.5) / number)
        hole = holes.CENTER + holes.RADIUS * np.exp(2j * np.pi * np.arange(number) / number)
        return holes.columns(np.concatenate([side, hole])), np.repeat([1.0, 0.0], number)

    matrix, values = boundary(300)
    c = np.linalg.lstsq(matrix, values, rcond=1e-14)[0]
    return holes.columns(x[:, 0] + 1j * x[:, 1]) @ c


def measured(problem: Problem, name: str, seed: int, known: tuple) -> tuple[float, float, str, str]:
    """The error, the processor seconds, the status, and the size of the last attempt with the residuals of all attempts."""
    import torch

    from pdefreq.iterations.defaults import final_status_of, result_state_of
    from pdefreq.solvers.names import make_solver
    from pdefreq.spaces.trial_space import SpaceField

    x, weights, exact, _ = known
    began = time.process_time()
    method = make_solver(name)
    iteration = method.prepare(problem.blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    for _ in range(method.budget.steps or 1):
        state = iteration.step(state)
        if state.done:
            break
    result = result_state_of(iteration, state)
    seconds = time.process_time() - began
    with torch.no_grad():
        gap = SpaceField(result.space, result.coefficients)(x) - exact
    if problem.is_up_to_constant:
        gap = gap - (weights * gap).sum() / weights.sum()
    error = float(((weights * gap**2).sum() / (weights * exact**2).sum()).sqrt())
    residuals = ", ".join(f"{each:.1e}" for each in state.memory["residuals"].tolist())
    sizes = ", ".join(f"{each:.0f}" for each in state.memory["sizes"].tolist())
    return error, seconds, final_status_of(iteration, state).value[0], f"{sizes} functions; held-out residuals {residuals}"


def main() -> None:
    """Measure the problems of the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=PROBLEMS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--method", default="random-features", metavar="random-features:OPTION=VALUE")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    parameters = dict(each.split("=", 1) for each in arguments.param)
    import torch

    from pdefreq.core.devices import keep_freed_memory
    from pdefreq.problem.files import load_problem

    torch.set_num_threads(1)
    keep_freed_memory()
    torch.linalg.lstsq(torch.eye(2), torch.ones(2, 1), driver="gels")  # loads libraries
    print("| problem | largest error | median error | most seconds | statuses |\n|---|---|---|---|---|", flush=True)
    for name in arguments.problems:
        problem = load_problem(name, **parameters)
        known = reference(problem)
        rows = []
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            rows.append(measured(problem, arguments.method, seed, known))
            error, seconds, status, told = rows[-1]
            print(f"{name}, seed {seed}: {error:.1e} in {seconds:.2f} s, {status}; {told}", file=sys.stderr, flush=True)
        errors = sorted(row[0] for row in rows)
        statuses = ", ".join(dict.fromkeys(row[2] for row in rows))
        print(
            f"| `{name}` ({known[3]}) | {errors[-1]:.1e} | {errors[len(errors) // 2]:.1e} "
            f"| {max(row[1] for row in rows):.2g} | {statuses} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

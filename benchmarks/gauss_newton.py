"""Errors and processor seconds of the method `gauss-newton`, and the comparisons behind its defaults.

``python benchmarks/gauss_newton.py [PROBLEM...]`` solves each problem with the seeds 0 to 4, float64 and one thread, and prints
the largest and the median error and the largest number of processor seconds, which include the choice of the network and exclude
imports and the measurement of the error. Errors are relative L2 errors at test points.

``--study NAME`` prints the table of a comparison instead: ``points`` (numbers and kinds of points), ``steps`` (step controls and
linear algebra), ``widths`` (numbers of waves). ``--seconds`` limits each run, ``--steps`` the number of its steps.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.random_features import reference  # sets the number of threads, too

PROBLEMS = {  # with options and seconds
    "poisson-tones:2d": ("", 10),
    "perforated": ("", 10),
    "perforated:2": ("", 10),
    "poisson-chirp": ("", 60),
    "helmholtz:2d-8pi": ("", 120),
    "harmonic-holes": ("", 60),
    "four-discs": ("boundary=penalty", 60),
    "p-laplacian": ("", 60),
}
_WIDE = ("poisson-chirp", "helmholtz:2d-8pi", "ring")
_HOLES = ("harmonic-holes", "four-discs")
_SOBOL = "points=sobol,resample_every=null"
_BASE = {  # the default networks, at least 1600 points
    "poisson-chirp": 697,
    "helmholtz:2d-8pi": 697,
    "ring": 697,
    "harmonic-holes": 1051,
    "four-discs": 1051,
}


def _numbers(problem: str, per_parameter: float, part: float = 0.25) -> str:
    number = round(per_parameter * _BASE[problem])
    penalty = "boundary=penalty,beta=5e4,"
    return f"{penalty}number={number},boundary.points={round(part * number)}"


STUDIES = {  # title -> rows of a problem, an alternative in words, and the options
    "points": [
        *(
            (p, f"{n} per parameter", _numbers(p, n) + (f",{_SOBOL}" if p in _HOLES else ""))
            for p in (*_WIDE, *_HOLES)
            for n in (1.3, 2.6, 5.2)
        ),
        *((p, f"{n} per parameter, Gauss", _numbers(p, n) + ",points=gauss") for p in _HOLES for n in (2.6, 7.8)),
        *(
            (
                p,
                f"2.6 per parameter, {part:g} of them on the boundary",
                _numbers(p, 2.6, part) + (f",{_SOBOL}" if p in _HOLES else ""),
            )
            for p in ("poisson-chirp", *_HOLES)
            for part in (0.1, 0.5)
        ),
    ],
    "steps": [
        ("poisson", title, options)
        for title, options in (
            ("default", ""),
            ("control=target-ratio", "control=target-ratio"),
            ("factorization=cholesky", "factorization=cholesky"),
            ("last_layer=projected", "last_layer=projected"),
        )
    ],
    "widths": [("poisson-tones:2d", f"widths=[{n}]", f"widths=[{n}],initialization=spectrum") for n in (20, 40, 80, 150)],
}


def measured(name: str, options: str, seed: int, *, seconds: float, steps: int | None, known: tuple) -> tuple[float, float, int]:
    """The error, the processor seconds and the number of steps of a run."""
    import torch

    from pdefreq.iterations.defaults import result_state_of
    from pdefreq.problem.files import load_problem
    from pdefreq.solvers.names import make_solver
    from pdefreq.spaces.trial_space import SpaceField

    x, weights, exact, _ = known
    method = make_solver(f"gauss-newton:{options}" if options else "gauss-newton")
    began, count = time.process_time(), 0
    iteration = method.prepare(load_problem(name).blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    for _ in range(steps or method.budget.steps or 1):
        state, count = iteration.step(state), count + 1
        if state.done or time.process_time() - began > seconds:
            break
    spent, result = time.process_time() - began, result_state_of(iteration, state)
    with torch.no_grad():
        gap = SpaceField(result.space, result.coefficients)(x) - exact
    return float(((weights * gap**2).sum() / (weights * exact**2).sum()).sqrt()), spent, count


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=[*PROBLEMS])
    parser.add_argument("--study", choices=STUDIES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--steps", type=int)
    given = parser.parse_args()
    import torch

    from pdefreq.core.devices import keep_freed_memory
    from pdefreq.problem.files import load_problem

    torch.set_num_threads(1)
    keep_freed_memory()
    rows = STUDIES.get(given.study) or [(name, *PROBLEMS.get(name, ("", 60))) for name in given.problems]
    known = {}
    print("| problem | options | largest error | median error | most seconds | steps |\n|---|---|---|---|---|---|")
    for name, second, third in rows:
        title, options, limit = (second, third, 8.0) if given.study else (second, second, float(third))
        if name not in known:
            known[name] = reference(load_problem(name))
        found = [
            measured(name, options, seed, seconds=given.seconds or limit, steps=given.steps, known=known[name])
            for seed in range(given.seeds)
        ]
        errors = sorted(error for error, _, _ in found)
        spent, steps = max(seconds for _, seconds, _ in found), max(count for _, _, count in found)
        cells = [
            f"`{name}`",
            title or "default",
            f"{errors[-1]:.1e}",
            f"{errors[len(errors) // 2]:.1e}",
            f"{spent:.1f}",
            str(steps),
        ]
        print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()

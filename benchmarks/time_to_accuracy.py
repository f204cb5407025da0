"""Error against processor seconds of methods and other packages: ``python benchmarks/time_to_accuracy.py --seconds 60``.

Each method runs in a process of its own with one thread and float64. Processor seconds include the choice of options by the
method, the assembly and all steps, and exclude imports, measurements of the error and the test points. Errors are relative L2
errors at the test points of the problem. A curve is the error along a training, or the errors of growing discretizations.

Peers (`benchmarks/peers`) are not dependencies of pdefreq. Those that can't be imported are left out and listed; install them
beside pdefreq with ``pip install --no-deps deepxde fastlsq scikit-learn joblib threadpoolctl narwhals``.

The folder of ``--out``, by default runs/time-to-accuracy, receives results.json, from which ``--from`` prints the table and draws
the figure again, and the figure; the script prints their paths. The figure of docs/performance.md is written by ``--figure
docs/figures/time_to_accuracy.png``.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pdefreq.probes.target import Target

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from pdefreq.core.file_io import make_folder, write_atomically

PROBLEMS = ("poisson", "poisson-chirp", "perforated")
NETWORKS = ("gauss-newton", "mscale", "deep-ritz", "pinn")
DIRECT = ("sine", "multigrid", "fem:element=P2", "random-features")
PEERS = {  # module of `benchmarks.peers`, and arguments of its function `curve`
    "DeepXDE": ("deepxde", {}),
    "DeepXDE, Fourier features": ("deepxde", {"fourier": True}),
    "FastLSQ": ("fastlsq", {}),
    "scikit-fem P2": ("scikit_fem", {}),
}
METHODS = (*DIRECT, *NETWORKS, *PEERS)
SIZES = {  # options that grow, with the sizes by dimension
    "multigrid": ("intervals", {1: (125, 500, 2000, 8000), 2: (32, 64, 128, 256, 512)}),
    "fem:element=P2": ("cells", {1: (125, 500, 2000, 8000, 32000), 2: (16, 32, 64, 128)}),
    "sine": ("intervals", {1: (64, 256, 1024, 4096, 16384), 2: (32, 64, 128, 256, 512)}),
}
TRAINED_PEERS = ("DeepXDE", "DeepXDE, Fourier features")
_OVERTIME = 1.0  # seconds of the last step
OUT, FIGURE = Path("runs", "time-to-accuracy"), "time_to_accuracy.png"
# By default values are built in, and on `poisson-chirp` these are the solution; around holes they lack second derivatives.
PENALIZED = ("poisson-chirp", "perforated")


def curve_of(problem_name: str, method: str, seconds: float, seed: int) -> list[tuple[float, float]]:
    """Pairs of processor seconds and relative L2 errors."""
    import torch

    from pdefreq.core.devices import keep_freed_memory
    from pdefreq.probes.target import Target
    from pdefreq.problem.files import load_problem

    torch.set_num_threads(1)
    keep_freed_memory()
    problem = load_problem(problem_name)
    target = Target(problem, problem.exact)
    if method in PEERS:
        module, arguments = PEERS[method]
        return importlib.import_module(f"benchmarks.peers.{module}").curve(target, seconds, seed, **arguments)
    if method not in SIZES:
        penalty = ":boundary=penalty" * (method in NETWORKS and problem_name in PENALIZED)
        return along_steps(target, method + penalty, {}, seconds, seed).curve
    option, sizes = SIZES[method]
    along_steps(target, method, {option: sizes[problem.domain.dimension][0]}, seconds, seed)  # imports of libraries
    return [along_steps(target, method, {option: size}, seconds, seed).curve[-1] for size in sizes[problem.domain.dimension]]


class Measured(NamedTuple):
    """Pairs of processor seconds and relative L2 errors along a run, its number of steps, and that of its coefficients."""

    curve: list[tuple[float, float]]
    steps: int
    unknowns: int


def along_steps(
    target: Target, method: str, options: Mapping[str, Any], seconds: float, seed: int, steps: float = math.inf
) -> Measured:
    """The errors along the steps of a method of pdefreq, which ends when it is done or one of its limits is reached."""
    import torch

    from benchmarks.peers.clock import Clock
    from pdefreq.core.history import Stop
    from pdefreq.probes.iterate import Iterate
    from pdefreq.solvers.names import make_solver
    from pdefreq.solvers.solver import chosen

    clock = Clock(target, seconds)
    problem = target.problem.blind()
    solver = chosen(make_solver(method, options), lambda: problem).solver
    solver = solver.resolved(problem, solver.budget.override(Stop()))
    iteration = solver.prepare(problem, seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()

    def objective() -> float:
        return float(sum(iteration.objective(state).values()))

    enough = (solver.budget.tolerance or 0.0) * objective()

    def values(x):
        return Iterate.of_state(state).values(torch.from_numpy(x))

    taken = 0
    while not (state.done or clock.is_over or taken >= steps):
        state = iteration.step(state)
        taken += 1
        clock.tick(values)
        if enough and objective() <= enough:
            break
    clock.record(values)
    return Measured(clock.curve, taken, state.space.num_coefficients)


def measure(problem: str, method: str, seconds: float, seed: int) -> list[list[float]]:
    """The curve of one method, from a process of its own; empty, with a printed reason, if it can't be measured."""
    command = [sys.executable, __file__, "--one", problem, method, "--seconds", str(seconds), "--seed", str(seed)]
    run = subprocess.run(command, capture_output=True, text=True)
    last = (run.stdout.strip().splitlines() or [""])[-1]
    if run.returncode or not last.startswith("["):
        reason = (run.stderr.strip().splitlines() or ["no output"])[-1]
        print(f"{problem}, {method}: left out: {reason}", flush=True)
        return []
    curve = json.loads(last)
    print(f"{problem}, {method}: {_told(curve, seconds)}", flush=True)
    return curve


def best(curve: Sequence[Sequence[float]], seconds: float) -> tuple[float, float]:
    """The smallest error within a number of seconds, and the time at which it was reached; else the first result after it."""
    finite = [(time, error) for time, error in curve if math.isfinite(error)]
    within = [(error, time) for time, error in finite if time <= seconds + _OVERTIME]
    if within:
        error, time = min(within)
        return time, error
    return min(finite, default=(math.nan, math.nan))


def _told(curve: Sequence[Sequence[float]], seconds: float) -> str:
    time, error = best(curve, seconds)
    return f"{error:.1e} in {time:.2g} s"


def table(results: Mapping[str, Mapping[str, list]], seconds: float) -> str:
    """The smallest errors and their times as a table in Markdown, and the ratios to the peers."""
    lines = ["| method | " + " | ".join(f"`{problem}`" for problem in results) + " |", "|---" * (1 + len(results)) + "|"]
    for method in METHODS:
        cells = [_told(curves[method], seconds) if method in curves else "-" for curves in results.values()]
        name = method if method in PEERS else f"`{method}`"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for problem, curves in results.items():
        trained = min((best(curves[name], seconds)[1] for name in TRAINED_PEERS if name in curves), default=math.nan)
        for ours in ("random-features", "gauss-newton"):
            if ours in curves:
                lines.append(f"\n{problem}: best trained peer / {ours} = {trained / best(curves[ours], seconds)[1]:.1e}")
        if "FastLSQ" in curves and "random-features" in curves:
            (t, e), (s, f) = (best(curves[name], seconds) for name in ("random-features", "FastLSQ"))
            lines.append(f"\n{problem}: FastLSQ / random-features: error {f / e:.1e}, time {s / t:.1e}")
    return "\n".join(lines)


def draw(results: Mapping[str, Mapping[str, list]], path: Path) -> None:
    """The error against processor seconds, a panel for each problem."""
    from pdefreq.figures.style import METHOD_COLORS, Picture, styled

    styles = {
        name: (METHOD_COLORS[k % len(METHOD_COLORS)], dash, marker)
        for family, dash, marker in ((DIRECT, "-", "o"), (NETWORKS, "--", None), (tuple(PEERS), ":", "s"))
        for k, name in enumerate(family)
    }

    @styled
    def picture():
        figure = Picture(figsize=(max(9.2, 4.6 * len(results)), 5.4))
        panels = figure.subplots(1, len(results), squeeze=False, sharey=True)[0]
        for axes, (problem, curves) in zip(panels, results.items(), strict=True):
            for name, (color, dash, marker) in styles.items():
                if name in curves:
                    times, errors = zip(*curves[name], strict=True)
                    marks = marker or ("." if len(times) == 1 else None)
                    axes.loglog(times, errors, dash, color=color, marker=marks, markersize=5, label=name)
            axes.set(title=problem, xlabel="processor seconds", ylim=(1e-16, 10))
        panels[0].set_ylabel("relative L2 error")
        entries = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4)
        return figure

    path.parent.mkdir(parents=True, exist_ok=True)
    picture().savefig(path, dpi=130)


def main() -> None:
    """Measure, print the table and draw the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="processor seconds of each training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--problems", nargs="+", default=PROBLEMS)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS, metavar="METHOD")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help=f"the folder of the results, by default {OUT}")
    parser.add_argument("--figure", type=Path, metavar="FILE", help=f"the figure, by default {FIGURE} in the folder")
    parser.add_argument("--from", dest="again", action="store_true", help="use the results in the folder instead of measuring")
    parser.add_argument("--one", nargs=2, metavar=("PROBLEM", "METHOD"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(curve_of(*given.one, given.seconds, given.seed)))
        return
    results = given.out / "results.json"
    stored = json.loads(results.read_text()) if results.is_file() else {"curves": {}}
    if given.again and not stored["curves"]:
        parser.error(f"there are no results in {results}: leave out --from to measure them")
    make_folder(given.out)
    for problem, method in [] if given.again else itertools.product(given.problems, given.methods):
        if curve := measure(problem, method, given.seconds, given.seed):
            stored["curves"].setdefault(problem, {})[method] = curve
            stored["seconds"] = given.seconds
            write_atomically(
                results, json.dumps(stored).encode()
            )  # after each method, so that an interrupted run keeps its results
    given.seconds = stored.get("seconds", given.seconds)
    print(table(stored["curves"], given.seconds))
    figure = given.figure or given.out / FIGURE
    draw(stored["curves"], figure)
    print(f"\nresults: {results}\nfigure: {figure}")


if __name__ == "__main__":
    main()

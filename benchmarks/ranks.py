"""Time per step of one run on one process and on several processes that share the points, started by torchrun.

    python benchmarks/ranks.py [--processes 1 2] [--steps 60] [--repeats 3] [--methods NAME ...]

The problem is the 2-D chirp. The numbers of processes take turns. Times are medians over the steps but the first ten, and over
the repetitions:

- the time of a step, which includes the messages and the waiting for the other processes;
- the processor time of the first process in a step, which other programs on the machine affect little.

The table also has the largest difference of the coefficients from those of the first number of processes. Times of steps are
meaningful on a quiet machine with a free core for each process only: all processes wait in each step for the slowest one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from pdefreq import Stop, load_problem
from pdefreq.core.devices import keep_freed_memory
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.shared_run import follow, joined_group

METHODS = ("mscale", "pinn", "pinn:optimizer=gauss-newton")
FIRST = 10  # steps that are not counted


def main() -> None:
    """Print the table, or as one of the processes make the run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--worker", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker is not None:
        work(given.methods[0], given.steps, given.worker)
        return
    for method in given.methods:
        found: dict[int, list[dict]] = {number: [] for number in given.processes}
        for _ in range(given.repeats):
            for number in given.processes:
                found[number].append(measured(number, method, given.steps))
        first = found[given.processes[0]]
        print(f"{method}: {first[0]['unknowns']:,} coefficients")
        for number, runs in found.items():
            wall, own = (statistics.median(run[name] for run in runs) for name in ("step", "processor"))
            gain = statistics.median(run["step"] for run in first) / wall
            spread = f"{1e3 * min(run['step'] for run in runs):.1f} to {1e3 * max(run['step'] for run in runs):.1f}"
            difference = np.abs(np.array(runs[0]["coefficients"]) - np.array(first[0]["coefficients"])).max()
            print(
                f"  {number} processes   step {1e3 * wall:7.1f} ms ({spread}), {gain:.2f} times faster   "
                f"processor {1e3 * own:7.1f} ms   difference {difference:.1e}"
            )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def measured(number: int, method: str, steps: int) -> dict:
    """The medians of a run on a number of processes, in seconds, and its coefficients at the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        command = ["torch.distributed.run", "--nproc-per-node", str(number), __file__, "--worker", str(file)]
        options = ["--methods", method, "--steps", str(steps)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run([sys.executable, "-m", *command, *options], capture_output=True, text=True, env=environment)
        if done.returncode:
            raise SystemExit(done.stderr)
        return json.loads(file.read_text())


def work(method: str, steps: int, file: Path) -> None:
    """Make the run as one of the processes; the first one writes the result."""
    torch.set_num_threads(1)
    keep_freed_memory()
    with joined_group():
        if os.environ["RANK"] != "0":
            follow()
            return
        took: list[float] = []
        step = TrainingIteration.step

        def timed(self: TrainingIteration, state):
            began = time.process_time()
            found = step(self, state)
            took.append(time.process_time() - began)
            return found

        TrainingIteration.step = timed
        problem = load_problem("poisson-chirp", dimension=2)
        solution = PlannedRun.of(problem, method, stop=Stop(steps=steps), predict=False).run()
        history = solution.history
        each = np.diff(history.column("seconds")) / np.diff(history.column("step"))
        result = {
            "step": float(np.median(each[FIRST:])),
            "processor": float(np.median(took[FIRST:])),
            "unknowns": len(solution.last_state.coefficients),
            "coefficients": solution.last_state.coefficients.tolist(),
        }
        file.write_text(json.dumps(result))


if __name__ == "__main__":
    main()

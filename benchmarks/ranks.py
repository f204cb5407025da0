"""Time per step of one run on one process and on several processes that share the points, started by torchrun.

    python benchmarks/ranks.py [--processes 1 2] [--steps 100] [--repeats 3]

The problem is the 2-D chirp. The numbers of processes take turns. The time of a step is the median over all steps but the first
ten and over the repetitions; it includes the waiting for the other processes. The table also has the largest difference of the
coefficients from those of one process. Run it on a quiet machine with at least as many free cores as processes: a process that
waits for its core delays all others in each step.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from pdefreq.runs.run_folder import RunFolder

METHODS = {
    "Adam": "mscale",
    "Adam, residual": "pinn:network=mscale,boundary=penalty",
    "Gauss-Newton": "pinn:optimizer=gauss-newton,boundary=penalty",
}
FIRST = 10  # steps that are not counted


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=list(METHODS.values()))
    given = parser.parse_args()
    names = {method: name for name, method in METHODS.items()}
    with tempfile.TemporaryDirectory() as folder:
        for method in given.methods:
            times: dict[int, list[float]] = {number: [] for number in given.processes}
            found: dict[int, np.ndarray] = {}
            for repeat in range(given.repeats):
                for number in given.processes:
                    place = Path(folder) / f"{names.get(method, method)}-{number}-{repeat}".replace("/", "-")
                    steps, found[number] = run(number, method, given.steps, place)
                    times[number].append(steps)
            alone = statistics.median(times[given.processes[0]])
            print(f"{names.get(method, method)}: {method}, {len(found[given.processes[0]]):,} coefficients")
            for number, values in times.items():
                middle = statistics.median(values)
                difference = np.abs(found[number] - found[given.processes[0]]).max()
                print(
                    f"  {number} processes   {1e3 * middle:8.2f} ms ({1e3 * min(values):.2f} to {1e3 * max(values):.2f})   "
                    f"{alone / middle:.2f} times faster   difference {difference:.1e}"
                )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def run(number: int, method: str, steps: int, folder: Path) -> tuple[float, np.ndarray]:
    """The median time of a step in seconds, and the coefficients at the end."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", f"{number}", "-m", "pdefreq"]
    command = [
        "solve",
        "poisson-chirp",
        "--param",
        "dimension=2",
        "--method",
        method,
        "--steps",
        f"{steps}",
        "--out",
        str(folder),
    ]
    options = ["--no-figures", "--no-prediction", "--quiet"]
    subprocess.run([*launcher, *command, *options], check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    checkpoint = RunFolder(folder).read_checkpoint()[0]
    history = checkpoint.history
    elapsed = np.diff(history.column("seconds")) / np.diff(history.column("step"))
    return float(np.median(elapsed[FIRST:])), checkpoint.coefficients


if __name__ == "__main__":
    main()

"""The cost of a run in addition to its steps: ``python benchmarks/recording.py [--repeats N] [--clock wall] [NAME ...]``.

Each line is one command with its default budget, including figures and run folder, in a new process. The columns are

- ``steps``: the time of the steps of the method;
- ``record``: the time between the steps, in which errors are measured and written to the history, without the preparation of the
  probes and the predictions at the first record (``prepare``);
- ``whole``: from the start of the process to its end;
- ``start``: the whole time of the same command with ``--steps 0``: imports, mesh, modes, predictions, figures and files;
- ``record/steps``: required is at most 0.1, or 0.1 s;
- ``whole/steps``: (whole - start) / steps, required is at most 1.25 for ``mscale`` on ``poisson``.

Times are seconds of CPU time by default, which depend least on other processes; they are medians over the repeats. The cache of
eigenmodes is empty at the first repeat, whose whole time is ``cold``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = {
    "poisson mscale": ["poisson", "--method", "mscale"],
    "poisson-chirp mscale": ["poisson-chirp", "--method", "mscale"],
    "poisson jacobi": ["poisson", "--method", "jacobi"],
    "tones regression": ["tones", "--method", "regression"],
    "the same, in tones": ["tones", "--method", "regression", "--modes", "tones"],
    "perforated mscale": ["perforated", "--method", "mscale", "--steps", "100"],
    "cube cg 48^3": ["poisson-boltzmann:3d", "--method", "cg", "--set", "intervals=48"],
}


def measured(arguments: list[str], clock: str) -> None:
    """Run a command in this process, and write the times of its parts as JSON to the file named by the environment variable."""
    from pdefreq.runs import loop
    from pdefreq.runs import recorder as recording

    now = time.process_time if clock == "processor" else time.perf_counter
    spent = {"steps": 0.0, "record": 0.0, "prepare": 0.0, "rows": 0.0}

    def timed(function, name: str):
        def call(*args, **kwargs):
            began, inner = now(), spent["prepare"]
            try:
                return function(*args, **kwargs)
            finally:
                spent[name] += now() - began - (spent["prepare"] - inner if name != "prepare" else 0.0)
                spent["rows"] += name == "record"

        return call

    loop._stride = timed(loop._stride, "steps")
    recording.Recorder._prepare = timed(recording.Recorder._prepare, "prepare")
    recording.Recorder.record = timed(recording.Recorder.record, "record")
    from pdefreq.cli import main

    sys.argv = ["pdefreq", "solve", *arguments]
    try:
        main()
    finally:
        Path(os.environ["RECORDING_TIMES"]).write_text(json.dumps(spent))


def run(arguments: list[str], clock: str, cache: Path) -> dict[str, float]:
    """The times of one command in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        times, own = Path(folder) / "times.json", Path(__file__)
        environment = {**os.environ, "RECORDING_TIMES": str(times), "PDEFREQ_CACHE": str(cache)}
        command = [
            sys.executable,
            str(own),
            "--child",
            "--clock",
            clock,
            *arguments,
            "--out",
            f"{folder}/run",
            "--quiet",
            "--json",
        ]
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = json.loads(times.read_text())
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return spent | {"whole": processor if clock == "processor" else wall}


def main() -> None:
    """Print the table."""
    if "--child" in sys.argv:
        measured(sys.argv[4:], sys.argv[3])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(map(repr, RUNS))}; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clock", choices=["processor", "wall"], default="processor")
    options = parser.parse_args()
    columns = ("steps", "record", "prepare", "whole", "start", "cold")
    print(f"{'run':22}{'rows':>6}" + "".join(f"{name:>9}" for name in columns) + f"{'record/steps':>14}{'whole/steps':>13}")
    for name in options.names or RUNS:
        with tempfile.TemporaryDirectory() as cache:
            whole = [run(RUNS[name], options.clock, Path(cache)) for _ in range(options.repeats)]
            start = [run([*RUNS[name], "--steps", "0"], options.clock, Path(cache)) for _ in range(options.repeats)]
        found = {column: statistics.median(times[column] for times in whole) for column in ("rows", *columns[:4])}
        found |= {"start": statistics.median(times["whole"] for times in start), "cold": whole[0]["whole"]}
        recorded, beside = found["record"] / found["steps"], (found["whole"] - found["start"]) / found["steps"]
        print(
            f"{name:22}{found['rows']:6.0f}"
            + "".join(f"{found[column]:9.2f}" for column in columns)
            + f"{recorded:14.2f}{beside:13.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

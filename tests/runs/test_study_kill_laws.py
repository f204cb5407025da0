"""A study whose processes are killed at random times: nothing is lost, no run is repeated, the results are the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from pdefreq import load_run
from pdefreq.runs.planned_run import PlannedRun

KILLS = 20
STEPS = 1500  # so many that 20 kills hit the study before it ends
COMMAND = ["compare", "poisson", "mscale:widths=[8],number=100", "deep-ritz:widths=[8],number=100", "pinn:widths=[8],number=100"]
OPTIONS = ["--seeds", "4", "--steps", str(STEPS), "--workers", "2", "--quiet"]
PLACE = "runs/poisson-comparison-1"


def command(folder):
    environment = os.environ | {"PDEFREQ_WORKERS": "2"}
    return subprocess.Popen(
        [sys.executable, "-m", "pdefreq", *COMMAND, *OPTIONS], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )


def processes_below(parent):
    """The processes of a study: the parent and, by way of the server of processes, its workers."""
    found, queue = [], [parent]
    while queue:
        each = queue.pop()
        found.append(each)
        try:
            with open(f"/proc/{each}/task/{each}/children") as file:
                queue += map(int, file.read().split())
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs the process table of Linux")
def test_a_study_survives_kills_of_its_processes(tmp_path):
    """20 kills of a random process of the study, the parent included; then the same command ends it."""
    chance = random.Random(0)
    running, kills, finished = command(tmp_path), 0, {}
    while kills < KILLS:
        time.sleep(chance.uniform(0.5, 4.0))
        if running.poll() is None:
            try:
                os.kill(chance.choice(processes_below(running.pid)), signal.SIGKILL)
            except ProcessLookupError:
                continue
            kills += 1
            time.sleep(0.1)
        if running.poll() is not None:  # the command was killed, or the server of its processes
            assert running.returncode != 0, f"the study ended after {kills} kills"
            finished |= ended_runs(tmp_path / PLACE)
            running = command(tmp_path)
    if running.wait(timeout=600) != 0:
        running = command(tmp_path)
        running.wait(timeout=600)
    assert running.returncode == 0
    for path, stamp in finished.items():  # what was finished at the time of a kill was not written again
        assert path.stat().st_mtime_ns == stamp, path
    folders = sorted(path for path in (tmp_path / PLACE).iterdir() if path.is_dir())
    assert len(folders) == 12
    assert not (tmp_path / "runs/poisson-comparison-2").exists()
    for folder in folders:
        solution = load_run(folder)
        alone = PlannedRun(solution.spec).run()
        assert solution.step == STEPS
        assert torch.equal(solution.state.coefficients, alone.state.coefficients)


def ended_runs(folder):
    """The files of runs that have ended, with the times at which they were written."""
    found = {}
    for path in folder.glob("*/run.json"):
        if json.loads(path.read_text())["summary"]["status"] == "steps":
            found[path] = path.stat().st_mtime_ns
    return found

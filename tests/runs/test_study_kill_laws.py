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
COMMAND = ["compare", "poisson", "mscale:widths=[8],number=100", "deep-ritz:widths=[8],number=100", "pinn:widths=[8],number=100"]
OPTIONS = ["--seeds", "4", "--steps", "400", "--workers", "2", "--quiet"]
PLACE = "runs/poisson-comparison-1"


def command(folder):
    environment = os.environ | {"PDEFREQ_WORKERS": "2"}
    return subprocess.Popen(
        [sys.executable, "-m", "pdefreq", *COMMAND, *OPTIONS], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
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
    while kills < KILLS and running.poll() is None:
        time.sleep(chance.uniform(0.5, 4.0))
        victim = chance.choice(processes_below(running.pid))
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills += 1
        if victim == running.pid:
            running.wait()
            finished |= ended_runs(tmp_path / PLACE)
            running = command(tmp_path)
    running.communicate(timeout=600)
    if running.returncode != 0:  # the last kill may have hit the server, which ends the command
        running = command(tmp_path)
        running.communicate(timeout=600)
    assert running.returncode == 0
    for path, stamp in finished.items():  # what was finished at the time of a kill was not written again
        assert path.stat().st_mtime_ns == stamp, path
    folders = sorted(path for path in (tmp_path / PLACE).iterdir() if path.is_dir())
    assert len(folders) == 12
    assert not (tmp_path / "runs/poisson-comparison-2").exists()
    for folder in folders:
        solution = load_run(folder)
        alone = PlannedRun(solution.spec).run()
        assert solution.step == 400
        assert torch.equal(solution.state.coefficients, alone.state.coefficients)


def ended_runs(folder):
    """The files of runs that have ended, with the times at which they were written."""
    found = {}
    for path in folder.glob("*/run.json"):
        if json.loads(path.read_text())["summary"]["status"] == "steps":
            found[path] = path.stat().st_mtime_ns
    return found

"""Runs in forked processes that are killed at random moments and resumed, for `test_kill_laws`.

The processes are forked from a server that has imported PyTorch, so that a kill takes no second for imports.
"""

import multiprocessing
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pdefreq.runs.lifecycle
import pdefreq.runs.loop
from pdefreq.core.history import Stop

_NET = "widths=[6,6],number=48"
_POISSON = {
    "jacobi": "jacobi:intervals=24",
    "damped-jacobi": "damped-jacobi:intervals=24",
    "gauss-seidel": "gauss-seidel:intervals=24",
    "sor": "sor:intervals=24",
    "cg": "cg:intervals=64",
    "gmres": "gmres:intervals=64",
    "multigrid": "multigrid:intervals=256",
    "two-grid": "two-grid:intervals=64",
    "sine": "sine",
    "fem": "fem:cells=64",
    "ritz-galerkin": "ritz-galerkin",
    "adam": f"deep-ritz:{_NET}",
    "sgd": f"deep-ritz:{_NET},optimizer=sgd",
    "gd": f"deep-ritz:{_NET},optimizer=gd",
    "soap": f"deep-ritz:{_NET},optimizer=soap",
    "lbfgs": f"deep-ritz:{_NET},optimizer=lbfgs",
    "ssbroyden": f"deep-ritz:{_NET},optimizer=ssbroyden",
    "gauss-newton": f"gauss-newton:{_NET}",
    "deep-ritz with Gauss-Newton": f"deep-ritz:{_NET},optimizer=gauss-newton",
    "pinn": f"pinn:{_NET}",
    "pinn-gradient": f"pinn-gradient:{_NET}",
    "mscale": f"mscale:{_NET}",
    "new points in each step": f"deep-ritz:{_NET},points=uniform,resample_every=3",
    "mixed precision": f"gauss-newton:{_NET},precision=mixed",
    "points by the residual": f"pinn:{_NET},points=rad,resample_every=3",
    "more points by the residual": f"pinn:{_NET},points=rar,resample_every=3,optimizer=gauss-newton",
    "stages of the penalty": f"deep-ritz:{_NET},boundary=penalty,schedule=staged",
    "network, then grid": "deep-ritz+jacobi:first.widths=[6,6],first.number=48,second.intervals=20,hand_over_step=20",
    "grid, then grid": "jacobi+cg:first.intervals=24,second.intervals=24,hand_over_step=20",
}
KINDS = {name: ("poisson", method) for name, method in _POISSON.items()} | {
    "Newton, p-Laplacian": ("p-laplacian-smooth-2d", "fem:cells=12"),
    "adaptive refinement": ("l-shape", "fem:refinement=adaptive,levels=6"),
}
STEPS = 45


def work(kind: str, folder: Path) -> None:
    """The job of a process: start the run of a kind in a folder, or resume it, with a checkpoint after every stride."""
    import torch

    torch.set_num_threads(1)
    pdefreq.runs.loop._CHECKPOINT_SECONDS = 0.0
    if (folder / "run.json").exists():
        pdefreq.runs.lifecycle.resume(folder)
        return
    problem, method = KINDS[kind]
    probes = ["error"] if problem == "l-shape" else None  # its eigenfunctions take seconds
    pdefreq.solve(problem, method, stop=Stop(steps=STEPS), probes=probes, folder=folder)


def start(kind: str, folder: Path) -> multiprocessing.process.BaseProcess:
    """A started process that works on the run of a kind in a folder."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.runs.kill_server"])
    process = context.Process(target=work, args=(kind, folder))
    with patch.dict(os.environ, {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}):  # for the server
        process.start()
    return process


def finish(kind: str, folder: Path) -> float:
    """Run a kind to its end, and return the seconds that its process took."""
    began = time.monotonic()
    process = start(kind, folder)
    process.join()
    assert process.exitcode == 0, f"{kind}: the process ended with {process.exitcode}"
    return time.monotonic() - began


def kill_until_done(kind: str, folder: Path, seconds: float, kills: int, moments: random.Random) -> Counter[str]:
    """Run a kind, kill its processes at random moments and resume, until one of them ends or enough were killed.

    Args:
        kind: A key of `KINDS`.
        folder: The new folder of the run, in which the run is complete afterwards.
        seconds: The duration of an uninterrupted process; the moments are uniform in it.
        kills: The largest number of processes to kill.
        moments: The generator of the moments.

    Returns:
        How many processes were killed, by the state in which they left the folder.
    """
    found: Counter[str] = Counter()
    while found.total() < kills:
        process = start(kind, folder)
        process.join(moments.uniform(0.0, seconds))
        process.kill()
        process.join()
        if process.exitcode == 0:  # it ended before it was killed
            return found
        assert process.exitcode == -9, f"{kind}: the process ended with {process.exitcode}"
        found[_state(folder)] += 1
        if not (folder / "run.json").exists():
            shutil.rmtree(folder, ignore_errors=True)  # as the message of `resume` says
    finish(kind, folder)
    return found


def _state(folder: Path) -> str:
    if not (folder / "run.json").exists():
        return "before run.json"
    if not list((folder / "checkpoints").glob("[0-9]*.npz")):
        return "before the first checkpoint"
    if list(folder.rglob(".*.tmp")):
        return "while a file was written"
    if not (folder / "history.csv").exists():
        return "between two files of the run"
    return "while the results were written" if '"status": "running"' in (folder / "run.json").read_text() else "at the end"

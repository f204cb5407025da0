"""Several processes make one run: the same result as one process, one writer, and one sentence when a process is lost."""

import functools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from pdefreq.domains.samples import Samples
from pdefreq.functionals.sampling import Sampling
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.runs.lifecycle import load_run
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.run_folder import RunFolder
from pdefreq.solvers.random_features import _Plan
from pdefreq.core.history import Stop
from tests.runs.torchrun import ended, start, torchrun

QUIET = ("--no-figures", "--no-prediction", "--quiet")
SMALL = {
    "adam": "mscale:widths=[8,8],number=200",
    "gd": "deep-ritz:optimizer=gd,widths=[10],number=60",
    "lbfgs": "pinn:optimizer=lbfgs,widths=[10,10],number=100",
    "gauss-newton": "pinn:optimizer=gauss-newton,widths=[10,10],number=300",
    "gauss-newton, fewer rows than coefficients": "pinn:optimizer=gauss-newton,widths=[20,20],number=100",
    "gauss-newton, penalty": "pinn:optimizer=gauss-newton,boundary=penalty,widths=[10,10],number=300",
    "random-features": "random-features:number=60",
}
PERMUTATIONS = 3
MOST = 10.0  # times the change by a permutation of the points


def coefficients(folder):
    return torch.from_numpy(RunFolder(folder).read_checkpoint()[0].coefficients)


def alone(method, problem="poisson", steps=50, folder=None):
    return PlannedRun.of(problem, method, stop=Stop(steps=steps), predict=False, folder=folder, outputs=()).run()


def permuted(samples, seed):
    if samples is None:
        return None
    order = torch.randperm(len(samples.x), generator=torch.Generator().manual_seed(seed))
    normals = None if samples.normals is None else samples.normals[order]
    return replace(samples, x=samples.x[order], weights=samples.weights[order], normals=normals)


def change_by_permutations(monkeypatch, method, problem):
    """The largest change of a coefficient after 50 steps in one process when the points are evaluated in other orders."""
    first = alone(method, problem).last_state.coefficients
    changes = []
    for seed in range(PERMUTATIONS):
        with monkeypatch.context() as patch:
            for name in ("interior", "boundary"):
                own = getattr(Sampling, name)
                patch.setattr(Sampling, name, lambda *a, own=own, seed=seed: permuted(own(*a), seed))
            points = _Plan._points
            patch.setattr(_Plan, "_points", lambda *a, seed=seed: tuple(permuted(each, seed) for each in points(*a)))
            changes.append(float((alone(method, problem).last_state.coefficients - first).abs().max()))
    assert min(changes) > 0  # the permutation has an effect on rounding errors
    return first, max(changes)


def cases():
    for name, method in SMALL.items():
        for size in (2, 4):
            slow = not (name == "adam" and size == 2)
            yield pytest.param(method, "poisson", size, marks=[pytest.mark.slow] if slow else [], id=f"{name}-{size}")
    for name in ("adam", "gauss-newton", "random-features"):
        chirp = SMALL[name] if name == "random-features" else f"{SMALL[name]},boundary=penalty".replace("number=300", "number=400")
        yield pytest.param(chirp, "poisson-chirp", 2, marks=[pytest.mark.slow], id=f"{name}-chirp-2")


@pytest.mark.parametrize(("method", "problem", "size"), [*cases()])
def test_processes_change_the_result_no_more_than_a_permutation_of_the_points(tmp_path, monkeypatch, method, problem, size):
    first, change = change_by_permutations(monkeypatch, method, problem)
    arguments = ("solve", problem, "--method", method, "--steps", 50, "--out", tmp_path / "run", *QUIET)
    leader, *others = torchrun(size, tmp_path, *arguments)
    assert leader.code == 0, leader.err
    assert others == [(0, "", "")] * (size - 1)  # only the first process prints
    difference = float((coefficients(tmp_path / "run") - first).abs().max())
    print(f"{method} on {problem}, {size} processes: {difference:.2e}, by permutations {change:.2e}")
    assert difference <= MOST * change
    summary = RunFolder(tmp_path / "run").read_summary()
    assert summary["processes"] == size
    assert f"{size} processes shared the points of each step." in summary["notes"]

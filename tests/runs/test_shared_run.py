"""Several processes make one run: the same result as one process, one writer, and one sentence when a process is lost."""

import functools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.functionals.sampling import Sampling
from pdefreq.iterations.linear.feature_least_squares import FeatureLeastSquares
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.runs.lifecycle import load_run, resume
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.run_folder import RunFolder
from pdefreq.runs.shared_run import _seconds
from pdefreq.solvers.random_features import _Plan
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
    first, points = alone(method, problem).last_state.coefficients, _Plan._points
    changes = []
    for seed in range(PERMUTATIONS):
        with monkeypatch.context() as patch:
            for name in ("interior", "boundary"):
                own = getattr(Sampling, name)
                patch.setattr(Sampling, name, lambda *a, own=own, seed=seed: permuted(own(*a), seed))
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
        chirp = f"{SMALL[name]},boundary=penalty"
        chirp = "random-features:number=400,tolerance=null" if name == "random-features" else chirp
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


def resident(name):
    """``VmRSS``, the resident set of this process, or ``VmHWM``, the largest one, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs the counters of Linux")
@pytest.mark.parametrize("size", [3])
def test_processes_that_factorize_together_need_at_most_the_memory_that_was_checked(tmp_path, size):
    """2000 functions, for which one process uses a sketch. The estimate is at most twice the memory."""

    def before(rank):
        from pdefreq.solvers import random_features

        checked, solution = [], FeatureLeastSquares._solution
        random_features.require_memory = lambda *given, **_: checked.append(given[2])

        def measured(self, number):
            if self._solved is not None:
                return solution(self, number)
            self._at(number)
            Path("/proc/self/clear_refs").write_text("5")  # resets the largest resident set
            held = resident("VmRSS")
            found = solution(self, number)
            (tmp_path / f"memory-{rank}").write_text(f"{resident('VmHWM') - held} {max(checked)}")
            return found

        FeatureLeastSquares._solution = measured

    method = "random-features:number=2000,bandwidth=36,tolerance=null"
    arguments = ("solve", "poisson-multilevel", "--method", method, "--out", tmp_path / "run", *QUIET, "--probe", "error")
    assert [each.code for each in ended(start(size, tmp_path, *arguments, before=before), tmp_path)] == [0] * size
    found = [[int(word) for word in (tmp_path / f"memory-{rank}").read_text().split()] for rank in range(size)]
    print(found)
    needed, checked = sum(own for own, _ in found), found[0][1]
    assert checked / 2 <= needed <= checked


ADAM = SMALL["adam"]
LOST = "another one of the {size} processes of this run ended or did not answer: continue with `pdefreq resume`"


def at_step(number, rank, action):
    """A function for `start` that does something in one process before a step is taken."""

    def before(own):
        step = TrainingIteration.step

        def changed(self, state):
            if int(state.memory["steps"]) == number:
                action()
            return step(self, state)

        from pdefreq.runs import loop

        loop._CHECKPOINT_SECONDS = 0.0
        if own == rank:
            TrainingIteration.step = changed

    return before


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def solve(out, method=ADAM, *further, problem="poisson", steps=20):
    return ("solve", problem, "--method", method, "--steps", steps, "--out", out, *QUIET, *further)


def test_if_a_process_is_killed_the_first_one_says_so_and_the_run_continues_alone(tmp_path):
    run = tmp_path / "run"
    leader, killed = torchrun(2, tmp_path, *solve(run), before=at_step(7, 1, die))
    assert killed.code == -signal.SIGKILL
    assert leader.code == 2
    assert LOST.format(size=2) in leader.err
    assert leader.err.count("\n") == 1
    assert RunFolder(run).read_checkpoint()[0].step == 7  # the last whole step
    assert resume(run).step == 20
    assert RunFolder(run).read_summary()["processes"] == 1
    whole = alone(ADAM, steps=20).last_state.coefficients
    assert torch.allclose(coefficients(run), whole, rtol=0, atol=1e-13)
    longer = PlannedRun.of("poisson", ADAM, stop=Stop(steps=20), predict=False, outputs=())
    assert longer.spec.id == RunFolder(run).read_spec().id  # the number of processes is not a part of what is run


@pytest.mark.slow
def test_a_run_of_two_processes_continues_on_three(tmp_path):
    run = tmp_path / "run"
    torchrun(2, tmp_path, *solve(run), before=at_step(7, 1, die))
    leader, *_ = torchrun(3, tmp_path / "again", "resume", run, "--quiet", "--no-figures")
    assert leader.code == 0, leader.err
    summary = RunFolder(run).read_summary()
    assert (summary["steps"], summary["processes"]) == (20, 3)
    assert torch.allclose(coefficients(run), alone(ADAM, steps=20).last_state.coefficients, rtol=0, atol=1e-13)


@pytest.mark.slow
def test_a_resumed_run_on_as_many_processes_has_the_same_bits(tmp_path):
    torchrun(2, tmp_path, *solve(tmp_path / "run"), before=at_step(7, 1, die))
    torchrun(2, tmp_path / "again", "resume", tmp_path / "run", "--quiet", "--no-figures")
    torchrun(2, tmp_path / "whole", *solve(tmp_path / "whole-run"))
    assert torch.equal(coefficients(tmp_path / "run"), coefficients(tmp_path / "whole-run"))


@pytest.mark.slow
def test_if_the_first_process_is_killed_the_others_end_with_a_sentence(tmp_path):
    killed, *others = torchrun(3, tmp_path, *solve(tmp_path / "run"), before=at_step(7, 0, die))
    assert killed.code == -signal.SIGKILL
    for other in others:
        assert (other.code, other.out) == (2, "")
        assert LOST.format(size=3) in other.err
        assert other.err.count("\n") == 1
    assert RunFolder(tmp_path / "run").read_checkpoint()[0].step == 7


@pytest.mark.slow
def test_a_process_that_does_not_answer_is_lost(tmp_path):
    before = at_step(7, 1, functools.partial(time.sleep, 600))
    processes = start(2, tmp_path, *solve(tmp_path / "run"), before=before, seconds=3)
    leader, hanging = ended(processes, tmp_path, seconds=15)
    assert (leader.code, hanging.code) == (2, None)
    assert LOST.format(size=2) in leader.err
    assert RunFolder(tmp_path / "run").read_checkpoint()[0].step == 7


@pytest.mark.slow
def test_an_interruption_of_all_processes_ends_the_run_between_two_steps(tmp_path):
    """A terminal sends Ctrl-C to all processes; the first one decides."""
    run = tmp_path / "run"
    processes = start(2, tmp_path, *solve(run, steps=1_000_000), before=at_step(10, 0, (tmp_path / "begun").touch))
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    for process in processes:
        os.kill(process.pid, signal.SIGINT)
    leader, other = ended(processes, tmp_path)
    assert leader.code == 130
    assert other == (0, "", "")
    assert RunFolder(run).read_summary()["status"] == "interrupted"
    steps = RunFolder(run).read_summary()["steps"]
    assert torch.allclose(coefficients(run), alone(ADAM, steps=steps).last_state.coefficients, rtol=0, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "status"),
    [(("--seconds", 1), "seconds"), (("--train-seconds", 0.3), "seconds"), (("--tolerance", 0.5), "converged")],
)
def test_the_first_process_decides_when_the_run_ends(tmp_path, limit, status):
    arguments = solve(tmp_path / "run", SMALL["gauss-newton"], *limit, steps=10_000)
    leader, other = torchrun(2, tmp_path, *arguments)
    assert leader.code == 0, leader.err
    assert other == (0, "", "")
    assert RunFolder(tmp_path / "run").read_summary()["status"] == status


@pytest.mark.slow
def test_a_run_that_diverges_ends_in_all_processes(tmp_path):
    leader, other = torchrun(2, tmp_path, *solve(tmp_path / "run", "deep-ritz:optimizer=gd,learning_rate=1e6,half_life=null"))
    assert leader.code == 1, leader.err
    assert other == (0, "", "")
    assert RunFolder(tmp_path / "run").read_summary()["status"] == "diverged"


REFUSED = {
    ("solve", "poisson", "--method", "jacobi"): "jacobi has no sums over points that 2 processes could share",
    ("solve", "poisson", "--method", "fem"): "fem has no sums over points",
    ("solve", "poisson", "--method", "pinn:metric=h-1,points=gauss"): "without a metric of the residual",
    ("solve", "poisson", "--method", ADAM, "--seeds", "3"): "`pdefreq solve` with 3 seeds does not make one run",
    ("compare", "poisson", "jacobi", "mscale"): "`pdefreq compare` does not make one run: type the command without torchrun",
    ("sweep", "poisson", "--grid", "learning_rate=1e-3,1e-2"): "`--workers 2` of studies",
    ("refine", "poisson", "--method", "fem"): "`pdefreq refine` does not make one run",
    ("solve", "poisson", "--method", ADAM, "--device", "cuda:0"): "there is no device 'cuda:0' here",
}


@pytest.mark.parametrize(
    "arguments", [pytest.param(case, marks=[] if k < 1 else [pytest.mark.slow]) for k, case in enumerate(REFUSED)]
)
def test_what_processes_cannot_share_is_refused_with_one_sentence(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    leader, other = torchrun(2, tmp_path / "printed", *arguments)
    assert leader.code == 2
    assert REFUSED[arguments] in leader.err
    assert leader.err.count("\n") == 1
    assert other == (0, "", "")
    assert not (tmp_path / "runs").exists()  # nothing was written


def test_the_time_after_which_a_process_is_lost_is_a_positive_number():
    assert _seconds(None) == 1800
    assert _seconds("2.5") == 2.5
    for text in ("", "0", "-1", "soon", "nan", "inf"):
        with pytest.raises(OptionError, match="PDEFREQ_PROCESS_SECONDS must be a positive number of seconds"):
            _seconds(text)


METHODS = {
    "random points, drawn anew": "pinn:points=sobol,resample_every=3,number=100,widths=[8]",
    "batches": "deep-ritz:batch=16,number=64,widths=[8]",
    "adaptive points": "pinn:points=rad,number=64,resample_every=5,widths=[8],boundary=penalty",
    "balanced terms": "pinn:balance_every=5,number=64,widths=[8],boundary=penalty",
    "the best state": "deep-ritz:keep=best,number=64,widths=[8]",
    "a chain": "deep-ritz:widths=[8],number=64+jacobi:hand_over_step=10",
    "momentum": "pinn:optimizer=gauss-newton,spring_momentum=0.5,widths=[8],number=64",
    "sketches": "pinn:optimizer=gauss-newton,sketch_rows=80,widths=[8],number=100",
    "variable projection": "pinn:optimizer=gauss-newton,last_layer=projected,widths=[8],number=64",
    "orthogonal factorization": "pinn:optimizer=gauss-newton,factorization=cholesky-qr,widths=[8],number=64",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_points_and_random_numbers_of_a_run_do_not_depend_on_the_number_of_processes(tmp_path, name):
    """Other points would change the coefficients by much more than rounding errors."""
    leader, *others = torchrun(3, tmp_path, *solve(tmp_path / "run", METHODS[name]))
    assert leader.code == 0, leader.err
    assert others == [(0, "", "")] * 2
    whole = alone(METHODS[name], steps=20)
    expected = whole.last_state.coefficients
    assert torch.allclose(coefficients(tmp_path / "run"), expected, rtol=0, atol=1e-8 * max(1.0, float(expected.abs().max())))


@pytest.mark.slow
def test_nonlinear_equations_are_solved_by_shared_features(tmp_path):
    """The rows of Newton's method are scaled one by one, and are therefore gathered."""
    arguments = solve(tmp_path / "run", "random-features", problem="p-laplacian")
    leader, other = torchrun(2, tmp_path, *arguments)
    assert (leader.code, other.code) == (0, 0), leader.err + other.err
    found, whole = RunFolder(tmp_path / "run").read_summary(), alone("random-features", "p-laplacian", steps=20)
    assert found["relative_l2"] < 10 * max(whole.error("l2"), 1e-12)


@pytest.mark.slow
def test_a_method_and_a_problem_in_files_reach_the_other_processes(tmp_path):
    (tmp_path / "mine.py").write_text("import torch\n\n\ndef wave(x):\n    return torch.sin(x) + 0.1 * x\n")
    arguments = solve(tmp_path / "run", f"pinn:activation={tmp_path}/mine.py:wave,widths=[8],number=64")
    leader, other = torchrun(2, tmp_path, *arguments)
    assert leader.code == 0, leader.err
    assert other == (0, "", "")
    assert load_run(tmp_path / "run", trust=True).step == 20


@pytest.mark.slow
def test_the_program_torchrun_starts_the_command(tmp_path):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "pdefreq"]
    done = subprocess.run([*launcher, *map(str, solve(tmp_path / "run"))], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert RunFolder(tmp_path / "run").read_summary()["processes"] == 2
    assert torch.allclose(coefficients(tmp_path / "run"), alone(ADAM, steps=20).last_state.coefficients, rtol=0, atol=1e-13)
    refused = subprocess.run([*launcher, "solve", "poisson", "--method", "jacobi"], capture_output=True, text=True, timeout=240)
    assert refused.returncode != 0
    assert refused.stderr.count("error: jacobi has no sums over points that 2 processes could share") == 1

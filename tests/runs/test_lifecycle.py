"""Runs on disk: killed runs are resumed bit for bit, damaged files are skipped, and saved runs can be repeated."""

import functools
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import pdefreq.functionals.ritz_energy
import pdefreq.probes.iterate
import pdefreq.probes.target
import pdefreq.runs.loop
import pdefreq.runs.run_folder
import pdefreq.spectrum.spectral_record
from pdefreq.core.errors import RunFolderError, UntrustedCodeError, UserError
from pdefreq.core.fields import as_field
from pdefreq.core.file_io import write_atomically
from pdefreq.core.history import History, Schedule, Status, Stop
from pdefreq.probes.error import ErrorProbe
from pdefreq.problem.files import load_problem
from pdefreq.problem.identity import WrittenProblem
from pdefreq.runs.checkpoint import Checkpoint
from pdefreq.runs.lifecycle import load_run, rerun, resume, run
from pdefreq.runs.prepared_run import Given
from pdefreq.runs.run_folder import RunFolder, next_free, to_json
from pdefreq.runs.run_record import spec_id
from pdefreq.runs.solve import solve
from pdefreq.runs.spec import FORMAT, RunSpec, solver_from_json, solver_to_json
from pdefreq.solvers.names import make_solver

SMALL = {"steps": 40}
METHODS = {
    "jacobi": {"intervals": 20},
    "mscale": {"widths": "[8,8]", "number": 64},
    "deep-ritz": {"widths": "[8,8]", "points": "uniform", "number": 32, "resample_every": 3},
    "deep-ritz+jacobi": {"first.widths": "[8,8]", "first.number": 64, "second.intervals": 20, "hand_over_step": 15},
}


def same(a, b):
    """Asserts that coefficients and all columns except the clock agree bit for bit."""
    assert a.step == b.step
    np.testing.assert_array_equal(a.state.coefficients.numpy(), b.state.coefficients.numpy())
    columns, others = a.history.arrays(), b.history.arrays()
    assert columns.keys() == others.keys()
    for name in columns.keys() - {"seconds"}:
        np.testing.assert_array_equal(columns[name], others[name], err_msg=name)


def solve_small(method, steps, **options):
    return solve("poisson", make_solver(method, METHODS[method]), stop=Stop(steps=steps), method=method, **options)


@functools.cache
def uninterrupted(method):
    """A run of 30 steps, with which several tests compare others."""
    return solve_small(method, 30)


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_give_equal_runs(method):
    same(solve_small(method, 30), uninterrupted(method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cut", [0, 7, 15, 16, 29])
def test_an_interrupted_run_is_resumed_bit_for_bit(tmp_path, method, cut):
    """Interrupted in either stage of a chain, at its hand-over step, and before the first step."""
    solve_small(method, 30, folder=tmp_path / "run", callback=lambda step, *_: step == cut)
    assert load_run(tmp_path / "run").status is Status.INTERRUPTED
    same(resume(tmp_path / "run"), uninterrupted(method))


def test_a_run_that_still_runs_is_not_called_interrupted(tmp_path):
    """The folder is read during the run, which holds its lock, and after a process that was killed left the status behind."""
    seen = []

    def look(step, *_):
        seen.append(load_run(tmp_path / "run").status)
        return step == 3

    solve_small("jacobi", 30, folder=tmp_path / "run", callback=look)
    assert set(seen) == {Status.RUNNING}
    assert load_run(tmp_path / "run").status is Status.INTERRUPTED
    run = RunFolder(tmp_path / "run")
    run.write_run(run.read_spec(), {"status": "running"})
    assert load_run(tmp_path / "run").status is Status.INTERRUPTED


@pytest.mark.parametrize("method", METHODS)
def test_a_finished_run_can_be_resumed_with_a_larger_budget(tmp_path, method):
    solve_small(method, 17, folder=tmp_path / "run")
    same(resume(tmp_path / "run", stop=Stop(steps=30)), uninterrupted(method))


def test_errors_modes_and_energy_are_computed_once(tmp_path, monkeypatch):
    """A run is summarized when it is saved and when it is printed; the second time uses the results of the first."""
    solution = solve_small("mscale", 3, folder=tmp_path / "run")
    first = solution.summary()
    for name in ("field_values", "field_gradients"):
        monkeypatch.delattr(pdefreq.probes.iterate, name)
    monkeypatch.delattr(pdefreq.probes.target, "test_points")
    monkeypatch.delattr(pdefreq.spectrum.spectral_record, "halving_time")
    monkeypatch.delattr(pdefreq.functionals.ritz_energy, "energy_of")
    assert to_json(solution.summary()) == to_json(first)
    assert solution.error("h1") == first["relative_h1"] and solution.spectrum() is solution.spectrum()


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    done = solve_small("jacobi", 10, folder=tmp_path / "run")
    again = resume(tmp_path / "run")
    assert again.status is Status.STEPS
    same(again, done)


SCRIPT = """
    import sys
    import pdefreq.runs.loop
    from pdefreq import Stop, make_solver, solve
    from tests.runs.test_lifecycle import METHODS
    pdefreq.runs.loop._CHECKPOINT_SECONDS = 0.0   # a checkpoint after every stride
    method, steps, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    import torch; torch.set_num_threads(1)
    tell = lambda p: print(p.step, flush=True)
    solve("poisson", make_solver(method, METHODS[method]), stop=Stop(steps=steps), method=method, folder=folder, progress=tell)
"""


@pytest.mark.slow  # `test_kill_laws` is its quick substitute
@pytest.mark.parametrize(("method", "kill_after"), [("deep-ritz+jacobi", 5), ("deep-ritz+jacobi", 60), ("mscale", 40)])
def test_a_killed_process_is_resumed_bit_for_bit(tmp_path, method, kill_after):
    """SIGKILL in the first and in the second stage of a chain, and during the training of a network."""
    steps, folder = 120, tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), method, str(steps), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= kill_after:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    same(resume(folder), solve_small(method, steps))


class Killed(BaseException):
    """In place of SIGKILL at a chosen moment."""


def killed(*_):
    raise Killed


def test_a_run_that_was_killed_before_its_first_checkpoint_is_resumed_from_its_start(tmp_path, monkeypatch):
    """Between run.json and the first checkpoint, with options that the spec alone contains."""
    options = {"seed": 3, "modes": "cosine", "predict": False}
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_checkpoint", killed)
        with pytest.raises(Killed):
            solve_small("mscale", 12, folder=tmp_path / "run", **options)
    with pytest.raises(RunFolderError, match=r"has no checkpoint yet.*`pdefreq resume .*run`"):
        load_run(tmp_path / "run")
    same(resume(tmp_path / "run"), solve_small("mscale", 12, **options))


def test_a_run_that_was_killed_before_its_first_checkpoint_needs_its_guess(tmp_path, monkeypatch):
    from tests.toys import Geometric

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_checkpoint", killed)
        with pytest.raises(Killed):
            solve("poisson", Geometric(), folder=tmp_path / "run", guess=lambda x: 0 * x[:, 0])
    with pytest.raises(RunFolderError, match="given its guess as Python objects"):
        resume(tmp_path / "run")


@pytest.mark.parametrize("file", ["problem.toml", "run.json"])
def test_a_folder_without_run_json_is_said_to_be_empty(tmp_path, monkeypatch, file):
    written = pdefreq.runs.run_folder.write_atomically

    def write(path, data):
        written(path, data) if path.name != file else killed()

    monkeypatch.setattr(pdefreq.runs.run_folder, "write_atomically", write)
    with pytest.raises(Killed):
        solve_small("jacobi", 5, folder=tmp_path / "run")
    for read in (resume, rerun, load_run):
        with pytest.raises(
            RunFolderError, match=r"run is empty: its run was killed before it began; delete the folder and start"
        ):
            read(tmp_path / "run")


@pytest.mark.parametrize("file", ["history.csv", "spectrum.npz", "solution.npz", "solution.vtu", "run.json"])
def test_a_run_that_was_killed_while_it_wrote_a_result_is_completed(tmp_path, monkeypatch, file):
    whole = solve_small("jacobi", 10, folder=tmp_path / "whole")
    replaced = os.replace

    def replace_file(source, target):
        if Path(target).name == file and list((tmp_path / "run").glob("checkpoints/000000010.*")):
            killed()
        replaced(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_file)
        with pytest.raises(Killed):
            solve_small("jacobi", 10, folder=tmp_path / "run")
    assert list((tmp_path / "run").glob(".*.tmp"))
    for name in (".seeds.csv.1.tmp", "checkpoints/.000000009.0123456789abcdef.npz.1.tmp"):  # of earlier processes
        (tmp_path / "run" / name).touch()
    assert load_run(tmp_path / "run").status is Status.INTERRUPTED
    again = resume(tmp_path / "run")
    assert again.status is Status.STEPS
    same(again, whole)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}
    assert not list((tmp_path / "run").rglob("*.tmp"))


def test_a_running_run_can_be_read_but_not_resumed(tmp_path):
    tried = []

    def look(step, *_):
        if step == 5:
            with pytest.raises(RunFolderError, match=r"another process uses the folder .*run; wait until it ends"):
                resume(tmp_path / "run")
            tried.append(load_run(tmp_path / "run").step)

    done = solve_small("jacobi", 10, folder=tmp_path / "run", callback=look)
    assert tried == [0]
    same(resume(tmp_path / "run"), done)
    assert not (tmp_path / "run" / ".lock").exists()


def test_of_two_runs_that_start_in_one_folder_the_second_is_refused(tmp_path, monkeypatch):
    """Both find the folder empty."""
    spec = RunSpec(WrittenProblem.of(load_problem("poisson")), "m", {"class": "x:Y"})
    RunFolder(tmp_path / "run").create(spec)
    monkeypatch.setattr(pdefreq.runs.run_folder, "free_folder", lambda *_, **__: None)
    with pytest.raises(RunFolderError, match="can't create the folder"):
        RunFolder(tmp_path / "run").create(spec)


def test_results_whose_checkpoints_were_deleted_are_not_replaced(tmp_path):
    solve_small("jacobi", 10, folder=tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.unlink()
    before = (tmp_path / "run" / "history.csv").read_bytes()
    for command in (lambda: resume(tmp_path / "run", stop=Stop(steps=3)), lambda: load_run(tmp_path / "run")):
        with pytest.raises(RunFolderError, match=r"results of step 10 but no checkpoint.*pdefreq rerun .* --out"):
            command()
    assert (tmp_path / "run" / "history.csv").read_bytes() == before
    assert rerun(tmp_path / "run").step == 10


def test_a_folder_without_a_run_is_not_written_by_resume(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        resume(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_limits_of_a_resumption_that_was_killed_are_kept(tmp_path):
    solve_small("jacobi", 10, folder=tmp_path / "run")
    with pytest.raises(Killed):
        resume(tmp_path / "run", stop=Stop(steps=30), callback=lambda step, *_: step == 20 and killed())
    same(resume(tmp_path / "run"), solve_small("jacobi", 30))


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_no_error(tmp_path, monkeypatch):
    solve_small("jacobi", 10, folder=tmp_path / "run")
    folder, listed = RunFolder(tmp_path / "run"), []
    here = folder._checkpoints()

    def list_once(_):
        listed.append(1)
        return [*here, here[0].with_name("000000099.0123456789abcdef.npz")] if len(listed) == 1 else here

    monkeypatch.setattr(RunFolder, "_checkpoints", list_once)
    assert folder.read_checkpoint()[0].step == 10 and len(listed) == 2


def test_a_request_during_the_last_step_is_delivered_after_the_results_are_saved(tmp_path):
    def press(step, *_):
        if step == 5:
            signal.raise_signal(signal.SIGINT)
        return False

    with pytest.raises(KeyboardInterrupt):
        solve_small("jacobi", 5, folder=tmp_path / "run", callback=press)
    assert load_run(tmp_path / "run").status is Status.STEPS


def test_the_outputs_of_a_run_are_kept(tmp_path):
    first = solve_small("jacobi", 5, folder=tmp_path / "run", outputs=["tensorboard"])
    again = rerun(tmp_path / "run", tmp_path / "again")
    assert first.spec.outputs == again.spec.outputs == ("tensorboard",)


def test_a_damaged_checkpoint_is_skipped_with_a_message(tmp_path, monkeypatch):
    monkeypatch.setattr(pdefreq.runs.loop, "_CHECKPOINT_SECONDS", 0.0)
    solve_small("jacobi", 30, folder=tmp_path / "run", callback=lambda step, *_: step == 20)
    older, newest = sorted((tmp_path / "run" / "checkpoints").iterdir())
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    solution = resume(tmp_path / "run")
    damaged = [note for note in solution.notes if "damaged" in note]
    assert len(damaged) == 1 and newest.name in damaged[0] and solution.notes[0] == damaged[0]
    same(solution, solve_small("jacobi", 30))
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(RunFolderError, match="rerun"):
        resume(tmp_path / "run")
    del older


def test_a_run_is_repeated_from_its_folder(tmp_path):
    first = solve_small("deep-ritz+jacobi", 30, folder=tmp_path / "run", seed=3)
    (tmp_path / "run").rename(tmp_path / "moved")
    same(rerun(tmp_path / "moved", tmp_path / "again"), first)
    specs = [json.loads((tmp_path / name / "run.json").read_text())["spec"] for name in ("moved", "again")]
    assert specs[0] == specs[1]


def test_load_run_returns_the_solution(tmp_path):
    first = solve_small("mscale", 20, folder=tmp_path / "run")
    again = load_run(tmp_path / "run")
    same(again, first)
    assert again.error() == first.error()
    assert to_json(again.summary()) == to_json(first.summary())


def test_a_user_defined_method_is_stored_with_its_run(tmp_path):
    from pdefreq.core.registry import import_file

    file = tmp_path / "mine.py"
    file.write_text(
        "from tests.toys import Geometric\nfrom dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Mine(Geometric):\n    pass\n"
    )
    first = solve("poisson", import_file(file).Mine(factor=0.25), stop=Stop(steps=5), folder=tmp_path / "run")
    file.unlink()
    for read in (rerun, load_run, resume):
        with pytest.raises(UntrustedCodeError, match=r"Python code from .*run/mine.py, which is executed only if .*`trust=True`"):
            read(tmp_path / "run")
    same(rerun(tmp_path / "run", tmp_path / "again", trust=True), first)
    same(rerun(tmp_path / "again", trust=True), first)
    same(load_run(tmp_path / "run", trust=True), first)
    same(resume(tmp_path / "run", trust=True), first)


def test_another_method_is_refused_and_an_equal_one_gives_the_same_bits(tmp_path):
    """A method that is passed on resumption is resolved for the original budget, like the method of the run."""
    staged = {"widths": [4], "number": 20, "boundary": "penalty", "schedule": "staged"}
    solver = make_solver("deep-ritz", staged)
    whole = solve("poisson", solver, stop=Stop(steps=40), folder=tmp_path / "whole")
    same(rerun(tmp_path / "whole", solver=solver), whole)
    solve("poisson", solver, stop=Stop(steps=40), folder=tmp_path / "run", callback=lambda step, *_: step == 17)
    extended = resume(tmp_path / "run", solver=solver, stop=Stop(steps=50))
    np.testing.assert_array_equal(extended.history.column("weight.boundary")[:41], whole.history.column("weight.boundary"))
    for other in (make_solver("deep-ritz", staged | {"beta": 3.0}), make_solver("jacobi")):
        for read in (rerun, resume, load_run):
            with pytest.raises(RunFolderError, match=r"made with deep-ritz, and the method that was passed .* is another one"):
                read(tmp_path / "whole", solver=other)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "x"),
        ("seed", None),
        ("method", 5),
        ("predict", "x"),
        ("modes", 3),
        ("dtype", 1),
        ("device", None),
        ("solver", None),
    ],
)
def test_a_spec_with_a_value_of_the_wrong_type_is_refused_in_one_sentence(key, value, tmp_path):
    solve("poisson", "fem:cells=4", folder=tmp_path / "run")
    file = tmp_path / "run" / "run.json"
    record = json.loads(file.read_text())
    record["spec"][key] = value
    file.write_text(json.dumps(record))
    for read in (rerun, load_run):
        with pytest.raises(RunFolderError) as refusal:
            read(tmp_path / "run")
        assert "\n" not in str(refusal.value) and "run.json" in str(refusal.value)


def test_a_changed_size_or_a_loss_of_another_method_is_refused(tmp_path):
    solve("poisson", "jacobi:intervals=16", stop=Stop(steps=3), folder=tmp_path / "run")
    solve("poisson", "pinn:widths=[4],number=20", stop=Stop(steps=1), folder=tmp_path / "pinn")
    for name, keys, value, read, message in (
        ("run", ("intervals",), 20, resume, "checkpoint at step 3 was not written by the method that run.json names"),
        ("pinn", ("loss",), {"name": "ritz"}, rerun, "option 'loss' of the method 'pinn' must be one of auto, residual"),
    ):
        file = tmp_path / name / "run.json"
        record = json.loads(file.read_text())
        record["spec"]["solver"][keys[0]] = value
        file.write_text(json.dumps(record | {"id": spec_id(record["spec"])}))
        with pytest.raises(RunFolderError, match=message):
            read(tmp_path / name)


def test_two_files_of_the_same_name_are_refused_before_anything_is_written(tmp_path):
    probe = "from dataclasses import dataclass\nfrom pdefreq.probes.error import ErrorProbe\n\n@dataclass(frozen=True)\nclass {}(ErrorProbe):\n    pass\n"
    for name in ("One", "Two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(probe.format(name))
    probes = [f"{tmp_path / name / 'mine.py'}:{name}" for name in ("One", "Two")]
    with pytest.raises(RunFolderError, match=r"two Python files of one name, .*One/mine.py and .*Two/mine.py: rename one"):
        solve("poisson", "fem:cells=4", probes=probes, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unregistered_method_must_be_passed_again(tmp_path):
    from tests.toys import Geometric

    @dataclass(frozen=True)
    class Local(Geometric):
        pass

    first = solve("poisson", Local(), stop=Stop(steps=5), folder=tmp_path / "run")
    assert first.spec.solver is None and first.spec.given == ("solver",)
    with pytest.raises(RunFolderError, match="given its solver as Python objects"):
        rerun(tmp_path / "run")
    same(rerun(tmp_path / "run", solver=Local()), first)
    same(load_run(tmp_path / "run", solver=Local()), first)


def test_a_problem_built_in_python_must_be_passed_to_resume(tmp_path):
    from tests.toys import Geometric, line_problem

    solve(line_problem(), Geometric(), folder=tmp_path / "run", callback=lambda step, *_: step == 3)
    with pytest.raises(RunFolderError, match="built in Python"):
        resume(tmp_path / "run")
    assert resume(tmp_path / "run", line_problem()).step == 20


def test_given_python_objects_must_be_passed_again(tmp_path):
    """A guess, a reference solution or a probe of a local class is an object that no folder can restore."""
    from tests.toys import Geometric

    solve("poisson", Geometric(), folder=tmp_path / "run", guess=lambda x: 0 * x[:, 0], callback=lambda step, *_: step == 3)
    with pytest.raises(RunFolderError, match="guess"):
        rerun(tmp_path / "run")
    assert resume(tmp_path / "run").step == 20
    solve("poisson", Geometric(), folder=tmp_path / "other", reference=1.0)
    with pytest.raises(RunFolderError, match="reference"):
        resume(tmp_path / "other")

    class Local(ErrorProbe):
        pass

    solve("poisson", Geometric(), folder=tmp_path / "local", probes=[Local()])
    with pytest.raises(RunFolderError, match="probes"):
        resume(tmp_path / "local")


def test_probes_are_stored_with_their_run(tmp_path):
    """A resumed or repeated run has the same probes: here one from a user file, and one with options."""
    from tests.toys import Geometric

    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import dataclass\nfrom pdefreq.probes.error import ErrorProbe\n\n"
        "@dataclass(frozen=True)\nclass Mine(ErrorProbe):\n    pass\n"
    )
    probes = [f"{file}:Mine", "ntk:number=7"]
    whole = solve("poisson", Geometric(), stop=Stop(steps=6), probes=probes, folder=tmp_path / "whole")
    solve("poisson", Geometric(), stop=Stop(steps=6), probes=probes, folder=tmp_path / "run", callback=lambda step, *_: step == 3)
    file.unlink()
    assert whole.spec.probes is not None and whole.spec.probes[1]["number"] == 7 and whole.spec.given == ()
    assert "mode_error" not in whole.history and whole.history.column("relative_l2").size == 7
    with pytest.raises(UntrustedCodeError, match=r"Python code from .*mine.py"):
        resume(tmp_path / "run")
    same(resume(tmp_path / "run", trust=True), whole)
    same(rerun(tmp_path / "run", trust=True), whole)


def test_a_repetition_records_at_the_same_steps(tmp_path):
    first = solve_small("jacobi", 30, folder=tmp_path / "run", schedule=Schedule(dense=2, per_decade=4))
    same(rerun(tmp_path / "run"), first)


def test_a_folder_of_runs_is_refused_with_their_names(tmp_path):
    solve_small("jacobi", 3, folder=tmp_path / "seeds" / "seed-0")
    with pytest.raises(RunFolderError, match="seed-0"):
        resume(tmp_path / "seeds")


def test_a_run_json_can_refer_to_no_other_callable(tmp_path):
    """Names are looked up in tables; a file is loaded only on request, at every position in a run."""
    canary = tmp_path / "canary"
    evil = tmp_path / "evil.py"
    evil.write_text(f"import pathlib\n\npathlib.Path({str(canary)!r}).touch()\n")
    for data in (
        {"class": "os:system", "command": f"touch {canary}"},
        {"name": "os:system", "command": f"touch {canary}"},
        {"name": f"{evil}:X"},
        {"name": "network", "network": {"name": "mlp", "activation": f"{evil}:X"}},
        {"name": "network", "network": {"name": f"{evil}:X"}},
        {"name": "chain", "first": {"name": "jacobi"}, "second": {"name": f"{evil}:X"}},
    ):
        with pytest.raises(UserError):
            solver_from_json(data)
        assert not canary.exists()
    with pytest.raises(UserError):
        solver_from_json({"name": f"{evil}:X"}, trust=True)
    assert canary.exists()


def test_a_folder_that_is_not_empty_is_not_changed(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="not empty"):
        solve_small("jacobi", 5, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_solve_in_python_writes_files_only_on_request(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    solve_small("jacobi", 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("factor", [3.0, 1e7])
@pytest.mark.parametrize("schedule", [Schedule(), Schedule(dense=1, per_decade=3)])
def test_a_diverged_run_keeps_its_history_and_last_good_state_on_disk(tmp_path, monkeypatch, factor, schedule):
    """Also for divergence in the first step, and with a checkpoint between the last good record and the failure."""
    from tests.toys import Geometric

    monkeypatch.setattr(pdefreq.runs.loop, "_CHECKPOINT_SECONDS", 0.0)
    solution = solve("poisson", Geometric(factor=factor, steps=50), folder=tmp_path / "run", schedule=schedule)
    again = load_run(tmp_path / "run")
    assert again.status is Status.DIVERGED and again.step == solution.step
    same(again, solution)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == len(solution.history) + 1


@pytest.mark.parametrize("method", METHODS)
def test_specs_are_restored_from_json(method):
    solver = make_solver(method, METHODS[method])
    assert solver_from_json(json.loads(json.dumps(solver_to_json(solver)))) == solver
    problem = WrittenProblem.of(load_problem("poisson"))
    spec = RunSpec(problem, method, solver_to_json(solver), stop=Stop(steps=3, seconds=1.5), predict=False, modes="cosine")
    again = RunSpec.from_json(json.loads(json.dumps(spec.to_json())), problem.arrays)
    assert again == spec and again.id == spec.id
    others = {"seed": 1, "predict": True, "modes": None, "problem": WrittenProblem.of(load_problem("poisson-6pi"))}
    assert len({spec.id, *(replace(spec, **{name: value}).id for name, value in others.items())}) == 1 + len(others)


@pytest.mark.parametrize("method", METHODS)
def test_a_spec_restored_from_json_gives_the_same_run_as_solve(method):
    """`solve` creates a spec and runs it; the run is determined by the spec."""
    first = solve_small(method, 20, seed=2, modes="cosine", schedule=Schedule(dense=3, per_decade=4))
    same(run(RunSpec.from_json(json.loads(json.dumps(first.spec.to_json())))), first)


@pytest.mark.parametrize("problem", ["l-shape", "perforated", "robin", "picture"])
def test_a_problem_with_files_is_run_from_its_folder(problem, tmp_path):
    """Meshes, holes, formulas of derived fluxes, and a picture."""
    method = "fem:cells=4"
    if problem == "picture":
        method, file = "regression:widths=[5]", tmp_path / "p.toml"
        Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20).save(tmp_path / "gray.png")
        file.write_text(
            '[domain]\nlower=[0,0]\nupper=[4,3]\n[equation]\ndiffusion="0"\nreaction="2"\n[data]\npoints="gray.png"\n'
        )
        problem = str(file)
    first = solve(problem, method, stop=Stop(steps=2), probes=["error"], folder=tmp_path / "run")
    again = rerun(tmp_path / "run", tmp_path / "again")
    same(again, first)
    assert again.spec == first.spec and again.error() == first.error()
    same(load_run(tmp_path / "again"), first)


def test_objects_that_a_spec_cannot_contain_are_passed_with_it():
    from tests.toys import Geometric

    first = solve("poisson", Geometric(), guess=lambda x: x[:, 0], reference=1.0, stop=Stop(steps=3))
    assert first.spec.given == ("guess", "reference")
    with pytest.raises(RunFolderError, match="guess and reference"):
        run(first.spec)
    same(run(first.spec, given=Given(guess=as_field(lambda x: x[:, 0]), reference=as_field(1.0))), first)
    with pytest.raises(RunFolderError, match="poisson-6pi"):
        run(first.spec, given=Given(problem=load_problem("poisson-6pi")))


def test_requested_options_of_a_run_are_kept(tmp_path):
    """A repeated or resumed run has the modes, the schedule and the prediction flag of the original run."""
    options = {"modes": "cosine", "schedule": Schedule(dense=2, per_decade=3), "predict": False}
    first = solve_small("jacobi", 20, folder=tmp_path / "run", **options)
    solve_small("jacobi", 20, folder=tmp_path / "cut", callback=lambda step, *_: step == 4, **options)
    for again in (rerun(tmp_path / "run"), resume(tmp_path / "cut"), load_run(tmp_path / "run")):
        same(again, first)
        assert again.spec == first.spec and str(again.history.facts["mode_kind"]) == "cosine"
        assert not any(name.startswith("mode_predicted") for name in again.history.facts)
    assert any(name.startswith("mode_predicted") for name in solve_small("jacobi", 2).history.facts)


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [(None, r"older format \(1\)"), (1, r"older format \(1\)"), (3, r"older format \(3\)"), (FORMAT + 1, "newer pdefreq")],
)
def test_folders_of_other_formats_are_refused(tmp_path, stated, sentence):
    """The first version wrote no format number, and stored the problem as a name and a text; format 3 differs in names of columns alone."""
    solve_small("jacobi", 3, folder=tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    record["format"] = stated
    if stated == 3:
        record["spec"]["seed"] = 4
    else:
        record["spec"] = {"problem": "poisson", "problem_text": "", "method": "jacobi", "seed": 4}
    if stated is None:
        del record["format"]
    path.write_text(json.dumps(record))
    for again in (load_run, rerun, resume):
        with pytest.raises(RunFolderError, match=sentence) as refusal:
            again(tmp_path / "run")
        if stated in (None, 1, 3):
            assert (
                f"this version reads format {FORMAT}: repeat the run with `pdefreq solve poisson --method jacobi --seed 4`"
                in str(refusal.value)
            )


def test_the_record_of_a_foreign_run_in_an_older_format_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"format": FORMAT - 1, "spec": None}))
    with pytest.raises(RunFolderError, match=rf"older format \({FORMAT - 1}\).*record the run again"):
        load_run(tmp_path)


def test_a_run_json_with_an_edited_problem_is_refused(tmp_path):
    solve_small("jacobi", 3, folder=tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    record["spec"]["problem"]["content"]["exponent"] = 3.0
    path.write_text(json.dumps(record))
    for read in (rerun, resume, load_run):
        with pytest.raises(
            RunFolderError, match=f"run.json can't be used: its spec was edited: its id is {record['id']}, and the"
        ):
            read(tmp_path / "run")
    path.write_text(json.dumps(record | {"id": spec_id(record["spec"])}))
    with pytest.raises(RunFolderError, match="does not have the stored digest"):
        rerun(tmp_path / "run")


def test_the_arrays_of_a_problem_must_match_their_digest(tmp_path):
    solve("l-shape", "fem:cells=2", folder=tmp_path / "run")
    path = tmp_path / "run" / "problem.npz"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **{name: value + 1 for name, value in arrays.items()})
    with pytest.raises(RunFolderError, match="has changed"):
        load_run(tmp_path / "run")
    path.unlink()
    with pytest.raises(RunFolderError, match="is missing"):
        load_run(tmp_path / "run")
    path.write_bytes(b"PK")
    with pytest.raises(RunFolderError, match="damaged"):
        load_run(tmp_path / "run")


# `st.recursive` reads the source of a lambda expression and warns if it does not find it.
VALUES = st.deferred(
    lambda: (
        st.floats() | st.integers() | st.text() | st.lists(VALUES, max_size=3) | st.dictionaries(st.text(), VALUES, max_size=3)
    )
)


@given(VALUES)
def test_to_json_writes_no_values_that_json_does_not_have(value):
    json.dumps(to_json(value), allow_nan=False)


def test_checkpoints_are_read_back_and_only_two_are_kept(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create(RunSpec(WrittenProblem.of(load_problem("poisson")), "m", {"class": "x:Y"}))
    history = History()
    history.record({"step": 0, "mode_error": np.ones(3)})
    for step in range(5):
        folder.write_checkpoint(Checkpoint(step, 0.5 * step, np.arange(3.0) * step, {"m": np.eye(2)}, history))
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 2
    checkpoint, notes = folder.read_checkpoint()
    assert (checkpoint.step, checkpoint.seconds, notes) == (4, 2.0, [])
    np.testing.assert_array_equal(checkpoint.coefficients, [0.0, 4.0, 8.0])
    np.testing.assert_array_equal(checkpoint.memory["m"], np.eye(2))
    np.testing.assert_array_equal(checkpoint.history.column("mode_error"), np.ones((1, 3)))


def test_a_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "file"
    write_atomically(target, b"old")
    target.unlink()
    target.mkdir()  # renaming a file to a folder fails
    with pytest.raises(RunFolderError, match="can't write"):
        write_atomically(target, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_next_free(tmp_path):
    assert next_free(tmp_path, "a").name == "a-1"
    (tmp_path / "a-1").mkdir()
    assert next_free(tmp_path, "a").name == "a-2"


@pytest.mark.parametrize("content", ["{", "{}", '{"spec": {"problem": "poisson"}}', "[]"])
def test_a_damaged_run_json_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunFolderError):
        RunFolder(tmp_path).read_spec()
    with pytest.raises(RunFolderError, match="not a run folder"):
        RunFolder(tmp_path / "nowhere").read_spec()


def test_code_is_not_executed_however_a_run_spells_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("raise SystemExit('executed')\n")
    data = solver_to_json(make_solver("pinn:widths=[4]"))
    assert data is not None
    data["network"]["activation"] = r'"mine\u002epy:wave"'  # an escape of JSON
    for trust in (False, True):  # with trust the files in the folder are executed, whose names are plain
        with pytest.raises(UntrustedCodeError, match=r"mine\.py, which is executed only"):
            solver_from_json(data, trust=trust)
    data["network"]["activation"] = "mine.py:wave"
    with pytest.raises(SystemExit, match="executed"):
        solver_from_json(data, trust=True)

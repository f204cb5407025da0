"""Many runs on an executor: the same results, nothing repeated, nothing lost."""

import faulthandler
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pdefreq import Stop, compare, load_run, refine, resume
from pdefreq.core.errors import NotConvergedError, OptionError, RunFolderError
from pdefreq.core.history import Status
from pdefreq.core.interrupts import interruptible
from pdefreq.core.locks import is_locked
from pdefreq.runs.local_processes import LocalProcesses
from pdefreq.runs.many_runs import _Batch, run_all
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.study_folder import NextFolder, StudyFolder
from pdefreq.runs.worker import Task, work
from tests.toys import line_problem

SMALL = "deep-ritz:widths=[5],number=50"
KILLER = '''
import os, signal
from dataclasses import dataclass
from pathlib import Path
from pdefreq.solvers.relaxation import JacobiSolver

@dataclass(frozen=True)
class Killed(JacobiSolver):
    """Jacobi relaxation whose process is killed the first times."""
    name = "killed"
    times: int = 1
    place: str = "."

    def prepare(self, *arguments, **options):
        marks = list(Path(self.place).glob("killed-*"))
        if len(marks) < self.times:
            (Path(self.place) / f"killed-{len(marks)}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().prepare(*arguments, **options)
'''


def seeds(count, method=SMALL, steps=5, **options):
    return [PlannedRun.of("poisson", method, stop=Stop(steps=steps), seed=seed, **options) for seed in range(count)]


def coefficients(outcomes):
    return [outcome.state.coefficients for outcome in outcomes]


def equal(outcomes, others):
    return all(torch.equal(one, other) for one, other in zip(coefficients(outcomes), coefficients(others), strict=True))


def test_the_number_of_processes_does_not_change_the_results():
    alone, together = run_all(seeds(3)), run_all(seeds(3), workers=2)
    assert equal(alone, together)
    for one, other in zip(alone, together, strict=True):
        assert one.error() == other.error()
        assert other.folder is None
        assert one.history.names == other.history.names


@pytest.mark.parametrize("workers", [0, -1, 1.5, "many"])
def test_a_wrong_number_of_processes_is_refused(workers):
    with pytest.raises(OptionError, match="`workers` must be a positive number or 'auto'"):
        run_all(seeds(1), workers=workers)


def test_an_executor_of_the_user_makes_the_runs():
    with ThreadPoolExecutor(2) as executor:
        assert equal(run_all(seeds(2)), run_all(seeds(2), executor=executor))


def test_other_processes_of_the_program_are_not_stopped():
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    try:
        with LocalProcesses(1) as pool:
            future = pool.submit(time.sleep, 60)
            pool.stop()
            with pytest.raises(BrokenExecutor):
                future.result(timeout=50)
        assert other.exitcode is None
    finally:
        other.kill()
        other.join()


@pytest.fixture
def hang_is_an_error():
    """A test that hangs prints the stacks of all threads and ends its process."""
    faulthandler.dump_traceback_later(240, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def signs(folder, mark):
    return {"mark": folder / mark, "report": folder / "report"}


@pytest.mark.parametrize("threads", [False, pytest.param(True, id="threads, which receive no signals")])
@pytest.mark.usefixtures("hang_is_an_error")
def test_an_interruption_ends_the_runs_and_begins_no_others(threads):
    def interrupt(index, _):
        if not sent:
            sent.append(index)
            signal.raise_signal(signal.SIGINT)

    sent = []
    with ThreadPoolExecutor(2) as executor:
        outcomes = run_all(
            seeds(6, steps=10**9), workers=2, executor=executor if threads else None, progress=interrupt
        )  # 10^9 steps would take days
    assert sent and {outcome and outcome.status for outcome in outcomes} == {Status.INTERRUPTED, None}


def test_a_worker_that_does_not_see_the_folder_returns_its_content(tmp_path):
    run = replace(seeds(1)[0], folder=tmp_path / "there")
    task = Task.of(run, tmp_path / "there", **signs(tmp_path, "no mark"))
    returned = work(task)
    assert not (tmp_path / "there").exists()
    returned.unpack(tmp_path / "here")
    assert equal([load_run(tmp_path / "here")], run_all(seeds(1)))


def test_a_worker_with_another_working_directory_writes_into_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mark").touch()
    task = Task.of(seeds(1)[0], Path("here"), **signs(Path(), "mark"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert work(task).files is None
    assert load_run(tmp_path / "here").status is Status.STEPS


def test_a_worker_on_another_machine_shares_the_run_folder_but_not_the_reports(tmp_path):
    (tmp_path / "mark").touch()
    task = Task.of(seeds(1)[0], tmp_path / "here", **signs(tmp_path, "mark") | {"report": tmp_path / "none" / "report"})
    assert work(task).files is None
    assert load_run(tmp_path / "here").status is Status.STEPS


def test_attempts_without_a_new_checkpoint_are_counted(tmp_path):
    batch = _Batch(seeds(2), tmp_path, (), lambda _: False, None)
    checkpoints = batch._folder(0) / "checkpoints"
    checkpoints.mkdir(parents=True)
    for attempt in range(20):  # of a run that advances
        (checkpoints / f"{attempt}.npz").touch()
        batch._count_attempt(0)
    with pytest.raises(NotConvergedError, match="with seed 1 was killed 10 times"):
        for _ in range(10):
            batch._count_attempt(1)


def busy_until(place):
    """A task that answers SIGTERM after its end only, as a run does between two steps."""
    place = Path(place)
    with interruptible() as interrupted:
        (place / f"busy-{os.getpid()}").touch()
        while not interrupted():
            time.sleep(0.01)
    return "ended"


@pytest.mark.usefixtures("hang_is_an_error")
def test_the_loss_of_an_idle_process_does_not_stop_the_others(tmp_path):
    """Idle processes of a pool with a shared queue hold its lock, and lock out the others if they are killed."""
    with pytest.raises(ZeroDivisionError), LocalProcesses(2) as pool:
        busy = pool.submit(busy_until, str(tmp_path))
        wait_until(lambda: any(tmp_path.glob("busy-*")))
        first = pool.submit(_own_pid, None).result()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not _exists(first))
        assert pool.submit(_own_pid, None).result() != first
        assert not busy.done()
        _ = 1 / 0  # the end of the block asks the busy process to end and kills the idle one
    assert busy.result() == "ended"


def _own_pid(_):
    return os.getpid()


def _exists(process):
    """Whether a process is there; one that has ended remains until its parent, the server of processes, asks for it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("hang_is_an_error")
def test_the_loss_of_a_busy_process_is_the_error_of_its_task_only(tmp_path):
    with LocalProcesses(2) as pool:
        one, other = (pool.submit(busy_until, str(tmp_path)) for _ in range(2))
        wait_until(lambda: len([*tmp_path.glob("busy-*")]) == 2)
        os.kill(int(next(tmp_path.glob("busy-*")).name.removeprefix("busy-")), signal.SIGKILL)
        wait_until(lambda: one.done() or other.done())
        lost, running = (one, other) if one.done() else (other, one)
        with pytest.raises(BrokenExecutor, match="was lost"):
            lost.result()
        assert not running.done()
        pool.stop()
        assert running.result(timeout=60) == "ended"


class Unpicklable(Exception):
    """An exception that can't be sent to another process."""

    def __reduce__(self):
        raise TypeError("no")


def fail(kind):
    raise (Unpicklable if kind == "unpicklable" else ZeroDivisionError)("told")


def test_exceptions_of_a_task_arrive_with_their_traceback():
    with LocalProcesses(1) as pool:
        with pytest.raises(ZeroDivisionError, match="told") as info:
            pool.submit(fail, "plain").result()
        assert "in fail" in info.value.__notes__[0]
        with pytest.raises(RuntimeError, match="in fail"):
            pool.submit(fail, "unpicklable").result()
        with pytest.raises((pickle.PicklingError, AttributeError)):  # by the version of Python
            pool.submit(lambda task: task, None).result()


def test_a_worker_runs_the_code_of_the_sender(tmp_path, monkeypatch):
    def write(folder, width):
        folder.mkdir()
        layers = f"nn.Sequential(nn.Linear(dimension, {width}), nn.Tanh(), nn.Linear({width}, 1))"
        (folder / "own.py").write_text(f"from torch import nn\n\ndef make(dimension):\n    return {layers}\n")

    write(tmp_path / "sender", 4)
    write(tmp_path / "worker", 5)
    monkeypatch.chdir(tmp_path / "sender")
    run = replace(seeds(1, "deep-ritz:network=own.py:make,number=50")[0], trust=True)
    task = Task.of(run, tmp_path / "there", **signs(tmp_path, "no mark"))
    monkeypatch.chdir(tmp_path / "worker")
    work(task).unpack(tmp_path / "here")
    assert len(load_run(tmp_path / "here", trust=True).state.coefficients) == 13


def test_files_from_a_worker_stay_in_the_run_folder(tmp_path):
    from pdefreq.runs.worker import Returned

    with pytest.raises(ValueError, match="outside the run folder"):
        Returned({"../other": b""}).unpack(tmp_path / "here")
    assert not (tmp_path / "other").exists()


def test_progress_reaches_the_caller():
    seen = {}
    run_all(seeds(2), workers=2, progress=lambda index, progress: seen.update({index: progress}))
    assert {index: (progress.step, progress.done) for index, progress in seen.items()} == {0: (5, True), 1: (5, True)}


def test_runs_with_python_objects_are_made_in_this_process():
    runs = [PlannedRun.of(line_problem(source=lambda x: x[:, 0]), "fem"), *seeds(1)]
    assert not runs[0].is_portable and runs[1].is_portable
    assert [outcome.status for outcome in run_all(runs, workers=2)] == [Status.DONE, Status.STEPS]


def test_an_error_of_a_run_that_is_no_refusal_is_raised(tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").touch()
    with pytest.raises(RunFolderError, match="not empty"):
        run_all([replace(run, folder=taken) for run in seeds(1)] + seeds(1), workers=2)


@pytest.fixture
def killer(tmp_path):
    file = tmp_path / "killer.py"
    file.write_text(KILLER)
    return lambda times: f"{file}:Killed:times={times},place={tmp_path}"


@pytest.mark.slow
def test_a_run_whose_process_is_killed_is_made_again(killer):
    killed = PlannedRun.of("poisson", killer(1), stop=Stop(steps=5))
    outcomes = run_all([killed, *seeds(2)], workers=2)
    assert equal(outcomes[1:], run_all(seeds(2)))
    assert equal(outcomes[:1], run_all([PlannedRun.of("poisson", "jacobi", stop=Stop(steps=5))]))


@pytest.mark.slow
def test_a_run_whose_process_is_always_killed_ends_with_a_sentence(killer):
    with pytest.raises(NotConvergedError, match="was killed 10 times; if it needs more memory"):
        run_all([PlannedRun.of("poisson", killer(100), stop=Stop(steps=5)), *seeds(1)], workers=2)


@pytest.mark.slow
def test_a_script_without_a_test_of_its_name_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import pdefreq\npdefreq.compare('poisson', ['fem', 'sine'], workers=2)\n")
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert ended.returncode != 0
    assert "if __name__ == '__main__'" in ended.stderr


def written(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "seed" in str(path) and path.is_file()}


def test_a_study_that_is_repeated_in_its_folder_repeats_no_run(tmp_path):
    first = compare("poisson", ["fem", SMALL], steps=5, seeds=2, folder=tmp_path / "study")
    before = written(tmp_path / "study")
    again = compare("poisson", ["fem", SMALL], steps=5, seeds=2, folder=tmp_path / "study", workers=2)
    assert written(tmp_path / "study") == before
    assert again.rows() == first.rows()


def test_the_folder_of_another_study_is_refused(tmp_path):
    compare("poisson", ["fem"], folder=tmp_path / "study")
    with pytest.raises(RunFolderError, match="contains another study"):
        compare("poisson", ["fem:cells=50"], folder=tmp_path / "study")


def test_an_interrupted_study_continues_in_its_folder(tmp_path):
    runs = {f"seed-{run.spec.seed}": run for run in seeds(2)}
    place = NextFolder(tmp_path, "study")
    with StudyFolder(place, "seeds", runs) as study:
        run_all(study.runs[:1])  # the second run is not made
    assert study.path == tmp_path / "study-1"
    with StudyFolder(place, "seeds", runs) as again:
        assert again.path == study.path
        before = written(again.path)
        run_all(again.runs)
        again.finish()
    assert before.items() <= written(again.path).items()
    with StudyFolder(place, "seeds", runs) as third:
        assert third.path == tmp_path / "study-2"
    assert not (tmp_path / "study-2").exists()  # nothing was stored in it


def test_an_interrupted_study_is_found_below_newer_ones(tmp_path):
    place, own, other = NextFolder(tmp_path, "study"), *({"seed-0": run} for run in seeds(2))
    for runs in (own, other):
        with StudyFolder(place, "seeds", runs) as study:
            run_all(study.runs)
    with StudyFolder(place, "seeds", own) as again:
        assert again.path == tmp_path / "study-1"


def test_two_studies_that_begin_at_the_same_time_have_different_folders(tmp_path):
    record = {"kind": "seeds", "runs": {}}
    place = NextFolder(tmp_path, "study")
    assert [place.claimed(record), place.claimed(record)] == [tmp_path / "study-1", tmp_path / "study-2"]


def test_a_study_that_is_running_is_not_continued(tmp_path):
    runs = {f"seed-{run.spec.seed}": run for run in seeds(2)}
    place = NextFolder(tmp_path, "study")
    with StudyFolder(place, "seeds", runs) as study:
        run_all(study.runs[:1])
        with StudyFolder(place, "seeds", runs) as other:
            assert other.path == tmp_path / "study-2"
        with pytest.raises(RunFolderError, match="another process"), StudyFolder(study.path, "seeds", runs):
            pass
    assert sorted(path.name for path in study.path.iterdir()) == ["seed-0", "study.json"]


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"kind": 1}'])
def test_a_damaged_record_of_a_study_is_refused(tmp_path, content):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(RunFolderError), StudyFolder(tmp_path, "seeds", {"seed-0": seeds(1)[0]}):
        pass


def test_the_levels_of_a_refinement_are_runs_of_a_study(tmp_path):
    alone = refine("poisson", "fem", start=16, levels=3)
    together = refine("poisson", "fem", start=16, levels=3, folder=tmp_path / "study", workers=2)
    assert [row | {"seconds": 0} for row in together.rows()] == [row | {"seconds": 0} for row in alone.rows()]
    assert sorted(path.name for path in (tmp_path / "study").iterdir() if path.is_dir()) == ["cells-16", "cells-32", "cells-64"]


@pytest.mark.slow
def test_a_killed_study_leaves_no_process_and_continues(tmp_path):
    script = f"""
from dataclasses import replace
from pathlib import Path
from pdefreq import Stop
from pdefreq.runs.local_processes import LocalProcesses
from pdefreq.runs.many_runs import _Batch, run_all
from pdefreq.runs.planned_run import PlannedRun
if __name__ == "__main__":
    folder = Path({str(tmp_path)!r})
    runs = [PlannedRun.of("poisson", {SMALL!r}, stop=Stop(steps=10**9), seed=seed) for seed in range(2)]
    run_all([replace(run, folder=folder / f"run-{{run.spec.seed}}") for run in runs], workers=2)
"""
    parent = subprocess.Popen([sys.executable, "-c", script])
    folders = [tmp_path / f"run-{seed}" for seed in range(2)]
    wait_until(lambda: all(map(is_locked, folders)))
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(is_locked, folders)))
    assert all(resume(folder, stop=Stop(steps=10**9, seconds=0.1)).status is Status.SECONDS for folder in folders)


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the server exists on systems that fork")
def test_ctrl_c_while_the_server_imports_prints_no_traceback(tmp_path):
    """Ctrl-C in a terminal reaches all processes; the server may still import what its workers need."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\n"
        "from multiprocessing import forkserver\n"
        "from pdefreq.runs.local_processes import LocalProcesses, start_server\n"
        "if __name__ == '__main__':\n"
        "    start_server()\n"
        "    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGINT)\n"
        "    with LocalProcesses(1) as pool:\n"
        "        print(pool.submit(abs, -2).result())\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment)
    assert (ended.stdout, ended.stderr) == ("2\n", "")

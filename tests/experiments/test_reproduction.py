"""Results of experiments are found again on disk, and interrupted experiments continue with the runs they have."""

import json
import shutil

import pytest

from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.experiments import experiment_named
from pdefreq.experiments.reproduction import Reproduction
from pdefreq.iterations.linear.jacobi import Jacobi

FILE = """
from pdefreq import Stop, solve
from pdefreq.experiments.report import Report, Table

def several(*, steps: int = 4) -> Report:
    # Runs a method three times.
    found = [solve("poisson", f"jacobi:intervals={n}", stop=Stop(steps=steps)) for n in (16, 24, 32)]
    rows = [[run.solver.name, run.error(), int(run.step)] for run in found]
    return Report("Several", "Nobody", ["They ran."], {"errors": Table(["method", "error", "step"], rows)})
"""


@pytest.fixture
def several(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)

    def reproduction(out=None, **options):
        name = "mine.py:several"
        return Reproduction(name, experiment_named(name), options, out)

    return reproduction


@pytest.fixture
def taken(monkeypatch):
    """A list that grows by one entry with each step of a relaxation method."""
    steps, original = [], Jacobi.step
    monkeypatch.setattr(Jacobi, "step", lambda self, state: steps.append(1) or original(self, state))
    return steps


def test_a_finished_experiment_is_found_again_and_nothing_is_repeated(several, taken):
    text = several().run()
    assert len(taken) == 12
    again = several()
    assert again.finished() is not None and again.finished().strip() == text.strip()
    assert len(list(again.runs.iterdir())) == 3
    record = json.loads((again.folder / "reproduce.json").read_text())
    assert record["experiment"] == "mine.py:several" and record["processor_seconds"] > 0


def test_an_interrupted_experiment_repeats_no_finished_run_and_gives_the_same_report(several, taken, monkeypatch):
    expected = several(out="whole").run()
    taken.clear()
    counted = Jacobi.step

    def interrupted(self, state):
        if len(taken) == 6:  # in the middle of the second run
            raise KeyboardInterrupt
        return counted(self, state)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Jacobi, "step", interrupted)
        several().run()
    assert several().finished() is None and several().has_begun()
    assert several().run() == expected
    assert len(taken) <= 12 + 4  # at most the run that was cut off starts again
    assert several().finished() is not None


def test_other_options_and_other_code_have_other_folders(several, tmp_path):
    one, two = several(steps="4"), several(steps="5")
    assert one.digest != two.digest and one.folder != two.folder
    before = several().digest
    (tmp_path / "mine.py").write_text(FILE + "\n# changed\n")
    assert several().digest != before


def test_a_folder_with_anything_else_is_refused(several, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "letter.txt").write_text("dear")
    with pytest.raises(RunFolderError, match="not empty; choose another one with --out"):
        several(out=tmp_path / "here").finished()
    done = several(out=tmp_path / "there")
    done.run()
    with pytest.raises(RunFolderError, match="not empty"):
        several(out=tmp_path / "there", steps="9").finished()


def test_fresh_removes_the_runs_and_keeps_files_of_the_user(several, taken):
    first = several()
    first.run()
    (first.folder / "notes.txt").write_text("mine")
    first.discard()
    assert first.finished() is None and not first.runs.exists()
    taken.clear()
    first.run()
    assert len(taken) == 12 and (first.folder / "notes.txt").read_text() == "mine"


def test_refused_options_write_nothing(several, tmp_path):
    with pytest.raises(OptionError):
        several(steps="many").run()
    assert not (tmp_path / "runs").exists()


def test_a_run_that_was_killed_while_it_was_created_starts_again(several):
    first = several()
    first.run()
    (folder, *_) = sorted(first.runs.iterdir())
    (folder / "run.json").unlink()
    (first.folder / "reproduce.json").unlink()
    assert first.run() and (folder / "run.json").exists()
    shutil.rmtree(first.folder)

"""The interface of an experiment, and the messages that refuse other objects before and after they run."""

import pytest

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.experiments import experiment_named, run_experiment

FILE = """
from pdefreq.experiments.report import Report, Table

def counted(*, steps: int = 3) -> Report:
    # Counts.
    return Report("Counting", "Nobody", [f"{steps} steps."], {"steps": Table(["steps"], [[steps]])})

def needy(steps: int) -> Report: ...

def untyped(steps=3): ...

def wrong(*, steps: int = 3):
    return steps

NUMBER = 3
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_an_experiment_from_a_file_runs_with_options_as_text(file):
    name = f"{file}:counted"
    assert run_experiment(name, experiment_named(name), {}).findings == ["3 steps."]
    assert run_experiment(name, experiment_named(name), {"steps": "7"}).findings == ["7 steps."]
    with pytest.raises(UnknownNameError, match="has no option 'seeds': did you mean 'steps'"):
        run_experiment(name, experiment_named(name), {"seeds": 2})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("needy", "must have an annotation and a default, such as `steps: int = 100`, got `steps: int`"),
        ("untyped", "must have an annotation and a default, such as `steps: int = 100`, got `steps=3`"),
        ("NUMBER", "must be a class or a function, got int"),
        ("count", "defines no experiment 'count': did you mean 'counted'"),
    ],
)
def test_other_objects_are_refused_before_they_run(file, name, message):
    with pytest.raises((OptionError, UnknownNameError), match=message):
        experiment_named(f"{file}:{name}")


def test_a_result_that_is_not_a_report_is_refused(file):
    name = f"{file}:wrong"
    with pytest.raises(OptionError, match=r"wrong' must return a pdefreq.experiments.report.Report, got int"):
        run_experiment(name, experiment_named(name), {})

"""The interface of an experiment, and the messages that refuse other objects before and after they run."""

import re

import pytest

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.core.options import options_of
from pdefreq.experiments import EXPERIMENTS, entries, experiment_named, run_experiment
from pdefreq.experiments.entry import Document, Entry, Place

FILE = """
from pdefreq.experiments.report import Report, Table

def counted(*, steps: int = 3) -> Report:
    # Counts.
    return Report("Counting", "Nobody", [f"{steps} steps."], {"steps": Table(["steps"], [[steps]])})

def needy(steps: int) -> Report: ...

def untyped(*, steps=3):
    return counted(steps=steps)

def unclear(steps=None): ...

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


def test_a_default_implies_the_type_of_an_option(file):
    name = f"{file}:untyped"
    assert run_experiment(name, experiment_named(name), {"steps": "7"}).findings == ["7 steps."]
    with pytest.raises(OptionError, match=r"option 'steps' must be a whole number, got '0\.5'"):
        run_experiment(name, experiment_named(name), {"steps": "0.5"})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("needy", "must have a default, such as `steps=100`, got `steps`"),
        ("unclear", r"neither a type nor a number or text as its default: write `def unclear\(steps: float \| None = None\)`"),
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


LIMIT = 180  # processor seconds of an experiment with its default options


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_experiment_states_its_source_and_what_it_shows(name):
    entry = entries()[name]
    assert entry.places or entry.publication, "an entry has a place in a document or a publication"
    assert len(entry.shows) > 100 and entry.shows.endswith(".")
    assert entry.published or entry.lacks, "without published numbers, the entry says what the source lacks"
    assert all(place.where and place.where[0].islower() for place in entry.places)
    assert entry.lacks.endswith(".") or not entry.lacks
    assert entry.seconds is not None and 0 < entry.seconds < LIMIT


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_the_command_of_the_full_size_has_options_that_exist(name):
    options = {option.name for option in options_of(experiment_named(name))}
    full = entries()[name].full
    named = {*re.findall(r"--(seeds|steps) ", full), *re.findall(r"--set (\w+)=", full)}
    assert named <= options


def test_every_document_has_experiments():
    assert {place.document for entry in entries().values() for place in entry.places} == {*Document}


def test_a_report_contains_its_entry(file):
    name = f"{file}:counted"
    entry = Entry(
        (Place(Document.SLIDES, "slide 'One'"),), shows="It counts.", published=("3 steps",), lacks="Nothing is stated."
    )
    text = run_experiment(name, entry(experiment_named(name)), {}).text()
    for part in ("It counts.", "slide 'One'", "Published numbers: 3 steps.", "Nothing is stated.", "- 3 steps."):
        assert part in text

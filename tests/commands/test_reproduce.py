"""`pdefreq reproduce all`: one experiment after the other, or side by side."""

import io

import pytest
from rich.console import Console

from pdefreq.commands.console import make_console
from pdefreq.commands.reproduce import _bar, _run_all
from pdefreq.experiments import experiment_named
from pdefreq.experiments.reproduction import Reproduction
from tests.experiments.test_reproduction import FILE


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_failure_does_not_end_the_other_experiments(workers, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    name = "mine.py:several"
    options = {"wrong": {"colour": "red"}, "right": {"steps": "2"}}
    every = [Reproduction(name, experiment_named(name), given, tmp_path / folder) for folder, given in options.items()]
    assert _run_all(make_console(), every, workers=workers, dask=None, fresh=False) == 2
    out, err = capsys.readouterr()
    assert "They ran." in out and (tmp_path / "right" / "reproduce.json").is_file()
    assert err.count("error: mine.py:several:") == 1 and "colour" in err


def test_the_bar_counts_experiments():
    """The part of an experiment in the bar is its recorded time; an experiment in a file of its own counts as one second."""
    names, out = ["point-sources", "tones", "mine.py:several"], io.StringIO()
    with _bar(Console(file=out, force_terminal=True, width=120), names) as advance:
        advance(names[0])
        advance(names[2])
    assert "2 of 3 experiments done" in out.getvalue()

"""`pdefreq reproduce all`: one experiment after the other, or side by side."""

import pytest

from pdefreq.commands.reproduce import _run_all
from pdefreq.commands.result import make_console
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

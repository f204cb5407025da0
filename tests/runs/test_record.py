"""A record contains measurements without a method or a state."""

import json

import numpy as np
import pytest

from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.core.history import Schedule, Stop
from pdefreq.probes.target import Target
from pdefreq.runs.record import Record
from pdefreq.runs.run_folder import RunFolder, to_json
from pdefreq.runs.solve import solve


@pytest.fixture(scope="module")
def solution():
    return solve("poisson", "jacobi:intervals=32", stop=Stop(steps=60), schedule=Schedule(dense=5, per_decade=10))


@pytest.fixture(scope="module")
def record(solution):
    return Record(target=Target(solution.problem, solution.reference), label="mine", history=solution.history)


def test_a_record_has_the_spectrum_of_the_run(solution, record):
    assert record.spectrum() == solution.spectrum() and record.spectrum().rows
    own, other = record.summary(), solution.summary()
    assert own["method"] == "mine" and own["relative_l2"] == solution.history.last("relative_l2")
    # recorded at 462 points, computed at 2001: the error of the trapezoidal rule for sin^2 kx is (2 k h)^2 / 12, k = 24
    assert own["relative_l2"] == pytest.approx(other["relative_l2"], rel=(2 * 24 * 0.004) ** 2 / 12)
    for name in ("problem", "steps", "seconds", "bias_index", "modes", "frequency_order"):
        assert to_json(own[name]) == to_json(other[name])
    assert repr(record) == f"<mine on poisson: {len(solution.history)} records>"
    assert "mine" in record._html() and record.plot().axes


def test_each_figure_of_a_run_is_drawn_by_name(solution, record):
    """A curve for each watched mode has as many points as there are records; the map is an image of all modes and records."""
    number = len(solution.history)
    for run in (solution, record):
        curves = [len(line.get_xdata()) for axes in run.plot("modes").axes for line in axes.lines]
        assert curves.count(number) >= 4
        assert any(axes.collections or axes.images for axes in run.plot("heatmap").axes)
    assert [axes.get_xlabel() for axes in solution.plot().axes] == [axes.get_xlabel() for axes in solution.plot("solution").axes]
    for run in (solution, record):
        with pytest.raises(OptionError, match="modes or heatmap"):
            run.plot("modus")


def test_a_record_is_saved_as_tables_and_cannot_be_repeated(record, tmp_path):
    assert record.save(tmp_path / "r") == tmp_path / "r" == record.folder
    written = json.loads((tmp_path / "r" / "run.json").read_text())
    assert written["spec"] is None and written["summary"]["method"] == "mine"
    with np.load(tmp_path / "r" / "spectrum.npz") as file:
        np.testing.assert_array_equal(file["mode_error"], record.history.column("mode_error"))
    with pytest.raises(RunFolderError, match="not make"):
        RunFolder(tmp_path / "r").read_spec()
    with pytest.raises(RunFolderError, match="not empty"):
        record.save(tmp_path / "r")


def test_a_record_without_modes_states_the_reason(record):
    from pdefreq.core.history import History

    history = History()
    history.record({"step": 0, "seconds": 0.0})
    blind = Record(target=Target(record.problem), label="mine", history=history)
    assert "neither an exact nor a reference solution is known" in blind.spectrum().sentence
    assert np.isnan(blind.summary()["relative_l2"])

"""Sweeps: each row is the run with its options, and the table, the files and the command agree."""

import csv
import json

import pytest

from pdefreq import Range, make_solver, solve, sweep
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Stop
from pdefreq.figures.sweep import sweep_figure

NETWORK = "deep-ritz:widths=[5],number=50"


def test_each_row_is_the_run_with_its_options():
    found = sweep("poisson", NETWORK, {"learning_rate": [1e-3, 1e-2], "activation": ["sin", "tanh"]}, steps=4)
    assert len(found.rows()) == 4
    for row in found.rows():
        options = {"learning_rate": row["learning_rate"], "activation": row["activation"]}
        alone = solve("poisson", make_solver(NETWORK, options), stop=Stop(steps=4))
        assert row["relative_l2"] == alone.error()
    assert found.best()["relative_l2"] == min(row["relative_l2"] for row in found.rows())


def test_the_error_of_finite_elements_falls_with_their_number():
    rows = sweep("poisson", "fem", {"cells": [32, 64, 128]}).rows()
    assert rows[0]["relative_l2"] / rows[2]["relative_l2"] == pytest.approx(16, rel=0.2)  # order 2, asymptotically


def test_seeds_give_medians_and_ranges():
    (row,) = sweep("poisson", NETWORK, {"learning_rate": [1e-3]}, steps=3, seeds=3).rows()
    assert row["relative_l2_min"] < row["relative_l2"] < row["relative_l2_max"]


@pytest.mark.slow
def test_a_refused_point_keeps_its_sentence():
    found = sweep("perforated", "pinn:boundary=hard,widths=[5],number=60", {"activation": ["relu", "sin"]}, steps=1)
    refused, made = found.rows()
    assert refused["status"] == "refused" and "relu" in refused["sentence"]
    assert made["relative_l2"] is not None
    with pytest.raises(IncompatibleError, match="refuses all points"):
        sweep("perforated", "pinn:widths=[5],number=60", {"activation": ["relu"]}, steps=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs an option to vary"),
        ({"ranges": {"cells": "8:64:int"}}, "needs a number of points"),
        ({"grid": {"cells": 8}}, "must be a list"),
        ({"grid": {"cells": "8"}}, "must be a list"),
        ({"grid": {"cells": [8]}, "ranges": {"cells": (8, 9)}, "samples": 2}, "both a list and a range"),
        ({"grid": {"cells": [8]}, "settings": {"cells": 9}}, "both varied and set"),
        ({"grid": {"cells": [8]}, "seeds": 0}, "`seeds` must be at least 1"),
        ({"ranges": {"cells": 8}, "samples": 2}, "must be two numbers"),
        ({"ranges": {"cells": (8, 64)}, "samples": 2, "search": "grid"}, "`search` must be sobol or random"),
    ],
)
def test_a_sweep_that_is_not_possible_is_refused(arguments, message):
    with pytest.raises(OptionError, match=message):
        sweep("poisson", "fem", **arguments)


def test_ranges_are_sampled():
    found = sweep("poisson", "fem", ranges={"cells": Range(8, 64, integer=True)}, samples=4)
    sizes = [row["cells"] for row in found.rows()]
    assert len(sizes) == 4 and all(8 <= size <= 64 for size in sizes)


def test_the_files_have_the_rows(tmp_path):
    found = sweep("poisson", "fem", {"cells": [8, 16], "element": ["P1", "P2"]}, folder=tmp_path / "out")
    assert json.loads((tmp_path / "out/sweep.json").read_text())["rows"] == found.rows()
    with open(tmp_path / "out/sweep.csv") as file:
        rows = [*csv.DictReader(file)]
    assert [float(row["relative_l2"]) for row in rows] == [row["relative_l2"] for row in found.rows()]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("point-*/*")}
    again = sweep("poisson", "fem", {"cells": [8, 16], "element": ["P1", "P2"]}, folder=tmp_path / "out")
    assert again.rows() == found.rows()
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("point-*/*")}


@pytest.mark.parametrize("grid", [{"cells": [8, 16, 32]}, {"cells": [8, 16], "element": ["P1", "P2"]}, {"element": ["P1", "P2"]}])
def test_a_method_of_one_step_is_drawn_without_a_bias_index(grid):
    drawn = [axes.get_title() or axes.get_ylabel() for axes in sweep("poisson", "fem", grid).plot().axes]
    assert drawn == ["relative L2 error"]


def test_an_iteration_is_drawn_with_its_bias_index():
    drawn = [axes.get_ylabel() for axes in sweep("poisson", "jacobi", {"intervals": [20, 40]}, steps=500).plot().axes]
    assert drawn == ["relative L2 error", "bias index B"]


def test_bias_indices_of_runs_with_modes_that_are_not_halved_are_marked():
    relations = {1: "=", 2: ">=", 3: "<=", 4: "~"}
    rows = [
        {"a": a, "b": b, "relative_l2": 0.5, "bias_index": 1.0, "bias_index_relation": each}
        for a, each in relations.items()
        for b in (1, 2)
    ]
    texts = [text.get_text() for text in sweep_figure(rows, ["a", "b"]).axes[1].texts]
    assert texts == ["+1.00"] * 2 + ["≥+1.00"] * 2 + ["≤+1.00"] * 2 + ["(+1.00)"] * 2
    axes = sweep_figure(rows[::2], ["a"]).axes[1]
    marked = {line.get_label().split(":")[0]: line.get_xdata()[0] for line in axes.lines if ":" in line.get_label()}
    assert marked == {"at least": 2, "at most": 3, "no bound": 4}


@pytest.mark.parametrize("count", [3, 200])
def test_a_map_has_a_bounded_size_and_shows_each_value(count):
    rows = [{"a": a, "b": b, "relative_l2": 10.0 ** -(a + b / 100), "bias_index": None} for a in (1, 2) for b in range(count)]
    figure = sweep_figure(rows, ["a", "b"])
    assert max(figure.get_size_inches()) < 25
    assert len(figure.axes[0].texts) == (6 if count == 3 else 0)
    assert len(figure.axes) == (1 if count == 3 else 2)  # a color bar in place of numbers


def test_true_and_false_are_words_on_an_axis():
    rows = [{"a": a, "relative_l2": 0.5, "bias_index": None} for a in (True, False)]
    axes = sweep_figure(rows, ["a"]).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["True", "False"]


def test_a_sweep_is_shown_as_a_short_table():
    found = sweep("poisson", "fem", {"cells": [*range(8, 24)]})
    first, *rest = repr(found).splitlines()
    assert first == "<sweep of fem on poisson, the best 10 of 16>" and len(rest) <= 13

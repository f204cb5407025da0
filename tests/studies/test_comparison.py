import csv
import json
import signal
from dataclasses import dataclass

import pytest

from pdefreq.core.errors import IncompatibleError, OptionError, RunFolderError, UnknownNameError
from pdefreq.core.history import Status, Stop
from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem
from pdefreq.runs.lifecycle import load_run
from pdefreq.studies.comparison import compare
from tests.toys import Geometric, GeometricResidual, line_problem


@dataclass(frozen=True)
class Refuses(Geometric):
    """A method that refuses every problem."""

    def prepare(self, problem, **_):
        raise IncompatibleError("refuses needs another problem")


@dataclass(frozen=True)
class Seeded(Geometric):
    """A method that converges faster for larger seeds."""

    def prepare(self, problem, *, seed, device, dtype, guess=None):
        return Geometric(factor=0.9 - 0.1 * seed).prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)


METHODS = {"slow": Geometric(0.9), "fast": Geometric(0.5)}


def test_each_method_is_run_under_its_label_with_each_seed():
    comparison = compare(line_problem(), METHODS, seeds=2, seed=5, stop=Stop(steps=3))
    assert list(comparison.solutions) == ["slow", "fast"]
    for label, solutions in comparison.solutions.items():
        assert [s.spec.seed for s in solutions] == [5, 6]
        assert {s.spec.method for s in solutions} == {label}
        assert {s.step for s in solutions} == {3}


def test_rows_are_the_summaries_of_the_runs():
    comparison = compare(line_problem(), METHODS)
    for row, (label, (solution,)) in zip(comparison.rows(), comparison.solutions.items(), strict=True):
        summary = solution.summary()
        assert row["method"] == label
        for name in ("status", "unknowns", "steps", "seconds", "relative_l2", "relative_h1", "bias_index"):
            assert row[name] == summary[name]


def test_rows_contain_median_and_range_over_seeds():
    comparison = compare(line_problem(), [Seeded()], seeds=3, stop=Stop(steps=4))
    errors = [solution.error() for solution in comparison.solutions["seeded"]]
    (row,) = comparison.rows()
    assert errors == sorted(errors, reverse=True)  # the seeds differ
    assert (row["relative_l2_min"], row["relative_l2"], row["relative_l2_max"]) == (errors[2], errors[1], errors[0])


def test_a_method_that_refuses_is_listed_and_the_others_are_run():
    comparison = compare(line_problem(), {"no": Refuses(), "yes": Geometric()})
    assert comparison.refusals == {"no": "refuses needs another problem"}
    refused = comparison.rows()[-1]
    assert (refused["method"], refused["status"], refused["sentence"]) == ("no", "refused", "refuses needs another problem")
    assert set(refused) == set(comparison.rows()[0])
    assert refused["relative_l2"] is None


def test_if_all_methods_refuse_there_is_no_comparison(tmp_path):
    with pytest.raises(IncompatibleError, match=r"a: refuses needs .*; b: refuses needs"):
        compare(line_problem(), {"a": Refuses(), "b": Refuses()}, folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_methods_without_labels_are_numbered():
    assert list(compare(line_problem(), [Geometric(0.5), Geometric(0.6), Geometric(0.7)]).solutions) == [
        "geometric",
        "geometric-2",
        "geometric-3",
    ]


@pytest.mark.parametrize(
    ("error", "methods", "options"),
    [
        (OptionError, [], {}),
        (OptionError, METHODS, {"seeds": 0}),
        (UnknownNameError, [Geometric(), "jakobi"], {}),
        (OptionError, METHODS, {"device": "abacus"}),
    ],
)
def test_bad_input_is_refused_before_anything_runs(tmp_path, error, methods, options):
    with pytest.raises(error):
        compare(line_problem(), methods, folder=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_not_changed(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(RunFolderError, match="not empty"):
        compare(line_problem(), METHODS, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_all_results_are_saved_in_the_folder(tmp_path):
    comparison = compare(line_problem(), METHODS | {"my/own: way": Geometric(0.7)}, folder=tmp_path / "out")
    out = tmp_path / "out"
    folders = {"slow-seed0", "fast-seed0", "my-own-way-seed0"}
    assert {p.name for p in out.iterdir()} == folders | {"study.json", "comparison.png", "comparison.csv", "comparison.json"}
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    rows = json.loads((out / "comparison.json").read_text())["rows"]
    assert rows == comparison.rows()
    with open(out / "comparison.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(row["relative_l2"]) for row in table] == [row["relative_l2"] for row in rows]
    assert load_run(out / "fast-seed0", problem=line_problem()).error() == rows[1]["relative_l2"]


def test_saving_later_gives_the_same_files(tmp_path):
    comparison = compare(line_problem(), METHODS, folder=tmp_path / "a")
    comparison.save(tmp_path / "b")
    names = [sorted(str(p.relative_to(tmp_path / f)) for p in (tmp_path / f).rglob("*.csv")) for f in "ab"]
    assert names[0] == names[1]
    assert (tmp_path / "a/comparison.csv").read_text() == (tmp_path / "b/comparison.csv").read_text()


def test_progress_names_the_run():
    heard = []
    compare(line_problem(), METHODS, seeds=2, progress=lambda label, seed, now: heard.append((label, seed, now.done)))
    assert [(label, seed) for label, seed, done in heard if done] == [("slow", 0), ("slow", 1), ("fast", 0), ("fast", 1)]


def test_an_interruption_ends_the_comparison_and_keeps_completed_runs():
    def press_ctrl_c(label, seed, now):  # noqa: ARG001
        if seed == 1 and now.step == 2:
            signal.raise_signal(signal.SIGINT)

    comparison = compare(line_problem(), METHODS, seeds=3, progress=press_ctrl_c)
    assert [s.status for s in comparison.solutions["slow"]] == [Status.STEPS, Status.INTERRUPTED]
    assert "fast" not in comparison.solutions


def test_a_comparison_has_a_notebook_representation():
    comparison = compare(line_problem(title="A <title>"), {"<b>": Geometric(), "no": Refuses()})
    page = comparison._repr_html_()
    assert "&lt;b&gt;" in page
    assert "refuses needs another problem" in page
    assert comparison._repr_png_().startswith(b"\x89PNG")


def test_a_problem_in_more_dimensions_may_be_refused():
    square = line_problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact=None)
    with pytest.raises(IncompatibleError, match="one dimension"):
        compare(square, METHODS)


def test_notes_of_the_runs_are_in_the_rows_the_files_and_the_figure(tmp_path):
    """Jacobi on 32 intervals needs 4000 sweeps for 1e-10; a note says that 5 do not suffice, and the legend says it briefly."""
    problem = Problem(domain=Box((0.0,), (1.0,)), exact="sin(pi*x) + sin(3*pi*x)")
    comparison = compare(problem, ["jacobi:intervals=32,steps=5", "fem:cells=8"], folder=tmp_path / "out")
    rows = comparison.rows()
    assert [len(row["notes"]) for row in rows] == [1, 0]
    assert rows[0]["notes"][0].startswith("Not converged: the budget ended at a relative objective of ")
    assert json.loads((tmp_path / "out/comparison.json").read_text())["rows"] == rows
    with open(tmp_path / "out/comparison.csv", newline="") as file:
        assert [row["notes"] for row in csv.DictReader(file)] == [rows[0]["notes"][0], ""]
    legend = comparison.plot().subfigs[1].axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "jacobi\n(not converged)",
        "fem",
    ]  # options of one method only distinguish nothing
    assert "Not converged" in comparison._repr_html_()


@dataclass(frozen=True)
class SeededResidual(GeometricResidual):
    """A residual that falls faster for larger seeds."""

    def prepare(self, problem, *, seed, device, dtype, guess=None):
        faster = GeometricResidual(factor=0.9 - 0.1 * seed)
        return faster.prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)


def test_notes_that_differ_in_their_numbers_only_are_counted():
    """After 4 steps the residuals are 0.9^4, 0.8^4 and 0.7^4; the third seed is below the tolerance of 0.3."""
    comparison = compare(line_problem(), [SeededResidual()], seeds=3, stop=Stop(steps=4, tolerance=0.3))
    assert comparison.rows()[0]["notes"] == [
        "Not converged: the budget ended at a relative objective of 0.66, above the tolerance 0.3. (2 of 3 seeds)"
    ]

"""Records of other programs in folders: what is read is what was written."""

import json

import numpy as np
import pytest
import torch

from pdefreq import Monitor, load_record, report, solve
from pdefreq.core.errors import RunFolderError
from pdefreq.runs.run_folder import to_json
from pdefreq.runs.solution import Solution
from tests.toys import line_problem


def monitored(problem="poisson", **options):
    """A solver that halves its error in each step: u_n = (1 - 2^-n) u*."""
    monitor = Monitor(problem, label="halving", **options)
    exact = monitor.target.reference
    for step in range(6):
        monitor(step, Scaled(exact, 1 - 0.5**step), seconds=float(step))
    return monitor.record


class Scaled:
    """A multiple of a field as a function of numpy points."""

    def __init__(self, field, factor):
        self.field, self.factor = field, factor

    def __call__(self, x):
        return self.factor * self.field(torch.as_tensor(np.asarray(x))).numpy()


@pytest.mark.parametrize("modes", [None, "sine", "cosine"])
def test_a_record_is_read_as_it_was_written(tmp_path, modes):
    record = monitored(modes=modes)
    record.save(tmp_path / "run")
    again = load_record(tmp_path / "run")
    assert to_json(again.summary()) == to_json(record.summary())
    assert again.label == "halving" and again.problem.spectrum.modes == record.problem.spectrum.modes
    for name in record.history.names:
        np.testing.assert_array_equal(again.history.column(name), record.history.column(name))


def test_the_error_of_each_mode_is_that_of_the_solver(tmp_path):
    """e_k = 2^-n in step n, in each mode: the half time is 1."""
    monitored().save(tmp_path / "run")
    rows = load_record(tmp_path / "run").spectrum().rows
    assert [row.halving_step for row in rows] == pytest.approx([1.0] * len(rows), abs=1e-6)


def test_the_record_of_a_run_of_pdefreq_is_its_solution(tmp_path):
    solution = solve("poisson", "jacobi", steps=3, folder=tmp_path / "run")
    found = load_record(tmp_path / "run")
    assert isinstance(found, Solution) and found.error() == solution.error()


def test_a_report_is_made_of_a_record(tmp_path):
    monitored().save(tmp_path / "run")
    assert "halving" in report(tmp_path / "run").html


def test_a_problem_with_python_functions_must_be_passed_again(tmp_path):
    problem = line_problem()
    monitored(problem, modes="cosine").save(tmp_path / "run")
    with pytest.raises(RunFolderError, match="pass the problem as well"):
        load_record(tmp_path / "run")
    assert load_record(tmp_path / "run", problem).problem.spectrum.modes == "cosine"
    with pytest.raises(RunFolderError, match="differs in its source"):
        load_record(tmp_path / "run", line_problem(source=lambda x: x[:, 0]))


def test_a_reference_that_was_given_must_be_passed_again(tmp_path):
    exact = line_problem().exact
    monitored(line_problem(source=1.0, exact=None), reference=exact).save(tmp_path / "run")
    with pytest.raises(RunFolderError, match="load_record"):
        load_record(tmp_path / "run", line_problem(source=1.0, exact=None))


@pytest.mark.parametrize(
    "damage", [lambda r: r.pop("recorded"), lambda r: r["recorded"].pop("label"), lambda r: r["recorded"].update(label=1)]
)
def test_a_damaged_record_is_refused(tmp_path, damage):
    monitored().save(tmp_path / "run")
    path = tmp_path / "run/run.json"
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))
    with pytest.raises(RunFolderError):
        load_record(tmp_path / "run")

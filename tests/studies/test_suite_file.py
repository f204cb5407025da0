"""Suites: those of the package can be run as they are, and a malformed file is refused with all of its errors."""

import re
import tomllib
from pathlib import Path

import pytest

from pdefreq.core.errors import ProblemFileError, UnknownNameError, UntrustedCodeError, UserError
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.prepared_run import PreparedRun
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import method_names
from pdefreq.studies.suite_file import MOST_BYTES, load_suite, suite_names

GOOD = """
title = "Good"
seeds = 2
seed = 5
[[problem]]
name = "poisson"
[[problem]]
name = "poisson-chirp"
param = {mu = 5, dimension = 1}
modes = "cosine"
[[method]]
name = "jacobi:intervals=16"
[[method]]
name = "deep-ritz"
set = {widths = [5, 5], number = 20}
label = "small"
without = ["poisson"]
[[budget]]
steps = 10
[[budget]]
steps = 20
train_seconds = 0.5
[[published]]
method = "A network"
problem = "poisson"
error = 0.25
definition = "largest error"
source = "Somebody (2020), table 1"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "suite.toml"
    path.write_text(text)
    return path


def test_the_suites_of_the_package_are_listed():
    assert {*suite_names()} == {"frequency-bias", "quick"}


@pytest.mark.parametrize("name", ["quick", pytest.param("frequency-bias", marks=pytest.mark.slow)])
def test_a_suite_of_the_package_can_be_run_as_it_is(name):
    """Each method either has a run on each of its problems or refuses with one sentence, and several methods solve each problem."""
    suite = load_suite(name)
    for problem in suite.problems:
        able = 0
        for method in (each for each in suite.methods if problem.label in each.problems):
            for stop in suite.budgets.values():
                try:
                    run = PlannedRun.of(problem.problem, method.solver, stop=stop, modes=problem.modes, method=method.label)
                    PreparedRun.of(run.spec, run.given.complete(run.spec))
                except UserError as refusal:
                    assert str(refusal) and "\n" not in str(refusal)
                else:
                    assert run.is_portable
                    able += 1
        assert able >= 1
    assert all(row.definition and row.source for row in suite.published)


def test_the_suite_of_the_frequency_bias_has_twelve_problems_and_every_method():
    suite = load_suite("frequency-bias")
    assert len(suite.problems) == 12 and len(suite.seeds) == 3
    named = {name for method in suite.methods for name in method_names(method.label)}
    assert named == {*SOLVERS} - {"auto", "network"}
    for problem in suite.problems:  # each method once on each problem
        of_problem = [method_names(method.label)[0] for method in suite.methods if problem.label in method.problems]
        assert sorted(of_problem) == sorted(named)


def test_the_entries_of_a_file_are_read(tmp_path):
    suite = load_suite(written(tmp_path, GOOD))
    assert suite.name == "suite" and suite.title == "Good" and list(suite.seeds) == [5, 6]
    assert [problem.label for problem in suite.problems] == ["poisson", "poisson-chirp, mu=5, dimension=1"]
    assert suite.problems[1].problem.domain.dimension == 1 and suite.problems[1].modes == "cosine"
    assert [(method.label, method.problems) for method in suite.methods] == [
        ("jacobi:intervals=16", ("poisson", "poisson-chirp, mu=5, dimension=1")),
        ("small", ("poisson-chirp, mu=5, dimension=1",)),
    ]
    assert [*suite.budgets] == ["10 steps", "20 steps or 0.5 s of steps"]
    assert suite.published[0].error == 0.25 and suite.published[0].seconds is None


def test_the_path_of_a_problem_file_is_relative_to_the_suite(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text('[domain]\nkind = "box"\nlower = 0\nupper = 1\n[equation]\nexact = "sin(pi*x)"\n')
    path = written(tmp_path, GOOD.replace('name = "poisson"\n', 'name = "mine.toml"\n').replace('"poisson"', '"mine.toml"'))
    monkeypatch.chdir(tmp_path.parent)
    assert load_suite(path).problems[0].problem.name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 2", "seeds = 0", "seeds must be an integer from 1 to 1000"),
        ("seeds = 2", "seedz = 2", "unknown key 'seedz': did you mean 'seed"),
        ('name = "poisson"', 'name = "poison"', "[problem 1] unknown problem 'poison'"),
        ('name = "poisson"', 'nam = "poisson"', "unknown key 'nam'"),
        ("mu = 5", "nu = 5", "has no parameter 'nu'"),
        ('modes = "cosine"', 'modes = "cosin"', "did you mean 'cosine'"),
        ("jacobi:intervals=16", "jakobi", "unknown method 'jakobi': did you mean 'jacobi'"),
        ("widths = [5, 5]", "width = [5, 5]", "method 'deep-ritz' has no option 'width'"),
        ("number = 20", "number = -1", "[method 2] `number` must"),
        ('without = ["poisson"]', 'without = ["poison"]', "[method 2] without names 'poison'"),
        ('without = ["poisson"]', 'without = "poisson"', "without must be a list of texts"),
        ("steps = 20\ntrain_seconds = 0.5", "steps = -1", "[budget 2] steps must be an integer"),
        ("steps = 20\ntrain_seconds = 0.5", "", "[budget 2] a budget needs one of steps, seconds, train_seconds"),
        ("steps = 20\ntrain_seconds = 0.5", "steps = 10", "two tables [[budget]] are the same"),
        ("error = 0.25", "error = 0", "[published 1] error must be a number above 0"),
        (
            "error = 0.25\n",
            "",
            "[published 1] error must be a finite number, or an expression in quotes with a finite value, but it is missing",
        ),
        ('definition = "largest error"\n', "", "[published 1] definition must be text in quotes, but it is missing"),
        ('problem = "poisson"\n', 'problem = "ring"\n', "[published 1] problem names 'ring', which the suite does not contain"),
        (
            "[[budget]]\nsteps = 10",
            "\n".join(f"[[budget]]\nsteps = {n}" for n in range(30, 2000)),
            "at most 10,000 runs, got 11,826",
        ),
        ('title = "Good"', "title =", "is not valid TOML"),
        ("[[budget]]\nsteps = 10\n[[budget]]\nsteps = 20\ntrain_seconds = 0.5", "", "a suite needs a table [[budget]]"),
    ],
)
def test_a_malformed_file_is_refused_with_one_sentence(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        load_suite(written(tmp_path, GOOD.replace(old, new, 1)))
    assert len(caught.value.lines) == 1, caught.value.lines


def test_all_errors_are_listed(tmp_path):
    text = GOOD.replace('"poisson"', '"poison"', 1).replace("jacobi:", "jakobi:").replace("error = 0.25", "error = -1")
    with pytest.raises(ProblemFileError, match="the suite 'suite' has 3 errors") as caught:
        load_suite(written(tmp_path, text))
    assert len(caught.value.lines) == 1 + 3  # names of the problem that can't be read are no errors


@pytest.mark.parametrize(
    "method",
    [
        "'mine.py:Mine'",
        "'pinn:activation=mine.py:mine'",
        "'jacobi+mine.py:Mine'",
        r"""'pinn:activation="mine\u002epy:mine"'""",  # an escape of JSON
        r"""'pinn'\nset = {activation = '"mine\u002epy:mine"'}""".replace(r"\n", "\n"),
        "'pinn'\nset = {'optimizer' = 'mine.py:mine'}",
    ],
)
def test_nothing_that_a_file_names_is_executed(tmp_path, monkeypatch, method):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("raise SystemExit('executed')\n")
    text = GOOD.replace('"jacobi:intervals=16"', method)
    with pytest.raises(UntrustedCodeError, match=r"mine\.py, which is executed only if you trust it"):
        load_suite(written(tmp_path, text))
    with pytest.raises(SystemExit, match="executed"):
        load_suite(written(tmp_path, text), trust=True)


def test_the_size_of_a_file_is_limited(tmp_path):
    with pytest.raises(ProblemFileError, match="more than 100,000"):
        load_suite(written(tmp_path, GOOD + "#" * MOST_BYTES))
    with pytest.raises(ProblemFileError, match="no such file"):
        load_suite(tmp_path / "none.toml")
    with pytest.raises(UnknownNameError, match="did you mean 'quick'"):
        load_suite("quik")


def test_a_run_file_is_not_a_suite(tmp_path):
    with pytest.raises(ProblemFileError, match="is not a suite"):
        load_suite(written(tmp_path, 'problem = "poisson"\nmethod = "jacobi"\n'))


def test_the_titles_of_suites_are_those_of_their_files():
    folder = Path(load_suite.__code__.co_filename).parent / "suites"
    for name, title in suite_names().items():
        assert tomllib.loads((folder / f"{name}.toml").read_text())["title"] == title

"""The names of the package: what an editor completes, and the arguments of its main functions."""

from pathlib import Path

import pytest

import pdefreq
from pdefreq import Ball, Box, Problem, compare, load_problem, predict, refine, solve


def test_all_public_names_are_listed_and_load():
    assert set(dir(pdefreq)) == {*pdefreq.__all__, "__version__"}  # what an editor completes has no modules and helpers
    assert set(pdefreq.__all__) == set(pdefreq._PLACES)
    for name in pdefreq.__all__:
        assert getattr(pdefreq, name) is not None


def test_no_public_name_is_that_of_a_module():
    """The import of a module of the package sets its name, which would replace a public function of the same name."""
    modules = {path.stem for path in Path(pdefreq.__file__).parent.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert "runs" in modules and not modules & {*pdefreq.__all__}


def test_budgets_are_plain_arguments():
    assert solve("poisson", "jacobi", steps=3).step == 3
    comparison = compare("poisson", ["jacobi", "gauss-seidel"], steps=2)
    assert [row["steps"] for row in comparison.rows()] == [2, 2]


def test_a_problem_is_written_in_one_line():
    """-u'' = pi^2 sin(pi x) on (0, 1), and -lap u = 4 in the unit disk with u = 1 - |x|^2: relative L2 below 1e-3 on default meshes."""
    assert solve(Problem(domain=Box(0, 1), source="pi**2*sin(pi*x)", boundary=0), "fem")(0.5) == pytest.approx(1, abs=1e-3)
    disk = Problem(domain=Ball((0, 0), 1), source=4, exact="1 - x**2 - y**2")
    assert solve(disk, "fem", modes="ray").error() < 1e-3


def test_results_are_shown_as_short_tables_and_drawn():
    """A line that says what it is, then a heading and at most twelve lines; each line fits into a window."""
    solution = solve("poisson", "jacobi:intervals=16", steps=20)
    results = [
        solution,
        solution.history,
        solution.spectrum(),
        compare("poisson", ["jacobi:intervals=8", "fem:cells=4"], steps=2),
        refine("poisson", "fem", start=4, levels=3),
        predict("poisson", "jacobi:intervals=16"),
    ]
    for result in results:
        first, *rest = repr(result).splitlines()
        assert first.startswith("<") and ">" in first and len(rest) <= 12 + 1 and all(len(line) < 250 for line in rest)
        assert result is solution or len(rest) >= 3
        if not isinstance(result, type(solution.history) | type(solution.spectrum())):
            assert result.plot().axes
    for problem in (load_problem("perforated"), Problem(domain=Box(0, 1), source="sin(pi*x)", boundary=0)):
        assert repr(problem).startswith("<problem ") and len(repr(problem)) < 350
    assert "sin(pi*x)" in repr(problem) and "unknown" in repr(problem)

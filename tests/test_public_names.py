"""The names of the package: what an editor completes, and the arguments of its main functions."""

import pytest

import pdefreq
from pdefreq import Ball, Box, Problem, compare, solve


def test_all_public_names_are_listed_and_load():
    assert set(pdefreq.__all__) <= set(dir(pdefreq)) and "solve" in dir(pdefreq)
    for name in pdefreq.__all__:
        assert getattr(pdefreq, name) is not None


def test_budgets_are_plain_arguments():
    assert solve("poisson", "jacobi", steps=3).step == 3
    comparison = compare("poisson", ["jacobi", "gauss-seidel"], steps=2)
    assert [row["steps"] for row in comparison.rows()] == [2, 2]


def test_a_problem_is_written_in_one_line():
    """-u'' = pi^2 sin(pi x) on (0, 1), and -lap u = 4 in the unit disk with u = 1 - |x|^2: relative L2 below 1e-3 on default meshes."""
    assert solve(Problem(domain=Box(0, 1), source="pi**2*sin(pi*x)", boundary=0), "fem")(0.5) == pytest.approx(1, abs=1e-3)
    disk = Problem(domain=Ball((0, 0), 1), source=4, exact="1 - x**2 - y**2")
    assert solve(disk, "fem", modes="ray").error() < 1e-3

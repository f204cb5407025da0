"""Orders of convergence compared with theory."""

import csv
import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pdefreq import Box, Problem, refine
from pdefreq.core.errors import IncompatibleError, OptionError, RunFolderError
from pdefreq.core.history import Status
from pdefreq.problem.files import load_problem
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.refinable import Refines
from tests.toys import line_problem

NEAR = 0.1  # required accuracy of orders for manufactured problems

TONES = """
[domain]
kind = "box"
dimension = {dimension}
lower = 0
upper = 1
[equation]
diffusion = {diffusion}
reaction = "{reaction}"
exact = "{exact}"
[boundary]
value = "0"
"""
LINE = {"dimension": 1, "reaction": 0, "exact": "sin(pi*x) + sin(4*pi*x)/4"}
SQUARE = {"dimension": 2, "reaction": 3, "exact": "sin(pi*x)*sin(pi*y) + sin(2*pi*x)*sin(pi*y)/4"}


def tones(path: Path, **fields):
    (path / "tones.toml").write_text(TONES.format(**{"diffusion": '"1"'} | fields))
    return load_problem(str(path / "tones.toml"))


def orders(refinement):
    return {row["name"]: row["order"] for row in refinement.orders()}


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        *[("cg", LINE), ("multigrid", LINE), ("cg", SQUARE), ("cg", LINE | {"reaction": 50})],
        *[("gmres", LINE | {"reaction": -400}), ("cg", SQUARE | {"diffusion": [["1", "0"], ["0", "5"]]})],
    ],
)
def test_errors_of_finite_differences_follow_from_their_symbol(tmp_path, method, fields):
    found = refine(tones(tmp_path, **fields), method, start=16, levels=4)
    # the iteration ends at a residual of 1e-10; the errors are at least 1e-4
    assert found.spectrum.error == pytest.approx(found.predicted, rel=1e-5)
    assert all(order == pytest.approx(2, abs=NEAR) for name, order in orders(found).items() if "mode" in name)
    assert orders(found)["relative_l2"] == pytest.approx(2, abs=NEAR)


def test_errors_of_linear_elements_are_interpolation_errors(tmp_path):
    found = refine(tones(tmp_path, **LINE | {"reaction": 20}), "fem", start=8, levels=5)
    assert found.spectrum.error == pytest.approx(found.predicted, rel=1e-7)  # Gauss points of degree 15 in eight cells


@pytest.mark.parametrize(
    ("element", "fields", "start"), [("P1", LINE, 8), ("P2", LINE, 8), ("P1", SQUARE, 4), ("Q1", SQUARE, 4), ("P2", SQUARE, 4)]
)
def test_measured_orders_of_elements_agree_with_theory(tmp_path, element, fields, start):
    levels = 5 if fields is LINE else 4
    found = refine(tones(tmp_path, **fields), make_solver("fem", {"element": element}), start=start, levels=levels)
    measured = orders(found)
    for row in found.orders():
        assert row["predicted"] == getattr(found.theory, row["name"], found.theory.mode)
    assert measured["relative_l2"] == pytest.approx(found.theory.relative_l2, abs=0.15)  # 0.05 without the coarsest meshes
    assert measured["relative_h1"] == pytest.approx(found.theory.relative_h1, abs=0.15)
    first = found.mode_names()[0]  # resolved on the coarsest mesh
    assert measured[first] == pytest.approx(found.theory.mode, abs=0.15)


def test_polynomials_converge_faster_than_any_power():
    found = refine("poisson", "ritz-galerkin", levels=6)
    assert all(row["faster_than_any_power"] and row["order"] is None for row in found.orders())
    assert "No orders are predicted" in found.sentence


def test_a_corner_reduces_the_order_on_refinements_of_a_mesh_from_a_file():
    problem = load_problem("l-shape")
    even = refine(problem, "fem", levels=3)
    mesh = problem.domain.mesh
    assert [level.unknowns for level in even.levels] == [mesh.refined(k).nvertices for k in range(3)]
    assert even.axis == "h"
    assert orders(even)["relative_h1"] == pytest.approx(2 / 3, abs=0.02)  # Grisvard: u in H^(5/3)
    assert "not smooth enough" in even.sentence


@pytest.mark.slow
def test_adaptive_refinement_restores_the_order():
    adaptive = refine("l-shape", make_solver("fem", {"refinement": "adaptive"}), levels=9)
    assert adaptive.axis == "unknowns"
    assert [level.size for level in adaptive.levels] == [None] * 9
    assert orders(adaptive)["relative_h1"] == pytest.approx(1, abs=0.15)  # single levels scatter


def test_a_run_with_refinement_agrees_with_separate_runs(tmp_path):
    problem = tones(tmp_path, **SQUARE)
    many = refine(problem, "fem", start=4, levels=3)
    one = refine(problem, make_solver("fem", {"refinement": "uniform"}), start=4, levels=3)
    for a, b in zip(many.levels, one.levels, strict=True):
        assert (a.h, a.unknowns, a.status) == pytest.approx((b.h, b.unknowns, b.status))
        assert (a.relative_l2, a.max_error) == pytest.approx((b.relative_l2, b.max_error))
        assert a.relative_h1 == pytest.approx(b.relative_h1, rel=1e-3)  # at test points on edges the gradient is one-sided
    assert many.spectrum.error == pytest.approx(one.spectrum.error)  # the same equations in another numbering
    assert many.axis == one.axis == "h"


@pytest.mark.parametrize("name", list(SOLVERS))
def test_every_method_supports_refinement_or_names_methods_that_do(name):
    solver = make_solver(name)
    if not isinstance(solver, Refines):
        with pytest.raises(
            IncompatibleError, match=f"{name} does not: use cg, gmres, multigrid, sine, fourier, fem, ritz-galerkin"
        ):
            refine("poisson", name)
        return
    found = refine("circle" if name == "fourier" else "poisson", name, start=8, levels=2)
    assert [level.size for level in found.levels] == [8, 16]
    assert found.option == solver.refines
    assert found.levels[1].relative_l2 < found.levels[0].relative_l2


def test_a_given_size_is_the_size_of_the_first_level():
    assert [level.size for level in refine(line_problem(), make_solver("fem", {"cells": 5}), levels=2).levels] == [5, 10]


@pytest.mark.parametrize(
    ("error", "options"), [(OptionError, {"levels": 1}), (OptionError, {"start": 0}), (OptionError, {"device": "abacus"})]
)
def test_bad_input_is_refused_and_nothing_is_written(tmp_path, error, options):
    with pytest.raises(error):
        refine("poisson", "fem", folder=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_not_changed(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(RunFolderError, match="not empty"):
        refine("poisson", "fem", levels=2, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unconverged_level_is_excluded_from_the_order():
    found = refine("poisson", make_solver("cg", {"steps": 40}), levels=6)
    assert found.status is Status.STEPS
    assert [level.status for level in found.levels[:-1]] == ["converged"] * (len(found.levels) - 1)
    assert len(found.levels) < 6  # finer levels would not converge, either
    whole = refine("poisson", "cg", start=64, levels=4)
    broken = replace(whole, levels=(*whole.levels[:-1], replace(whole.levels[-1], status="steps")))
    assert {row["last_level"] for row in whole.orders()} == {3}
    assert {row["last_level"] for row in broken.orders()} == {2}


def test_a_level_that_needs_too_much_memory_keeps_the_preceding_levels(tmp_path, monkeypatch):
    def small_machine(number, option, bytes_needed):  # noqa: ARG001
        if number > 32:
            raise OptionError(f"`{option}` = {number} would need too much")

    monkeypatch.setattr("pdefreq.solvers.grid_solver.require_memory", small_machine)
    found = refine("poisson", "cg", start=8, levels=5, folder=tmp_path / "out", figures=False)
    assert [level.size for level in found.levels] == [8, 16, 32]
    assert found.refusal == "`intervals` = 64 would need too much"
    assert json.loads((tmp_path / "out/refinement.json").read_text())["refusal"] == found.refusal
    with pytest.raises(OptionError, match="= 64"):
        refine("poisson", "cg", start=64, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_interruption_keeps_the_completed_levels(tmp_path):
    def press_ctrl_c(label, now):  # noqa: ARG001
        if label == "cells 32":
            signal.raise_signal(signal.SIGINT)

    found = refine("poisson", "fem", folder=tmp_path / "out", figures=False, progress=press_ctrl_c)
    assert found.status is Status.INTERRUPTED
    assert found.levels[0].status == "done"
    assert len(found.levels) == 2
    levels = {"cells-16", "cells-32"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == levels | {"study.json", "refinement.csv", "refinement.json"}
    assert refine("poisson", "fem", folder=tmp_path / "out", figures=False).rows()[:1] == found.rows()[:1]  # it continues


def test_the_errors_of_a_problem_without_exact_solution_use_a_reference_solution():
    problem = Problem(domain=Box((0.0,), (1.0,)), source=1.0, boundary=0.0)  # u = x (1 - x) / 2
    found = refine(problem, "fem", start=4, levels=4)
    assert found.reference_error > 0
    assert orders(found)["relative_l2"] == pytest.approx(2, abs=NEAR)


def test_all_results_are_saved_in_the_folder(tmp_path):
    found = refine("poisson", "fem", levels=3, folder=tmp_path / "out")
    out = tmp_path / "out"
    levels = {f"cells-{cells}" for cells in (16, 32, 64)}
    assert {p.name for p in out.iterdir()} == levels | {"study.json", "refinement.csv", "refinement.json", "refinement.png"}
    assert (out / "refinement.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((out / "refinement.json").read_text())
    assert record["levels"] == found.rows()
    assert record["orders"] == found.orders()
    with open(out / "refinement.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(row["mode_2"]) for row in table] == [row["mode_2"] for row in found.rows()]
    assert np.array([row["mode_2"] for row in found.rows()]) == pytest.approx(found.spectrum.error[:, 0])


def test_a_refinement_has_a_notebook_representation():
    page = refine(line_problem(title="A <title>"), "fem", levels=3)._repr_html_()
    assert "<th>order</th>" in page
    assert "Predicted orders" in page
    assert "data:image/png;base64," in page

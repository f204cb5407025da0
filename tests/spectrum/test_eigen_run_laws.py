"""Runs on domains other than boxes have the same reports as runs on boxes."""

import math

import numpy as np
import pytest

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Stop
from pdefreq.domains.ring import Ring
from pdefreq.figures.heatmap import heatmap_figure
from pdefreq.figures.modes import mode_figure
from pdefreq.problem.problem import Problem
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum import eigen
from pdefreq.spectrum.spectral_record import SpectralRecord

NETWORK = {"widths": [6, 6], "number": 64}


@pytest.fixture(autouse=True)
def few_modes(monkeypatch):
    monkeypatch.setattr(eigen, "MOST_MODES", {1: 40, 2: 40, 3: 40})


def network(**options):
    return make_solver("deep-ritz", NETWORK | options)


def test_a_network_on_a_ring_is_watched_in_eigen_modes():
    solution = solve("ring", network(), stop=Stop(steps=5))
    report = solution.spectrum()
    assert report is not None and report.kind == "eigen"
    assert report.bias_index is not None or report.bias_reason
    assert all(row.wavevector is None and len(row.index) == 1 for row in report.rows)
    assert [row.wavenumber for row in report.rows] == sorted(row.wavenumber for row in report.rows)
    for figure in (mode_figure, heatmap_figure):
        assert figure(solution.history).axes


def test_finite_elements_have_an_algebraic_target_and_a_total_error():
    solution = solve("ring", make_solver("fem", {"cells": 16}))
    record = SpectralRecord.of(solution.history)
    assert record.modes.error_kind == "algebraic"
    assert record.error[-1].max() < 1e-9
    assert 0 < record.total[-1].min() < 0.1


def test_methods_on_a_domain_watch_the_same_modes():
    runs = [solve("ring", network(), stop=Stop(steps=1)), solve("ring", make_solver("fem", {"cells": 16}))]
    np.testing.assert_array_equal(*(SpectralRecord.of(run.history).modes.indices for run in runs))


def test_on_a_box_eigen_modes_and_sine_modes_give_the_same_spectrum_of_jacobi():
    """B = -2 and the halving times of sine modes, but no prediction, because there is no theory for eigen modes."""
    solver = make_solver("jacobi", {"intervals": 64})
    runs = {kind: solve("poisson", solver, stop=Stop(steps=300), modes=kind) for kind in ("sine", "eigen")}
    sine, found = (runs[kind].spectrum() for kind in ("sine", "eigen"))
    assert sine is not None and found is not None
    for row in sine.rows[:6]:
        same = min(found.rows, key=lambda other: abs(other.wavenumber - row.wavenumber))
        assert same.wavenumber == pytest.approx(row.wavenumber, rel=1e-4)
        if row.halving_step is not None:
            assert same.halving_step == pytest.approx(row.halving_step, rel=2e-2)  # hat functions between the nodes of the grid
    assert np.isnan(SpectralRecord.of(runs["eigen"].history).prediction.rate).all()


def test_an_interrupted_run_has_the_same_modes_when_resumed(tmp_path):
    whole = solve("ring", network(), stop=Stop(steps=4))
    solve("ring", network(), stop=Stop(steps=4), folder=tmp_path / "run", callback=lambda step, *_: step == 2)
    eigen._basis.cache_clear()  # as in a new process
    again = resume(tmp_path / "run")
    for name in ("mode_error", "mode_error_total", "unwatched_error"):
        np.testing.assert_array_equal(again.history.column(name), whole.history.column(name), err_msg=name)


def test_a_harmonic_solution_has_only_neumann_modes():
    solver = make_solver("fem")
    assert "try --modes neumann" in solve("l-shape", solver).spectrum().sentence
    assert solve("l-shape", solver, modes="neumann").spectrum().rows


def test_box_modes_on_a_ring_are_refused():
    with pytest.raises(IncompatibleError, match=r"sine modes need a box.*eigen"):
        solve("ring", network(), stop=Stop(steps=1), modes="sine")


def test_a_domain_that_cannot_be_meshed_is_solved_without_a_spectrum(monkeypatch):
    def missing(*_):
        raise IncompatibleError("meshing this domain needs gmsh")

    monkeypatch.setattr("pdefreq.domains.meshes.gmsh.write_gmsh", missing)
    of = Problem(domain=Ring((0.0, 0.0, 0.0), 0.9, 1.7), source=1.0, boundary=0.0, exact=lambda x: x.norm(dim=1))
    solution = solve(of, network(), stop=Stop(steps=1))
    assert not solution.spectrum().rows and math.isfinite(solution.error())
    with pytest.raises(IncompatibleError, match="gmsh"):
        solve(of, network(), stop=Stop(steps=1), modes="eigen")

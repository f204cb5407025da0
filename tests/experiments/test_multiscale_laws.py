"""Studies of multiscale networks with few steps: the compared runs are comparable, and all printed values are defined."""

import math

import numpy as np
import pytest
import torch

from pdefreq.core.history import History
from pdefreq.experiments import five_dimensions
from pdefreq.experiments.five_dimensions import CASES as CASES_5D
from pdefreq.experiments.five_dimensions import conditions_and_activations, distance_alone
from pdefreq.experiments.five_dimensions import network as network_5d
from pdefreq.experiments.mscale_2d import ASKED, SCALES, scales_against_none
from pdefreq.experiments.mscale_2d import network as network_2d
from pdefreq.experiments.p_laplacian import CASES, PUBLISHED, STEPS, exponents
from pdefreq.experiments.trials import Trial
from pdefreq.probes import target
from pdefreq.problem.files import load_problem
from pdefreq.runs.solution import Solution
from pdefreq.spectrum.sampling_grid import RECORDED_INTERVALS


@pytest.fixture(autouse=True)
def few_test_points(monkeypatch):
    """The errors of these runs have no meaning, so that they need not be accurate."""
    monkeypatch.setattr(target, "_RANDOM", 500)
    for intervals in (target._CELLS, RECORDED_INTERVALS):
        monkeypatch.setitem(intervals, 1, 200)
        monkeypatch.setitem(intervals, 2, 20)


def rows_of(report):
    (table,) = report.tables.values()
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def lines_of(report):
    (figure,) = report.figures.values()
    figure.draw_without_rendering()
    return [sorted(line.get_gid() for line in axes.lines) for axes in figure.axes]


def test_rel_is_the_square_of_the_relative_error_in_five_dimensions(monkeypatch):
    monkeypatch.setattr(five_dimensions, "POINTS", {"Adam": 100, "Gauss-Newton": 100})
    report = conditions_and_activations(steps=2)
    rows = rows_of(report)
    assert [(row["optimizer"], row["boundary"], row["activation"]) for row in rows[1:]] == list(CASES_5D)
    for row in rows:
        assert row["REL"] == pytest.approx(row["relative L2"] ** 2, rel=1e-14)  # two roundings
    assert rows[1]["unknowns"] == rows[2]["unknowns"] and rows[3]["unknowns"] == rows[4]["unknowns"]
    assert sum("goal" in line and "reached" in line for line in report.findings) == 4
    guide = "guide-boundary built in, constant network"
    assert lines_of(report) == [sorted([guide, *(f"l2-{', '.join(case)}" for case in CASES_5D)])]


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_error_of_a_constant_network_has_a_closed_form(dimension):
    """Comparison with the distance function of the networks by Gauss points, which are exact up to rounding."""
    x = load_problem("poisson-chirp", dimension=dimension).domain.quadrature(30**dimension)  # on (-1, 1)^d
    domain = load_problem("cosine-diffusion:3d").domain if dimension == 3 else None
    t, weights = (x.x + 1) / 2, x.weights
    distance = (4 * t * (1 - t)).prod(dim=1)
    if domain is not None:
        torch.testing.assert_close(domain.distance()(t), distance)
    u = torch.sin(math.pi * t).prod(dim=1)
    constant = (weights @ (distance * u)) / (weights @ distance**2)
    rel = float(weights @ (u - constant * distance) ** 2 / (weights @ u**2))
    assert rel == pytest.approx(distance_alone(dimension), rel=1e-9)  # cancellation: 1e-16 / 1e-3, with a margin
    assert 7e-3 < distance_alone(5) < 7.3e-3


def test_compared_networks_differ_only_in_their_scales_or_activations():
    for name in ASKED:
        one, other = network_2d(name, SCALES), network_2d(name, (1.0,) * len(SCALES))
        assert one != other and one.with_options(scales=(1.0,)) == other.with_options(scales=(1.0,))
        assert one.boundary.is_penalty == (name == "poisson-chirp")  # built-in boundary values would give the solution away
    for boundary in ("penalty", "hard"):
        one, other = network_5d("Adam", boundary, "sin-srelu", 100), network_5d("Adam", boundary, "srelu", 100)
        assert one != other and one.with_options(activation="srelu") == other


@pytest.mark.parametrize("problems", [["poisson-chirp"], pytest.param(list(ASKED), marks=pytest.mark.slow)])
def test_scales_are_compared_at_equal_steps_and_at_equal_times(problems):
    report = scales_against_none(
        problems=problems, steps=12, seeds=2
    )  # the fastest run must outlast the first step of the slowest
    rows = rows_of(report)
    assert [row["problem"] for row in rows[::2]] == problems
    for with_scales, without in zip(rows[::2], rows[1::2], strict=True):
        for column in ("problem", "boundary", "unknowns", "steps", "same seconds"):
            assert with_scales[column] == without[column]
        low, high = map(float, with_scales["lowest to highest"].split(" to "))
        assert low * 0.95 <= with_scales["relative L2"] <= high * 1.05  # printed to two digits
    assert len(report.findings) == len(problems)
    assert lines_of(report) == [["l2-all scales 1", "l2-scales 1 to 32"]] * len(problems)


@pytest.mark.slow
def test_p_laplacian_results_are_listed_with_the_published_values():
    report = exponents(steps=2)
    rows = rows_of(report)
    assert [(row["optimizer"], row["p"], row["epsilon"]) for row in rows] == [(each, *case) for each in STEPS for case in CASES]
    assert {(row["p"], row["epsilon"]): row["REL published"] for row in rows if row["REL published"] != "-"} == PUBLISHED
    for row in rows:
        assert row["REL"] == pytest.approx(row["relative L2"] ** 2, rel=1e-14)
        assert row["energy gap"] > 0  # the minimum is a lower bound if the quadrature error is small
    assert all("not reached" in finding for finding in report.findings[:2])  # after two steps
    assert [len(lines) for lines in lines_of(report)] == [len(CASES) + len(PUBLISHED)] * len(STEPS)


def trial(*histories):
    fields = dict.fromkeys(("target", "label", "solver", "spec", "status", "state", "last_state"))
    return Trial([Solution(**fields, step=100, seconds=1.0, history=history) for history in histories])


def test_errors_between_records_are_interpolated_by_power_laws():
    steps = np.array([0, 1, 7, 50, 100])
    powers = [
        History.from_arrays(
            {"step": steps, "seconds": steps / 10, "relative_l2": (1 + (steps == 0)) * np.maximum(steps, 1.0) ** -q}, {}
        )
        for q in (1, 2)
    ]
    runs = trial(*powers)
    for step in (1, 3, 50, 99, 100):
        np.testing.assert_allclose(runs.errors_at("step", step), [1 / step, 1 / step**2], rtol=1e-13)
        np.testing.assert_allclose(runs.errors_at("seconds", step / 10), [1 / step, 1 / step**2], rtol=1e-13)
    for column, place in (("step", 101), ("seconds", 0.05)):
        with pytest.raises(ValueError, match="no records around"):
            runs.errors_at(column, place)

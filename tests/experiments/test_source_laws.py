"""The experiments of the lecture notes and the slides at small size: published numbers, closed forms and sizes of networks."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.experiments import EXPERIMENTS, run_experiment
from pdefreq.experiments.loss_exponents import report_of as exponents_report
from pdefreq.experiments.mscale_printed import PUBLISHED, Size, mean_square
from pdefreq.experiments.overparameterization import RUNGE_ERROR, Points, polynomial, runge, variation
from pdefreq.experiments.ricker import ROWS, loss_near, target
from pdefreq.experiments.ricker_networks import WIDTHS, notebook_network
from pdefreq.experiments.tones import ToneHistory
from pdefreq.problem.files import load_problem
from pdefreq.solvers.network_methods import regression


def reported(name, **options):
    return run_experiment(name, EXPERIMENTS.load(name), options)


def pictures(name):
    return set(EXPERIMENTS.load(name).__entry__.pictures or (name,))


def test_the_networks_of_the_notebooks_start_at_the_printed_losses():
    """A network of two opposite copies is zero: its loss is the mean square of the data, which the notebooks print."""
    assert target().data.values.square().mean() == pytest.approx(1.497544, abs=5e-7)  # the printed digits
    for row in ROWS.values():
        assert loss_near(row.train(1), 0) == pytest.approx(row.losses[0], rel=3e-6)  # float32, and seven printed digits
    assert loss_near(ROWS["tanh, no ASI"].train(1, seed=1), 0) != pytest.approx(1.624982, rel=1e-3)


@pytest.mark.slow
def test_the_notebooks_end_at_the_printed_losses():
    """Half a minute. 1000 steps of single precision in another order of the sums change the loss by less than the last digit."""
    assert loss_near(ROWS["Ricker, a = 0.1"].train(1000), 1000) == pytest.approx(4e-6, abs=5e-7)  # one printed digit
    assert loss_near(ROWS["Ricker, a = 0.1, no ASI"].train(1000), 1000) == pytest.approx(0.05131, rel=1e-3)


def test_the_networks_of_the_notebooks_are_those_of_the_parts():
    """The difference of two modules, and the part `antisymmetric` without its factor, with the parameters of the module."""
    module = notebook_network(torch.tanh, antisymmetric=True)
    solver = regression().with_options(start="antisymmetric", widths=WIDTHS, activation="tanh", scaling="none")
    state = (
        solver.with_options({"start.normalized": False})
        .prepare(target(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
        .init()
    )
    half = {name: p.detach().double() for name, p in module.plus.named_parameters()}
    other = {name: 0.9 * p for name, p in half.items()}
    c = torch.cat([p.flatten() for each in (half, other) for p in each.values()])
    x = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]
    plus, minus = (torch.func.functional_call(module.plus.double(), each, (x,))[:, 0] for each in (half, other))
    torch.testing.assert_close(state.space.at(x).value(c), plus - minus, rtol=1e-10, atol=1e-12)  # rounding


def test_the_difference_of_the_notebooks_lacks_the_factor_of_the_antisymmetric_initialization():
    network = {}
    for normalized in (False, True):
        solver = regression().with_options(start="antisymmetric", widths=(6,)).with_options({"start.normalized": normalized})
        state = solver.prepare(target(), seed=0, device=torch.device("cpu"), dtype=torch.float64).init()
        x = torch.linspace(-3, 3, 5, dtype=torch.float64)[:, None]
        jacobian = state.space.at(x).jacobian(state.coefficients)
        network[normalized] = jacobian @ jacobian.T
        assert state.space.at(x).value(state.coefficients).abs().max() == 0
    torch.testing.assert_close(network[False], 2 * network[True], rtol=1e-12, atol=0)


def test_runges_polynomials_have_the_textbook_error_and_oscillate():
    exact = runge(np.linspace(-1, 1, 2001))
    assert np.abs(polynomial(11) - exact).max() == pytest.approx(RUNGE_ERROR, abs=0.005)  # the digits of the textbook
    assert variation(polynomial(11)) > 4 * variation(exact)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6))
def test_no_function_through_the_points_varies_less_than_the_polygon(values):
    points = Points(tuple(np.linspace(-1, 1, len(values))), tuple(values))
    assert variation(points.polygon()) <= np.abs(np.diff(values)).sum() + 1e-12  # rounding of the interpolation


def test_the_printed_sizes_have_the_expected_numbers_of_parameters():
    problem = load_problem("poisson-chirp")
    counts = {name: s.network.on(problem.domain).num_coefficients for name, s in Size(1000, 5000, 1).methods(problem).items()}
    plain = (2 + 1) * 1000 + 2 * 1001 * 1000 + 1001
    part = (2 + 1) * 200 + 2 * 201 * 200 + 200
    assert counts == {"normal": plain, "Mscale": 5 * part + 1}
    with pytest.raises(OptionError, match="`width` must be a multiple of 5, the number of sub-networks, got 7"):
        reported("mscale-printed", width=7)


def test_the_error_of_zero_is_the_published_mean_square_of_the_solution():
    # sum sin(15 x_i^2) has the mean square 0.970 in the paper, to three digits; half of sin^2 sin^2 is 1/4 up to the holes
    assert mean_square(load_problem("poisson-chirp")) == pytest.approx(0.970, abs=0.005)
    assert mean_square(load_problem("perforated")) == pytest.approx(0.25, abs=0.01)


def test_weights_of_the_boundary_are_those_of_a_mean():
    """The paper weights a mean over the boundary by 1000; the integral has the factor 1000 |Omega| / |boundary| instead."""
    problem = load_problem("poisson-chirp")
    penalty = Size(5, 20, 1).methods(problem)["normal"].boundary
    assert penalty.beta == pytest.approx(1000 * 4 / 8, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("loss-exponents", {"width": 5, "steps": 2}),
        ("mscale-printed", {"width": 5, "points": 20, "steps": 2}),
        ("overparameterization", {"steps": 2}),
        ("ricker", {"steps": 2}),
        ("training-process", {"steps": 10}),
        pytest.param("surfaces", {"steps": 2}, marks=pytest.mark.slow),
    ],
)
def test_reports_after_few_steps_have_the_pictures_of_their_entries(name, options):
    report = reported(name, **options)
    assert report.findings and report.tables and set(report.figures) == pictures(name)
    with pytest.raises(OptionError, match="`steps` must be at least"):
        reported(name, steps=0)


def test_two_tones_that_are_not_halved_have_no_order():
    ends = {1.0: (0.1, 0.2, 0.4), 2.0: (0.1, 0.2, 0.9), 4.0: (0.1, 0.9, 0.9)}
    runs = {q: ToneHistory(np.array([0, 10]), np.array([[1, 1, 1], end]), np.ones((2, 3))) for q, end in ends.items()}
    findings = exponents_report(runs, steps=10).findings
    assert findings[0].endswith("in the order of their wavenumbers: 1, 2 of 1, 2, 4.")
    assert findings[1] == "Step at which k = 5 is halved over that of k = 1: 1 (q = 1)."


@pytest.mark.slow
def test_a_larger_exponent_of_the_loss_separates_the_frequencies_further():
    """Half a minute. The weight |e|^(q-2) of a point decreases with its error for q > 2, and increases for q < 2."""
    rows = reported("loss-exponents").tables["half-times"].rows
    ratios = [row[4] for row in rows]
    assert ratios == sorted(ratios) and ratios[-1] > 4 * ratios[2]  # measured: 130, 184, 248, 568 and 1398
    assert all(row[1] < row[2] < row[3] for row in rows)


def test_published_errors_are_given_for_both_networks_of_each_problem():
    assert all(set(row) == {"normal", "Mscale"} and all(a > b for a, b in row.values()) for row in PUBLISHED.values())
    assert math.isclose(sum(ROWS["sin"].losses[:1]), 1.497544)

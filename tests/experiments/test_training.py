"""Reproductions of trainings: published numbers of parameters for the settings, and closed forms for the measures."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.core.fields import as_field
from pdefreq.core.options import options_of
from pdefreq.experiments import EXPERIMENTS, hybrid, mscale_6pi, run_experiment, scales
from pdefreq.experiments.training import MeanSquareError, TrainingHistory
from pdefreq.probes.target import Target
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.fem import Fem


def below(problem, beta):
    """Minimizer of the energy with the penalty beta: the Robin condition alpha = 2 beta, flux = 0 (P2 elements)."""
    robin = BoundaryPart("robin", alpha=as_field(2 * beta), flux=as_field(0.0))
    return solve(replace(problem, boundary=(robin,)), Fem(element="P2", cells=400), probes=())


def test_the_floors_of_the_penalties_are_the_errors_of_the_minimizers():
    x = torch.linspace(-1, 1, 2001, dtype=torch.float64)[:, None]
    poisson, high = load_problem("poisson"), load_problem("poisson-6pi")
    assert poisson.exact is not None and high.exact is not None
    error = (below(poisson, hybrid.BETA)(x) - poisson.exact(x)).abs().max()
    assert hybrid.penalty_floor() == pytest.approx(8.976e-3, rel=1e-4)  # the four published digits
    assert float(error) == pytest.approx(hybrid.penalty_floor(), rel=1e-3)  # discretization error h^3
    error = 2 * (below(high, 500.0)(x) - high.exact(x)).square().mean()
    assert float(error) == pytest.approx(mscale_6pi.FLOOR, rel=5e-3)  # the mean over uniform points has an error of 1 / 1000


def test_networks_of_the_stored_run_have_the_published_numbers_of_parameters():
    problem = load_problem("poisson-6pi")
    counts = {name: solver.network.on(problem.domain).num_coefficients for name, solver in mscale_6pi.METHODS.items()}
    # the published network adds the output biases of six subnetworks; here there is one output bias
    assert counts == {"plain": 65_701, "MscaleDNN": 11_706 - 5}


def test_the_error_measure_agrees_with_the_stored_run():
    """Twice the mean of sin^2 6 pi x over 201 points, including both ends, is 200/201; the published plateau is 0.50."""
    assert 2 * MeanSquareError().of_zero(load_problem("poisson-6pi")) == pytest.approx(200 / 201, rel=1e-12)
    # the published value is read from a figure, with two digits
    assert MeanSquareError().of_zero(load_problem("poisson-boltzmann")) == pytest.approx(0.50, abs=0.01)


def test_all_sets_of_scales_define_six_networks_of_equal_size():
    problem = load_problem("poisson-boltzmann")
    assert len({scales.solver(each).network.on(problem.domain).num_coefficients for each in scales.SCALES.values()}) == 1
    assert set(scales.PUBLISHED) == set(scales.SCALES)
    assert all(each == tuple(sorted(each)) and len(each) == 6 for each in scales.SCALES.values())


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=30), st.floats(1e-6, 10))
def test_steps_at_which_an_error_curve_falls_below_a_level(errors, level):
    history = TrainingHistory(np.arange(len(errors)) * 3, np.array(errors))
    first, stays = history.first_below(level), history.stays_below(level)
    assert first == next((3 * i for i, error in enumerate(errors) if error < level), None)
    assert stays == next((3 * i for i in range(len(errors)) if max(errors[i:]) < level), None)
    assert stays is None or (first is not None and first <= stays)


def test_an_error_curve_is_evaluated_at_the_nearest_step_and_not_beyond_its_end():
    history = TrainingHistory(np.array([0, 10, 20]), np.array([3.0, 2.0, 1.0]))
    assert history.near(14) == 2 and history.end == 1 and math.isnan(history.near(21))
    assert history.times(2).near(0) == 6


@pytest.mark.parametrize(
    ("name", "steps"), [("mscale-6pi", "2"), ("scales", "2"), pytest.param("hybrid", "10", marks=pytest.mark.slow)]
)
def test_reports_can_be_created_after_few_steps_and_zero_steps_are_refused(name, steps):
    experiment = EXPERIMENTS.load(name)
    report = run_experiment(name, experiment, {"seeds": "1", "steps": steps})
    assert report.findings and report.tables and set(report.figures) == {name, *(["hybrid-measured"] if name == "hybrid" else [])}
    with pytest.raises(OptionError, match="`seeds` must be at least 1, got 0"):
        experiment(seeds=0)
    with pytest.raises(OptionError, match="`steps` must be at least"):
        experiment(steps=0)
    with pytest.raises(UnknownNameError, match="no option 'sed'"):
        run_experiment(name, experiment, {"sed": 1})


@pytest.mark.parametrize("name", ["f-principle", "five-dimensions", "hybrid", "mscale-2d", "mscale-6pi", "p-laplacian", "scales"])
def test_studies_of_trained_networks_accept_counts_and_state_the_minimum(name):
    experiment, least = EXPERIMENTS.load(name), 10 if name == "hybrid" else 1
    assert {"seeds", "steps"} <= {option.name for option in options_of(experiment)}
    for count in (0, least - 1):
        with pytest.raises(OptionError, match=f"`steps` must be at least {least}, got {count}"):
            run_experiment(name, experiment, {"steps": str(count)})
    with pytest.raises(OptionError, match="`seeds` must be at least 1, got 0"):
        run_experiment(name, experiment, {"seeds": "0"})


def discretization_error(problem):
    """The largest |u_h - u| at the points along a run, with the solution u_h of the difference equations by a dense solver."""
    n = 500
    x = np.linspace(-1, 1, n + 1)
    f = problem.source(torch.from_numpy(x[1:-1, None])).numpy()
    matrix = (2 * np.eye(n - 1) - np.eye(n - 1, k=1) - np.eye(n - 1, k=-1)) * (n / 2) ** 2
    nodal = np.concatenate([[0.0], np.linalg.solve(matrix, f), [0.0]])
    points = Target(problem, problem.exact).recorded_points.x
    return np.abs(np.interp(points[:, 0], x, nodal) - problem.exact(points).numpy()).max()


def test_jacobi_alone_follows_the_published_curve_and_multigrid_ends_at_the_discretization_error():
    problem, methods = load_problem("poisson"), hybrid.solvers(20)
    jacobi = hybrid.Timed.of(problem, methods["Jacobi"][0], 0, 0, 20)
    price = hybrid.price_of_a_sweep(jacobi)
    for second, error in zip(*hybrid.PUBLISHED["Jacobi"], strict=True):
        here = jacobi.errors[np.abs(jacobi.at_price(price) - second).argmin()]
        assert here == pytest.approx(error, rel=0.2)  # read from a figure with a logarithmic axis of four decades
    solver, trained = methods["network, early multigrid"]
    modern = hybrid.Timed.of(problem, solver, 0, trained, 20)
    assert modern.end == pytest.approx(discretization_error(problem), rel=1e-3)  # the iteration ends 1e-3 below it
    assert modern.sweeps[-1] <= 12  # each cycle divides the error by about 20, down to 1e-10 of the load
    assert modern.training.max() == pytest.approx(0.1)


@pytest.mark.slow
def test_the_multiscale_network_learns_the_high_frequency_and_the_plain_network_does_not():
    """Two minutes. The published errors after 4500 steps: 0.0147 and 0.994."""
    report = mscale_6pi.mscale_6pi(seeds=1, steps=4500)
    plain, multiscale = (float(report.tables["mscale-6pi"].rows[-1][i].split()[0]) for i in (2, 4))
    assert plain > 0.98**2 * 200 / 201  # a relative L2 error of 0.98
    assert multiscale < 0.1


@pytest.mark.slow
def test_wide_ranges_of_scales_leave_the_plateau_first():
    """Several minutes: the steps at which the plateau is left, for one seed; published: 0, 500, 750, 1250 and never."""
    report = scales.scales(seeds=1, steps=1500, number=1000)
    left = {row[0]: row[2] for row in report.tables["scales"].rows}
    steps = {name: math.inf if step == "never" else int(step) for name, step in left.items()}
    assert steps["{1, 2, 4, 8, 16, 32}"] < steps["{1, 2, 3, 4, 5, 6}"] < steps["{1, 2, 4}"] < math.inf
    assert steps["{1, 2, 4}"] < steps["{1, 2, 3}"]  # published: 1250
    assert steps["all 1"] == math.inf

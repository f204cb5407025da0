"""A chain is the sequence of its parts."""

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Status, Stop
from pdefreq.runs.solve import solve
from pdefreq.solvers.chain import Chain
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum.spectral_record import SpectralRecord
from tests.toys import Geometric, GeometricResidual, line_problem


def test_a_chain_equals_a_sequence_of_its_parts():
    problem = line_problem()
    first = solve(problem, Geometric(factor=0.9, intervals=8), stop=Stop(steps=6))
    second = solve(problem, Geometric(factor=0.5, intervals=16), stop=Stop(steps=9), guess=first)
    chain = solve(
        problem,
        Chain(Geometric(factor=0.9, intervals=8), Geometric(factor=0.5, intervals=16), hand_over_step=6),
        stop=Stop(steps=15),
    )
    torch.testing.assert_close(chain.state.coefficients, second.state.coefficients, rtol=0, atol=0)
    objective = chain.history.column("objective")
    np.testing.assert_array_equal(objective[:7], first.history.column("objective"))
    np.testing.assert_array_equal(objective[7:], second.history.column("objective")[1:])
    assert set(chain.history.column("unknowns")) == {9, 17}


def test_the_budget_is_the_sum_of_the_steps_with_the_limits_of_the_last_part():
    chain = Chain(Geometric(steps=6), Geometric(steps=9))
    assert (chain.first_steps, chain.budget) == (6, Stop(steps=15))
    assert Chain(Geometric(steps=6), Geometric(steps=9), hand_over_step=2).budget == Stop(steps=11)
    limits = Chain(Geometric(steps=6), make_solver("jacobi", {"steps": 9})).budget
    assert limits == Stop(steps=15, tolerance=make_solver("jacobi").budget.tolerance)


@pytest.mark.parametrize("nest", [lambda a, b, c: Chain(a, Chain(b, c)), lambda a, b, c: Chain(Chain(a, b), c)])
def test_chains_of_chains(nest):
    parts = [Geometric(factor=f, intervals=n, steps=3) for f, n in ((0.9, 4), (0.8, 8), (0.7, 16))]
    nested = solve(line_problem(), nest(*parts))
    assert list(nested.history.column("unknowns")) == [5] * 4 + [9] * 3 + [17] * 3
    assert list(nested.history.column("method")) == [0] * 4 + [1] * 3 + [2] * 3


@pytest.mark.parametrize("first", ["jacobi", "deep-ritz"])
def test_a_chain_stops_like_its_last_method(first):
    """The second method has its own tolerance, also after an energy, which may be negative and below any relative tolerance."""
    options = {"first.widths": [4]} if first == "deep-ritz" else {}
    before = solve(
        "poisson", make_solver(first, {name.removeprefix("first."): value for name, value in options.items()}), stop=Stop(steps=3)
    )
    alone = solve("poisson", "multigrid", guess=before)
    chain = solve("poisson", make_solver(f"{first}+multigrid", {"hand_over_step": 3, **options}))
    assert (chain.status, chain.step) == (alone.status, 3 + alone.step) == (Status.CONVERGED, 3 + alone.step)
    assert chain.history.last("objective") == alone.history.last("objective") <= 1e-10


@pytest.mark.parametrize("intervals", [8, 16])
def test_stopping_criteria_apply_to_the_last_method_from_its_start(intervals):
    """The first method falls below a tenth in four steps and the run goes on; 0.9^21 > 0.1 > 0.9^22, from its first record."""
    chain = Chain(
        Geometric(factor=0.5, intervals=intervals), GeometricResidual(factor=0.9, intervals=16, steps=100), hand_over_step=6
    )
    assert solve(line_problem(), chain, stop=Stop(tolerance=0.1)).step == 6 + 1 + 22
    still = Chain(Geometric(factor=1.0, intervals=intervals), Geometric(factor=0.9, intervals=16), hand_over_step=8)
    assert solve(line_problem(), still, stop=Stop(stagnation=4)).step == 28


def test_a_one_step_method_hands_over_when_it_is_done():
    chain = solve(
        "poisson",
        make_solver("sine+jacobi", {"first.intervals": 64, "second.intervals": 64, "hand_over_step": 10}),
        stop=Stop(steps=5),
    )
    assert list(chain.history.column("unknowns")) == [63] * 2 + [65] * 4


def test_an_impossible_hand_over_is_refused_before_the_first_step():
    with pytest.raises(IncompatibleError, match="take over"):
        solve("poisson", "jacobi+deep-ritz")
    with pytest.raises(OptionError, match="hand_over_step"):
        Chain(Geometric(), Geometric(), hand_over_step=-1)


def test_options_are_passed_to_the_parts_by_name():
    chain = make_solver("jacobi+damped-jacobi", {"first.intervals": "30", "second.omega": "0.5", "hand_over_step": "7"})
    assert isinstance(chain, Chain)
    assert (chain.first.intervals, chain.second.omega, chain.first_steps) == (30, 0.5, 7)


def predicted_and_measured(method, options, steps):
    solution = solve("poisson", make_solver(method, options), stop=Stop(steps=steps))
    record = SpectralRecord.of(solution.history)
    foretold, rows = record.prediction, np.isin(record.step, record.prediction.step)
    return foretold.error[np.isin(foretold.step, record.step)], record.error[rows], foretold, solution


def test_the_predicted_curves_of_a_chain_are_those_of_its_parts_in_sequence():
    """For two relaxations on the same grid they are exact, across the hand-over step; signs after the first part matter."""
    sizes = {"first.intervals": 32, "second.intervals": 32, "hand_over_step": 7}
    predicted, measured, foretold, _ = predicted_and_measured("jacobi+damped-jacobi", sizes, 30)
    assert foretold.step[0] == 0 and len(foretold.step) == 31
    np.testing.assert_allclose(predicted, measured, rtol=1e-9, atol=1e-12)
    assert np.abs(predicted[8] / predicted[7] - predicted[7] / predicted[6]).max() > 0.1  # the methods differ


def test_after_a_network_without_theory_the_second_part_is_predicted():
    """From the first step of Jacobi on, relative to the error measured there, up to the rounding of its sweeps."""
    options = {"first.widths": [5], "first.number": 20, "second.intervals": 64, "hand_over_step": 12}
    predicted, measured, foretold, solution = predicted_and_measured("deep-ritz+jacobi", options, 60)
    assert foretold.step[0] == 13
    np.testing.assert_allclose(predicted, measured, rtol=1e-8, atol=1e-11)
    assert "from the hand-over step 12 on" in solution.spectrum().theory and "no theory for Adam" in solution.spectrum().theory


def test_the_predicted_end_of_a_network_is_the_start_of_the_second_part():
    """The steps are so small that the network stays linear: the difference is of second order, plus the error of 64 intervals."""
    network = {"widths": (200,), "initialization": "ntk", "activation": "sin", "optimizer": "gd", "half_life": None, "number": 40}
    options = {f"first.{k}": v for k, v in (network | {"learning_rate": 1e-4}).items()}
    predicted, measured, foretold, _ = predicted_and_measured(
        "deep-ritz+damped-jacobi", options | {"second.intervals": 64, "hand_over_step": 20}, 60
    )
    assert foretold.step[0] == 0 and len(foretold.step) == 61
    moved = np.abs(measured[20] - measured[0]).max()
    assert moved > 1e-3
    assert np.abs(predicted - measured)[:21].max() < 0.1 * moved
    assert np.abs(predicted - measured)[21:].max() < 0.1 * moved


def test_second_parts_without_theory_for_the_unknown_error_are_refused():
    for method, sentence in (("jacobi+two-grid", "mixes modes"), ("sine+jacobi", "may end before")):
        options = {"first.intervals": 16, "second.intervals": 16, "hand_over_step": 3}
        solution = solve("poisson", make_solver(method, options), stop=Stop(steps=5))
        assert sentence in solution.spectrum().theory

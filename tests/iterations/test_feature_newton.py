import pytest
import torch

from pdefreq.core.history import Status
from pdefreq.domains.box import Box
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.solvers.random_features import RandomFeatures


def run(problem, **options):
    method = RandomFeatures(**options)
    iteration = method.prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    states = [iteration.init()]
    while not states[-1].done:
        states.append(iteration.step(states[-1]))
        assert len(states) < 300
    return iteration, states


def error(iteration, state, problem):
    result = iteration.result_state(state)
    x = problem.domain.quadrature(200).x
    exact = problem.exact(x)
    return float((result.space.at(x).value(result.coefficients) - exact).norm() / exact.norm())


def cubic(size=1.0):
    return Problem(domain=Box((0,), (1,)), nonlinear=f"u**3/{size**2}", exact=f"{size}*(sin(3*x) + x)")


@pytest.mark.parametrize("p", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_the_multiscale_p_laplacian_is_solved_to_rounding(p):
    """Rounding of about a hundred sums of sines; the residual degenerates where u' = 0."""
    problem = load_problem("p-laplacian", p=p)
    iteration, states = run(problem)
    assert iteration.final_status(states[-1]) is Status.DONE
    assert error(iteration, states[-1], problem) < 1e-13


@pytest.mark.parametrize("p", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_a_fast_oscillation_of_the_diffusion_is_resolved_in_one_attempt(p):
    """The strongest wave of the diffusion, 200 pi, is in the first band; the iterates start at the minimizer of the energy."""
    problem = load_problem("p-laplacian", p=p, epsilon=0.01)
    iteration, states = run(problem)
    assert iteration.final_status(states[-1]) is Status.DONE
    assert len(states[-1].memory["sizes"]) == 1
    assert error(iteration, states[-1], problem) < 1e-11  # rounding of 374 sines


@pytest.mark.parametrize(("length", "size"), [(1e2, 1e-3), (1e-2, 1e3)])
def test_an_oscillating_p_laplacian_is_solved_in_any_units(length, size):
    x = f"(x/{length})"
    problem = Problem(
        domain=Box((0,), (length,)), exponent=4, diffusion=f"1/(2 + cos(40*pi*{x}))", exact=f"{size}*({x} + sin(2*{x}))"
    )
    iteration, states = run(problem)
    assert iteration.final_status(states[-1]) is Status.DONE
    assert error(iteration, states[-1], problem) < 1e-11


def test_waves_of_the_source_of_a_semilinear_equation_are_in_the_first_band():
    problem = Problem(domain=Box((0,), (1,)), nonlinear="u**3", exact="sin(50*pi*x) + x")
    iteration, states = run(problem)
    assert iteration.final_status(states[-1]) is Status.DONE
    assert error(iteration, states[-1], problem) < 1e-12


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_a_semilinear_equation_is_solved_to_rounding_for_any_size(size):
    problem = cubic(size)
    iteration, states = run(problem)
    assert iteration.final_status(states[-1]) is Status.DONE
    assert error(iteration, states[-1], problem) < 1e-12


def test_the_objective_is_the_residual_at_held_out_points_and_the_result_is_the_best_attempt():
    iteration, states = run(load_problem("p-laplacian", p=3))
    assert float(iteration.objective(states[0])["residual"]) == 1.0
    final = states[-1]
    residuals = final.memory["residuals"]
    assert float(iteration.objective(final)["residual"]) == pytest.approx(float(residuals[-1]))
    assert iteration.result_state(final).space.num_coefficients == final.memory["sizes"][residuals.argmin()]


def test_a_restored_run_takes_the_same_steps():
    problem = cubic()
    _, states = run(problem, tolerance=1e-30)
    changes = [k for k in range(1, len(states)) if int(states[k].memory["attempt"]) != int(states[k - 1].memory["attempt"])]
    for k in (0, 2, changes[0]):  # the state after a change is the start of the second attempt
        fresh = RandomFeatures(tolerance=1e-30).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
        state = fresh.restore(states[k].coefficients, states[k].memory)
        torch.testing.assert_close(fresh.step(state).coefficients, states[k + 1].coefficients, rtol=0, atol=0)


def test_a_later_attempt_begins_at_the_best_function_so_far():
    """The fit of an analytic function whose attempt reached a residual below 1e-9 is as accurate as that attempt, up to 1e-6."""
    problem = cubic()
    _, states = run(problem, tolerance=1e-30)
    start = next(state for state in states if int(state.memory["attempt"]) == 0)
    assert not start.done
    x = problem.domain.quadrature(200).x
    values = start.space.at(x).value(start.coefficients)
    assert (values - problem.exact(x)).norm() < 1e-6 * problem.exact(x).norm()

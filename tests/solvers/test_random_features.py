"""Laws of the method random-features: exactness, units, moves of the domain, seeds, the check, and refusals."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pdefreq import Box, Problem
from pdefreq.core import devices
from pdefreq.core.announcements import listening
from pdefreq.core.devices import as_device, as_dtype
from pdefreq.core.errors import IncompatibleError, OptionError, TooLargeError
from pdefreq.core.history import Status, Stop
from pdefreq.core.reduce import Reduce, joined
from pdefreq.iterations.defaults import final_status_of, notes_of, result_state_of
from pdefreq.iterations.linear import feature_least_squares
from pdefreq.iterations.linear.feature_least_squares import FeatureLeastSquares
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.trial_space import SpaceField
from pdefreq.spectrum.box_modes import SineModes


def solved(problem, seed=0, dtype="float64", **options):
    """The solution, the status and the notes, without measurements."""
    method = make_solver("random-features", options)
    iteration = method.prepare(problem.blind(), seed=seed, device=as_device("cpu"), dtype=as_dtype(dtype))
    state = iteration.init()
    for _ in range(method.budget.steps or 1):
        state = iteration.step(state)
        if state.done:
            break
    result = result_state_of(iteration, state)
    return SpaceField(result.space, result.coefficients), final_status_of(iteration, state), notes_of(iteration, state)


def error(problem, u):
    x = problem.domain.quadrature(400).x
    exact = problem.exact(x)
    return float((u(x) - exact).norm() / exact.norm())


PLANE = 1e-9  # attempts end when the residual at held-out points is below 1e-9 of the data; it exceeds the error here
WAVE = "sin(2*pi*x) + sin(9*pi*x)/10 + x/3"
CASES = {
    "1-D": Problem(domain=Box((0,), (1,)), exact=WAVE),
    "variable coefficients": Problem(
        domain=Box((0,), (1,)), exact=WAVE, diffusion="1 + x/2", convection=["3*x"], reaction="exp(x)"
    ),
    "negative reaction": Problem(domain=Box((0,), (1,)), exact=WAVE, reaction=-200),
}


@pytest.mark.parametrize("name", CASES)
def test_smooth_solutions_are_found_to_rounding(name):
    """The floor is 1e-15 times the coefficients and the condition of the equation, which is below 1e3 here."""
    u, status, _ = solved(CASES[name])
    assert error(CASES[name], u) < 1e-11
    assert status is Status.DONE


@pytest.mark.parametrize("seed", range(5))
def test_seeds_do_not_matter(seed):
    assert error(CASES["1-D"], solved(CASES["1-D"], seed)[0]) < 1e-12


def test_fluxes_on_the_boundary_determine_the_solution():
    fixed = BoundaryPart("dirichlet", name="x-min", value=load("0"))
    flux = BoundaryPart("robin", name="x-max", alpha=load("2"), flux=load("5*cos(5) + 2*sin(5)"))
    problem = Problem(domain=Box((0,), (1,)), exact="sin(5*x)", boundary=(fixed, flux))
    assert error(problem, solved(problem)[0]) < 1e-11


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 1.0, 1e3, 1e6, 1e8])
def test_prescribed_values_and_fluxes_are_limits_of_robin_conditions(alpha):
    """With alpha = 0 a flux is prescribed, and with large alpha the value; the condition of the equation is below 1e3 for all."""
    fixed = BoundaryPart("dirichlet", name="x-min", value=load("1"))
    mixed = BoundaryPart("robin", name="x-max", alpha=load(repr(alpha)), flux=load(f"5*cos(5) + {alpha}*(sin(5) - 1)"))
    problem = Problem(domain=Box((0,), (1,)), exact="sin(5*x) + cos(7*pi*x)", boundary=(fixed, mixed))
    assert error(problem, solved(problem)[0]) < 1e-11


WAVY = {
    "diffusion": {"diffusion": "1 + 0.02*sin(40*pi*x)"},
    "convection": {"convection": ["10*(1 + sin(60*pi*x))"]},
    "reaction": {"reaction": "100*(1 + sin(60*pi*x))"},
    "matrix": {"diffusion": [["2 + 0.1*cos(30*pi*x)"]]},
}


@pytest.mark.parametrize("name", WAVY)
def test_waves_of_coefficients_that_are_not_in_the_solution_are_no_obstacle(name):
    problem = Problem(domain=Box((0,), (1,)), exact=WAVE, **WAVY[name])
    u, status, notes = solved(problem)
    assert error(problem, u) < 1e-11 and status is Status.DONE
    assert "the coefficients contain waves up to" in notes[0]


@pytest.mark.parametrize("source", ["1", "sin(pi*x)"])
def test_waves_of_the_solution_that_come_from_the_diffusion_alone_are_resolved(source):
    """The flux is C - F with F' = f, and u is the integral of flux / a, here by 40 Gauss points in each of 200 intervals."""
    problem = Problem(domain=Box((0,), (1,)), source=source, boundary=0.0, diffusion="1 + 0.2*sin(40*pi*x)")
    u, status, _ = solved(problem)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    ends = np.linspace(0, 1, 201)
    x = ends[:-1, None] + (nodes + 1) / 400
    a, load = 1 + 0.2 * np.sin(40 * math.pi * x), x if source == "1" else (1 - np.cos(math.pi * x)) / math.pi
    one, of_load = (((each / a) @ weights / 400).cumsum() for each in (np.ones_like(x), load))
    exact = torch.from_numpy(of_load[-1] / one[-1] * one - of_load)
    found = u(torch.from_numpy(ends[1:, None]))
    assert status is Status.DONE
    assert float((found - exact).norm() / exact.norm()) < 1e-10  # the run ends at a relative residual of 1e-9 or less


def test_a_weak_tone_of_the_source_is_resolved():
    """Its amplitude in u is 1e-4, below the amplitude of occupied wavenumbers."""
    problem = Problem(domain=Box((0,), (1,)), exact="sin(pi*x) + 0.0001*sin(60*pi*x)")
    u, status, _ = solved(problem)
    assert error(problem, u) < 1e-12 and status is Status.DONE


@pytest.mark.slow
def test_grids_of_points_resolve_waves_that_are_much_shorter_along_one_axis():
    """Bands reach 88 half waves along x. A square grid with a few points for each feature is too coarse: the error was 3e-6."""
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="sin(3*x + y)", diffusion="1 + 0.3*sin(20*pi*x)")
    assert error(problem, solved(problem)[0]) < 1e-11


def load(text):
    from pdefreq.problem.coefficient_reader import CoefficientReader

    return CoefficientReader(1, {}, ((0.0,), (1.0,)))(text, "value")


@pytest.mark.slow
def test_a_matrix_that_varies_in_the_plane():
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="sin(2*pi*x + y)*cos(3*y)", diffusion=[["2", "x/2"], ["x/2", "1 + y"]])
    assert error(problem, solved(problem)[0]) < PLANE


@pytest.mark.slow
def test_a_tone_that_is_in_the_boundary_values_only_is_resolved():
    """A harmonic function: f is zero, and its wavenumber 20 is seen in the boundary values alone."""
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="exp(20*(x-1))*sin(20*y)", source=0)
    assert error(problem, solved(problem)[0]) < PLANE


@pytest.mark.parametrize("length", [1e-3, 1e3])
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_units_do_not_matter(length, size):
    problem = Problem(domain=Box((0,), (length,)), exact=f"{size}*sin(7*pi*x/{length}) + {size}*x/{length}")
    u, status, _ = solved(problem)
    assert error(problem, u) < 1e-11 and status is Status.DONE


def test_a_moved_domain_has_the_moved_solution():
    problem = Problem(domain=Box((100,), (101,)), exact="sin(2*pi*(x-100)) + (x-100)/3")
    assert error(problem, solved(problem)[0]) < 1e-11


def test_exchanged_axes_give_solutions_of_the_same_accuracy():
    one = Problem(domain=Box((0, 0), (2, 1)), exact="sin(3*pi*x)*cos(2*y)")
    two = Problem(domain=Box((0, 0), (1, 2)), exact="sin(3*pi*y)*cos(2*x)")
    assert max(error(problem, solved(problem)[0]) for problem in (one, two)) < PLANE


def test_equal_seeds_give_equal_coefficients_and_other_seeds_other_ones():
    problem = CASES["1-D"]
    one, two, other = (solved(problem, seed)[0].coefficients for seed in (0, 0, 1))
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_periodic_problems_use_periodic_waves():
    problem = load_problem("circle")
    u, status, _ = solved(problem)
    assert error(problem, u) < 1e-13 and status is Status.DONE  # the solution is in the space
    ends = torch.tensor([[0.0], [2 * math.pi]], dtype=torch.float64)
    torch.testing.assert_close(u(ends)[0], u(ends)[1], rtol=0, atol=1e-13)


def test_noise_in_the_source_is_reported():
    def rough(x):
        return torch.sin(1e5 * x[:, 0] ** 2 + 1e4 * x[:, 0])

    problem = Problem(domain=Box((0,), (1,)), source=rough, boundary=0.0)
    _, status, notes = solved(problem)
    assert status is Status.UNRESOLVED and status.exit_code
    assert "held-out" in " ".join(notes)


@pytest.mark.parametrize(("reaction", "singular"), [("-9*pi**2", True), ("-9.0001*pi**2", False), ("-300", False)])
def test_a_resonance_is_reported_although_the_residual_is_small(reaction, singular):
    """sin(3 pi x) is a solution without data if the reaction is -9 pi^2, so that u is not unique."""
    _, status, notes = solved(Problem(domain=Box((0,), (1,)), exact="sin(2*x)", reaction=reaction))
    assert (status is Status.UNRESOLVED) == singular
    assert ("u is not unique" in notes[-1]) == singular


@pytest.mark.parametrize(("residual", "status"), [(1e-8, Status.DONE), (1e-3, Status.UNRESOLVED)])
def test_a_residual_that_stagnates_is_no_failure_if_it_is_small_and_the_solution_is_settled(monkeypatch, residual, status):
    """The residual is replaced by a floor above the tolerance 1e-9; u itself is accurate to rounding in all attempts."""
    monkeypatch.setattr(FeatureLeastSquares, "_relative_residual", lambda *_: residual)
    assert solved(CASES["1-D"])[1] is status


@pytest.mark.parametrize(
    ("residuals", "attempts"),
    [
        ([1e-3, 9.9e-4, 1e-10], 2),  # about 1e5 functions would be needed
        ([1e-3, 1e-5, 1e-10], 3),
        ([0.9, 0.89, 1e-10], 3),  # a large residual is not extrapolated
    ],
)
def test_a_residual_that_decreases_too_slowly_ends_the_run(monkeypatch, residuals, attempts):
    left = iter(residuals)
    monkeypatch.setattr(FeatureLeastSquares, "_relative_residual", lambda *_: next(left))
    monkeypatch.setattr(FeatureLeastSquares, "_is_settled", lambda *_: False)
    status = solved(CASES["1-D"])[1]
    assert len([*left]) == len(residuals) - attempts
    assert status is (Status.DONE if attempts == len(residuals) else Status.UNRESOLVED)


@pytest.mark.parametrize("accuracy", [1e-4, 1e-7, None])
def test_a_large_problem_ends_when_the_estimated_error_is_small(monkeypatch, accuracy):
    """The estimate is that of a smaller space, so that the error is not larger."""
    monkeypatch.setattr(feature_least_squares, "_CHEAP", 0)
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="exp(2*x)*sin(7*y)")
    u, status, notes = solved(problem, bandwidth=7, accuracy=accuracy)
    estimates = [float(note.split(" is ")[1].rstrip(".")) for note in notes if "estimated from nested" in note]
    assert bool(estimates) == (accuracy is not None)
    assert status is Status.DONE
    assert all(error(problem, u) <= estimate <= accuracy for estimate in estimates)


@pytest.mark.parametrize(("number", "status"), [(20, Status.UNRESOLVED), (120, Status.DONE)])
def test_one_attempt_with_a_given_number_is_judged(number, status):
    assert solved(CASES["1-D"], number=number)[1] is status
    assert solved(CASES["1-D"], number=number, tolerance=None)[1] is Status.DONE


def test_the_choice_and_its_reason_are_printed():
    *_, notes = solved(CASES["1-D"])
    told = " ".join(notes)
    assert "wavenumbers up to" in told and "features" in told and "held-out" in told


def test_long_steps_are_announced(monkeypatch):
    """The limit of 3 s is replaced by zero."""
    monkeypatch.setattr(feature_least_squares, "_LONG", 0.0)
    said = []
    with listening(said.append):
        u, *_ = solved(CASES["1-D"])
    assert said[0].startswith(f"solving a least-squares problem with {u.space.num_coefficients} features and ")


def test_a_regression_is_refused():
    with pytest.raises(
        IncompatibleError, match="random-features needs a differential equation, and this problem is a regression"
    ):
        solved(load_problem("tones-known"))


def test_a_coefficient_that_jumps_is_refused():
    problem = Problem(domain=Box((0,), (1,)), source=1, boundary=0.0, diffusion="where(x < 0.5, 1, 10)")
    with pytest.raises(IncompatibleError, match=r"random-features needs .* jumps"):
        solved(problem)


@pytest.mark.parametrize("options", [{"number": 0}, {"bandwidth": -1}, {"tolerance": 0}, {"bandwidth": [1, 2]}])
def test_options_outside_their_range_are_refused(options):
    with pytest.raises(OptionError):
        solved(CASES["1-D"], **options)


def test_a_run_ends_with_its_status_and_can_be_evaluated():
    solution = solve(replace(CASES["1-D"], name="line"), "random-features", stop=Stop(steps=8))
    assert solution.status is Status.DONE
    assert solution.error() < 1e-11


@pytest.mark.parametrize("name", CASES)
def test_sketched_rows_lead_to_the_solution_of_all_rows(name):
    assert error(CASES[name], solved(CASES[name], solve="sketched")[0]) < 1e-11


@pytest.mark.parametrize("number", [120, 400])
@pytest.mark.parametrize("solve", ["qr", "sketched"])
def test_more_functions_than_needed_do_not_increase_the_rounding_errors_of_float32(number, solve):
    """The rounding error of u is 1e-7. With the ridge of float64 the errors were 3e-6 and 4e-5, and the coefficients 10 and 72."""
    problem = load_problem("poisson")
    u, *_ = solved(problem, dtype="float32", number=number, tolerance=None, solve=solve)
    x = problem.domain.quadrature(400).x
    exact = problem.exact(x)
    assert float((u(x.float()) - exact).norm() / exact.norm()) < 2e-6
    assert float(u.coefficients.norm()) < 1  # 0.27 and 0.16 in float64


@pytest.mark.parametrize("name", CASES)
def test_a_solution_that_is_accurate_to_the_rounding_of_float32_is_resolved(name):
    """Second derivatives have larger rounding errors than u, and residuals of 1e-9 are out of reach."""
    u, status, _ = solved(CASES[name], dtype="float32")
    x = CASES[name].domain.quadrature(400).x
    exact = CASES[name].exact(x)
    assert status is Status.DONE
    assert float((u(x.float()) - exact).norm() / exact.norm()) < 1e-5


@pytest.mark.parametrize(("memory", "rows"), [(2**40, "factorized"), (30e6, "stored"), (20e6, "computed")])
def test_rows_that_do_not_fit_into_the_memory_are_sketched(monkeypatch, memory, rows):
    """700 functions: a factorization of their rows takes 42 MB, a sketch 16 MB, and the rows beside it 10 MB."""
    monkeypatch.setattr(devices, "_memory", lambda *_: int(memory))
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="sin(3*pi*x)*sin(4*pi*y) + x*y")
    method = make_solver("random-features", {"number": 700, "bandwidth": 14})
    iteration = method.prepare(problem.blind(), seed=0, device=as_device("cpu"), dtype=as_dtype("float64"))
    state = iteration.step(iteration.init())
    assert iteration._at(0).rows == rows
    assert error(problem, SpaceField(state.space, state.coefficients)) < 1e-9


@pytest.mark.parametrize("solve", ["auto", "sketched"])
@pytest.mark.parametrize(("size", "here", "least"), [(2, 1, 31.36e6), (2, 2, 62.72e6), (4, 4, 156.8e6)])
def test_several_processes_need_the_memory_of_the_factorization_that_they_share(monkeypatch, solve, size, here, least):
    """700 functions: each of two processes has 8 matrices of 3.92 MB, more than its rows three times. A sketch needs 16 MB.

    The processes of one machine share its memory.
    """
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="sin(3*pi*x)*sin(4*pi*y) + x*y")
    method = make_solver("random-features", {"number": 700, "bandwidth": 14, "singular": None, "solve": solve})
    for memory in (0.99 * least, 1.01 * least):
        monkeypatch.setattr(devices, "_memory", lambda *_, memory=memory: int(memory))
        with joined(Reduce(0, size, here)):
            iteration = method.prepare(problem.blind(), seed=0, device=as_device("cpu"), dtype=as_dtype("float64"))
            if memory < least:
                with pytest.raises(TooLargeError, match=r"`number` = 700 would need .* or fewer processes"):
                    iteration.init()
            else:
                assert iteration._at(0).rows == "factorized"


def test_a_run_ends_before_an_attempt_that_does_not_fit_into_the_memory(monkeypatch):
    """The sketch of the first attempt fits, and that of the second one, which has more functions, does not."""
    u, *_ = solved(CASES["1-D"], number=None, tolerance=None)
    first = u.space.num_coefficients
    monkeypatch.setattr(devices, "_memory", lambda *_: int(33 * first**2))
    u, status, notes = solved(CASES["1-D"], tolerance=1e-30)
    assert u.space.num_coefficients == first and status is Status.UNRESOLVED
    assert "number of attempts: 1" in " ".join(notes) and error(CASES["1-D"], u) < 1e-6


def test_sketched_rows_need_a_linear_equation():
    problem = Problem(domain=Box((0,), (1,)), exact=WAVE, nonlinear="u**3")
    with pytest.raises(IncompatibleError, match="`solve` = sketched needs a linear equation"):
        solved(problem, solve="sketched")


def test_newton_steps_have_no_certificate():
    """The factorization of an attempt is that of a linear equation."""
    problem = Problem(domain=Box((0,), (1,)), exact="sin(pi*x)", nonlinear="u**3")
    method = make_solver("random-features", {})
    iteration = method.prepare(problem.blind(), seed=0, device=as_device("cpu"), dtype=as_dtype("float64"))
    state = iteration.init()
    while not state.done:
        state = iteration.step(state)
    assert iteration.certificate(state, SineModes(problem.domain, np.array([[1], [2]]))) is None


def test_more_plain_waves_reduce_the_error_at_a_reentrant_corner():
    """r^(2/3) sin(2 theta / 3): best approximations in L2 have errors of order R^(-5/3), and the weighted residual of order R^(-2/3).

    The bandwidth R is doubled. The measured order is 1.6, and without the weights 1.1.
    """
    problem = load_problem("l-shape")
    errors = [
        error(problem, solved(problem, singular=None, tolerance=None, bandwidth=r, number=n)[0])
        for r, n in ((5, 100), (10, 400), (20, 1000))
    ]
    assert errors[1] < errors[0] / 2 ** (4 / 3) and errors[2] < errors[1] / 2 ** (4 / 3)


@pytest.mark.parametrize("singular", [None, "default"])
def test_points_at_a_reentrant_corner_have_the_weights_of_the_domain(singular):
    """The weights of the residual near the corner are no quadrature weights, by which the source is judged."""
    problem = load_problem("l-shape")
    options = {"number": 100, "bandwidth": 5} | ({"singular": None} if singular is None else {})
    iteration = make_solver("random-features", options).prepare(
        problem.blind(), seed=0, device=as_device("cpu"), dtype=as_dtype("float64")
    )
    assert float(iteration.quadrature(iteration.init()).weights.sum()) == pytest.approx(problem.domain.measure, rel=1e-12)


def test_a_residual_in_a_negative_norm_has_no_weights_at_corners():
    """In H^-1 the residual is finite without weights: errors are smaller with them only in L2."""
    problem = load_problem("l-shape")
    found = solved(problem, singular=None, tolerance=None, bandwidth=9, number=324, metric="h-1")[0]
    assert error(problem, found) < 1e-2  # 5e-3; with weights 3e-2


def test_a_corner_whose_functions_are_excluded_counts_as_one_without_functions():
    """The first exponent at an angle of 3 pi / 2 is 2/3."""
    problem, errors = load_problem("l-shape"), []
    for without in ({"singular": None}, {"singular.corners": 0.5}):
        found = solved(problem, **without, tolerance=None, bandwidth=5, number=100)[0]
        errors.append(error(problem, found))
    assert errors[0] == errors[1]

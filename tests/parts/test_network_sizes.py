"""The default network of `gauss-newton` follows from the estimated spectrum of the solution."""

import pytest
import torch

from pdefreq import Box, Problem, Stop, load_problem, make_solver, resume, solve
from pdefreq.core.errors import OptionError
from pdefreq.parts.boundary import Hard, Penalty
from pdefreq.parts.losses import Residual, Ritz
from pdefreq.parts.network_sizes import UNINFORMED, suggested
from pdefreq.parts.points import Gauss, Sobol
from pdefreq.solvers.network_methods import gauss_newton, pinn
from pdefreq.spectrum.data_spectrum import SpectralData

UNIT = Box((0.0,), (1.0,))


def waves(*wavenumbers):
    return Problem(domain=UNIT, exact=" + ".join(f"sin({k}*pi*x)" for k in wavenumbers), boundary="0")


def chosen(problem):
    return gauss_newton().resolved(problem, Stop())


@pytest.mark.parametrize("number", [3, 5, 8])
def test_pure_tones_in_1d_get_five_units_per_wave(number):
    found = suggested(SpectralData(waves(*range(2, 2 + number))))
    assert found.widths == (5 * number,)
    assert found.initialization == "spectrum"


def test_two_tones_get_the_least_width():
    assert suggested(SpectralData(load_problem("poisson-tones"))).widths == (12,)


def test_four_tones_in_2d_get_one_layer():
    # sin(w pi x) sin(w pi y) is the sum of two plane waves (up to sign): eight waves for four tones
    found = suggested(SpectralData(load_problem("poisson-tones:2d")))
    assert found.widths == (40,)
    assert found.initialization == "spectrum"
    assert found.reason.endswith("consists of 8 waves")


def test_a_chirp_in_2d_gets_two_layers():
    found = suggested(SpectralData(load_problem("poisson-chirp")))
    assert found.widths == (24, 24)
    assert found.initialization == "spectrum"
    assert found.reason.endswith("is continuous")


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (lambda: Problem(domain=UNIT, source="sin(pi*x)", boundary="0"), "the data do not determine"),
        (lambda: load_problem("torsion"), "the data do not determine"),
        (lambda: load_problem("p-laplacian"), "coefficients depend on u"),
        (lambda: load_problem("p-laplacian", p=5), "coefficients depend on u"),
        (lambda: load_problem("circle"), "not periodic"),
        (lambda: load_problem("tones"), "not estimated for a fit"),
    ],
)
def test_without_information_the_network_has_two_layers(problem, reason):
    found = suggested(SpectralData(problem()))
    assert found[:2] == (UNINFORMED, "siren(10)")
    assert reason in found.reason


def test_widths_that_are_given_are_kept():
    asked = gauss_newton().with_options(widths=(7,))
    network = asked.resolved(waves(2, 9), Stop()).network
    assert (network.widths, network.initialization) == ((7,), "siren(10)")


@pytest.mark.parametrize("problem", ["four-discs", "multiscale-2d"])
def test_waves_that_do_not_satisfy_the_problem_are_not_used(problem):
    # values of 1 on the discs beside 0.2 outside; a diffusion coefficient with three scales
    found = suggested(SpectralData(load_problem(problem).blind()))
    assert found[:2] == ((30, 30), "siren(10)")
    assert found.reason.startswith("no combination of the waves")


def test_the_initial_wavenumber_of_a_local_network_follows_the_side():
    # 20 / side in the units in which the network is trained: sides of 1 and of 2
    assert suggested(SpectralData(load_problem("harmonic-holes"))).initialization == "siren(20)"
    assert suggested(SpectralData(load_problem("four-discs"))).initialization == "siren(10)"


def test_values_around_holes_are_imposed_by_penalty_terms():
    assert isinstance(chosen(load_problem("harmonic-holes")).boundary, Penalty)
    assert isinstance(gauss_newton().with_options(loss="ritz").resolved(load_problem("harmonic-holes"), Stop()).boundary, Hard)


@pytest.mark.parametrize(
    "options", [{"activation": "tanh"}, {"loss": "ritz"}, {"initialization": "glorot"}], ids=["tanh", "ritz", "glorot"]
)
def test_only_sines_for_a_residual_follow_the_spectrum(options):
    network = gauss_newton().with_options(**options).resolved(waves(2, 9), Stop()).network
    assert network.widths == UNINFORMED
    assert network.initialization == options.get("initialization", "siren(10)")


def test_the_choice_does_not_depend_on_the_exact_solution():
    problem = load_problem("poisson-tones")
    assert chosen(problem.blind()) == chosen(problem)


def test_the_choice_is_that_of_the_scaled_problem():
    def scaled(length, factor):
        return Problem(domain=Box((0.0,), (length,)), source=f"{factor}*sin(9*pi*x/{length})", boundary="0")

    assert {suggested(SpectralData(scaled(length, factor))) for length in (1e-3, 1.0, 1e3) for factor in (1e-6, 1.0, 1e6)} == {
        suggested(SpectralData(scaled(1.0, 1.0)))
    }


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (lambda: load_problem("poisson-tones"), ("widths=[12]", "initialization=spectrum", "boundary=penalty")),
        (lambda: load_problem("p-laplacian"), ("loss=ritz", "widths=[20,20]", "initialization=siren(10)", "boundary=hard")),
        (lambda: load_problem("circle"), ("widths=[20,20]", "initialization=siren(10)")),
    ],
    ids=["tones", "p-laplacian", "periodic"],
)
def test_notes_tell_the_choice(problem, told):
    run = solve(problem(), "gauss-newton", stop=Stop(steps=1), seed=0)
    assert len([note for note in run.all_notes if "were chosen" in note]) == 1
    boundary = [note for note in run.all_notes if note.startswith("boundary=auto chose")]
    assert len(boundary) == any("boundary" in part for part in told)
    assert all(part in " ".join(run.all_notes) for part in told)


def test_a_given_network_and_boundary_are_not_told_as_chosen():
    run = solve(waves(2), "gauss-newton:widths=[5],boundary=hard", stop=Stop(steps=1), seed=0)
    assert not any("chosen" in note for note in run.all_notes)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    problem = waves(2, 9)
    whole = solve(problem, "gauss-newton", stop=Stop(steps=6), seed=0)
    solve(problem, "gauss-newton", stop=Stop(steps=3), seed=0, folder=tmp_path / "run")
    again = resume(tmp_path / "run", stop=Stop(steps=6))
    x = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)[:, None]
    assert torch.equal(again(x), whole(x))


def test_values_are_built_in_unless_the_network_begins_with_waves():
    assert isinstance(chosen(waves(2, 9)).boundary, Penalty)
    assert chosen(waves(2, 9)).boundary.beta == 5e4
    assert isinstance(chosen(waves(1)).boundary, Hard)
    assert isinstance(gauss_newton().with_options(loss="ritz").resolved(waves(2), Stop()).boundary, Hard)


def test_a_treatment_that_is_given_is_kept():
    asked = make_solver("gauss-newton:boundary=hard").resolved(waves(2), Stop())
    assert isinstance(asked.boundary, Hard)
    assert make_solver("gauss-newton:boundary=penalty,beta=7").resolved(waves(2), Stop()).boundary.beta == 7


@pytest.mark.parametrize(
    ("method", "beta"), [("gauss-newton", 5e4), ("gauss-newton:loss=ritz", 500), ("pinn", 500), ("deep-ritz", 500)]
)
def test_the_penalty_parameter_is_large_for_residuals_with_gauss_newton(method, beta):
    method = make_solver(method, {"boundary": "penalty"})
    assert method.resolved(waves(2), Stop()).boundary.beta == beta


def test_points_follow_the_number_of_parameters():
    # 24 (2 + 1) + 24 (24 + 1) + (24 + 1) = 697 parameters, 2.6 points for each; a quarter of them on the boundary
    method = chosen(load_problem("poisson-chirp"))
    assert method.points.number == 1813
    assert method.boundary.number == 453


def test_residuals_around_holes_get_scattered_points_that_stay_the_same():
    # 30 (2 + 1) + 30 (30 + 1) + (30 + 1) = 1051 parameters, 2.6 points for each; a quarter of them on the boundary
    method = chosen(load_problem("harmonic-holes"))
    assert method.points == Sobol(number=2733, resample_every=None)
    assert method.points.is_fixed
    assert method.boundary.number == 683


def test_gauss_points_between_holes_get_three_times_the_number():
    problem = load_problem("harmonic-holes")
    for options in ({"points": "gauss", "widths": (20, 20)}, {"loss": "ritz"}):
        assert gauss_newton().with_options(**options).resolved(problem, Stop()).points == Gauss(number=3 * 1600)


def test_methods_with_many_points_keep_gauss_points_around_holes():
    assert pinn().resolved(load_problem("harmonic-holes"), Stop()).points == Gauss(number=19600)


def test_the_points_of_large_networks_are_bounded():
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), source="1", boundary="0")
    number = {w: gauss_newton().with_options(widths=(w, w)).resolved(problem, Stop()).points.number for w in (5, 40, 1000)}
    assert number == {5: 1600, 40: 4683, 1000: 6400}  # 40 * 3 + 40 * 41 + 41 = 1801 parameters


def test_points_that_are_given_are_kept():
    assert gauss_newton().with_options(number=50).resolved(load_problem("harmonic-holes"), Stop()).points.number == 50


@pytest.mark.parametrize(
    ("problem", "options", "loss"),
    [
        ("p-laplacian", {}, Ritz()),
        ("p-laplacian", {"weights": {"energy": 2.0}}, Ritz(weights={"energy": 2.0})),
        ("p-laplacian", {"metric": "h-1"}, Residual(metric="h-1")),
        ("p-laplacian", {"loss": "residual"}, Residual()),
        ("p-laplacian-smooth-2d", {}, Ritz()),
        ("poisson", {}, Residual()),
        ("bratu", {}, Residual()),
    ],
)
def test_the_energy_is_minimized_if_second_order_coefficients_depend_on_u(problem, options, loss):
    assert gauss_newton().with_options(**options).resolved(load_problem(problem), Stop()).loss == loss


def test_without_an_energy_the_residual_is_minimized():
    problem = Problem(domain=UNIT, exponent=3, convection=(1.0,), source="1", boundary="0")
    assert chosen(problem).loss == Residual()


def test_methods_named_after_a_loss_refuse_the_one_that_chooses():
    with pytest.raises(OptionError, match="`loss` must be residual here, got auto"):
        make_solver("pinn:loss=auto")


def test_the_error_of_the_p_laplacian_by_default():
    # With the residual the error is 1 to 2, since the equation degenerates where u' = 0.
    assert solve(load_problem("p-laplacian"), "gauss-newton", stop=Stop(steps=40), seed=0, predict=False).error() < 1e-2

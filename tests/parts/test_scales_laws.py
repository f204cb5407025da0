"""Scales and frequencies that the spectrum of the data determines."""

import math

import pytest
import torch

from pdefreq import Box, Problem, Stop, load_problem, make_solver, solve
from pdefreq.core.errors import OptionError
from pdefreq.domains.frame import Frame
from pdefreq.parts.inputs import Fourier
from pdefreq.parts.mscale import Mscale
from pdefreq.parts.networks import Mlp
from pdefreq.runs.spec import solver_from_json, solver_to_json
from pdefreq.spectrum.data_spectrum import SpectralData


def tone(k, length=1.0):
    return Problem(domain=Box((0.0,), (length,)), source=f"sin({k}*pi*x/{length})", boundary="0")


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("k", [1, 5, 100])
def test_scales_are_the_powers_of_two_up_to_the_largest_wavenumber_in_any_units(k, length):
    problem = tone(k, length)
    network, told = Mscale(scales="auto").settled(SpectralData(problem), Frame.of(problem.domain))
    *_, before, last = network.scales
    assert network.scales == tuple(2.0**j for j in range(len(network.scales)))
    assert before < k * math.pi <= last
    assert "scales=auto chose 1, 2, 4" in told
    assert f"wavenumbers up to {k} " in told


def test_a_periodic_input_has_scales_in_units_of_its_harmonics():
    problem = load_problem("circle")  # the largest wavenumber is the harmonic 16
    network = Mscale(scales="auto").resolved(problem.periodic_axes)
    assert network.settled(SpectralData(problem), Frame.of(problem.domain))[0].scales == (1.0, 2.0, 4.0, 8.0, 16.0)


def test_two_standard_deviations_of_fourier_features_reach_the_largest_wavenumber():
    problem = tone(30)
    features, told = Fourier(std="auto").settled(SpectralData(problem), Frame.identity(1))
    assert features.std == pytest.approx(15 * math.pi, rel=1e-12)
    assert told.startswith("std=auto chose 47.1, since")
    network, told = Mlp(input=Fourier(std="auto")).settled(SpectralData(problem), Frame.identity(1))
    assert network.input == features
    assert "std=auto" in told


def test_given_scales_are_not_changed_and_auto_alone_is_no_network():
    frame = Frame.identity(1)
    assert Mscale().settled(SpectralData(tone(100)), frame) == (Mscale(), "")
    with pytest.raises(OptionError, match=r"scales=auto depends on the problem"):
        Mscale(scales="auto").on(Box((0.0,), (1.0,)))
    with pytest.raises(OptionError, match=r"std=auto depends on the problem"):
        Fourier(std="auto").embedding(Box((0.0,), (1.0,)), frame)


def test_the_method_keeps_what_was_asked_and_the_run_tells_what_was_chosen():
    method = "mscale:scales=auto,widths=[4],number=40"
    asked = make_solver(method)
    assert solver_from_json(solver_to_json(asked)) == asked
    run = solve(tone(5), method, stop=Stop(steps=2), seed=0)
    assert any("scales=auto chose 1, 2, 4, 8, 16" in note for note in run.all_notes)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    from pdefreq import resume

    method = "mscale:scales=auto,widths=[4],number=40"
    whole = solve(tone(5), method, stop=Stop(steps=6), seed=0)
    solve(tone(5), method, stop=Stop(steps=3), seed=0, folder=tmp_path / "run")
    again = resume(tmp_path / "run", stop=Stop(steps=6))
    x = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)[:, None]
    assert torch.equal(again(x), whole(x))


def test_waves_need_sines_of_the_coordinates():
    with pytest.raises(OptionError, match="needs activation=sin"):
        Mlp(initialization="spectrum", activation="tanh")
    with pytest.raises(OptionError, match="leave `input` out"):
        Mlp(initialization="spectrum", activation="sin", input=Fourier())


def test_gauss_newton_from_the_waves_of_the_data_solves_a_tone_of_the_box():
    problem = Problem(domain=Box((0.0,), (1.0,)), exact="sin(9*pi*x)")
    run = solve(
        problem, "gauss-newton:widths=[8],initialization=spectrum,boundary=penalty,number=60", stop=Stop(steps=20), seed=0
    )
    assert run.error() < 1e-9  # the waves of the first layer represent u; the damping of the first steps decays to rounding

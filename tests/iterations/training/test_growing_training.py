"""Networks that receive units for bands of wavenumbers in which the residual shows errors."""

import functools
from typing import Protocol

import pytest
import torch

from pdefreq import Box, Problem, Stop, make_solver, resume, solve
from pdefreq.core.errors import NotPredictedError
from pdefreq.iterations import protocols
from pdefreq.iterations.protocols import HasTangentKernel, MeasuresDrift
from pdefreq.iterations.training import growing_training
from pdefreq.iterations.training.growing_training import GrowingTraining, added_bands

TONE = "40*pi"
CPU = torch.device("cpu")


@functools.cache
def hidden():
    """An equation whose solution has a tone that is not in its data: with the flux (2 - x)^2, u' = (2 - x)(1 + 0.5 cos(40 pi x)).

    The products of the waves of u and of the coefficient are part of the spectrum of the data only for p = 2.
    """
    return Problem(
        domain=Box((0.0,), (1.0,)),
        exponent=3,
        diffusion=f"1/(1 + 0.5*cos({TONE}*x))**2",
        source="2*(2 - x)",
        boundary="3*x/2",
        exact=f"2*x - x**2/2 + 0.5*((2 - x)*sin({TONE}*x)/({TONE}) + (1 - cos({TONE}*x))/({TONE})**2)",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("automatic", "fixed"),
    [
        ("mscale:scales=auto,widths=[20,20],number=400", "mscale:scales=[1,2,4,8,16,32,64],widths=[20,20],number=400"),
        (
            "deep-ritz:input=fourier,std=auto,features=20,widths=[30,30],number=400",
            "deep-ritz:input=fourier,std=17.3,features=20,widths=[30,30],number=400",
        ),
    ],
)
def test_a_tone_that_the_data_hide_receives_units_and_the_error_decreases(automatic, fixed):
    runs = [solve(hidden(), method, stop=Stop(steps=500), seed=0, predict=False) for method in (automatic, fixed)]
    assert any(
        "Units for wavenumbers from 64 to 128 (rad per length) were added after step" in note for note in runs[0].all_notes
    )
    added, unknowns = (runs[0].history.column(name) for name in ("bands_added", "unknowns"))
    assert added[0] == 0
    assert added[-1] >= 1
    assert ((added[1:] > added[:-1]) == (unknowns[1:] > unknowns[:-1])).all()  # the history shows when the network grew
    assert runs[0].error() < runs[1].error() / 2


@pytest.fixture
def early(monkeypatch):
    """Bands are added every five steps, whatever their errors."""
    for name, value in {"EVERY": 5, "SHARE": 0.0, "_LEAST": 0.0, "_PERSISTS": 0.0}.items():
        monkeypatch.setattr(growing_training, name, value)


METHODS = {
    "adam": "mscale:scales=auto,widths=[4],number=40",
    "soap": "mscale:scales=auto,widths=[4],number=40,optimizer=soap",
    "lbfgs": "mscale:scales=auto,widths=[4],number=40,optimizer=lbfgs",
    "gauss-newton": "gauss-newton:network=mscale,scales=auto,widths=[4],number=40",
    "fourier, best state": "pinn:input=fourier,std=auto,features=3,widths=[4],number=40,keep=best",
    "adaptive points": "pinn:input=fourier,std=auto,features=3,widths=[4],points=rar,number=40,resample_every=4",
}


SLOW = ("adam", "soap", "lbfgs")  # the memory of an optimizer starts anew with each band, as that of Gauss-Newton


@pytest.mark.usefixtures("early")
@pytest.mark.parametrize(
    "method", [pytest.param(method, id=name, marks=[pytest.mark.slow] * (name in SLOW)) for name, method in METHODS.items()]
)
def test_a_run_that_is_resumed_before_or_after_a_band_is_added_equals_an_uninterrupted_one(method, tmp_path):
    problem = Problem(domain=Box((0.0,), (1.0,)), source="sin(5*pi*x)", boundary="0")
    whole = solve(problem, method, stop=Stop(steps=23), seed=0, predict=False)
    assert whole.history.column("bands_added")[-1] >= 2
    solve(problem, method, stop=Stop(steps=9), seed=0, folder=tmp_path / "run", predict=False)
    resume(tmp_path / "run", stop=Stop(steps=12))  # the first band is added after step 10
    again = resume(tmp_path / "run", stop=Stop(steps=23))
    assert torch.equal(again.state.coefficients, whole.state.coefficients)
    assert again.all_notes == whole.all_notes


@pytest.mark.usefixtures("early")
def test_the_function_and_the_objective_do_not_change_when_a_band_is_added():
    problem = Problem(domain=Box((0.0,), (1.0,)), source="sin(5*pi*x)", boundary="0")
    method = make_solver("mscale:scales=auto,widths=[4],number=40")
    iteration = method.prepare(problem, seed=0, device=CPU, dtype=torch.float64)
    assert isinstance(iteration, GrowingTraining)
    state, x = iteration.init(), torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
    plain = iteration._first  # the same steps without bands
    other = plain.init()
    for _ in range(10):
        state, other = iteration.step(state), plain.step(other)
    assert [(band.octave, band.step) for band in added_bands(state.memory)] == [(5, 10)]
    values = [each.space.at(x).value(each.coefficients) for each in (state, other)]
    torch.testing.assert_close(*values, rtol=0, atol=1e-14)  # sums in another order
    assert float(iteration.objective(state)["energy"]) == pytest.approx(float(plain.objective(other)["energy"]), rel=1e-13)


def test_waves_of_the_data_need_no_further_bands():
    """The errors of an initial network at high wavenumbers are no part of the solution."""
    problem = Problem(domain=Box((0.0,), (1.0,)), exact="sin(pi*x) + sin(9*pi*x)/2")
    run = solve(problem, "mscale:scales=auto,widths=[10],number=100", stop=Stop(steps=300), seed=0, predict=False)
    assert run.history.column("bands_added")[-1] == 0


def test_given_scales_and_rough_networks_receive_no_bands():
    for method in ("mscale:widths=[4],number=40", "mscale:scales=auto,activation=srelu,widths=[4],number=40"):
        problem = Problem(domain=Box((0.0,), (1.0,)), source="sin(5*pi*x)", boundary="0")
        iteration = make_solver(method).prepare(problem, seed=0, device=CPU, dtype=torch.float64)
        assert not isinstance(iteration, GrowingTraining), method


def test_the_theory_of_gradient_descent_does_not_apply():
    problem = Problem(domain=Box((0.0,), (1.0,)), source="sin(5*pi*x)", boundary="0")
    method = make_solver("mscale:scales=auto,widths=[4],number=40,optimizer=gd,learning_rate=1e-3,half_life=null")
    iteration = method.prepare(problem, seed=0, device=CPU, dtype=torch.float64)
    with pytest.raises(NotPredictedError, match="receives units during training"):
        iteration.predict(None, torch.arange(3))


def test_the_tangent_kernel_is_that_of_the_network_before_bands_are_added():
    problem = Problem(domain=Box((0.0,), (1.0,)), source="sin(5*pi*x)", boundary="0")
    method = make_solver("mscale:scales=auto,widths=[4],number=40")
    iteration = method.prepare(problem, seed=0, device=CPU, dtype=torch.float64)
    assert isinstance(iteration, GrowingTraining)
    assert iteration.find(HasTangentKernel) is iteration
    assert torch.equal(iteration.start()[1], iteration.init().coefficients)
    assert iteration.spectral_filter is None


def test_growing_training_has_the_capabilities_of_training_except_the_drift():
    """The drift is that from the initial parameters, which become more with each band."""
    method = make_solver("mscale:scales=auto,widths=[4],number=40")
    problem = Problem(domain=Box((0.0,), (1.0,)), source="sin(5*pi*x)", boundary="0")
    growing = method.prepare(problem, seed=0, device=CPU, dtype=torch.float64)
    known = [each for each in vars(protocols).values() if getattr(each, "_is_protocol", False) and each is not Protocol]
    assert {each for each in known if isinstance(growing._first, each)} - {MeasuresDrift} == {
        each for each in known if isinstance(growing, each)
    }
    state = growing.init()
    c = state.coefficients
    assert torch.equal(growing.functional(state).value(c), growing._first.functional(growing._first.init()).value(c))

"""Data held out of training: the objective there, the best state by it, and early stopping."""

import numpy as np
import pytest

from pdefreq import Data, IncompatibleError, Problem, Status, Stop, resume, solve
from pdefreq.domains.box import Box
from pdefreq.functionals.sampling import held_out_samples

METHOD = "regression:widths=[100,100],activation=relu,learning_rate=0.002,half_life=null,scaling=none"


def noisy(holdout="alternate"):
    data = Data("uniform", 60, noise=0.4, holdout=holdout)
    return Problem(domain=Box(-1, 1), exact="sin(3*x)", diffusion=0.0, reaction=1.0, data=data)


@pytest.mark.parametrize("holdout", ["alternate", pytest.param(0.5, marks=pytest.mark.slow)])
def test_the_kept_state_has_a_smaller_error_than_the_last(holdout):
    """With noise the objective at data held out has its minimum early; the error against the exact function decides."""
    last, best = (
        solve(noisy(holdout), f"{METHOD},keep={keep}", stop=Stop(steps=600), probes=["error", "holdout"], predict=False)
        for keep in ("last", "best")
    )
    held_out = last.history.column("held_out_objective")
    assert last.history.column("step")[held_out.argmin()] < 300 and held_out[-1] > 1.2 * held_out.min()
    assert last.history.column("objective")[-1] < held_out.min()
    assert best.error() < 0.8 * last.error()
    samples, values = held_out_samples(noisy(holdout))
    misfit = float((best(samples.x) - values).square().mean())
    assert misfit == pytest.approx(float(best.last_state.memory["held_out_best"]), rel=1e-9)
    np.testing.assert_array_equal(held_out, best.history.column("held_out_objective"))
    np.testing.assert_allclose(held_out, last.history.column("holdout_misfit"), rtol=1e-9)


def test_patience_ends_the_run_and_a_resumed_run_ends_at_the_same_step(tmp_path):
    method = f"{METHOD},keep=best,patience=50"
    run = {"stop": Stop(steps=5000), "probes": (), "predict": False}
    whole = solve(noisy(), method, **run)
    assert whole.status is Status.EARLY and whole.step < 5000
    solve(noisy(), method, **run, folder=tmp_path / "run", callback=lambda step, *_: step == 30)
    again = resume(tmp_path / "run")
    assert (again.status, again.step) == (whole.status, whole.step)
    np.testing.assert_array_equal(again.state.coefficients, whole.state.coefficients)


@pytest.mark.parametrize("option", ["keep=best", "patience=20"])
def test_without_held_out_data_states_can_not_be_compared(option):
    with pytest.raises(
        IncompatibleError, match=r"hold out some of them, such as holdout = 0.2, or leave `keep` and `patience` out"
    ):
        solve(noisy(0.0), f"{METHOD},{option}", stop=Stop(steps=1))


def test_the_note_on_overfitting_names_no_remedy_that_data_do_not_have():
    notes = solve(noisy(), METHOD, stop=Stop(steps=300), probes=(), predict=False).notes
    (note,) = (note for note in notes if "overfits" in note)
    assert "keep=best" in note and "sobol" not in note

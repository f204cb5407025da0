"""Rates of tones under a loss with the gradient: integration by parts gives the ratio, whatever the network."""

import numpy as np
import pytest

from pdefreq.core.errors import OptionError
from pdefreq.experiments.gradient_loss import TOGETHER, Fit, experiment
from pdefreq.theory.dynamics import GradientDescentFilter

# A step of 1e-5 leaves its square times what is not linear; the Gauss points miss less. Measured 4e-8 with 60 to 200 units.
CLOSE = 1e-6


@pytest.mark.parametrize(("width", "tone"), [(20, 1), (20, 8), (60, 4)])
def test_on_periodic_input_a_tone_alone_comes_one_plus_its_square_times_sooner(width, tone):
    assert Fit(True, width, (tone,)).ratios()[0] == pytest.approx(1 + tone**2, rel=CLOSE)


@pytest.mark.parametrize("tone", [1, 2])
def test_on_an_interval_the_boundary_term_is_all_that_is_missing(tone):
    fit = Fit(False, 60, (tone,))
    ratio, boundary = fit.ratios()[0], fit.boundary_term()
    assert ratio == pytest.approx(1 + tone**2 + boundary, rel=CLOSE)
    assert abs(boundary) > 0.01 * (1 + tone**2)  # it is there: the step above says something


@pytest.mark.parametrize(("periodic", "gradient"), [(True, True), (False, False)])
def test_the_rates_of_one_step_are_those_of_the_linearized_network(periodic, gradient):
    """Also of tones together, which mix."""
    fit = Fit(periodic, 40, TOGETHER)
    predicted = fit.dynamics(gradient=gradient).initial_rates(GradientDescentFilter(1.0)).numpy()
    np.testing.assert_allclose(fit.rates(gradient=gradient), predicted, rtol=1e-4, atol=1e-6 * np.abs(predicted).max())


def test_tones_together_come_nearer_to_it_as_the_network_widens():
    """Random entries of a kernel of m units are off by 1 / sqrt(m): over a factor of 36, by 6; half of that is asked for."""
    off = [
        np.mean([np.abs(Fit(True, m, TOGETHER, seed).ratios() / (1 + np.array(TOGETHER) ** 2) - 1) for seed in range(3)])
        for m in (20, 720)
    ]
    assert off[0] > 3 * off[1]


def test_blocks_side_by_side_have_the_mean_of_their_rates(monkeypatch):
    """A network of 40 units from those of two of 20, written into one coefficient vector: its kernel is their mean."""
    from pdefreq.experiments import gradient_loss

    monkeypatch.setattr(gradient_loss, "_BLOCK", 20)
    wide = Fit(True, 40, TOGETHER, 3)
    assert [(block.width, block.seed) for block in wide.blocks] == [(20, 6), (20, 7)]
    kernels, modes = [], wide.modes
    for block in wide.blocks:
        state = block.iteration(gradient=False).init()
        jacobian = state.space.at(modes.points(state.space)).jacobian(state.coefficients)
        kernels.append(jacobian @ jacobian.T)
    residual = wide.target(modes.points(state.space))
    pushed = (kernels[0] + kernels[1]) / 2 @ residual
    space = state.space
    ratio = modes.coefficients(pushed.numpy(), space) / modes.coefficients(residual.numpy(), space)
    rates = wide.rates(gradient=False)
    np.testing.assert_allclose(rates / rates[0], ratio / ratio[0], rtol=1e-3)  # even points against Gauss points
    with pytest.raises(OptionError, match="multiple"):
        Fit(True, 30, TOGETHER).rates(gradient=False)


def test_the_report_holds_its_numbers_and_a_picture():
    report = experiment(width=20, widths=(10, 20), seeds=(0, 1))
    alone = np.array(report.tables["tones-alone"].rows, float)
    np.testing.assert_allclose(alone[:, 1], alone[:, 2], rtol=CLOSE)
    assert len(report.tables["tones-together"].rows) == 2 * 2 * 3
    assert len(report.figures["gradient-loss"].axes) == 3
    assert "boundary term" in " ".join(report.findings)

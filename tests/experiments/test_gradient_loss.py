"""Rates of tones under a gradient-enhanced loss: integration by parts gives the ratio for every network."""

import numpy as np
import pytest

from pdefreq.core.errors import OptionError
from pdefreq.experiments.gradient_loss import TOGETHER, Fit, experiment
from pdefreq.theory.dynamics import GradientDescentFilter

# A step of 1e-5 has a relative error of this order from nonlinearity; quadrature adds less. Measured: 4e-8 with 60 to 200 units.
CLOSE = 1e-6


@pytest.mark.parametrize(("width", "tone"), [(20, 1), (20, 8), (60, 4)])
def test_with_periodic_input_the_rate_of_a_single_tone_grows_by_one_plus_its_square(width, tone):
    assert Fit(True, width, (tone,)).ratios()[0] == pytest.approx(1 + tone**2, rel=CLOSE)


@pytest.mark.parametrize("tone", [1, 2])
def test_on_an_interval_the_ratio_differs_by_the_boundary_term(tone):
    fit = Fit(False, 60, (tone,))
    ratio, boundary = fit.ratios()[0], fit.boundary_term()
    assert ratio == pytest.approx(1 + tone**2 + boundary, rel=CLOSE)
    assert abs(boundary) > 0.01 * (1 + tone**2)  # the boundary term is not negligible


@pytest.mark.parametrize(("periodic", "gradient"), [(True, True), (False, False)])
def test_the_rates_of_one_step_agree_with_the_linearized_network(periodic, gradient):
    """Also for several tones, which are coupled."""
    fit = Fit(periodic, 40, TOGETHER)
    predicted = fit.dynamics(gradient=gradient).initial_rates(GradientDescentFilter(1.0)).numpy()
    np.testing.assert_allclose(fit.rates(gradient=gradient), predicted, rtol=1e-4, atol=1e-6 * np.abs(predicted).max())


def test_the_ratios_of_coupled_tones_tend_to_the_law_as_the_width_grows():
    """The entries of a kernel of m units deviate by 1 / sqrt(m): by a factor of 6 for these widths; the test requires 3."""
    off = [
        np.mean([np.abs(Fit(True, m, TOGETHER, seed).ratios() / (1 + np.array(TOGETHER) ** 2) - 1) for seed in range(3)])
        for m in (20, 720)
    ]
    assert off[0] > 3 * off[1]


def test_a_network_of_blocks_has_the_mean_of_their_rates(monkeypatch):
    """Two networks of 20 units in one coefficient vector form one of 40 units, whose kernel is the mean of their kernels."""
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
    np.testing.assert_allclose(rates / rates[0], ratio / ratio[0], rtol=1e-3)  # equidistant points and Gauss points
    with pytest.raises(OptionError, match="multiple"):
        Fit(True, 30, TOGETHER).rates(gradient=False)


@pytest.mark.slow
def test_the_report_contains_its_numbers_and_a_figure():
    report = experiment(width=20, widths=(10, 20), seeds=(0, 1))
    alone = np.array(report.tables["tones-alone"].rows, float)
    np.testing.assert_allclose(alone[:, 1], alone[:, 2], rtol=CLOSE)
    assert len(report.tables["tones-together"].rows) == 2 * 2 * 3
    assert len(report.figures["gradient-loss"].axes) == 3
    assert "boundary term" in " ".join(report.findings)

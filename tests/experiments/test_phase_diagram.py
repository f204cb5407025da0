"""The phase diagram at small size: the laws of its training, and the exponents of the sources."""

import numpy as np
import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.experiments import phase_diagram as reproduced
from pdefreq.experiments.phase_diagram import ENOUGH, LONGEST, HalvedWhenItRises, TwoLayer, experiment, train
from pdefreq.figures.phase_diagram import phase_diagram_figure
from pdefreq.theory.phase_diagram import PhasePoint, distance_slope


class Parabola:
    """The functional curvature * c^2 / 2."""

    def __init__(self, curvature):
        self.curvature = curvature

    def value_and_gradient(self, c):
        return self.curvature * c.square().sum() / 2, self.curvature * c


def test_a_step_that_increases_the_functional_is_undone_and_the_rate_halved():
    c = torch.tensor([1.0], dtype=torch.float64)
    descent = HalvedWhenItRises(rate=1.0)
    memory = descent.memory(c)
    memory["before"] = c.clone()
    steep = Parabola(0.05)
    assert not descent.advance(c, steep, 0, memory, fresh=True)
    assert c.item() == pytest.approx(0.95)  # rate times curvature times c
    memory["value"] = torch.tensor(0.0, dtype=torch.float64)  # as if the step had increased it
    before = memory["before"].clone()
    assert not descent.advance(c, steep, 1, memory, fresh=False)
    assert memory["rate"] == 0.5
    assert c.item() == pytest.approx(before.item() - 0.5 * 0.05 * before.item())


def test_steps_are_at_most_a_tenth_of_the_parameters():
    c = torch.tensor([3.0, 4.0], dtype=torch.float64)
    descent = HalvedWhenItRises(rate=1e6)
    start = c.clone()
    descent.advance(c, Parabola(1.0), 0, descent.memory(c), fresh=True)
    assert float((c - start).norm()) == pytest.approx(LONGEST * 5)


def test_training_ends_where_the_mean_square_is_small_enough():
    run = train(PhasePoint(0.5, 0.0), 1000, 0)
    assert 0 < run.misfit <= ENOUGH and run.steps > 10 and 0 < run.distance < 1


def test_the_network_is_zero_initially_and_has_no_output_bias():
    space = TwoLayer(PhasePoint(1.0, 0.5), 20).space
    c = space.initialize(stream(0, "initialization"))
    assert (space.at(torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]).value(c) == 0).all()
    assert len(c) == 20 * 3  # a, w, b of each unit


# A factor of 4 in the width and one seed give a standard error of 0.05 in S (spread of RD over seeds: 5 % at 1000 units).
@pytest.mark.parametrize(("gamma", "gamma_prime"), [(0.5, 0.0), (1.75, 0.0), (1.5, 0.5)])
def test_slopes_agree_with_the_scaling_argument(gamma, gamma_prime):
    point = PhasePoint(gamma, gamma_prime)
    slope = distance_slope((1000, 4000), [train(point, m, 0).distance for m in (1000, 4000)])
    assert slope == pytest.approx(point.predicted_slope, abs=0.15)


@pytest.mark.slow
def test_the_report_has_a_row_for_each_network_and_each_point_of_the_plane(monkeypatch):
    monkeypatch.setattr(reproduced, "ENOUGH", 1e-2)  # so that a few steps suffice
    report = experiment(seeds=2, widths=(100, 200), map_widths=(100, 200), gammas=(1.0, 1.5), gamma_primes=(-0.5, 0.0))
    assert len(report.tables["distances"].rows) == 3 * 2 * 2
    rows = report.tables["map"].rows
    assert [(row[0], row[1]) for row in rows] == [(1.0, -0.5), (1.0, 0.0), (1.5, -0.5), (1.5, 0.0)]
    assert [row[4] for row in rows] == ["critical", "critical", "condensed", "condensed"]
    figure = report.figures["phase-diagram"]
    figure.draw_without_rendering()
    (line,) = [line for line in figure.axes[1].lines if line.get_gid() == "line"]
    np.testing.assert_allclose(line.get_xdata(), 1 + np.maximum(np.asarray(line.get_ydata(), float), 0))


@pytest.mark.slow
def test_published_slopes():
    """Luo et al. print -0.506 at gamma = 0.5 and 0.007 at 1, from one network of each width.

    RD varies by 5 % over seeds at 1000 units, which gives a standard error of 0.017 in a slope over these widths. The mean of
    three seeds and the published slope differ by less than two standard errors of the difference, 0.04.
    """
    widths = (1000, 5000, 10_000, 20_000, 40_000)
    for gamma, published in ((0.5, -0.506), (1.0, 0.007)):
        slopes = [distance_slope(widths, [train(PhasePoint(gamma, 0.0), m, seed).distance for m in widths]) for seed in range(3)]
        assert np.mean(slopes) == pytest.approx(published, abs=0.04)


def test_the_names_of_initializations_are_beside_the_map_and_not_over_its_cells():
    marks = {(0.5, 0.0): "NTK", (1.0, 0.0): "Xavier"}
    figure = phase_diagram_figure(
        np.array([10, 20]),
        {0.5: np.array([[2.0, 1.0]])},
        {0.5: [-1.0]},
        np.array([0.5, 1.0]),
        np.array([0.0, 0.5]),
        np.eye(2),
        lambda _: 1.0,
        marks,
    )
    figure.draw_without_rendering()
    plane = figure.axes[1]
    legend = plane.get_legend()
    assert legend is not None
    assert {text.get_text() for text in legend.get_texts()} == {*marks.values(), "S = 0 in theory", "E et al.: γ = γ′"}
    assert legend.get_window_extent().y1 < plane.get_window_extent().y0
    assert sorted(text.get_text() for text in plane.texts) == ["0.00", "0.00", "1.00", "1.00"]

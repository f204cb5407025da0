"""The map shows the amplitudes it was given, fronts stand on the rows of their tones, and what never came is left out."""

import math

import numpy as np
import pytest

from pdefreq.figures.amplitudes import Front, amplitudes_figure

STEPS = np.array([1.0, 10.0, 100.0])
AMPLITUDES = np.array([[0.0, 0.0], [0.6, 0.1], [1.0, 0.2]])


def test_amplitudes_and_fronts_are_drawn_where_they_are():
    figure = amplitudes_figure(
        STEPS, AMPLITUDES, ["5", "50"], title="T", ylabel="k", fronts=[Front("0.5 reached", (10, math.nan), (20, 4000))]
    )
    axes = figure.axes[0]
    (mesh,) = axes.collections
    shown = np.asarray(mesh.get_array()).reshape(2, 3).T
    assert shown == pytest.approx(AMPLITUDES)
    here, published = axes.lines
    assert np.asarray(here.get_xdata())[0] == 10 and math.isnan(np.asarray(here.get_xdata())[1])
    assert list(np.asarray(published.get_xdata())) == [20, 4000] and list(np.asarray(published.get_ydata())) == [0, 1]
    assert axes.get_xlim()[1] > 4000  # published steps behind the end of the run are seen
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0.5 reached, here", "0.5 reached, published"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["5", "50"]


def test_without_fronts_there_is_no_legend():
    assert not amplitudes_figure(STEPS, AMPLITUDES, ["5", "50"], title="T", ylabel="k").legends

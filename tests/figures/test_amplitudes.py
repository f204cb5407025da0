"""The map shows the given amplitudes, and fronts lie in the rows of their tones; levels that were not reached are omitted."""

import math

import numpy as np
import pytest

from pdefreq.figures.amplitudes import Front, amplitudes_figure

STEPS = np.array([1.0, 10.0, 100.0])
AMPLITUDES = np.array([[0.0, 0.0], [0.6, 0.1], [1.0, 0.2]])


def test_amplitudes_and_fronts_are_drawn_at_their_steps_and_rows():
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
    assert axes.get_xlim()[1] > 4000  # published steps beyond the end of the run are visible
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0.5 reached, here", "0.5 reached, published"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["5", "50"]


def test_without_fronts_there_is_no_legend():
    assert not amplitudes_figure(STEPS, AMPLITUDES, ["5", "50"], title="T", ylabel="k").legends

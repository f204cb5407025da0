"""Runs of one step: the final error of each mode against its wavenumber."""

import itertools

import numpy as np
import pytest

from pdefreq.figures.heatmap import heatmap_figure
from pdefreq.figures.modes import mode_figure
from tests.figures.histories import history, one_step

MODES = np.array([1, 2, 4, 8, 16])


def dots(axes, gid):
    (line,) = [line for line in axes.lines if line.get_gid() == gid]
    return line.get_xdata(), line.get_ydata()


def test_errors_are_drawn_against_wavenumbers_in_both_figures():
    run = one_step()
    for axes in (mode_figure(run).axes[0], *heatmap_figure(run).axes):
        x, y = dots(axes, "answer")
        np.testing.assert_array_equal(x, np.pi * MODES)
        np.testing.assert_array_equal(y, run.column("mode_error_total")[-1])
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert [text.get_text() for text in axes.get_xticklabels()] == ["π", "2π", "4π", "8π", "16π"]


def test_the_second_panel_has_the_amplitudes_of_the_solution_and_of_the_error():
    run = one_step()
    axes = mode_figure(run).axes[1]
    amplitude = run.facts["mode_amplitude"]
    np.testing.assert_array_equal(dots(axes, "amplitude")[1], amplitude)
    np.testing.assert_array_equal(dots(axes, "error-amplitude")[1], amplitude * run.column("mode_error_total")[-1])


def test_all_modes_are_drawn_and_the_named_ones_are_circled():
    k = np.arange(1, 101)
    run = history([0, 1], [np.ones(100), 1e-9 * k**2], k * np.pi)
    axes = mode_figure(run, wavenumbers=[40 * np.pi, 90 * np.pi]).axes[0]
    assert len(dots(axes, "answer")[0]) == 100
    np.testing.assert_allclose(dots(axes, "named")[0], np.pi * np.array([40, 90]), rtol=1e-12)


def test_an_error_of_zero_lies_on_the_axis_and_an_unknown_one_is_omitted():
    run = history([0, 1], [np.ones(4), [1e-3, 0.0, np.nan, 1e-4]], np.pi * np.arange(1, 5))
    axes = mode_figure(run).axes[0]
    x, y = dots(axes, "answer")
    np.testing.assert_allclose(x, np.pi * np.array([1, 2, 4]))
    assert y[1] == axes.get_ylim()[0] < 1e-4


@pytest.mark.parametrize("k", [MODES, np.arange(1, 10), np.arange(20, 29), np.arange(1, 200), np.array([7])])
def test_labels_of_wavenumbers_do_not_overlap(k):
    run = history([0, 1], [np.ones(len(k)), 1e-9 * k], 1000 * np.pi * k)  # on a domain of 1 mm
    figure = mode_figure(run)
    figure.draw_without_rendering()
    for axes in figure.axes:
        left, right = axes.get_window_extent().intervalx
        labels = [label.get_window_extent() for label in axes.get_xticklabels(which="both") if label.get_text()]
        shown = sorted((box for box in labels if left <= (box.x0 + box.x1) / 2 <= right), key=lambda box: box.x0)
        assert len(shown) >= 1
        assert all(before.x1 < after.x0 for before, after in itertools.pairwise(shown))

import itertools

import numpy as np
import pytest

from pdefreq.figures.modes import mode_figure
from tests.figures.histories import DEGENERATE, history, jacobi, network


def curves(axes, prefix):
    return {int(line.get_gid().split("-")[1]): line for line in axes.lines if (line.get_gid() or "").startswith(prefix)}


def test_each_curve_is_a_column_of_the_history():
    run = jacobi()
    for axes, time in zip(mode_figure(run).axes, ("step", "seconds"), strict=False):
        drawn = curves(axes, "mode-")
        assert sorted(drawn) == [0, 1, 2, 3, 4]
        for column, line in drawn.items():
            np.testing.assert_array_equal(line.get_xdata(), run.column(time))
            np.testing.assert_array_equal(line.get_ydata(), run.column("mode_error")[:, column])


def test_exact_predictions_lie_on_the_curves():
    run = jacobi()
    for axes, time in zip(mode_figure(run).axes, ("step", "seconds"), strict=False):
        measured, predicted = curves(axes, "mode-"), curves(axes, "predicted-")
        assert sorted(predicted) == sorted(measured)
        for column, line in predicted.items():
            at = np.abs(measured[column].get_xdata()[:, None] - line.get_xdata()).argmin(axis=0)
            np.testing.assert_allclose(measured[column].get_xdata()[at], line.get_xdata(), rtol=1e-12)
            # 1500 factors, each rounded
            np.testing.assert_allclose(line.get_ydata(), measured[column].get_ydata()[at], rtol=1500 * 2.2e-16 * 10)
        assert line.get_xdata()[-1] <= run.column(time)[-1]


def test_runs_without_theory_have_no_dashed_lines():
    assert not curves(mode_figure(network()).axes[0], "predicted-")


def test_at_most_the_limit_is_drawn_and_named():
    figure = mode_figure(DEGENERATE["500 modes"](), wavenumbers=[321.0], max_modes=7)
    drawn = curves(figure.axes[0], "mode-")
    assert len(drawn) == 7
    assert 321 in drawn
    assert [t.get_text() for t in figure.axes[2].get_yticklabels()][-1] == "321"


def test_higher_wavenumbers_have_lighter_colors():
    drawn = curves(mode_figure(jacobi()).axes[0], "mode-")
    luminance = [np.dot(drawn[i].get_color()[:3], [0.2126, 0.7152, 0.0722]) for i in sorted(drawn)]
    assert luminance == sorted(luminance)


@pytest.mark.parametrize("name", DEGENERATE)
def test_missing_data_are_omitted(name):
    mode_figure(DEGENERATE[name]()).draw_without_rendering()


@pytest.mark.parametrize(("seconds", "last"), [(0.03, 20), (0.01, 3), (1e-3, 20), (0.4, 2), (1e-5, 9)])
def test_labels_of_a_short_axis_do_not_overlap(seconds, last):
    step = np.arange(last + 1)
    figure = mode_figure(history(step, np.exp(-np.outer(step, [0.3, 0.1])), [1, 2], seconds_per_step=seconds))
    figure.draw_without_rendering()
    for axes in figure.axes[:2]:
        left, right = axes.get_window_extent().intervalx
        labels = [label.get_window_extent() for label in axes.get_xticklabels(which="both") if label.get_text()]
        shown = sorted((box for box in labels if left <= (box.x0 + box.x1) / 2 <= right), key=lambda box: box.x0)
        assert len(shown) >= 2
        assert all(before.x1 < after.x0 for before, after in itertools.pairwise(shown))


def test_a_mode_without_errors_has_neither_a_curve_nor_a_color():
    step = np.arange(20)
    error = np.exp(-np.outer(step, [0.3, 0.0, 0.1]))
    error[:, 1] = np.nan
    figure = mode_figure(history(step, error, [1, 2, 3]))
    assert sorted(curves(figure.axes[0], "mode-")) == [0, 2]
    assert [text.get_text() for text in figure.axes[2].get_yticklabels()] == ["1", "3"]

import numpy as np
import pytest

from pdefreq.figures.modes import mode_figure
from tests.figures.histories import DEGENERATE, jacobi, network


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


def test_predictions_of_an_exact_theory_lie_on_the_curves():
    axes = mode_figure(jacobi()).axes[0]
    measured, predicted = curves(axes, "mode-"), curves(axes, "predicted-")
    for column, line in predicted.items():
        # 1500 factors, each rounded
        np.testing.assert_allclose(line.get_ydata(), measured[column].get_ydata(), rtol=1500 * 2.2e-16 * 10)


def test_no_theory_no_dashes():
    drawn = curves(mode_figure(network()).axes[0], "predicted-").values()
    assert all(np.isnan(line.get_ydata()).all() for line in drawn)


def test_at_most_the_limit_is_drawn_and_named():
    figure = mode_figure(DEGENERATE["500 modes"](), wavenumbers=[321.0], limit=7)
    drawn = curves(figure.axes[0], "mode-")
    assert len(drawn) == 7
    assert 321 in drawn
    assert [t.get_text() for t in figure.axes[2].get_yticklabels()][-1] == "321"


def test_higher_wavenumbers_have_lighter_lines():
    drawn = curves(mode_figure(jacobi()).axes[0], "mode-")
    luminance = [np.dot(drawn[i].get_color()[:3], [0.2126, 0.7152, 0.0722]) for i in sorted(drawn)]
    assert luminance == sorted(luminance)


@pytest.mark.parametrize("name", DEGENERATE)
def test_what_is_missing_is_left_out(name):
    mode_figure(DEGENERATE[name]()).draw_without_rendering()

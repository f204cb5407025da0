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


def test_no_theory_no_dashes():
    assert not curves(mode_figure(network()).axes[0], "predicted-")


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

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import QuadMesh
from matplotlib.text import Annotation

from pdefreq.figures.heatmap import heatmap_figure
from pdefreq.figures.style import encode
from tests.figures.histories import DEGENERATE, halving_times, history, jacobi, network, one_step

MODES = (1, 2, 4, 8, 16)


def mesh(axes):
    (found,) = [c for c in axes.collections if isinstance(c, QuadMesh)]
    return found


def front(axes):
    (line,) = [line for line in axes.lines if line.get_gid() == "front"]
    return line


def arrow(axes):
    (found,) = [text for text in axes.texts if isinstance(text, Annotation)]
    return found


def test_the_front_consists_of_the_halving_steps():
    line = front(heatmap_figure(jacobi(MODES)).axes[0])
    np.testing.assert_allclose(line.get_xdata(), halving_times(MODES), rtol=1e-10)  # exact interpolation; rounding only
    np.testing.assert_array_equal(line.get_ydata(), range(5))


def test_crosses_mark_the_predicted_front():
    axes = heatmap_figure(jacobi(MODES)).axes[0]
    (crosses,) = [line for line in axes.lines if line.get_gid() == "predicted-front"]
    # histories contain every step up to 100, then 50 per decade; interpolation between exponentials is exact
    np.testing.assert_allclose(crosses.get_xdata(), halving_times(MODES), rtol=1e-9)
    assert not [line for line in heatmap_figure(network()).axes[0].lines if line.get_gid() == "predicted-front"]


def test_a_one_step_run_shows_the_remaining_error_of_each_mode():
    run = one_step(MODES)
    (axes,) = heatmap_figure(run).axes  # no map, no color scale
    (dots,) = [line for line in axes.lines if line.get_gid() == "answer"]
    np.testing.assert_array_equal(dots.get_xdata(), np.pi * np.array(MODES))
    np.testing.assert_array_equal(dots.get_ydata(), run.column("mode_error_total")[-1])


@pytest.mark.parametrize(("run", "row"), [(jacobi, 0), (network, 4)])
def test_the_arrow_points_to_the_modes_that_converge_last(run, row):
    axes = heatmap_figure(run()).axes[0]
    assert arrow(axes).xy == (front(axes).get_xdata()[row], row)
    assert arrow(axes).xy[0] == np.nanmax(front(axes).get_xdata())


def test_an_unclear_order_has_no_arrow():
    step = np.arange(100)
    together = history(step, np.exp(-0.1 * step)[:, None] * np.ones(4), [1, 2, 3, 4])
    zigzag = history(step, np.exp(-np.outer(step, [0.1, 0.2, 0.1, 0.2])), [1, 2, 3, 4])  # correlation -0.45
    for run in (together, zigzag):
        axes = heatmap_figure(run).axes[0]
        assert not axes.texts
        assert np.isfinite(front(axes).get_xdata()).all()


def legend(axes):
    """The words of the legend of a figure."""
    (found,) = axes.figure.legends
    return [text.get_text() for text in found.get_texts()]


def test_modes_that_start_below_one_half_are_marked_and_the_front_skips_them():
    step = np.arange(100)
    error = np.exp(-np.outer(step, [0.1, 0.1, 0.05, 0.05, 0.0, 0.02])) * [1, 0.4, 1, 0.5, 1, 1]  # the fifth never decreases
    axes = heatmap_figure(history(step, error, np.arange(1, 7))).axes[0]
    (marks,) = [line for line in axes.lines if line.get_gid() == "at-start"]
    assert marks.get_ydata().tolist() == [1, 3]
    assert legend(axes) == ["below ½ at the start", "error halved"]
    np.testing.assert_array_equal(front(axes).get_ydata(), [0, 2, 4, 5])
    # exact interpolation of exponentials, rounding only; the line is interrupted where there is no halving step
    np.testing.assert_allclose(front(axes).get_xdata(), np.log(2) / [0.1, 0.05, np.nan, 0.02], rtol=1e-10)


def test_modes_halved_in_the_first_step_lie_at_the_left_edge_and_no_arrow_crosses_a_gap():
    step = np.arange(100)
    error = np.exp(-np.outer(step, [1.5, 0.9, 0.3, 0.0, 0.1]))
    axes = heatmap_figure(history(step, error, np.arange(1, 6))).axes[0]
    np.testing.assert_allclose(front(axes).get_xdata(), [1, 1, np.log(2) / 0.3, np.nan, np.log(2) / 0.1], rtol=1e-10)
    assert front(axes).get_markevery() == [0, 1, 2, 4] and not axes.texts
    whole = heatmap_figure(history(step, error[:, [0, 1, 2, 4]], np.arange(1, 5))).axes[0]
    assert arrow(whole).xy == (front(whole).get_xdata()[3], 3)


def test_runs_without_such_modes_have_no_marks():
    axes = heatmap_figure(jacobi(MODES)).axes[0]
    assert axes.get_xlabel() == "step" and legend(axes) == ["error halved", "predicted to be halved"]
    assert not [line for line in axes.lines if line.get_gid() == "at-start"]


@settings(max_examples=20)  # each example draws a figure
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=6))
def test_colors_are_errors_clipped_to_the_scale(errors):
    run = history([0, 1, 10], np.tile(errors, (3, 1)), np.arange(1, len(errors) + 1))
    drawn = mesh(heatmap_figure(run).axes[0]).get_array()
    # rounding of exp(log e)
    np.testing.assert_allclose(drawn, np.clip(errors, 1e-2, 1)[:, None] * np.ones(drawn.shape[1]), rtol=1e-12)


def test_rows_are_labeled_by_ascending_wavenumber():
    labels = [t.get_text() for t in heatmap_figure(jacobi()).axes[0].get_yticklabels()]
    assert labels == ["π", "2π", "4π", "8π", "16π"]


def test_only_some_of_many_rows_are_labeled():
    axes = heatmap_figure(DEGENERATE["500 modes"](), max_modes=100).axes[0]
    assert len(mesh(axes).get_array()) == 100
    assert len(axes.get_yticks()) <= 16


def test_the_same_history_gives_the_same_picture():
    assert encode(heatmap_figure(jacobi()), "png", dpi=40) == encode(heatmap_figure(jacobi()), "png", dpi=40)


@pytest.mark.parametrize("name", DEGENERATE)
def test_missing_data_are_omitted(name):
    heatmap_figure(DEGENERATE[name]()).draw_without_rendering()

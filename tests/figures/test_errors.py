import numpy as np
import pytest

from pdefreq.figures.errors import errors_figure
from tests.figures.histories import jacobi, network, one_step


def test_problems_are_side_by_side_with_a_common_error_axis():
    low = network()
    low._columns["relative_l2"] = [1e-3 * e for e in low._columns["relative_l2"]]
    figure = errors_figure({"A": {"jacobi": [jacobi()]}, "B": {"network": [low]}}, title="T")
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["A", "B"]
    assert first.get_ylim() == second.get_ylim()
    drawn = np.concatenate([line.get_ydata() for axes in figure.axes for line in axes.lines])
    assert first.get_ylim()[0] < drawn.min() and drawn.max() < first.get_ylim()[1]  # no curve of another panel is cut off


def test_labels_of_a_narrow_error_axis_are_plain_numbers_apart():
    """Between 0.2 and 1 matplotlib labels the ticks of the ones, such as 6 x 10^-1, whose texts overlap."""
    run = network()
    run._columns["relative_l2"] = np.geomspace(1.0, 0.2, len(run)).tolist()
    figure = errors_figure({"A": {"network": [run]}}, title="T")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert not axes.yaxis.get_minorticklocs().size
    low, high = axes.get_ylim()
    shown = [text.get_text() for text in axes.get_yticklabels() if low <= text.get_position()[1] <= high]
    assert shown == ["0.2", "0.5", "1"]


def test_squared_errors_are_drawn_as_squares_with_their_guides():
    figure = errors_figure({"A": {"jacobi": [jacobi()]}}, title="T", squared=True, guides={"published": 1e-30})
    (axes,) = figure.axes
    lines = {line.get_gid(): line for line in axes.lines}
    run = jacobi()
    np.testing.assert_array_equal(lines["l2-jacobi"].get_ydata(), run.column("relative_l2")[1:] ** 2)
    assert set(lines["guide-published"].get_ydata()) == {1e-30} and axes.get_ylim()[0] < 1e-30
    assert axes.get_ylabel().startswith("squared")


def test_nothing_to_draw():
    for panels in ({}, {"A": {}}, {"A": {"none": []}}):
        errors_figure(panels, title="T").draw_without_rendering()


def test_a_method_with_error_zero_stays_in_the_curves_and_in_the_legend():
    exact, arrives, unknown = one_step(), jacobi(last=50), jacobi(last=50)
    exact._columns["relative_l2"] = [1.0, 0.0]
    arrives._columns["relative_l2"][-1] = 0.0
    unknown._columns["relative_l2"] = [np.nan] * 51
    runs = {"exact": [exact], "arrives": [arrives], "unknown": [unknown], "network": [network()]}
    (axes,) = errors_figure({"A": runs}, title="T").axes
    bottom, lines = axes.get_ylim()[0], {line.get_gid(): line for line in axes.lines}
    assert lines["l2-exact"].get_ydata()[-1] == pytest.approx(bottom) and not lines["l2-exact"].get_clip_on()
    assert lines["l2-arrives"].get_ydata()[-1] == pytest.approx(bottom)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["exact\n(error 0)", "arrives\n(error 0)", "unknown\n(no error is known)", "network"]


def test_only_errors_of_zero_are_drawn_as_well():
    exact = one_step()
    exact._columns["relative_l2"] = [0.0, 0.0]
    figure = errors_figure({"A": {"exact": [exact]}}, title="T")
    figure.draw_without_rendering()
    assert [line.get_gid() for line in figure.axes[0].lines] == ["l2-exact"]

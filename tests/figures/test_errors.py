import numpy as np

from pdefreq.figures.errors import errors_figure
from tests.figures.histories import jacobi, network


def test_problems_are_side_by_side_with_a_common_error_axis():
    low = network()
    low._columns["relative_l2"] = [1e-3 * e for e in low._columns["relative_l2"]]
    figure = errors_figure({"A": {"jacobi": [jacobi()]}, "B": {"network": [low]}}, title="T")
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["A", "B"]
    assert first.get_ylim() == second.get_ylim()
    drawn = np.concatenate([line.get_ydata() for axes in figure.axes for line in axes.lines])
    assert first.get_ylim()[0] < drawn.min() and drawn.max() < first.get_ylim()[1]  # no curve of another panel is cut off


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

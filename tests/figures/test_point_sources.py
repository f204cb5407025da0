import numpy as np
import pytest

from pdefreq.figures.point_sources import Family, point_sources_figure

X = np.linspace(0, 1, 11)


@pytest.mark.parametrize("logarithmic", [True, False])
def test_each_family_has_a_panel_and_a_line_of_numbers(logarithmic):
    families = [Family(f"F{k}", {2: X * k, 4: X * k + 1}, {2: 0.5, 4: 0.25 + k}) for k in range(5)]
    limit = np.where(X == 0.5, np.inf, X)
    figure = point_sources_figure(
        X, limit, families, title="T", axis="x", measure="numbers", guides={"1/m": (X, X)}, logarithmic=logarithmic
    )
    panels = {axes.get_title(): axes for axes in figure.axes}
    for k in range(5):
        lines = {line.get_gid(): line.get_ydata() for line in panels[f"F{k}"].lines}
        np.testing.assert_array_equal(lines["m-4"], X * k + 1)
        low, high = panels[f"F{k}"].get_ylim()
        assert low < 0 and 5 < high < 7 and lines["limit"][5] > high  # the axis is not stretched for the peak
    numbers = panels["numbers"]
    assert numbers.get_yscale() == ("log" if logarithmic else "linear")
    assert [list(line.get_ydata()) for line in numbers.lines[1:]] == [[0.5, 0.25 + k] for k in range(5)]

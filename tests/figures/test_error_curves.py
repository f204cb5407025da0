"""Every curve is drawn, published values are dots of the same color, and each name has one entry in the legend."""

import numpy as np
import pytest

from pdefreq.figures.error_curves import Curve, error_curves_figure


def test_curves_dots_and_guides_are_drawn_in_the_colors_of_their_names():
    x = np.arange(5.0)
    slow = Curve("slow", [(x, 10.0**-x), (x, 2 * 10.0**-x)], published=((0, 3), (1.0, 1e-3)))
    figure = error_curves_figure(
        {"theirs": [Curve("fast", published=((0, 1), (1, 1e-6)))], "ours": [slow, Curve("fast", [(x, 10.0 ** (-2 * x))])]},
        title="T",
        xlabel="step",
        ylabel="error",
        guides={"floor": 1e-9},
        logarithmic=["ours"],
    )
    theirs, ours = figure.axes
    assert theirs.get_xscale() == "linear" and ours.get_xscale() == "log"
    assert len(ours.lines) == 2 + 1 + 1 + 1  # two seeds, dots, the other curve, the guide
    assert ours.lines[0].get_color() == ours.lines[2].get_color() != ours.lines[3].get_color() == theirs.lines[0].get_color()
    low, high = ours.get_ylim()
    assert low < 1e-9 and high > 2  # guides are included in the limits
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(names) == ["fast", "floor", "slow", "slow, published"]
    assert ours.lines[2].get_ydata() == pytest.approx([1.0, 1e-3])


def test_more_names_than_colors_have_other_dashes():
    names = "abcdefgh"
    curves = [Curve(name, published=((1, 2), (1.0, 0.1))) for name in names]
    (axes,) = error_curves_figure({"A": curves}, title="T", xlabel="step", ylabel="error").axes
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == len(names)

import numpy as np
import pytest

from pdefreq.figures.prediction import PredictedRun, prediction_figure

STEPS = np.arange(101)


def predicted_run(name="run", drift=None, rates=(0.1, 0.01), off=0.0, steps=STEPS):
    predicted = np.exp(-np.outer(steps, rates))
    return PredictedRun(name, steps, predicted + off, predicted, np.array([np.pi, 9.0]), drift=drift, moved=drift, threshold=0.05)


def drawn(axes, prefix):
    return [line.get_ydata() for line in axes.lines if (line.get_gid() or "").startswith(prefix)]


def test_each_panel_contains_both_curves_of_every_mode():
    rows = [[predicted_run("a"), predicted_run("b", off=0.01)], [predicted_run("a", rates=(0.2, 0.1)), predicted_run("b")]]
    figure = prediction_figure(rows, ["small", "large"])
    for axes, run in zip(figure.axes, [run for row in rows for run in row], strict=True):
        np.testing.assert_array_equal(np.array(drawn(axes, "measured-")).T, run.measured)
        np.testing.assert_array_equal(np.array(drawn(axes, "predicted-")).T, run.predicted)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "", ""]


def test_a_logarithmic_axis_shows_moduli_and_a_short_run_has_a_linear_axis():
    run = predicted_run(off=-2.0)
    (axes,) = prediction_figure([[run]], [""], log=True).axes
    np.testing.assert_array_equal(np.array(drawn(axes, "measured-")).T, np.abs(run.measured))
    assert axes.get_yscale() == "log" and axes.get_xscale() == "function" and axes.get_xlim() == (0, 100)
    assert prediction_figure([[predicted_run(steps=np.arange(9))]], [""]).axes[0].get_xscale() == "linear"


@pytest.mark.parametrize(("drift", "said"), [(None, None), (0.01, "largest difference 1 %"), (0.2, "above 5 %: flag")])
def test_the_flag_is_raised_by_the_drift(drift, said):
    run = predicted_run(drift=drift, off=0.01)
    texts = [text.get_text() for text in prediction_figure([[run]], [""]).axes[0].texts]
    assert run.flagged == (said == "above 5 %: flag")
    assert run.largest_difference == pytest.approx(0.01)
    assert not texts if said is None else said in texts[0]

import numpy as np

from pdefreq import predict
from pdefreq.figures.predicted_modes import predicted_modes_figure
from pdefreq.spectrum.predicted import PredictedErrors


def test_each_mode_is_drawn_as_it_is_predicted():
    """Jacobi: cos(k pi h / 2 ...)^step; the drawn data are those of the prediction, sorted by wavenumber."""
    found = predict("poisson", "jacobi")
    axes = found.plot().axes[0]
    drawn = [line for line in axes.lines if len(line.get_xdata()) > 2]
    order = np.argsort(found.modes.wavenumber, kind="stable")
    assert len(drawn) == len(order) and axes.get_yscale() == "log"
    for line, mode in zip(drawn, order, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), found.errors.step)
        np.testing.assert_array_equal(line.get_ydata(), np.abs(found.errors.error[:, mode]))
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert len(set(labels)) == len(labels) and labels[:3] == ["0", "1", "10"]
    assert "jacobi" in repr(found.title) and "<table>" in found._repr_html_()


def test_a_prediction_without_curves_states_the_reason():
    figure = predicted_modes_figure(PredictedErrors.none(3, "no theory of this"), [1.0, 2.0, 3.0])
    assert any("no theory of this" in text.get_text() for text in figure.axes[0].texts)

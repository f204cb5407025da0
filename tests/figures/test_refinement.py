import numpy as np
import pytest

from pdefreq.figures.refinement import refinement_figure
from pdefreq.spectrum.orders import fit_order
from pdefreq.spectrum.predicted import PredictedErrors
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.spectrum.watched import WatchedModes

H = 0.5 ** np.arange(3, 9)
UNKNOWNS = (1 / H + 1).astype(int).tolist()
WAVENUMBERS = np.pi * np.array([1.0, 4.0])


def drawn(*, h=H, errors=None, predicted=None):
    """Two modes that converge like h^2, the higher one from the second level on."""
    if errors is None:
        errors = np.outer(H**2, WAVENUMBERS**2 / 12)
        errors[0, 1] = 0.1
    modes = WatchedModes("sine", True, np.array([[1], [4]]), WAVENUMBERS, np.ones(2), "total", 2)
    record = SpectralRecord(modes, np.arange(6.0), np.zeros(6), errors, errors, PredictedErrors.none(2))
    norms = {"relative_l2": H**2, "relative_h1": H, "max_error": H**2}
    names = ["mode_1", "mode_4"]
    columns = dict(zip(names, errors.T, strict=True)) | norms
    return refinement_figure(
        record,
        norms,
        {name: fit_order(H, column) for name, column in columns.items()},
        names=names,
        h=h,
        unknowns=UNKNOWNS,
        dimension=1,
        predicted=np.full((6, 2), np.nan) if predicted is None else predicted,
    )


def lines(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


def test_each_curve_is_drawn_against_mesh_width_and_unknowns():
    for axes, x in zip(drawn().axes, (H, UNKNOWNS), strict=True):
        (low,) = lines(axes, "mode-0")
        np.testing.assert_array_equal(low.get_xdata(), x)
        np.testing.assert_array_equal(low.get_ydata(), H**2 * np.pi**2 / 12)
        (h1,) = lines(axes, "relative_h1")
        np.testing.assert_array_equal(h1.get_ydata(), H)


def test_finer_meshes_are_to_the_right():
    widths, unknowns = drawn().axes
    assert widths.get_xlim()[0] > widths.get_xlim()[1]
    assert unknowns.get_xlim()[0] < unknowns.get_xlim()[1]


def test_without_a_mesh_width_there_is_one_panel():
    (axes,) = drawn(h=None).axes
    assert axes.get_xlabel() == "unknowns N"


def test_points_outside_the_fit_are_hollow():
    hollow = [line for line in drawn().axes[0].lines if str(line.get_markerfacecolor()) == "white" and len(line.get_xdata())]
    assert [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in hollow] == [([H[0]], [0.1])]


def test_the_legend_states_the_orders():
    (legend,) = drawn().legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == ["π: 2.00", "4π: 2.00", "L2: 2.00", "H1: 1.00", "maximum: 2.00", "not in the fit"]


def test_theory_is_dashed_where_it_exists():
    predicted = np.outer(H**2, WAVENUMBERS**2 / 12)
    figure = drawn(predicted=predicted)
    theory = [line for line in figure.axes[0].lines if line.get_label() == "_theory"]
    np.testing.assert_array_equal([line.get_ydata() for line in theory[:2]], predicted.T)
    assert "theory" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("slope", [1, 2])
def test_triangles_have_the_slopes_that_they_state(slope):
    for axes in drawn().axes:
        triangles = [line for line in axes.lines if line.get_label() == "_slope"]
        corners = {round(np.ptp(np.log(t.get_ydata())) / np.ptp(np.log(t.get_xdata())), 9) for t in triangles}
        assert slope in corners


def test_zero_and_unknown_errors_can_be_drawn():
    drawn(errors=np.zeros((6, 2))).savefig("/dev/null", format="png")
    drawn(errors=np.full((6, 2), np.nan)).savefig("/dev/null", format="png")

import numpy as np
import pytest

from pdefreq.figures.comparison import comparison_figure
from tests.figures.histories import DEGENERATE, halving_times, jacobi, network, one_step
from tests.figures.test_heatmap import arrow, front, mesh


def panels(figure):
    """Panels by method: the maps, then the curves of the relative L2 error."""
    upper, lower = figure.subfigs
    return {axes.get_title().split("\n")[0]: axes for axes in upper.axes if axes.get_title()}, lower.axes[0]


RUNS = {"jacobi": [jacobi()], "network": [network(), network(scale=0.7), network(scale=1.3)], "sine": [one_step()]}


def test_the_arrow_points_down_for_jacobi_and_up_for_networks():
    maps, _ = panels(comparison_figure(RUNS))
    assert "high first, B = −2." in maps["jacobi"].get_title()
    assert "low first, B = 1.00" in maps["network"].get_title()
    assert arrow(maps["jacobi"]).xy[1] == 0
    assert arrow(maps["network"]).xy[1] == 4


def test_fronts_are_halving_times_and_the_median_over_seeds():
    maps, _ = panels(comparison_figure(RUNS))
    np.testing.assert_allclose(front(maps["jacobi"]).get_xdata(), halving_times((1, 2, 4, 8, 16)), rtol=1e-10)
    # the middle seed: e = exp(-0.05 t / k)
    np.testing.assert_allclose(front(maps["network"]).get_xdata(), np.log(2) * np.array([1, 2, 4, 8, 16]) / 0.05, rtol=1e-10)


def test_a_map_shows_the_median_over_seeds():
    one, _ = panels(comparison_figure({"network": [network()]}))
    three, _ = panels(comparison_figure(RUNS))
    # the order of the seeds is the same at all steps, so the median is the middle seed
    np.testing.assert_array_equal(mesh(three["network"]).get_array(), mesh(one["network"]).get_array())


def test_all_maps_show_the_same_modes_on_one_scale():
    runs = {"jacobi": [jacobi((1, 2, 4, 8))], "network": [network((2, 4, 8, 16))]}
    maps, _ = panels(comparison_figure(runs))
    a, b = maps["jacobi"], maps["network"]
    assert [t.get_text() for t in a.get_yticklabels()] == ["2π", "4π", "8π"]
    assert a.get_ylim() == b.get_ylim()
    assert (mesh(a).norm.vmin, mesh(a).norm.vmax) == (mesh(b).norm.vmin, mesh(b).norm.vmax)


def test_a_one_step_method_shows_its_last_total_error():
    run = one_step()
    run._columns["mode_error_total"][-1] = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    axes = panels(comparison_figure({"sine": [run], "jacobi": [jacobi()]}))[0]["sine"]
    np.testing.assert_allclose(mesh(axes).get_array()[:, 0], [0.1, 0.2, 0.3, 0.4, 0.5], rtol=1e-12)
    assert axes.get_title() == "sine\none step"
    assert not axes.lines


def test_error_curves_agree_with_the_history():
    _, axes = panels(comparison_figure(RUNS))
    lines = {line.get_gid(): line for line in axes.lines}
    run = jacobi()
    np.testing.assert_array_equal(lines["l2-jacobi"].get_xdata(), run.column("seconds")[1:])  # 0 is not on a logarithmic axis
    np.testing.assert_array_equal(lines["l2-jacobi"].get_ydata(), run.column("relative_l2")[1:])
    assert len(lines["l2-sine"].get_xdata()) == 1


def test_several_seeds_are_drawn_as_a_band_around_the_median():
    runs = [network(), network(), network()]
    for run, factor in zip(runs, (1, 2, 3), strict=True):
        run._columns["relative_l2"] = [factor * e for e in run._columns["relative_l2"]]
    _, axes = panels(comparison_figure({"network": runs}))
    (line,) = axes.lines
    seconds, middle = line.get_data()
    np.testing.assert_allclose(
        middle, 2 * np.interp(seconds, runs[0].column("seconds"), runs[0].column("relative_l2")), rtol=1e-3
    )
    edges = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert edges.max() / edges.min() >= 3 * (middle.max() / middle.min()) * 0.99  # from 1 to 3 times, at either end


def test_many_methods_fill_several_rows():
    figure = comparison_figure({f"m{i}": [network()] for i in range(6)})
    maps, _ = panels(figure)
    assert list(maps) == [f"m{i}" for i in range(6)]
    tops = [maps[f"m{i}"].get_subplotspec().rowspan.start for i in range(6)]
    assert tops == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("count", [4, 9])
def test_panels_do_not_overlap(count):
    """For any number of rows and any length of names."""
    long = "mscale:activation=srelu,scales=[1,2,4]"
    figure = comparison_figure({f"{long},number={i}": [one_step() if i == 1 else network()] for i in range(count)})
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.subfigs[0].axes]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


@pytest.mark.parametrize("name", DEGENERATE)
def test_missing_data_are_omitted(name):
    figure = comparison_figure({"missing": [DEGENERATE[name](), DEGENERATE[name]()], "jacobi": [jacobi(last=300)]})
    figure.draw_without_rendering()


@pytest.mark.parametrize("runs", [{}, {"none": []}, {"empty": [DEGENERATE["no records"]()]}])
def test_nothing_to_compare(runs):
    comparison_figure(runs).draw_without_rendering()


def test_remarks_stand_in_the_legend():
    _, axes = panels(comparison_figure(RUNS, remarks={"network": "overfitted", "jacobi": "not converged"}))
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["jacobi\n(not converged)", "network\n(overfitted)", "sine"]


def test_all_requested_modes_are_shown_even_if_they_are_many():
    maps, _ = panels(comparison_figure({"jacobi": [jacobi()]}, wavenumbers=np.pi * np.array([1, 2, 4, 8]), max_modes=2))
    assert [t.get_text() for t in maps["jacobi"].get_yticklabels()] == ["π", "2π", "4π", "8π"]

import numpy as np
import pytest
import torch
from matplotlib.collections import QuadMesh

from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.domains.box import Box
from pdefreq.figures.solution import solution_figure
from pdefreq.problem.problem import Problem

EXACT = CallableField(lambda x: torch.sin(3 * x).prod(dim=1))
APPROXIMATE = CallableField(lambda x: 1.1 * torch.sin(3 * x).prod(dim=1))


def problem(dimension, **fields):
    box = Box((-1.0,) * dimension, (2.0,) * dimension)
    return Problem(**{"domain": box, "source": 1.0, "boundary": 0.0, "title": "A title"} | fields)


def by_name(axes):
    return {line.get_gid(): line for line in axes.lines}


def meshes(figure):
    return [c for axes in figure.axes for c in axes.collections if isinstance(c, QuadMesh) and axes.get_title()]


def test_curves_show_both_functions_and_their_difference():
    upper, lower = solution_figure(problem(1, exact=EXACT), APPROXIMATE, EXACT).axes
    x = by_name(upper)["exact"].get_xdata()
    assert (x[0], x[-1]) == (-1, 2)
    np.testing.assert_allclose(by_name(upper)["exact"].get_ydata(), np.sin(3 * x), atol=1e-14)  # the rounding of two sines
    np.testing.assert_allclose(by_name(upper)["approximate"].get_ydata(), 1.1 * np.sin(3 * x), atol=1e-14)
    np.testing.assert_allclose(by_name(lower)["error"].get_ydata(), 0.1 * np.sin(3 * x), atol=1e-14)


@pytest.mark.parametrize(("fields", "name"), [({"exact": EXACT}, "exact"), ({}, "reference")])
def test_only_a_solution_that_the_problem_contains_is_called_exact(fields, name):
    curves = solution_figure(problem(1, **fields), APPROXIMATE, EXACT).axes[0].get_legend_handles_labels()[1]
    assert curves == [name, "approximate"]
    maps = [mesh.axes.get_title() for mesh in meshes(solution_figure(problem(2, **fields), APPROXIMATE, EXACT))]
    assert maps == [name, "approximate", "error"]


def test_maps_have_one_scale_and_equal_units():
    exact, approximate, error = meshes(solution_figure(problem(2), APPROXIMATE, EXACT))
    assert (exact.norm.vmin, exact.norm.vmax) == (approximate.norm.vmin, approximate.norm.vmax)
    np.testing.assert_allclose(error.get_array(), approximate.get_array() - exact.get_array(), atol=1e-15)
    assert error.norm.vmin == -error.norm.vmax  # zero error is white, in the middle of the scale
    assert all(mesh.axes.get_aspect() == 1 for mesh in (exact, approximate, error))


@pytest.mark.parametrize(("factor", "extend"), [(0.9, "neither"), (1.1, "both")])
def test_the_color_bar_marks_values_outside_of_its_range(factor, extend):
    approximate = CallableField(lambda x: factor * torch.sin(3 * x).prod(dim=1))
    figure = solution_figure(problem(2), approximate, EXACT)
    assert [bar.extend for mesh in meshes(figure) if (bar := mesh.colorbar) is not None] == [extend, "neither"]


def test_the_first_coordinate_increases_to_the_right():
    slope = CallableField(lambda x: x[:, 0])
    (mesh,) = meshes(solution_figure(problem(2), slope))
    values = np.asarray(mesh.get_array())
    assert (np.diff(values, axis=1) > 0).all()
    assert (np.diff(values, axis=0) == 0).all()


@pytest.mark.parametrize(("dimension", "words"), [(2, "A title"), (3, "A title, slice: z = 0.5"), (6, "A title, slice: other")])
def test_the_title_states_the_position_of_a_slice(dimension, words):
    figure = solution_figure(problem(dimension), APPROXIMATE, EXACT)
    assert figure.get_suptitle().startswith(words)


def test_a_slice_contains_the_center():
    last = CallableField(lambda x: x[:, 2])
    (mesh,) = meshes(solution_figure(problem(4), last))
    np.testing.assert_array_equal(mesh.get_array(), 0.5)


def test_without_an_exact_solution_only_the_approximation_is_shown():
    assert [set(by_name(axes)) for axes in solution_figure(problem(1), APPROXIMATE).axes] == [{"approximate"}]
    assert len(meshes(solution_figure(problem(2), APPROXIMATE))) == 1


BAD = {
    "all nan": ConstantField(float("nan")),
    "constant": ConstantField(3.0),
    "partly infinite": CallableField(lambda x: 1 / torch.relu(x[:, 0])),
}


@pytest.mark.parametrize("name", BAD)
def test_nonfinite_values_are_omitted(name):
    solution_figure(problem(1), BAD[name], BAD[name]).draw_without_rendering()
    solution_figure(problem(2), BAD[name], EXACT).draw_without_rendering()

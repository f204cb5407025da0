import numpy as np
import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.figures.problem import problem_figure
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Data, Problem


def wave(x):
    return torch.sin(x).sum(dim=1)


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def marks(axes):
    return {line.get_gid(): line for line in axes.lines if (line.get_gid() or "").startswith("boundary")}


def test_source_and_exact_solution_are_drawn():
    problem = Problem(domain=Box((0.0,), (1.0,)), source=wave, boundary=0.0, exact=lambda x: 2 * wave(x), title="A title")
    figure = problem_figure(problem)
    assert titles(figure) == ["source f", "exact solution u"]
    for axes, factor in zip(figure.axes, (1, 2), strict=True):
        (line,) = [line for line in axes.lines if line.get_gid() == "field"]
        np.testing.assert_allclose(line.get_ydata(), factor * np.sin(line.get_xdata()), rtol=1e-14)


def test_coefficients_are_drawn_where_they_vary():
    problem = Problem(domain=Box((0.0,), (1.0,)), source=wave, boundary=0.0, diffusion=lambda x: 2 + wave(x), reaction=1.0)
    assert titles(problem_figure(problem)) == ["source f", "diffusion a"]


def test_each_part_of_the_boundary_is_marked_by_its_condition():
    parts = (BoundaryPart("robin", name="x-max"), BoundaryPart("dirichlet"))
    found = marks(problem_figure(Problem(domain=Box((0.0, 0.0), (1.0, 2.0)), source=wave, boundary=parts)).axes[0])
    assert set(found) == {"boundary-robin", "boundary-dirichlet"}
    assert (found["boundary-robin"].get_xdata() == 1).all()
    assert (found["boundary-dirichlet"].get_xdata() < 1).all()


def test_a_regression_has_no_boundary_to_mark():
    problem = Problem(domain=Box((0.0,), (1.0,)), source=wave, diffusion=0.0, reaction=1.0)
    assert marks(problem_figure(problem).axes[0]) == {}


@pytest.mark.parametrize("dimension", [1, 2, 3, 6])
def test_every_dimension_is_drawn(dimension):
    box = Box((0.0,) * dimension, (1.0,) * dimension)
    figure = problem_figure(Problem(domain=box, source=lambda x: 1 / x[:, 0], boundary=0.0, title="A title"))  # infinite at 0
    assert ("slice" in figure.get_suptitle()) == (dimension > 2)
    figure.draw_without_rendering()


@pytest.mark.parametrize("dimension", [1, 2])
def test_training_and_held_out_data_are_marked_at_their_points(dimension):
    x = torch.rand(20, dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    data = Data(x=x, values=wave(x), holdout=0.25)
    box = Box((0.0,) * dimension, (1.0,) * dimension)
    axes = problem_figure(Problem(domain=box, diffusion=0.0, reaction=1.0, data=data)).axes[0]
    dots = {mark.get_gid(): np.asarray(mark.get_offsets()) for mark in axes.collections if mark.get_gid() in ("data", "held-out")}
    assert [len(dots[name]) for name in ("data", "held-out")] == [15, 5]
    shown = np.concatenate(list(dots.values()))
    expected = np.c_[x, wave(x)] if dimension == 1 else x.numpy()
    np.testing.assert_array_equal(np.sort(shown, axis=0), np.sort(expected, axis=0))

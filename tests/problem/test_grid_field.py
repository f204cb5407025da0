"""Fields on grids against the interpolator of SciPy, and refusals."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from pdefreq import Box, GridField, Problem, solve
from pdefreq.core.content import decode, digest, pack, unpack
from pdefreq.core.errors import IncompatibleError, ProblemFileError, RunFolderError
from pdefreq.problem.jumps import jumps

SHAPES = [(7,), (1,), (4, 3), (1, 5), (3, 2, 4)]


def grid(shape, interpolation="constant", seed=0):
    random = np.random.default_rng(seed)
    axes = tuple(np.cumsum(random.uniform(0.1, 1, n)) for n in shape)
    return GridField(random.normal(size=shape), axes, interpolation, "a file")


def points(field, number=200, seed=1):
    """Random points between the outermost points of the grid, together with the points of the grid."""
    random = np.random.default_rng(seed)
    between = np.stack([random.uniform(axis[0], axis[-1], number) for axis in field.axes], axis=1)
    return torch.cat([torch.from_numpy(between), field.points()])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("interpolation", "method"), [("constant", "nearest"), ("linear", "linear")])
def test_values_agree_with_scipy(shape, interpolation, method):
    field = grid(shape, interpolation)
    x = points(field)
    theirs = RegularGridInterpolator(field.axes, field.values, method)(x.numpy())
    # linear: sums of 2^d products of numbers of size 1
    torch.testing.assert_close(field(x), torch.from_numpy(theirs), rtol=0, atol=0 if method == "nearest" else 1e-14)
    assert torch.equal(field(field.points()), torch.tensor(field.values).flatten())
    assert field(x.float()).dtype == torch.float32


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_exact_in_each_cell(shape):
    field = grid(shape, "linear")
    x = points(field)[:200]
    h = 1e-6
    steps = h * torch.eye(len(shape), dtype=torch.float64)
    nearest = [(x[:, k, None] - torch.tensor(axis)).abs().amin(dim=1) for k, axis in enumerate(field.axes)]
    smooth = torch.stack(nearest, dim=1).amin(dim=1) > h
    differences = torch.stack([(field(x + step) - field(x - step)) / (2 * h) for step in steps], dim=1)
    # A multilinear function is linear along each axis: only the rounding of the difference, 1e-16 / h, remains.
    torch.testing.assert_close(field.gradient(x)[smooth], differences[smooth], rtol=0, atol=1e-8)
    assert not grid(shape).gradient(x).any()


@pytest.mark.parametrize("interpolation", ["constant", "linear"])
def test_beyond_the_outermost_points_a_field_is_constant(interpolation):
    field = GridField([[1.0, 2.0], [3.0, 4.0]], ([0.0, 1.0], [0.0, 1.0]), interpolation)
    corners = torch.tensor(list(itertools.product([-5.0, 7.0], repeat=2)))
    assert field(corners).tolist() == [1, 2, 3, 4] and not field.gradient(corners).any()


def test_an_array_on_a_box_has_one_value_per_cell():
    field = GridField.on_box(torch.arange(6.0).reshape(2, 3), (0, -1), (1, 2))
    for (i, x), (j, y) in itertools.product(enumerate([0.01, 0.51]), enumerate([-0.99, 0.01, 1.01])):
        for dx, dy in itertools.product([0, 0.48], [0, 0.98]):
            assert float(field(torch.tensor([[x + dx, y + dy]]))[0]) == 3 * i + j
    on_faces = torch.tensor([[0.5, -0.5], [0.2, 0.0]])
    assert field(on_faces).tolist() == [0, 0]  # the lower cell
    assert GridField.on_box([1.0, 2.0], 0, 1).text == "piecewise constant on 2 cells"
    assert grid((4, 3), "linear").text == "piecewise linear between 4 x 3 points from a file"


@given(st.sampled_from(SHAPES), st.sampled_from(["constant", "linear"]), st.data())
def test_equality_depends_only_on_the_content(shape, interpolation, data):
    field = grid(shape, interpolation)
    again = decode(unpack(*pack(field.content())))
    assert again == field and again.name == "a file" and torch.equal(again(points(field)), field(points(field)))
    assert GridField(field.values, field.axes, interpolation, "another file") == field
    index = data.draw(st.integers(0, field.values.size - 1))
    values, axes = field.values.copy(), [axis.copy() for axis in field.axes]
    values.flat[index] += 1e-12
    axes[-1][-1] += 1e-12
    others = [GridField(values, field.axes, interpolation), GridField(field.values, tuple(axes), interpolation)]
    others.append(GridField(field.values, field.axes, "linear" if interpolation == "constant" else "constant"))
    assert len({digest(each.content()) for each in (field, *others)}) == 4 and all(other != field for other in others)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GridField([1.0, 2.0], ([0.0, 1.0, 2.0],)), r"grid of 3 points needs as many values, got values of shape \(2,\)"),
        (lambda: GridField([], ([],)), "needs as many values"),
        (lambda: GridField(1.0, ()), "a grid of no points"),
        (lambda: GridField([1.0, 2.0], ([1.0, 0.0],)), "increase along each axis"),
        (lambda: GridField([1.0, 2.0], ([0.0, np.inf],)), "must be finite"),
        (lambda: GridField([[1.0, np.nan]], ([0.0], [0.0, 1.0])), r"the one at index \(0, 1\) is nan"),
        (lambda: GridField(["a", "b"], ([0.0, 1.0],)), "arrays of numbers"),
        (lambda: GridField([1.0, 2.0], ([0.0, 1.0],), "cubic"), 'must be "constant" or "linear", got \'cubic\''),
        (lambda: GridField.on_box([1.0, 2.0], (0, 0), (1, 1)), r"dimension 2 needs 2 axes, got shape \(2,\)"),
        (lambda: Problem(domain=Box((0, 0), (1, 1)), diffusion=np.ones(3), source=1.0, boundary=0.0), "dimension 2 needs 2 axes"),
    ],
)
def test_invalid_grids_are_refused(make, message):
    with pytest.raises(ProblemFileError, match=message) as refused:
        make()
    assert "\n" not in str(refused.value)


def test_forged_grids_are_refused():
    content = grid((2, 2)).content()
    for key, value in [("values", "x"), ("axes", 3), ("interpolation", 3), ("values", None), ("axes", [[0.0], [1.0]])]:
        with pytest.raises((RunFolderError, ProblemFileError)):
            decode({**content, key: value})


@pytest.mark.parametrize("shape", [(60,), (6, 5), (3, 3, 3)])
def test_only_discontinuous_fields_are_reported_as_discontinuous(shape):
    box = Box((0.0,) * len(shape), (1.0,) * len(shape))
    values = np.random.default_rng(0).uniform(1, 2, shape)
    stepped, continuous = (GridField.on_box(values, *box.bounds, how) for how in ("constant", "linear"))
    same = GridField.on_box(np.full(shape, 3.0), *box.bounds)
    assert jumps(stepped, box) and not jumps(continuous, box) and not jumps(same, box)
    assert [each.smoothness for each in (stepped, continuous, same)] == [0, 1, float("inf")]
    assert (stepped.constant, continuous.constant, same.constant) == (None, None, 3.0)


def test_methods_treat_a_grid_field_like_any_discontinuous_coefficient():
    """-(a u')' = 1 with a = 1 and 4: P1 elements with a node on the face have the exact nodal values."""
    problem = Problem(domain=Box(0.0, 1.0), diffusion=np.array([1.0, 4.0]), source=1.0, boundary=0.0)
    with pytest.raises(IncompatibleError, match="flux is continuous"):
        solve(problem, "pinn")
    x = torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
    # a u' = c - x, and u(1) = 0 implies c (1/2 + 1/8) = 1/8 + 3/32.
    c = (1 / 8 + 3 / 32) / (1 / 2 + 1 / 8)
    right = (c / 2 - 1 / 8) + (c * (x - 0.5) - (x**2 - 0.25) / 2) / 4
    u = torch.where(x <= 0.5, c * x - x**2 / 2, right)[:, 0]
    torch.testing.assert_close(solve(problem, "fem:cells=8")(x), u, rtol=0, atol=1e-14)

import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid

GRIDS = [
    Grid(Box((-1.0,), (2.0,)), (7,)),
    Grid(Box((-1.0, 0.5), (2.0, 1.0)), (5, 3)),
    Grid(Box((-1.0, 0.5, 0.0), (2.0, 1.0, 0.3)), (4, 3, 5)),
]


def interior(u):
    return u[(slice(1, -1),) * u.ndim]


def random(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def points_in(box, n=50):
    return torch.tensor(box.lower) + random(n, box.dimension) * torch.tensor(box.lengths)


def manufactured(box, u, a, c):
    """The problem with the solution u: its source by automatic differentiation."""

    def source(x):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            (slope,) = torch.autograd.grad(u(x).sum(), x, create_graph=True)
            flux = a(x)[:, None] * slope
            terms = [torch.autograd.grad(flux[:, k].sum(), x, create_graph=True)[0][:, k] for k in range(x.shape[1])]
            return (c(x) * u(x) - sum(terms)).detach()

    return Problem(domain=box, source=source, diffusion=a, reaction=c, boundary=u)


@pytest.mark.parametrize("grid", GRIDS)
def test_nodes_are_in_c_order_and_values_at_nodes_are_the_coefficients(grid):
    axes = [np.linspace(a, b, n + 1) for a, b, n in zip(grid.box.lower, grid.box.upper, grid.intervals, strict=True)]
    expected = np.stack([x.ravel() for x in np.meshgrid(*axes, indexing="ij")], axis=1)
    assert np.allclose(grid.nodes.numpy(), expected, rtol=0, atol=1e-15)
    c = random(grid.num_coefficients)
    # the cell coordinate of a node is an integer up to rounding: eps * (number of intervals) * (jump of c)
    assert (grid.at(grid.nodes).value(c) - c).abs().max() < 1e-14


@pytest.mark.parametrize("grid", GRIDS)
def test_multilinear_functions_are_reproduced_with_their_gradient(grid):
    slopes = random(grid.box.dimension) + 0.5

    def u(x):
        return (1 + x * slopes.to(x)).prod(dim=1)

    x = points_in(grid.box)
    evaluator = grid.at(x)
    c = grid.interpolate(as_field(u), x)
    # rounding of sums of 2^d products of size 10, divided by h >= 0.06 in the gradient
    assert torch.allclose(evaluator.value(c), u(x), rtol=0, atol=1e-13)
    assert torch.allclose(evaluator.gradient(c), as_field(u).gradient(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_gradient_is_the_derivative_of_the_value(grid):
    c, x, step = random(grid.num_coefficients), points_in(grid.box), 1e-7
    gradient = grid.at(x).gradient(c)
    for k, h in enumerate(grid.spacings):
        s = ((x[:, k] - grid.box.lower[k]) / h) % 1
        inside = (s > 1e-4) & (s < 1 - 1e-4)  # both points in one cell, where u is linear along an axis
        shift = torch.zeros_like(x)
        shift[:, k] = step
        difference = (grid.at(x + shift).value(c) - grid.at(x - shift).value(c)) / (2 * step)
        assert torch.allclose(difference[inside], gradient[inside, k], rtol=0, atol=1e-7)  # eps / step


def test_values_have_the_dtype_of_the_points():
    grid, x = GRIDS[1], points_in(GRIDS[1].box).float()
    c = grid.interpolate(as_field(1.5), x)
    assert c.dtype == torch.float32
    assert grid.at(x).value(c).dtype == torch.float32
    assert torch.allclose(grid.at(x).value(c), torch.tensor(1.5))


def solution(x):
    return torch.exp(0.5 * x[:, 0]) * torch.cos(2 * x).prod(dim=1)


def diffusion(x):
    return 1.5 + torch.sin(3 * x).mean(dim=1)


def reaction(x):
    return 2 + x.sum(dim=1).cos()


# asymptotic from about 8 cells per wavelength on; boxes with unequal sides distinguish the axes
@pytest.mark.parametrize(("upper", "coarse"), [((1.0,), 32), ((1.0, 0.7), 16), ((1.0, 0.7, 0.8), 8)])
def test_finite_differences_converge_at_order_two(upper, coarse):
    box = Box((-0.5,) * len(upper), upper)
    problem = manufactured(box, solution, diffusion, reaction)
    errors = []
    for n in (coarse, 2 * coarse):
        grid = Grid(box, tuple(n + k for k in range(len(upper))))
        u = CondensedSystem(grid.assemble(problem)).solve()
        errors.append(np.sqrt(np.mean((u - solution(grid.nodes).numpy()) ** 2)))
    ratio = np.log((2 * coarse + (len(upper) - 1) / 2) / (coarse + (len(upper) - 1) / 2))  # of the mean mesh widths
    assert abs(np.log(errors[0] / errors[1]) / ratio - 2) < 0.1


@pytest.mark.parametrize("grid", GRIDS)
def test_the_matrix_agrees_with_the_stencil_and_is_symmetric(grid):
    problem = manufactured(grid.box, solution, diffusion, reaction)
    system = grid.assemble(problem)
    condensed = CondensedSystem(system)
    assert abs(condensed.matrix - condensed.matrix.T).max() == 0
    u = grid.stencil(problem).start.clone()
    interior(u).copy_(random(*interior(u).shape))
    residual = grid.stencil(problem).residual(u).reshape(-1).numpy()
    scale = abs(system.matrix).max()  # entries and their rounding errors grow like a / h^2
    assert np.allclose(condensed.residual(u.reshape(-1).numpy()), residual, rtol=0, atol=1e-14 * scale)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_constant_coefficient_is_equivalent_to_an_array_of_equal_values(grid):
    as_number = Problem(domain=grid.box, source=1.0, diffusion=0.3, reaction=2.0, boundary=1.0)
    as_array = Problem(
        domain=grid.box,
        source=1.0,
        diffusion=lambda x: torch.full_like(x[:, 0], 0.3),
        reaction=lambda x: torch.full_like(x[:, 0], 2.0),
        boundary=1.0,
    )
    assert grid.stencil(as_number).weights[0].ndim == 0
    assert abs(grid.assemble(as_number).matrix - grid.assemble(as_array).matrix).max() == 0


def test_fields_are_checked_only_where_they_are_used():
    box = Box((-1.0,), (1.0,))
    singular = Problem(domain=box, source=lambda x: 1 / x[:, 0], boundary=0.0)
    Grid(box, (5,)).stencil(singular)  # zero is not a node
    with pytest.raises(ProblemFileError, match=r"source must be finite, got inf at \(0\)"):
        Grid(box, (4,)).stencil(singular)
    with pytest.raises(ProblemFileError, match="diffusion must be finite and at least 0, got -"):
        Grid(box, (4,)).stencil(Problem(domain=box, source=1.0, diffusion=lambda x: x[:, 0], boundary=0.0))


def test_the_initial_function_has_the_boundary_values_and_is_zero_inside():
    grid = GRIDS[1]
    u = grid.stencil(Problem(domain=grid.box, source=0.0, boundary=lambda x: 1 + x[:, 1])).start.clone()
    assert not interior(u).any()
    assert math.isclose(float(u[2, -1]), 2.0)
    assert int((u != 0).sum()) == grid.num_coefficients - interior(u).numel()

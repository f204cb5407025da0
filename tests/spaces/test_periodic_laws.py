"""Spaces on boxes with periodic sides: closed forms, orders of convergence, translation, and mean values."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.meshes.meshing import mesh_for
from pdefreq.iterations.linear.galerkin_system import GalerkinSystem
from pdefreq.iterations.linear.grid_iteration import solve_by_transform
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.elements.identified import Identification
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.elements.weak_form import WeakForm
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spaces.spectral.fourier_series import FourierSeries

BOX = Box((0.3, -1.0, 0.0), (1.3, 1.0, 1.5))


def box(d):
    return Box(BOX.lower[:d], BOX.upper[:d])


def angles(x, d):
    return 2 * torch.pi * (x - x.new_tensor(BOX.lower[:d])) / x.new_tensor(BOX.lengths[:d])


def wave(d):
    """A smooth function with the side lengths of the box as its periods, and -lap of it."""
    xi2 = sum((2 * math.pi / length) ** 2 for length in BOX.lengths[:d])
    return (lambda x: torch.sin(angles(x, d).sum(dim=1) + 0.4)), xi2


def problem(d, periodic, *, source=None, exact=None, **fields):
    """A problem that is periodic along some axes, with the values of `exact` on the other sides."""
    u, xi2 = wave(d)
    c = fields.get("reaction", 0.0)
    parts = [BoundaryPart("periodic", "xyz"[axis]) for axis in periodic]
    if len(periodic) < d:
        parts.append(BoundaryPart("dirichlet", value=exact or u))
    return Problem(domain=box(d), source=source or (lambda x: (xi2 + c) * u(x)), boundary=tuple(parts), **fields)


def subsets(d):
    return [axes for size in range(1, d + 1) for axes in itertools.combinations(range(d), size)]


def by_elements(found, cells, degree=1, *, simplices=True):
    mesh = mesh_for(found.domain, cells, simplices=simplices)
    space = Lagrange(mesh, 4 if degree == 2 else 2, degree=degree, periodic=found.periodic_axes)
    form = WeakForm(space, found)
    return space, GalerkinSystem(form.system(), null_space=form.null_space).solve()


def l2_error(space, c, u):
    x = box(space.mesh.dim()).interior(4000, stream(0, "test"), sobol=True).x
    return float((space.at(x).value(torch.from_numpy(c)) - u(x)).norm() / u(x).norm())


CASES = [(d, axes) for d in (1, 2, 3) for axes in subsets(d)]


@pytest.mark.parametrize(
    ("d", "periodic"),
    [(1, (0,)), (2, (0,)), (2, (1,)), (2, (0, 1)), (3, (0, 2)), pytest.param(3, (0, 1, 2), marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(("degree", "simplices"), [(1, True), (2, True), (1, False)])
def test_orders_of_convergence_of_finite_elements(d, periodic, degree, simplices):
    coarse = {1: 16, 2: 10, 3: 10 if simplices and degree == 1 else 4}[d]  # asymptotic from several cells per wavelength on
    found, (u, _) = problem(d, periodic), wave(d)
    errors = [l2_error(*by_elements(found, n, degree, simplices=simplices), u) for n in (coarse, 2 * coarse)]
    assert abs(math.log2(errors[0] / errors[1]) - (degree + 1)) < (0.15 if d < 3 else 0.35)


ORDERS = [  # in space, one axis and all of them: two represent the others
    pytest.param(d, axes, marks=pytest.mark.slow if d == 3 and axes not in ((1,), (0, 1, 2)) else ()) for d, axes in CASES
]


@pytest.mark.parametrize(("d", "periodic"), ORDERS)
def test_finite_differences_have_order_two(d, periodic):
    found, (u, _) = problem(d, periodic, reaction=2.0), wave(d)
    errors = []
    for n in (12, 24):
        grid = Grid(found.domain, (n,) * d, periodic)
        c = CondensedSystem(grid.assemble(found)).solve()
        errors.append(np.abs(c - u(grid.nodes).numpy()).max())
    assert abs(math.log2(errors[0] / errors[1]) - 2) < 0.1


@pytest.mark.parametrize(("d", "periodic"), CASES)
def test_nodes_on_opposite_sides_are_identified(d, periodic):
    mesh = mesh_for(box(d), 3)
    for degree in (1, 2):
        whole, space = Lagrange(mesh, degree=degree), Lagrange(mesh, degree=degree, periodic=periodic)
        sizes = [3 * degree + (axis not in periodic) for axis in range(d)]
        assert space.num_coefficients == math.prod(sizes)
        number = Identification.of(whole.nodes.numpy(), periodic).number
        assert len(np.unique(number)) == space.num_coefficients
        gap = (whole.nodes - space.nodes[number]).numpy() / np.array(box(d).lengths)
        assert np.allclose(gap, gap.round(), atol=1e-12)  # integer numbers of periods
        assert not gap[:, [axis for axis in range(d) if axis not in periodic]].any()


def test_a_mesh_without_matching_sides_is_refused():
    nodes = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.5]])
    with pytest.raises(IncompatibleError, match="matching nodes on opposite sides"):
        Identification.of(nodes, (0,))


@pytest.mark.parametrize(("d", "periodic"), CASES)
def test_the_stencil_agrees_with_its_matrix_for_variable_coefficients(d, periodic):
    """Both are symmetric, and agree with windows, neighbors and ghost nodes on every side."""
    found = problem(
        d,
        periodic,
        diffusion=lambda x: 1.5 + torch.sin(angles(x, d)[:, 0]) / 2,
        reaction=lambda x: 1 + x[:, 0],
        source=lambda x: x[:, 0],
    )
    grid = Grid(found.domain, (4, 5, 3)[:d], periodic)
    stencil, system = grid.stencil(found), grid.assemble(found)
    matrix = CondensedSystem(system).matrix.toarray()
    assert np.allclose(matrix, matrix.T, rtol=0, atol=1e-12 * abs(matrix).max())
    assert np.linalg.eigvalsh(matrix).min() > 0
    u = torch.rand(grid.num_coefficients, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    product = stencil.times(stencil.padded(u))[stencil.unknown]
    expected = (system.matrix @ u.numpy())[stencil.window(torch.arange(grid.num_coefficients))[stencil.unknown]]
    assert np.allclose(product, expected, rtol=0, atol=1e-12 * abs(matrix).max())


@pytest.mark.parametrize(("d", "periodic"), CASES)
def test_the_matrices_of_the_terms_are_summed(d, periodic):
    """Convection has the same matrix for variable and for constant diffusion."""
    varying = {"diffusion": lambda x: 1.5 + torch.sin(angles(x, d)[:, 0]) / 2}
    b = [1.0, -2.0, 0.5][:d]

    def matrix(**fields):
        found = problem(d, periodic, source=lambda x: 0 * x[:, 0], **fields)
        return Grid(found.domain, (4, 5, 3)[:d], periodic).assemble(found).matrix.toarray()

    added = matrix(convection=b) - matrix()
    assert np.abs(added).max() > 0.5
    assert np.allclose(matrix(convection=b, **varying) - matrix(**varying), added, rtol=0, atol=1e-12)


def test_two_intervals_have_the_same_neighbor_on_both_sides():
    grid = Grid(box(1), (2,), (0,))
    matrix = grid.assemble(problem(1, (0,), reaction=1.0)).matrix.toarray()
    h2 = grid.spacings[0] ** 2
    assert np.allclose(matrix, [[2 / h2 + 1, -2 / h2], [-2 / h2, 2 / h2 + 1]])


@pytest.mark.parametrize("drift", [0.0, 3.0])
@pytest.mark.parametrize(("d", "periodic"), CASES)
def test_transforms_solve_the_equations(d, periodic, drift):
    """With convection along the periodic axes, and -lap u = f with mean zero if all axes are periodic."""
    reaction, convection = 0.5 * (len(periodic) < d), [drift * (1 + axis) * (axis in periodic) for axis in range(d)]
    found = problem(d, periodic, source=0.0, reaction=reaction, convection=convection)
    grid = Grid(found.domain, (6, 5, 4)[:d], periodic)
    sizes = [n - (k not in periodic) for k, n in enumerate(grid.intervals)]
    load = np.random.default_rng(0).standard_normal(sizes)
    load -= load.mean() * (len(periodic) == d)
    numbers = {"convection": convection, "periodic": periodic}
    u = solve_by_transform(load, grid.intervals, found.domain.lengths, (1.0,) * d, reaction, **numbers).ravel()
    system = grid.assemble(found)
    matrix = CondensedSystem(system).matrix
    assert np.abs(matrix @ u - load.ravel()).max() < 1e-11
    assert system.symmetric == (drift == 0)
    if len(periodic) == d:
        assert abs(u.mean()) < 1e-14


def test_a_jump_of_the_source_at_the_periodic_boundary_is_replaced_by_its_mean():
    """For -u'' + u = x with period 1 the solution is not smooth there; the order is still two."""

    def exact(x):  # x plus the periodic solution of -v'' + v = 0 for which v jumps by -1 and v' is continuous
        return x[:, 0] - torch.sinh(x[:, 0] - 0.5) / (2 * math.sinh(0.5))

    found = Problem(domain=Box((0.0,), (1.0,)), source=lambda x: x[:, 0], reaction=1.0, boundary=(BoundaryPart("periodic", "x"),))
    errors = []
    for n in (16, 32):
        grid = Grid(found.domain, (n,), (0,))
        errors.append(np.abs(CondensedSystem(grid.assemble(found)).solve() - exact(grid.nodes).numpy()).max())
    assert abs(math.log2(errors[0] / errors[1]) - 2) < 0.1


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6), st.integers(0, 15))
@settings(max_examples=25, deadline=None)
def test_translations_of_the_source_by_a_grid_step_translate_the_solution(numbers, shift):
    """Difference and element equations commute with translations of the grid."""
    a, b = np.reshape(numbers, (2, 3))
    n = 16

    def source(turn):
        def f(x):
            angle = angles(x, 1)[:, 0] - 2 * math.pi * turn / n
            return sum(p * torch.cos(k * angle) + q * torch.sin(k * angle) for k, (p, q) in enumerate(zip(a, b, strict=True), 1))

        return f

    def by_differences(turn):
        return CondensedSystem(Grid(box(1), (n,), (0,)).assemble(problem(1, (0,), source=source(turn), reaction=1.0))).solve()

    def by_fem(turn):
        space, c = by_elements(problem(1, (0,), source=source(turn), reaction=1.0), n)
        return c[np.argsort(space.nodes[:, 0].numpy())]

    for solved in (by_differences, by_fem):
        assert np.allclose(np.roll(solved(0), shift), solved(shift), rtol=0, atol=1e-13)


@pytest.mark.parametrize("d", [1, 2])
def test_without_reaction_the_mean_is_zero_and_sources_are_compatible(d):
    every = tuple(range(d))
    u, _ = wave(d)
    space, c = by_elements(problem(d, every), 8)
    assert abs(space.inside().integral(space.inside().value(c))) < 1e-12
    series = FourierSeries(box(d), (3,) * d)
    coefficients = CondensedSystem(series.assemble(problem(d, every))).solve()
    x = box(d).interior(20, stream(0, "test")).x
    torch.testing.assert_close(series.at(x).value(torch.from_numpy(coefficients)), u(x), rtol=0, atol=1e-13)
    for assemble in (Grid(box(d), (8,) * d, every).assemble, series.assemble):
        with pytest.raises(ProblemFileError, match="integrals of source and flux add up to zero"):
            assemble(problem(d, every, source=1.0))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_reaction_preserves_the_mean_of_the_source(d):
    """The integrals of c u and f are equal, for the exact solution and for differences, elements and series."""
    every = tuple(range(d))
    found = problem(d, every, reaction=2.0, source=lambda x: torch.exp(torch.sin(angles(x, d)).sum(dim=1)))
    grid = Grid(box(d), (8,) * d, every)
    mean = float(found.source(grid.nodes).mean())
    assert CondensedSystem(grid.assemble(found)).solve().mean() == pytest.approx(mean / 2, rel=1e-13)
    space, c = by_elements(found, 6)
    rule = space.inside()
    load = rule.integral(found.source(rule.x).numpy().reshape(rule.weights.shape))
    assert rule.integral(rule.value(c)) == pytest.approx(load / 2, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2])
def test_a_series_solves_equations_with_constant_coefficients(d):
    """With a full matrix, convection and a negative reaction."""
    matrix = [["1", "0.4"], ["0.4", "2"]] if d == 2 else "1.5"
    found = Problem(
        domain=Box((0.0,) * d, (1.0,) * d),
        diffusion=matrix,
        convection=["3", "-1"][:d],
        reaction=-7,
        exact="exp(sin(2*pi*x))" + "*cos(2*pi*y + 0.3)" * (d == 2),
        boundary=tuple(BoundaryPart("periodic", name) for name in "xy"[:d]),
    )
    series = FourierSeries(found.domain, (14,) * d)
    c = CondensedSystem(series.assemble(found)).solve()
    x = found.domain.interior(20, stream(0, "test")).x
    torch.testing.assert_close(series.at(x).value(torch.from_numpy(c)), found.exact(x), rtol=0, atol=1e-12)


def test_a_resonance_is_refused():
    found = problem(1, (0,), source=0.0, reaction=-((2 * math.pi) ** 2))
    with pytest.raises(IncompatibleError, match=r"zero for the Fourier mode of wavevector \(-6.28319\), a resonance"):
        FourierSeries(box(1), (4,)).assemble(found)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_series_is_reproduced_with_its_gradient(d):
    series = FourierSeries(box(d), (2, 3, 1)[:d])
    c = torch.randn(series.num_coefficients, generator=stream(0, "test"), dtype=torch.float64)
    axes = [torch.linspace(a, b, n + 1, dtype=torch.float64)[:-1] for a, b, n in zip(*box(d).bounds, series.shape, strict=True)]
    nodes = torch.cartesian_prod(*axes).reshape(-1, d)
    torch.testing.assert_close(series.transform(series.at(nodes).value(c)), c, rtol=0, atol=1e-13)
    x = box(d).interior(5, stream(1, "test")).x.requires_grad_(True)
    k = torch.cartesian_prod(*[torch.arange(-m, m + 1, dtype=torch.float64) for m in series.harmonics]).reshape(-1, d)
    phase = angles(x, d) @ k.T
    u = (torch.cos(phase) + torch.sin(phase)) @ c
    torch.testing.assert_close(series.at(x.detach()).value(c), u.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(series.at(x.detach()).gradient(c), torch.autograd.grad(u.sum(), x)[0], rtol=1e-12, atol=1e-11)


def test_values_between_nodes_are_interpolated_across_the_periodic_boundary():
    grid = Grid(box(1), (4,), (0,))
    c = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    x = torch.tensor([[BOX.upper[0] - 0.125], [BOX.upper[0]], [BOX.lower[0]]], dtype=torch.float64)
    torch.testing.assert_close(grid.at(x).value(c), torch.tensor([2.5, 1.0, 1.0], dtype=torch.float64))

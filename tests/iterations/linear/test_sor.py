import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.iterations.linear.sor import LexicographicSor, RedBlackSor
from pdefreq.iterations.linear.sparse import CondensedSystem, jacobi_radius
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spectrum.modes import make_modes
from tests.iterations.grids import GRIDS, LIKE, dirichlet, mixed, neumann, run

UNIT = [Box((0.0,) * d, (1.0,) * d) for d in (1, 2, 3)]


def sine(box, numbers):
    def u(x):
        s = (x - x.new_tensor(box.lower)) / x.new_tensor(box.lengths)
        return torch.sin(torch.pi * s * x.new_tensor(numbers)).prod(dim=1)

    return as_field(u)


def homogeneous(box, **fields):
    return Problem(domain=box, source=0.0, boundary=0.0, **fields)


@pytest.mark.parametrize("omega", [1.0, 1.4])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("order", [LexicographicSor, RedBlackSor])
def test_a_sweep_agrees_with_the_textbook_algorithm(order, grid, omega):
    """The loop over single unknowns is written out here."""
    problem = mixed(grid.box)
    system = CondensedSystem(grid.assemble(problem))
    matrix, u = system.matrix.toarray(), np.zeros(len(system.free))
    places = np.stack(np.unravel_index(system.free, grid.shape), axis=1)
    nodes = range(len(u)) if order is LexicographicSor else sorted(range(len(u)), key=lambda i: places[i].sum() % 2)
    for _ in range(2):
        for i in nodes:
            u[i] += omega * (system.load[i] - matrix[i] @ u) / matrix[i, i]
    swept = run(order(problem, grid, omega=omega, like=LIKE), 2)
    assert np.abs(swept.coefficients.numpy()[system.free] - u).max() < 1e-13 * np.abs(u).max()


@pytest.fixture
def by_symbol(monkeypatch):
    """As on a grid that is too large for the matrix of a sweep, which is exact and preferred."""
    monkeypatch.setattr("pdefreq.iterations.linear.stationary._UNKNOWNS", 0)


@pytest.mark.usefixtures("by_symbol")
@pytest.mark.parametrize("omega", [1.0, 1.5])
@pytest.mark.parametrize(
    ("d", "n", "numbers"),
    [(1, 256, [[k] for k in (32, 64, 96, 128, 192, 240)]), (2, 96, [[16, 16], [24, 48], [48, 48], [90, 90], [12, 60]])],
)
def test_waves_of_middle_and_high_modes_decay_as_predicted_by_local_fourier_analysis(d, n, numbers, omega):
    """Size of an error that is one sine mode initially, over the first sweeps, before boundary effects reach the interior."""
    grid = Grid(UNIT[d - 1], (n,) * d)
    for number in numbers:
        iteration = LexicographicSor(homogeneous(grid.box), grid, omega=omega, like=LIKE, guess=sine(grid.box, number))
        prediction = iteration.predict(make_modes("sine", grid.box, [number]), torch.arange(4))
        state = iteration.init()
        start = state.coefficients.norm()
        for sweep in range(4):
            assert abs(float(state.coefficients.norm() / start / prediction.curves[sweep, 0]) - 1) < 0.03, (number, sweep)
            state = iteration.step(state)


@pytest.mark.usefixtures("by_symbol")
def test_in_one_dimension_the_symbol_is_the_published_one():
    grid = Grid(UNIT[0], (64,))
    modes = make_modes("sine", grid.box, [[k] for k in (1, 16, 32, 63)])
    prediction = LexicographicSor(homogeneous(grid.box), grid, omega=1.0, like=LIKE).predict(modes, torch.arange(3))
    symbol = 1 / np.sqrt(5 - 4 * np.cos(modes.indices[:, 0] * np.pi / 64))
    np.testing.assert_allclose(prediction.curves.numpy(), symbol ** np.arange(3)[:, None], rtol=1e-12)
    whole = math.cos(math.pi / 64) ** 2  # 0.1 % below the symbol of mode 1
    np.testing.assert_allclose(prediction.rates.numpy(), -np.log(np.minimum(symbol, whole)), rtol=1e-9)
    assert f"{math.cos(math.pi / 64) ** 2:.9g}" in prediction.note


@pytest.mark.usefixtures("by_symbol")
@pytest.mark.parametrize("order", [LexicographicSor, RedBlackSor])
def test_the_optimal_omega_has_equal_factors_for_all_modes(order):
    grid = Grid(UNIT[1], (24, 24))
    iteration = order(homogeneous(grid.box), grid, omega="optimal", like=LIKE)
    modes = make_modes("sine", grid.box, [[1, 1], [3, 2], [12, 12], [23, 20]])
    rate = -math.log(2 / (1 + math.sin(math.pi / 24)) - 1)
    # the square root at the double eigenvalue of the smoothest mode: 1e-8
    np.testing.assert_allclose(iteration.predict(modes, torch.arange(2)).rates.numpy(), rate, rtol=1e-6)


@pytest.mark.parametrize("omega", [1.0, 1.3, 1.8])
@pytest.mark.parametrize(("diffusion", "reaction"), [(1.0, 0.0), (0.7, 40.0)])
@pytest.mark.parametrize("grid", GRIDS)
def test_a_red_black_sweep_couples_two_modes_exactly_as_predicted(grid, diffusion, reaction, omega):
    problem = homogeneous(grid.box, diffusion=diffusion, reaction=reaction)
    every = make_modes("sine", grid.box, intervals=grid.intervals)
    for number in itertools.islice(itertools.product(*[range(1, n) for n in grid.intervals]), 0, None, 17):
        iteration = RedBlackSor(problem, grid, omega=omega, like=LIKE, guess=sine(grid.box, number))
        partner = [n - k for n, k in zip(grid.intervals, number, strict=True)]
        pair = (every.indices == number).all(axis=1) | (every.indices == partner).all(axis=1)
        mine = int((every.indices == number).all(axis=1).argmax())
        prediction = iteration.predict(SimpleNamespace(kind="sine", indices=np.array([number])), torch.arange(6))
        state = iteration.init()
        for sweep in range(6):
            amplitude = every.coefficients(state.coefficients.numpy(), grid)
            assert np.abs(amplitude[~pair]).max() < 1e-14
            assert abs(amplitude[mine] - float(prediction.curves[sweep, 0])) < 1e-14
            state = iteration.step(state)


def test_a_red_black_sweep_of_gauss_seidel_removes_the_middle_mode():
    """cos(pi / 2) is 6e-17 in floating point: no rate is computed from the rounding error of zero."""
    grid = Grid(UNIT[0], (16,))
    modes = make_modes("sine", grid.box, [[7], [8]])
    rates = RedBlackSor(dirichlet(grid.box), grid, omega=1.0, like=LIKE).predict(modes, torch.arange(3)).rates
    assert rates.tolist() == [pytest.approx(-2 * math.log(math.cos(7 * math.pi / 16))), math.inf]


def asymptotic_factor(iteration, sweeps):
    """Factor of the norm of the error per sweep, the geometric mean over many sweeps, because complex eigenvalues oscillate."""
    state = run(iteration, sweeps)
    discrete, sizes = iteration.discrete_solution(state), []
    for _ in range(2):
        sizes.append(float((state.coefficients - discrete).norm()))
        for _ in range(sweeps):
            state = iteration.step(state)
    return (sizes[1] / sizes[0]) ** (1 / sweeps)


@pytest.mark.parametrize("order", [LexicographicSor, RedBlackSor])
@pytest.mark.parametrize(("d", "n"), [(1, 20), (2, 20), (3, 12)])
def test_the_asymptotic_factor_of_gauss_seidel_is_cos_squared(order, d, n):
    box = UNIT[d - 1]
    factor = asymptotic_factor(order(dirichlet(box), Grid(box, (n,) * d), omega=1.0, like=LIKE), 120)
    assert factor == pytest.approx(math.cos(math.pi / n) ** 2, rel=1e-4)  # other modes are 0.96^120 = 7e-3, over 120 sweeps


@pytest.mark.parametrize("order", [LexicographicSor, RedBlackSor])
@pytest.mark.parametrize("omega", [1.9, 1.95])
def test_the_asymptotic_factor_of_sor_is_omega_minus_one(order, omega):
    """n = 20: the optimal omega is 1.729, and above it all eigenvalues have the modulus omega - 1."""
    box = UNIT[1]
    factor = asymptotic_factor(order(dirichlet(box), Grid(box, (20, 20)), omega=omega, like=LIKE), 100)
    # eigenvalues of equal modulus and different angles: the norm of their sum varies by a factor of about 2 in 100 sweeps
    assert factor == pytest.approx(omega - 1, rel=math.log(2) / 100)


@pytest.mark.parametrize("grid", GRIDS)
def test_the_optimal_omega_of_constant_coefficients_has_a_closed_form(grid):
    closed = LexicographicSor(dirichlet(grid.box), grid, omega="optimal", like=LIKE)
    found = jacobi_radius(grid.assemble(dirichlet(grid.box)))
    assert found == pytest.approx(closed._jacobi_radius, abs=1e-14)
    if len(set(grid.spacings)) == 1 and len(set(grid.intervals)) == 1:
        assert closed._omega == pytest.approx(2 / (1 + math.sin(math.pi / grid.intervals[0])), abs=1e-12)


@pytest.mark.parametrize("problem", [mixed, neumann])
@pytest.mark.parametrize("grid", GRIDS)
def test_the_radius_of_jacobi_is_the_largest_eigenvalue_modulo_constants(problem, grid):
    system = grid.assemble(problem(grid.box))
    matrix = CondensedSystem(system).matrix.toarray()
    eigenvalues = np.sort(np.abs(np.linalg.eigvals(np.eye(len(matrix)) - matrix / np.diag(matrix)[:, None])))
    expected = eigenvalues[-3] if problem is neumann else eigenvalues[-1]  # without 1 and -1: constant, alternating
    assert jacobi_radius(system) == pytest.approx(expected, abs=1e-7)  # the shift of singular matrices


def test_methods_without_theory_have_no_prediction():
    for order in (LexicographicSor, RedBlackSor):
        iteration = order(dirichlet(GRIDS[0].box), GRIDS[0], omega=1.0, like=LIKE)
        assert iteration.predict(SimpleNamespace(kind="eigen", indices=np.array([[1]])), torch.arange(3)) is None

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.fft import dstn

from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.iterations.linear import jacobi
from pdefreq.iterations.linear.jacobi import Jacobi
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.problem.terms.constants import constants_of
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spectrum.modes import make_modes
from pdefreq.theory.relaxation import amplified_modes
from tests.iterations.grids import indefinite

LIKE = torch.empty(0, dtype=torch.float64)
BOXES = [Box((-1.0,), (1.0,)), Box((-1.0, 0.0), (1.0, 1.5)), Box((-1.0, 0.0, 0.5), (1.0, 1.5, 1.2))]
INTERVALS = [(32,), (12, 9), (8, 7, 5)]
CASES = list(zip(BOXES, INTERVALS, strict=True))


def interior(u):
    return u[(slice(1, -1),) * u.ndim]


def random(*shape):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def varied(box):
    """Variable coefficients, source and boundary values."""
    return Problem(
        domain=box,
        source=lambda x: (3 * x).sin().sum(dim=1) + 1,
        diffusion=lambda x: 1.2 + (2 * x).sin().mean(dim=1),
        reaction=lambda x: x[:, 0] ** 2,
        boundary=lambda x: x.sum(dim=1).exp(),
    )


def poisson(box, **fields):
    return Problem(domain=box, **({"source": lambda x: (3 * x).sin().sum(dim=1) + 1, "boundary": lambda x: 1 + x[:, 0]} | fields))


def sine_amplitudes(grid, u):
    """DST-I: the amplitudes of all sine modes of a grid function that vanishes on the boundary."""
    return dstn(interior(u.reshape(grid.shape)).numpy(), type=1) / math.prod(grid.intervals)


def all_modes(box, intervals):
    """The sum of all sine modes of the grid, each with the amplitude 1."""

    def u(x):
        product = torch.ones_like(x[:, 0])
        for k, n in enumerate(intervals):
            s = (x[:, k] - box.lower[k]) / box.lengths[k]
            product = product * torch.sin(torch.pi * torch.outer(s, torch.arange(1, n).to(s))).sum(dim=1)
        return product

    return as_field(u)


@pytest.mark.parametrize("omega", [1.0, 2 / 3, 0.4])
@pytest.mark.parametrize(("diffusion", "reaction"), [(1.0, 0.0), (0.7, 40.0)])
@pytest.mark.parametrize(("box", "intervals"), CASES)
def test_every_sine_mode_decays_by_its_amplification_factor(box, intervals, diffusion, reaction, omega):
    grid = Grid(box, intervals)
    problem = Problem(domain=box, source=0.0, boundary=0.0, diffusion=diffusion, reaction=reaction)
    iteration = Jacobi(problem, grid, omega=omega, like=LIKE, guess=all_modes(box, intervals))
    # the formula is repeated here, so that both the theory module and the code are tested
    angles = [np.pi * np.arange(1, n) / n for n in intervals]
    weights = [diffusion / h**2 for h in grid.spacings]
    cosines = [2 * w * np.cos(theta) for w, theta in zip(weights, angles, strict=True)]
    sums = cosines[0]
    for cosine in cosines[1:]:
        sums = np.add.outer(sums, cosine)
    factor = 1 - omega + omega * sums / (2 * sum(weights) + reaction)
    indices = np.array(list(itertools.product(*[range(1, n) for n in intervals])))
    modes = SimpleNamespace(kind="sine", indices=indices)
    prediction = iteration.predict(modes, torch.arange(21))
    state = iteration.init()
    for sweep in range(21):
        amplitudes = sine_amplitudes(grid, state.coefficients)
        # rounding of 20 sweeps with values of at most prod(n): 20 * 300 * 1e-16
        assert np.abs(amplitudes - factor**sweep).max() < 1e-12
        assert np.abs(amplitudes.ravel() - prediction.curves[sweep].numpy()).max() < 1e-12
        state = iteration.step(state)
    # the theory evaluates log(factor^2) accurately for factors near 1; for small factors the square has an error of eps
    assert np.abs(np.exp(-2 * prediction.rates.numpy()) - factor.ravel() ** 2).max() < 1e-14


def test_methods_without_theory_have_no_prediction():
    grid = Grid(*CASES[0])
    eigen = SimpleNamespace(kind="eigen", indices=np.array([[1]]))
    assert Jacobi(poisson(grid.box), grid, omega=1.0, like=LIKE).predict(eigen, torch.arange(3)) is None


def test_the_published_halving_sweeps_of_jacobi():
    """Halving sweeps of Jacobi for DFT indices 1, 3, 8 (Xu et al., 2020, arXiv 1901.06523, Fig. 4c), n = 500.

    The DFT uses the n points x_0 ... x_{n-1}, and the error is relative to the exact solution. Relative to the discrete solution
    the sweeps are 8779, 976, 137.
    """

    def source(x):
        x = x[:, 0]
        return x.sin() + 4 * (4 * x).sin() - 8 * (8 * x).sin() + 16 * (24 * x).sin()

    def particular(x):
        return np.sin(x) + np.sin(4 * x) / 4 - np.sin(8 * x) / 8 + np.sin(24 * x) / 36

    grid = Grid(BOXES[0], (500,))
    iteration = Jacobi(Problem(domain=grid.box, source=source, boundary=0.0), grid, omega=1.0, like=LIKE)
    x = grid.nodes[:-1, 0].numpy()
    exact = particular(x) - particular(1) * x  # the particular solution is odd
    peaks = [1, 3, 8]
    size = np.abs(np.fft.fft(exact)[peaks])
    state, errors = iteration.init(), []
    for _ in range(9000):
        errors.append(np.abs(np.fft.fft(state.coefficients[:-1].numpy() - exact)[peaks]) / size)
        state = iteration.step(state)
    errors = np.array(errors)
    half = [int((errors[:, j] > 0.5).nonzero()[0][-1]) + 1 for j in range(3)]
    assert np.abs(np.array(half) - [8778, 976, 137]).max() <= 2
    assert np.abs(np.array(half) / [8533, 965, 133] - 1).max() < 0.05


@pytest.mark.parametrize(("box", "intervals"), CASES)
@pytest.mark.parametrize("make", [poisson, varied])
def test_the_discrete_solution_solves_the_difference_equations(box, intervals, make):
    grid, problem = Grid(box, intervals), make(box)
    iteration = Jacobi(problem, grid, omega=1.0, like=LIKE)
    discrete = iteration.discrete_solution(iteration.init())
    expected = CondensedSystem(grid.assemble(problem)).solve()
    assert np.abs(discrete.numpy() - expected).max() < 1e-13 * np.abs(expected).max()
    assert float(iteration.objective(iteration.restore(discrete, {}))["residual"]) < 1e-13


def test_the_discrete_solution_on_the_published_grid_is_accurate():
    grid = Grid(BOXES[0], (500,))
    problem = poisson(grid.box, reaction=2.0)
    iteration = Jacobi(problem, grid, omega=1.0, like=LIKE)
    expected = CondensedSystem(grid.assemble(problem)).solve()
    # the factorization, not the transform, limits the agreement: eps times a part of the condition number 1e5
    assert np.abs(iteration.discrete_solution(iteration.init()).numpy() - expected).max() < 2e-12


@pytest.mark.parametrize("omega", [1.0, 0.8])
@pytest.mark.parametrize(("box", "intervals"), CASES)
def test_sweeps_converge_to_the_discrete_solution(box, intervals, omega):
    iteration = Jacobi(varied(box), Grid(box, intervals), omega=omega, like=LIKE)
    state = iteration.init()
    discrete = iteration.discrete_solution(state)
    for _ in range(6000):  # the slowest mode: (1 - 0.8 * 2 sin^2(pi/64))^6000 = 1e-10 in 1-D
        state = iteration.step(state)
    assert float((state.coefficients - discrete).abs().max()) < 1e-8
    assert iteration.discrete_solution(state) is not state.coefficients


@pytest.mark.parametrize(("box", "intervals"), CASES)
def test_the_objective_is_the_relative_residual_of_the_interior_equations(box, intervals):
    grid, problem = Grid(box, intervals), varied(box)
    iteration, system = Jacobi(problem, grid, omega=0.7, like=LIKE), CondensedSystem(grid.assemble(problem))
    state = iteration.init()
    assert abs(float(iteration.objective(state)["residual"]) - 1) < 1e-13  # the initial function is zero
    state = iteration.step(iteration.step(state))
    before = state.coefficients.clone()
    expected = np.linalg.norm(system.residual(before.numpy())) / np.linalg.norm(system.load)
    assert abs(float(iteration.objective(state)["residual"]) - expected) < 1e-13
    assert torch.equal(state.coefficients, before)


def test_with_zero_data_the_objective_is_the_absolute_residual():
    grid = Grid(*CASES[1])
    problem = poisson(grid.box, source=0.0, boundary=0.0)
    iteration = Jacobi(problem, grid, omega=1.0, like=LIKE, guess=as_field(lambda x: x[:, 0].exp()))
    state = iteration.init()
    expected = np.linalg.norm(CondensedSystem(grid.assemble(problem)).residual(state.coefficients.numpy()))
    assert math.isclose(float(iteration.objective(state)["residual"]), expected, rel_tol=1e-12)


def test_a_guess_changes_the_interior_but_not_the_boundary_values():
    grid, problem = Grid(*CASES[1]), varied(BOXES[1])
    u = Jacobi(problem, grid, omega=1.0, like=LIKE, guess=as_field(7.0)).init().coefficients.reshape(grid.shape)
    assert bool((interior(u) == 7).all())
    expected = grid.stencil(problem).start.clone()
    interior(expected).fill_(7.0)
    assert torch.equal(u, expected)


def test_sweeps_allocate_no_memory():
    iteration = Jacobi(varied(BOXES[2]), Grid(*CASES[2]), omega=0.7, like=LIKE)
    state, seen = iteration.init(), []
    for _ in range(6):
        seen.append(state.coefficients.data_ptr())
        state = iteration.step(state)
    assert len(set(seen)) == 2
    assert seen[::2] == [seen[0]] * 3


@pytest.mark.parametrize("omega", [1.0, 0.7])
def test_the_division_into_slabs_does_not_change_the_result(omega, monkeypatch):
    results = []
    for block in (2**17, 100):  # 100: one slab of the first axis at a time, and a remainder
        monkeypatch.setattr(jacobi, "_BLOCK", block)
        iteration = Jacobi(varied(BOXES[2]), Grid(*CASES[2]), omega=omega, like=LIKE)
        state = iteration.step(iteration.step(iteration.init()))
        results.append(state.coefficients.clone())
    assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_restored_run_continues_bit_for_bit(dtype):
    def make():
        return Jacobi(varied(BOXES[1]), Grid(*CASES[1]), omega=0.7, like=LIKE.to(dtype))

    iteration = make()
    state = iteration.init()
    for _ in range(5):
        state = iteration.step(state)
    saved = state.coefficients.clone()
    for _ in range(5):
        state = iteration.step(state)
    other = make()
    resumed = other.restore(saved, {})
    assert torch.equal(resumed.coefficients, saved)
    for _ in range(5):
        resumed = other.step(resumed)
    assert resumed.coefficients.dtype == dtype
    assert torch.equal(resumed.coefficients, state.coefficients)


def test_a_copied_state_steps_like_the_original():
    iteration = Jacobi(varied(BOXES[0]), Grid(*CASES[0]), omega=1.0, like=LIKE)
    state = iteration.step(iteration.init())
    copy = state.coefficients.clone()
    after = iteration.step(state).coefficients.clone()
    again = iteration.step(type(state)(state.space, copy))
    assert torch.equal(again.coefficients, after)


@pytest.mark.parametrize(("box", "intervals"), CASES)
@pytest.mark.parametrize("omega", [1.0, 0.7])
def test_exactly_the_modes_with_amplification_factors_above_one_grow(box, intervals, omega):
    """Helmholtz equation with a diagonal matrix; the initial error is 1 in every mode."""
    grid, problem = Grid(box, intervals), indefinite(box)
    constants = constants_of(problem.equation, box.dimension)
    numbers = {"diffusion": constants.diffusion, "reaction": constants.reaction, "omega": omega}
    iteration = Jacobi(poisson(box, terms=problem.terms, source=0.0, boundary=0.0), grid, omega=omega, like=LIKE)
    every = make_modes("sine", box, intervals=intervals)
    prediction = iteration.predict(every, torch.arange(31))
    state = iteration.restore(grid.interpolate(as_field(all_modes(box, intervals)), LIKE), {})
    history = [sine_amplitudes(grid, state.coefficients).ravel()]
    for _ in range(30):
        state = iteration.step(state)
        history.append(sine_amplitudes(grid, state.coefficients).ravel())
    measured, order = np.array(history), np.ravel_multi_index(tuple(every.indices.T - 1), [n - 1 for n in intervals])
    np.testing.assert_allclose(measured[:, order], prediction.curves.numpy(), rtol=1e-10, atol=1e-12 * measured.max())
    grow = {tuple(k) for k in every.indices[np.abs(measured[-1, order]) > 1 + 1e-10].tolist()}
    modes, factors = amplified_modes(intervals, box.lengths, **numbers)
    assert grow == {tuple(k) for k in modes.tolist()} == {tuple(k) for k in every.indices[prediction.rates.numpy() < 0].tolist()}
    assert len(grow) > 0 and bool((factors.abs() > 1).all())
    (note,) = iteration.notes(state)
    assert f"amplifies {len(grow)} of the {len(every):,} modes" in note and "use `gmres` or `fem`" in note

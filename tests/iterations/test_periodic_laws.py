"""Relaxation and fast solvers on periodic grids: predicted and measured moduli and phases of all modes."""

import itertools
import math

import numpy as np
import pytest
import torch

from pdefreq import Stop, solve
from pdefreq.core.errors import IncompatibleError
from pdefreq.domains.box import Box
from pdefreq.iterations.linear.conjugate_gradients import ConjugateGradients
from pdefreq.iterations.linear.jacobi import Jacobi
from pdefreq.iterations.linear.multigrid import Multigrid
from pdefreq.iterations.linear.sor import LexicographicSor, RedBlackSor
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spectrum.bands import split_on_box
from pdefreq.spectrum.box_modes import make_modes
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.theory.relaxation import jacobi_fourier_symbol
from tests.iterations.grids import LIKE, run

LENGTHS = (2.0, 1.5, 1.2)


def box(d):
    return Box((0.3,) * d, tuple(0.3 + length for length in LENGTHS[:d]))


def periodic(d, axes=None, *, source=None, **fields):
    """A problem that is periodic along some axes, by default along all; mean zero if u is unique only up to a constant."""
    axes = range(d) if axes is None else axes

    def smooth(x):
        y = 2 * math.pi * (x - 0.3) / x.new_tensor(LENGTHS[:d])
        rich = torch.exp(torch.sin(y).sum(dim=1)) * torch.cos(y[:, 0] + 0.4)
        return rich if fields.get("reaction") else torch.sin(y.sum(dim=1) + 0.2) + torch.cos(2 * y[:, 0])

    parts = [BoundaryPart("periodic", "xyz"[axis]) for axis in axes]
    parts += [BoundaryPart("dirichlet", value=lambda x: x[:, -1])] * (len(parts) < d)
    return Problem(domain=box(d), source=source or smooth, boundary=tuple(parts), **fields)


def circulant(intervals, lengths, diffusion, reaction, convection):
    """The matrix of central differences on a periodic grid by Kronecker products, independent of the package."""
    total = reaction * np.eye(math.prod(intervals))
    for axis, (n, length, b) in enumerate(zip(intervals, lengths, convection, strict=True)):
        h, one = length / n, np.eye(n)
        up, down = np.roll(one, 1, axis=1), np.roll(one, -1, axis=1)
        along = diffusion * (2 * one - up - down) / h**2 + b * (up - down) / (2 * h)
        before, after = math.prod(intervals[:axis]), math.prod(intervals[axis + 1 :])
        total += np.kron(np.kron(np.eye(before), along), np.eye(after))
    return total


@pytest.mark.parametrize(
    ("intervals", "convection"), [((9,), (3.0,)), ((5, 7), (1.0, -2.0)), ((3, 4, 5), (0.5, 0.0, 2.0)), ((8,), (0.0,))]
)
def test_amplification_factors_are_the_eigenvalues_of_a_sweep(intervals, convection):
    """For every mode, with convection: a sweep multiplies the wave by the complex factor."""
    d, a, c, omega = len(intervals), 1.3, 0.7, 0.8
    matrix = circulant(intervals, LENGTHS[:d], a, c, convection)
    sweep = np.eye(len(matrix)) - omega * matrix / matrix[0, 0]
    j = np.stack(np.meshgrid(*map(np.arange, intervals), indexing="ij"), axis=-1).reshape(-1, d)
    for k in itertools.product(*[range(-(n - 1) // 2 + (n % 2 == 0), (n - 1) // 2 + 1) for n in intervals]):
        wave = np.exp(2j * np.pi * (j / intervals) @ k)
        (factor,) = jacobi_fourier_symbol(
            [k], intervals, LENGTHS[:d], diffusion=a, reaction=c, convection=convection, omega=omega
        )
        assert np.abs(sweep @ wave - complex(factor) * wave).max() < 1e-13
    assert jacobi_fourier_symbol([[(n + 1) // 2 for n in intervals]], intervals, LENGTHS[:d]).isnan().all()


@pytest.mark.parametrize("drift", [0.0, 2.5])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("reaction", [0.0, 3.0])
@pytest.mark.parametrize(
    "method",
    ["damped-jacobi:omega=0.8", "gauss-seidel", "sor:ordering=red-black,omega=1.3"],
    ids=["damped", "lexicographic", "red-black"],
)
def test_modulus_and_phase_of_every_mode_are_predicted(d, reaction, method, drift):
    """With convection the phase of each error changes."""
    n = {1: 16, 2: 8, 3: 6}[d]
    fields = {"convection": [drift * (-1) ** axis for axis in range(d)]} if drift else {}
    found = periodic(d, reaction=reaction, **fields)
    options = f"{',' if ':' in method else ':'}intervals={n}"
    solution = solve(found, method + options, stop=Stop(steps=20), reference=found.source, probes=["spectral"])  # modes in f
    record = SpectralRecord.of(solution.history)
    told = record.prediction
    assert record.modes.kind == "fourier" and record.modes.complete and record.phase is not None and told.phase_change is not None
    assert np.array_equal(told.step, record.step)
    known = np.isfinite(record.error).all(axis=0)  # the others have amplitude 0 in the discrete solution
    assert known.sum() >= 2
    phase = record.phase[0] + told.phase_change
    measured = record.modes.amplitude * record.error * np.exp(1j * record.phase)
    predicted = record.modes.amplitude * told.error * np.exp(1j * phase)
    assert np.abs(measured - predicted)[:, known].max() < 1e-12 * np.abs(measured[:, known]).max()
    turns = np.abs(np.sin(told.phase_change)) > 1e-6
    assert turns.any() or (drift == 0 and "gauss-seidel" not in method)


def test_high_frequencies_converge_first_with_a_bias_index_of_minus_two():
    def source(x):
        y = 2 * math.pi * (x[:, 0] - 0.3) / LENGTHS[0]
        return sum(torch.cos(k * y) for k in (1, 2, 4, 8))

    solution = solve(periodic(1, source=source), "damped-jacobi:intervals=64,omega=0.5", stop=Stop(steps=2000))
    assert solution.spectrum().bias_index == pytest.approx(-2, abs=0.05)


METHODS = {
    "jacobi": lambda *a, **k: Jacobi(*a, omega=1.0, **k),
    "damped": lambda *a, **k: Jacobi(*a, omega=0.8, **k),
    "lexicographic": lambda *a, **k: LexicographicSor(*a, omega=1.3, **k),
    "red-black": lambda *a, **k: RedBlackSor(*a, omega="optimal", **k),
    "cg": ConjugateGradients,
    "multigrid": Multigrid,
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("d", "axes"), [(1, (0,)), (2, (0,)), (2, (1,)), (2, (0, 1)), (3, (0, 2)), (3, (0, 1, 2))])
def test_methods_converge_to_the_solution_of_the_difference_equations(name, d, axes):
    """With coefficients that vary along all axes."""
    fields = {
        "diffusion": lambda x: 1.2 + torch.sin(2 * math.pi * (x - 0.3) / x.new_tensor(LENGTHS[:d])).mean(dim=1),
        "reaction": lambda x: 20 + x[:, 0],
    }
    found, grid = periodic(d, axes, **fields), Grid(box(d), (8, 6, 4)[:d], axes)
    iteration = METHODS[name](found, grid, like=LIKE)
    u = run(iteration, {"cg": 30, "multigrid": 15}.get(name, 400)).coefficients
    system = grid.assemble(found)
    expected = CondensedSystem(system).solve()
    assert np.abs(u.numpy() - expected).max() < 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("name", [name for name in METHODS if name != "jacobi"])
@pytest.mark.parametrize("d", [1, 2])
def test_iterates_have_mean_zero_if_the_solution_is_unique_up_to_a_constant(name, d):
    iteration = METHODS[name](periodic(d), Grid(box(d), (8,) * d, tuple(range(d))), like=LIKE)
    state = run(iteration, {"cg": 4, "multigrid": 15}.get(name, 400))
    assert abs(float(state.coefficients.mean())) < 1e-14
    assert float(iteration.objective(state)["residual"]) < 1e-7
    torch.testing.assert_close(iteration.discrete_solution(state), state.coefficients, rtol=0, atol=1e-6)


def test_undamped_jacobi_alternates_the_sign_of_the_alternating_error():
    """On an odd number of nodes no function alternates."""
    with pytest.raises(IncompatibleError, match=r"only changes the sign of the error that alternates.*use `damped-jacobi`"):
        Jacobi(periodic(1), Grid(box(1), (8,), (0,)), omega=1.0, like=LIKE)
    iteration = Jacobi(periodic(1), Grid(box(1), (9,), (0,)), omega=1.0, like=LIKE)
    assert float(iteration.objective(run(iteration, 500))["residual"]) < 1e-10


def test_red_black_ordering_needs_two_colors():
    with pytest.raises(IncompatibleError, match=r"an even number of intervals along periodic axes.*ordering=lexicographic"):
        RedBlackSor(periodic(1), Grid(box(1), (9,), (0,)), omega=1.0, like=LIKE)


def test_fourier_modes_are_complete_only_on_periodic_boxes():
    assert make_modes("fourier", box(1), [[1]], periodic=True).complete
    assert not make_modes("fourier", box(1), [[1]]).complete


def test_bands_of_a_periodic_error_have_no_boundary_part():
    x = np.linspace(0.3, 2.3, 33)[:, None]
    values = np.cos(2 * np.pi * (x[:, 0] - 0.3))
    parts = split_on_box("fourier", box(1), x, values, lambda x: np.cos(2 * np.pi * (x[:, 0] - 0.3)))
    assert np.allclose(sum(parts.values()), values)

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.domains.box import Box
from pdefreq.spectrum.bias import bias_index
from pdefreq.spectrum.modes import make_modes
from pdefreq.spectrum.rates import halving_time
from pdefreq.theory.relaxation import (
    jacobi_amplification_factor,
    jacobi_decay_rate,
    lexicographic_symbol,
    optimal_omega,
    red_black_symbol,
    sor_radius,
)


class UniformSpace:
    def __init__(self, box, intervals):
        self.box, self.intervals = box, intervals


def sweep(e, box, intervals, *, diffusion=1.0, reaction=0.0, omega=1.0):
    """One sweep of damped Jacobi for the error equation A e = 0, from the five-point formula, independent of the theory."""
    w = [diffusion * (n / length) ** 2 for n, length in zip(intervals, box.lengths, strict=True)]
    inner = (slice(1, -1),) * e.ndim
    neighbors = sum(w[k] * (np.roll(e, 1, k) + np.roll(e, -1, k)) for k in range(e.ndim))[inner]
    new = e.copy()
    new[inner] += omega * (neighbors / (2 * sum(w) + reaction) - e[inner])
    return new


CASES = [
    (Box((-1.0,), (1.0,)), (64,), {}),
    (Box((-1.0,), (1.0,)), (64,), {"omega": 2 / 3}),
    (Box((0.0,), (3.0,)), (50,), {"diffusion": 0.2, "reaction": 7.0, "omega": 0.9}),
    (Box((0.0, 0.0), (1.0, 1.0)), (24, 24), {}),
    (Box((0.0, 0.0), (1.0, 1.0)), (24, 24), {"omega": 0.8}),
    (Box((0.0, -1.0), (1.0, 2.0)), (12, 20), {"diffusion": 3.0, "reaction": 40.0, "omega": 0.7}),
    (Box((0.0, -1.0, 0.0), (1.0, 2.0, 0.5)), (6, 8, 5), {"omega": 0.6}),
]


@pytest.mark.parametrize(("box", "intervals", "options"), CASES)
def test_amplitudes_of_all_modes_over_twenty_sweeps(box, intervals, options):
    """All sine modes with unit amplitude; each is an eigenvector, so that the only error of the product is rounding."""
    space = UniformSpace(box, intervals)
    modes = make_modes("sine", box, intervals=intervals)
    axes = [np.sin(np.outer(np.arange(n + 1), np.arange(1, n)) * np.pi / n).sum(axis=1) for n in intervals]
    error = np.array(1.0)
    for axis in axes:
        error = np.multiply.outer(error, axis)
    factor = jacobi_amplification_factor(modes.indices, intervals, box.lengths, **options).numpy()
    for step in range(1, 21):
        error = sweep(error, box, intervals, **options)
        np.testing.assert_allclose(modes.coefficients(error, space), factor**step, atol=1e-12)  # the error is up to 1e2 at a node


@given(st.integers(2, 300), st.floats(0.1, 1), st.data())
def test_in_one_dimension_the_textbook_formulas_hold(n, omega, data):
    k = data.draw(st.integers(1, n - 1))
    (plain,), (damped,) = (jacobi_amplification_factor([[k]], [n], [2.0], omega=w).tolist() for w in (1.0, omega))
    assert plain == pytest.approx(math.cos(k * math.pi / n), abs=1e-15)
    assert damped == pytest.approx(1 - 2 * omega * math.sin(k * math.pi / (2 * n)) ** 2, abs=1e-15)
    assert damped == pytest.approx(1 - omega + omega * plain, abs=1e-15)


@given(st.integers(2, 200), st.integers(2, 200), st.floats(0, 100), st.data())
def test_the_cosines_are_weighted_by_reaction_and_spacings(n, m, reaction, data):
    k, j = data.draw(st.integers(1, n - 1)), data.draw(st.integers(1, m - 1))
    w, v = (n / 1.5) ** 2, (m / 0.5) ** 2
    expected = 2 * (w * math.cos(k * math.pi / n) + v * math.cos(j * math.pi / m)) / (2 * (w + v) + reaction)
    (factor,) = jacobi_amplification_factor([[k, j]], [n, m], [1.5, 0.5], reaction=reaction).tolist()
    assert factor == pytest.approx(expected, abs=1e-14)


def test_the_rate_is_minus_the_logarithm_of_the_factor_also_for_factors_near_one():
    k = np.arange(1, 50)[:, None]
    factor = jacobi_amplification_factor(k, [50], [1.0], omega=0.9)
    np.testing.assert_allclose(jacobi_decay_rate(k, [50], [1.0], omega=0.9), -factor.abs().log(), rtol=1e-12)
    n = 10**8  # 1 - cos(pi/n) = 5e-16: the factor rounds to 1, but the rate must not round to 0
    assert jacobi_decay_rate([[1]], [n], [1.0]).item() == pytest.approx((math.pi / n) ** 2 / 2, rel=1e-12, abs=0)


def test_unresolved_modes_have_no_factor():
    assert jacobi_amplification_factor([[0], [4], [7]], [4], [1.0]).isnan().all()
    assert jacobi_decay_rate([[1, 4]], [4, 4], [1.0, 1.0]).isnan().all()


def test_jacobi_has_the_bias_index_minus_two():
    """n = 500, modes 2, 6, 16, 30, 60, 100 with unit amplitude: halving steps are log 2 / -log cos(k pi/n), about k^-2."""
    n, indices = 500, np.array([2, 6, 16, 30, 60, 100])
    box = Box((-1.0,), (1.0,))
    modes, space = make_modes("sine", box, indices), UniformSpace(box, (n,))
    error = np.sin(np.outer(np.arange(n + 1), indices) * np.pi / n).sum(axis=1)
    history = [np.abs(modes.coefficients(error, space))]
    for _ in range(8800):
        error = sweep(error, box, (n,))
        history.append(np.abs(modes.coefficients(error, space)))
    half = halving_time(np.arange(8801), np.array(history))
    rate = jacobi_decay_rate(modes.indices, (n,), box.lengths).numpy()
    np.testing.assert_allclose(half, math.log(2) / rate, rtol=1e-9)  # rounding of 8800 sweeps; exponentials in between
    found = bias_index(modes.wavenumber, half, last_step=8800, complete=True)
    assert found.value == pytest.approx(-2, abs=0.05)
    assert not found.bound


def test_the_published_halving_sweeps_of_sine_modes():
    """Xu, Zhang, Luo, Xiao, Ma (2020), figure 4(c): DFT index kappa is sine mode 2 kappa; 8533, 965, 133 were read from it."""
    half = math.log(2) / jacobi_decay_rate([[2], [6], [16]], [500], [2.0]).numpy()
    np.testing.assert_allclose(half, [8780, 976, 137], rtol=0.005)  # the references give whole sweeps
    np.testing.assert_allclose(half, [8533, 965, 133], rtol=0.05)


@given(st.integers(4, 200), st.data())
def test_gauss_seidel_in_one_dimension_has_the_published_symbol(n, data):
    k = data.draw(st.integers(1, n - 1))
    ((symbol,),) = lexicographic_symbol([[k]], [n], [2.0]).tolist()
    assert symbol == pytest.approx(1 / math.sqrt(5 - 4 * math.cos(k * math.pi / n)), rel=1e-12)


@pytest.mark.parametrize("omega", [1.0, 1.7])
@pytest.mark.parametrize("reaction", [0.0, 30.0])
def test_the_symbol_is_the_eigenvalue_of_a_sweep_for_periodic_waves(omega, reaction):
    """On a torus a wave w satisfies (D/omega + L) S w = ((1/omega - 1) D - U) w with the backward and forward shifts L, U."""
    intervals, lengths, number = (8, 6), (1.0, 2.0), (3, 2)
    symbol = lexicographic_symbol([number], intervals, lengths, reaction=reaction, omega=omega)[0].tolist()
    w = [(n / length) ** 2 for n, length in zip(intervals, lengths, strict=True)]
    diagonal = 2 * sum(w) + reaction
    i, j = np.meshgrid(np.arange(16), np.arange(12), indexing="ij")
    for found, sign in zip(symbol, (1, -1), strict=True):
        wave = np.exp(1j * np.pi * (number[0] * i / 8 + sign * number[1] * j / 6))
        back, forth = (sum(w[axis] * np.roll(wave, shift, axis) for axis in (0, 1)) for shift in (1, -1))
        ratio = ((1 / omega - 1) * diagonal * wave + forth) / (diagonal / omega * wave - back)
        assert np.ptp(np.abs(ratio)) < 1e-12  # constant: the wave is an eigenvector
        assert found == pytest.approx(abs(ratio[0, 0]), rel=1e-12)


def test_red_nodes_are_updated_first():
    """Gauss-Seidel: red nodes become mu times the black amplitude, then black nodes mu times the new red amplitude."""
    sweep = red_black_symbol(torch.tensor([0.6], dtype=torch.float64))[0]
    assert (sweep @ torch.tensor([9.0, 1.0], dtype=torch.float64)).tolist() == pytest.approx([0.6, 0.36])


@given(st.floats(0, 0.999), st.floats(0.05, 1.95))
def test_the_spectral_radius_of_sor_follows_from_its_two_by_two_blocks(jacobi, omega):
    mu = torch.tensor([jacobi], dtype=torch.float64)
    blocks = red_black_symbol(mu, omega)
    # near a double eigenvalue, the square root amplifies rounding
    assert float(sor_radius(mu, omega)) == pytest.approx(float(torch.linalg.eigvals(blocks).abs().max()), abs=1e-7)


@given(st.floats(0, 0.999), st.floats(0.05, 1.95))
def test_no_omega_is_better_than_the_optimal_one(jacobi, omega):
    mu = torch.tensor([jacobi], dtype=torch.float64)
    best = optimal_omega(jacobi)
    assert float(sor_radius(mu, omega)) >= best - 1 - 1e-7
    assert float(sor_radius(mu, best)) == pytest.approx(best - 1, abs=1e-7)  # a double eigenvalue
    assert float(sor_radius(mu)) == pytest.approx(jacobi**2)


def test_gauss_seidel_has_no_symbol_for_unresolved_modes():
    assert lexicographic_symbol([[0, 1], [4, 1]], [4, 4], [1.0, 1.0]).isnan().all()

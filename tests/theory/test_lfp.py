import math

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from pdefreq.core.errors import OptionError
from pdefreq.theory.dynamics import GradientFlowFilter, dynamics_from_kernel
from pdefreq.theory.fourier_fit import FourierKernel, half_space_wavevectors
from pdefreq.theory.lfp import Moments, lfp_kernel, lfp_weight, normal_moments, sampled_moments, uniform_moments

X = np.array([-0.8, -0.6, -0.3, -0.06, 0.1])  # the data of the authors' fig1a.py and fig1b.py
Y = np.array([0.25, -0.25, -0.07, 0.15, -0.05])
LINE = np.linspace(-0.8, 0.1, 800)
SPLINES = {
    "natural": CubicSpline(X, Y, bc_type="natural")(LINE),
    "not-a-knot": CubicSpline(X, Y)(LINE),
    "linear": np.interp(LINE, X, Y),
}
SPACING = {"repository": 2 * math.pi * 2 * math.pi / 20, "paper": 2 * math.pi / 9}  # angular; the first has an additional 2 pi

# For uniform weights on [-w, w], [-a, a]: relative RMS to each spline, with the frequencies of the repository and of the paper.
TABLE = {
    (3, 0.1): {"natural": (3.3e-2, 1.5e-2), "not-a-knot": (0.163, 0.139), "linear": (0.40, 0.40)},
    (3, 0.01): {"natural": (3.5e-2, 1.0e-2), "not-a-knot": (0.168, 0.143), "linear": (0.43, 0.42)},
    (0.2, 1): {"natural": (0.31, 0.31), "not-a-knot": (0.32, 0.32), "linear": (1.3e-3, 3.1e-3)},
    (0.1, 2): {"natural": (0.31, 0.31), "not-a-knot": (0.32, 0.32), "linear": (1.0e-3, 2.8e-3)},
}


def column(values):
    return torch.as_tensor(values, dtype=torch.float64)[:, None]


def distance(fit, spline):
    return float(np.sqrt(np.mean((fit(column(LINE)).numpy() - spline) ** 2) / np.mean(spline**2)))


@pytest.mark.parametrize("weights", TABLE)
@pytest.mark.parametrize("grid", SPACING)
def test_the_published_experiment_has_the_stated_distances_from_the_splines(weights, grid):
    """Ridge 1e-6 and 2000 frequencies as in the authors' script; half a unit of the second published digit is up to 5 %."""
    kernel = lfp_kernel(1, SPACING[grid], 1999, **uniform_moments(*weights)._asdict())
    fit = kernel.fit(column(X), torch.from_numpy(Y), ridge=1e-6)
    for name, values in TABLE[weights].items():
        assert distance(fit, SPLINES[name]) == pytest.approx(values[list(SPACING).index(grid)], rel=0.05)


@pytest.mark.parametrize(
    ("moments", "spline", "grids"),
    [
        ((1.0, 0.0), "natural", [(20, 200), (40, 200), (80, 200)]),  # linear outside the data, which needs long waves
        ((0.0, 1.0), "linear", [(40, 50), (40, 100), (40, 200)]),  # its corners need short waves
    ],
)
def test_rates_of_fourth_and_second_power_give_the_two_splines(moments, spline, grids):
    """In the limit of long periods and many waves: the distance is halved when the relevant one of the two is doubled."""
    distances = []
    for period, cycles in grids:
        kernel = lfp_kernel(1, 2 * math.pi / period, cycles * period, inner=moments[0], outer=moments[1])
        distances.append(distance(kernel.fit(column(X), torch.from_numpy(Y), ridge=1e-12), SPLINES[spline]))
    assert np.log2(np.divide(distances[:-1], distances[1:])).min() > 0.8
    assert distances[-1] < 4e-3


@pytest.mark.parametrize("dimension", [1, 2])
def test_the_dual_solution_agrees_with_the_primal_solution(dimension):
    """Equation 1.30 of the lecture notes, a = (E^T E + eps W^-1)^-1 E^T Y, for all 2 M amplitudes."""
    random = np.random.default_rng(0)
    x, y = torch.from_numpy(random.uniform(-1, 1, (7, dimension))), torch.from_numpy(random.normal(size=7))
    kernel, ridge = lfp_kernel(dimension, 0.9, 6, inner=1.0, outer=0.3), 1e-3
    fit = kernel.fit(x, y, ridge)
    phase = x @ kernel.wavevectors.T
    e = torch.cat([phase.cos(), phase.sin()[:, 1:]], dim=1)  # no sin_0
    w = torch.cat([kernel.weights, kernel.weights[1:]])
    tall = torch.cat([e, torch.diag((ridge / w).sqrt())])  # normal equations would square the condition number 1e4
    a = torch.linalg.lstsq(tall, torch.cat([y, torch.zeros_like(w)]), driver="gelsd").solution
    assert torch.allclose(e @ a, fit(x), atol=1e-9)
    m = len(kernel.weights)
    assert torch.allclose(fit.amplitudes().real, a[:m], atol=1e-8)
    assert torch.allclose(-fit.amplitudes().imag[1:], a[m:], atol=1e-8)
    points = torch.from_numpy(random.uniform(-1, 1, (5, dimension)))
    assert torch.allclose(
        fit(points), (fit.amplitudes() * torch.exp(1j * (points @ kernel.wavevectors.T))).sum(dim=1).real, atol=1e-12
    )


def test_the_weight_agrees_with_the_lecture_notes_in_cycles():
    """E[ r^3 / (16 pi^4 |xi|^(d+3)) + a^2 r / (4 pi^2 |xi|^(d+1)) ] with xi in cycles."""
    cycles = torch.tensor([0.3, 1.0, 4.0], dtype=torch.float64)
    for d in (1, 2, 3):
        notes = 5 / (16 * math.pi**4 * cycles ** (d + 3)) + 7 / (4 * math.pi**2 * cycles ** (d + 1))
        assert torch.allclose(lfp_weight(2 * math.pi * cycles, d, inner=5, outer=7), notes, rtol=1e-14)


def test_frequency_zero_is_replaced_by_a_tenth_of_the_first_frequency():
    kernel = lfp_kernel(1, 0.5, 3, inner=2.0, outer=1.0)
    assert kernel.weights[0] == pytest.approx(float(lfp_weight(torch.tensor([0.05]), 1, inner=1, outer=0.5)), rel=1e-6)


def test_the_solution_of_exclusive_or_is_symmetric():
    """The second example of the authors: +1 at (1, 1), (-1, -1), -1 at the others; odd in each axis, so zero on the axes."""
    x = torch.tensor([[1.0, 1], [-1, -1], [1, -1], [-1, 1]], dtype=torch.float64)
    y = torch.tensor([1.0, 1, -1, -1], dtype=torch.float64)
    fit = lfp_kernel(2, 2 * math.pi / 20, 60, inner=1.0, outer=1.0).fit(x, y)
    assert torch.allclose(fit(x), y, atol=1e-7)
    line = torch.linspace(-2, 2, 9, dtype=torch.float64)
    # the weight of frequency zero, 1e8, cancels in every sum
    assert fit(torch.stack([line, 0 * line], dim=1)).abs().max() < 1e-7
    assert torch.allclose(fit(torch.stack([line, line], dim=1)), -fit(torch.stack([line, -line], dim=1)), atol=1e-7)


def test_waves_on_a_periodic_grid_decay_at_their_own_rates():
    """With uniform rho, d/dt F[u] = -gamma^2 F[u] / L: for n points each frequency has the rate n gamma^2 / 2 (0: n gamma^2)."""
    n, m = 32, 5
    x = column(np.arange(n) * 2 * math.pi / n)
    kernel = lfp_kernel(1, 1.0, m, inner=1.0, outer=0.5)
    waves = torch.cos(x * torch.arange(m + 1))
    waves = waves / waves.norm(dim=0)
    residual = waves.sum(dim=1)
    steps = torch.tensor([0.0, 0.01, 0.1])
    curves = dynamics_from_kernel(kernel(x), waves.T @ kernel(x), residual, waves.T @ residual).errors(
        GradientFlowFilter(), steps
    )
    rates = n * kernel.weights * torch.tensor([1.0] + [0.5] * m)
    assert torch.allclose(curves, torch.exp(-steps.double()[:, None] * rates), atol=1e-10)  # the first rate is 3e5: its rounding


def test_half_of_the_wavevectors_and_their_negatives_are_all_wavevectors():
    for d in (1, 2, 3):
        half = half_space_wavevectors(d, 1.0, 2)
        both = torch.cat([half, -half[1:]])
        assert not half[0].any()
        assert len(torch.unique(both, dim=0)) == len(both) == 5**d


@pytest.mark.parametrize("entries", [1, 500])
def test_a_kernel_in_blocks_of_points_is_the_same(entries, monkeypatch):
    """113 waves and 7 points. The blocks contain one or two points; matrix products may be rounded differently."""
    kernel = FourierKernel(half_space_wavevectors(2, 0.5, 7), torch.linspace(1, 0.1, 113).double())
    x, y = torch.linspace(-1, 1, 14).double().reshape(7, 2), torch.linspace(0, 1, 6).double().reshape(3, 2)
    whole = kernel(x), kernel(x, y)
    monkeypatch.setattr("pdefreq.theory.fourier_fit._ENTRIES", entries)
    for blocks, expected in zip((kernel(x), kernel(x, y)), whole, strict=True):
        torch.testing.assert_close(blocks, expected, rtol=1e-13, atol=1e-13)


def test_coincident_points_are_refused():
    with pytest.raises(OptionError, match="cannot distinguish"):
        FourierKernel(half_space_wavevectors(1, 1.0, 1), torch.ones(2)).fit(column([0.0, 0.0]), torch.zeros(2).double())


@pytest.mark.parametrize(("inner", "outer"), [(0, 0), (-1, 2), (math.nan, 1), (1, math.inf)])
def test_invalid_moments_are_refused(inner, outer):
    with pytest.raises(OptionError, match="moments"):
        lfp_kernel(1, 0.5, 4, inner=inner, outer=outer)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_moments_of_normal_weights_agree_with_samples(dimension):
    """1e6 samples: the relative standard deviation of r^3 is at most sqrt(15 / (8 / pi) - 1) = 2.2 per sample."""
    random = torch.Generator().manual_seed(0)
    w = 0.7 * torch.randn(10**6, dimension, generator=random, dtype=torch.float64)
    a = 1.3 * torch.randn(10**6, generator=random, dtype=torch.float64)
    assert sampled_moments(w, a) == pytest.approx(normal_moments(dimension, 0.7, 1.3), rel=0.01)


def test_both_terms_are_equal_at_the_crossover():
    moments = Moments(3.0, 0.2)
    xi = torch.tensor(moments.crossover, dtype=torch.float64)
    assert lfp_weight(xi, 2, inner=3.0, outer=0.0).item() == pytest.approx(lfp_weight(xi, 2, inner=0.0, outer=0.2).item())
    assert Moments(1.0, 0.0).crossover == math.inf

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

from pdefreq.core.errors import OptionError
from pdefreq.theory.infinite_width import wide_kernels
from pdefreq.theory.kernel_modes import (
    MAX_EIGEN_RESIDUAL,
    cosine_amplitudes,
    eigenpairs,
    frequency_weight,
    gradient_loss_weight,
    rayleigh_quotients,
    relative_distance,
    sign_changes,
)


def interval(n):
    return torch.linspace(-1, 1, n, dtype=torch.float64)[:, None]


@pytest.fixture(scope="module")
def relu_pairs():
    return eigenpairs(wide_kernels(interval(600)).tangent)


def test_the_published_eigenvalues_of_the_relu_kernel(relu_pairs):
    """n = 600 equidistant points on [-1, 1]: eigenvalues over n, to the published digits."""
    published = ["0.9627", "0.3099", "0.03331", "0.00915", "0.00463", "0.00280"]
    assert [f"{v / 600:.{len(p) - 2}f}" for v, p in zip(relu_pairs.values.tolist(), published, strict=False)] == published


def test_eigenvector_i_of_the_relu_kernel_changes_sign_i_times(relu_pairs):
    assert sign_changes(relu_pairs.vectors[:, :60]).tolist() == list(range(60))


@pytest.mark.slow
def test_eigenvector_i_changes_sign_i_times_at_three_thousand_points():
    """Figure 1.1 of the lecture notes has 3000 points. The Lanczos method is used, because LAPACK takes ten times longer."""
    vectors = eigenpairs(aslinearoperator(wide_kernels(interval(3000)).tangent.numpy()), 60).vectors
    assert sign_changes(vectors).tolist() == list(range(60))


def test_eigenvalues_of_the_relu_kernel_decrease_like_the_inverse_square_of_the_frequency(relu_pairs):
    """The kink |x - x'| of the kernel has the spectrum xi^-2; eigenvector i has i half waves. The published slope over
    i = 5 ... 40, counted from one, is -2.17, and -2.16 here. Counted in half waves, it is close to the limit -2.
    """
    i, values = np.arange(5, 41), np.log(relu_pairs.values[5:41].numpy())
    assert np.polyfit(np.log(i), values, 1)[0] == pytest.approx(-2, abs=0.05)
    assert np.polyfit(np.log(i + 1), values, 1)[0] == pytest.approx(-2.17, abs=0.01)


def test_an_eigenvector_of_the_relu_kernel_is_mostly_one_frequency(relu_pairs):
    """Eigenvector i has about i half waves on the interval: its largest cosine mode has a number close to i."""
    largest = cosine_amplitudes(relu_pairs.vectors[:, :30]).argmax(dim=0)
    assert (largest - torch.arange(30)).abs().max() <= 1


def test_amplitudes_of_cosine_modes():
    s = torch.linspace(0, 1, 33, dtype=torch.float64)
    u = 3 - 2 * torch.cos(5 * math.pi * s) + 0.5 * torch.cos(32 * math.pi * s)
    expected = torch.zeros(33, 1, dtype=torch.float64)
    expected[[0, 5, 32], 0] = torch.tensor([3, 2, 0.5], dtype=torch.float64)
    assert (cosine_amplitudes(u[:, None]) - expected).abs().max() < 1e-14


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        (torch.ones(2, 3), "square"),
        (torch.ones(4), "square"),
        (torch.tensor([[1.0, math.nan], [math.nan, 1.0]]), "finite"),
    ],
)
def test_invalid_kernels_are_refused(kernel, said):
    with pytest.raises(OptionError, match=said):
        eigenpairs(kernel)


def test_a_distance_relative_to_zero_is_refused():
    with pytest.raises(OptionError, match="zeros"):
        relative_distance(torch.ones(3), torch.zeros(3))


def test_zeros_are_not_counted_as_sign_changes():
    columns = [[0, 1, 0, 0, -1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, -1, 1, -1, 1]]
    assert sign_changes(torch.tensor(columns, dtype=torch.float64).T).tolist() == [1, 0, 0, 4]


def test_eigenvectors_are_uncoupled_and_sines_are_coupled():
    kernel = wide_kernels(interval(100)).tangent
    pairs = eigenpairs(kernel, 5)
    exact = rayleigh_quotients(kernel, 7 * pairs.vectors)  # of any norm
    assert torch.allclose(exact.values, pairs.values, rtol=1e-12)
    assert exact.eigen_residuals.max() < 1e-10  # rounding of 1e-16 kappa_1 over the smallest of five eigenvalues
    k = torch.arange(1, 6, dtype=torch.float64)
    assert rayleigh_quotients(kernel, torch.sin(math.pi / 2 * k * (interval(100) + 1))).eigen_residuals.min() > 0.1


def test_on_a_circle_fourier_modes_are_eigenvectors_with_rates_weighted_by_the_loss():
    """A translation-invariant kernel at periodic points: rates gamma^2 (1 + k^2) of the gradient loss, by circulant matrices."""
    n = 64
    x = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    k = torch.arange(1, 9, dtype=torch.float64)
    gamma = torch.exp(-0.3 * k)
    waves = torch.cat([torch.cos(x[:, None] * k), torch.sin(x[:, None] * k)], dim=1)
    slopes = torch.cat([-k * torch.sin(x[:, None] * k), k * torch.cos(x[:, None] * k)], dim=1)
    laplacians = -(k.repeat(2) ** 2) * waves
    features = gamma.repeat(2) ** 0.5  # u = sum c_j features_j wave_j
    value, gradient, laplacian = ((w * features) @ (w * features).T / n for w in (waves, slopes, laplacians))
    modes = torch.cos(x[:, None] * k)
    plain = rayleigh_quotients(value, modes)
    assert plain.eigen_residuals.max() < 1e-12
    for weighted, order in ((gradient, 1), (laplacian, 2)):
        # the rate of coefficients under the loss is that of its Gauss-Newton matrix, which has the eigenvalues of its kernel
        assert torch.allclose(rayleigh_quotients(weighted, modes).values / plain.values, frequency_weight(k, order), rtol=1e-10)
    factor = torch.cat([waves * features, slopes * features]) / n**0.5
    shared = torch.linalg.eigvalsh(factor @ factor.T).flip(0)[:16].sort().values
    assert torch.allclose(shared, (plain.values * gradient_loss_weight(k)).repeat(2).sort().values, rtol=1e-10)


def test_the_kernel_of_a_wide_network_couples_no_fourier_modes_on_a_circle_but_all_sines_on_an_interval():
    """Inputs (cos x, sin x): K depends only on x - x', so that waves are its eigenvectors."""
    n, k = 64, torch.arange(1, 9, dtype=torch.float64)
    x = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    circle = wide_kernels(torch.stack([x.cos(), x.sin()], dim=1)).tangent
    assert rayleigh_quotients(circle, torch.cos(x[:, None] * k)).eigen_residuals.max() < 1e-10
    sines = torch.sin(math.pi / 2 * k * (interval(n) + 1))
    assert rayleigh_quotients(wide_kernels(interval(n)).tangent, sines).eigen_residuals.min() > MAX_EIGEN_RESIDUAL


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 9), st.integers(0, 2**31))
def test_the_eigen_residual_is_the_spread_of_the_eigenvalues_that_a_mode_is_made_of(n, seed):
    """Mean and standard deviation with the weights (u_j.v)^2, a bound for the change of the initial rate by other modes."""
    generator = torch.Generator().manual_seed(seed)
    factor, v, r = (torch.randn(n, m, generator=generator, dtype=torch.float64) for m in (n, 1, 1))
    kernel = factor @ factor.T
    values, vectors = torch.linalg.eigh(kernel)
    weights = (vectors.T @ (v / v.norm())).square()[:, 0]
    mean = (weights * values).sum()
    found = rayleigh_quotients(lambda w: factor @ (factor.T @ w), v)
    assert float(found.values[0]) == pytest.approx(float(mean), rel=1e-10)
    spread = (weights * (values - mean).square()).sum().sqrt()
    assert float(found.eigen_residuals[0]) == pytest.approx(float(spread / mean), rel=1e-6, abs=1e-7)
    unit = v / v.norm()
    own = float(unit.T @ r)
    rest = float((r - own * unit).norm())
    change = abs(float(unit.T @ kernel @ r) - float(mean) * own)
    assert change <= float(found.eigen_residuals[0] * mean) * rest * (1 + 1e-9) + 1e-9


def test_the_rank_excludes_rounding_errors():
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)
    factor = torch.stack([x**k for k in range(4)], dim=1)
    assert eigenpairs(factor @ factor.T).rank == 4


def test_relative_distances_are_normalized_by_the_second_argument():
    a = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    assert relative_distance(1.5 * a, a) == pytest.approx(0.5)


@pytest.mark.parametrize("count", [0, 4])
def test_the_number_of_eigenpairs_is_checked(count):
    with pytest.raises(OptionError, match="1 to 3 eigenpairs"):
        eigenpairs(torch.eye(3), count)


def test_an_operator_has_no_full_decomposition():
    with pytest.raises(OptionError, match="1 to 2 eigenpairs"):
        eigenpairs(aslinearoperator(np.eye(3)))

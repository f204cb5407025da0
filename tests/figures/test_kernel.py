import numpy as np
import pytest
import torch

from pdefreq.figures.kernel import kernel_figure
from pdefreq.theory.infinite_width import wide_kernels


def artists(axes, prefix):
    return {line.get_gid(): line for line in axes.lines if (line.get_gid() or "").startswith(prefix)}


def relu(n):
    x = torch.linspace(-1, 1, n, dtype=torch.float64)
    return wide_kernels(x[:, None]).tangent.numpy(), x.numpy()


def test_the_figure_shows_the_entries_and_eigenvectors_of_the_kernels():
    kernel, x = relu(80)
    steps, drift = np.array([0.0, 1, 10, 100]), np.array([0.0, 1e-3, 1e-2, 3e-2])
    axes = kernel_figure(kernel, x, drift=(steps, drift)).axes
    eigenvalues = artists(axes[1], "eigenvalues")["eigenvalues"].get_ydata()
    np.testing.assert_allclose(eigenvalues, np.linalg.eigvalsh(kernel)[::-1], rtol=0, atol=1e-13 * eigenvalues[0])
    for index, line in enumerate(artists(axes[2], "eigenvector-").values()):
        v = line.get_ydata()
        np.testing.assert_allclose(kernel @ v, eigenvalues[index] * v, atol=1e-12 * eigenvalues[0])
    np.testing.assert_array_equal(artists(axes[3], "sign")["sign-changes"].get_ydata(), np.arange(60))
    np.testing.assert_array_equal(artists(axes[5], "drift")["drift"].get_ydata(), drift)


@pytest.mark.parametrize("n", [2, 450])  # fewer points than eigenvectors drawn; more than pixels
def test_any_number_of_points(n):
    kernel_figure(*relu(n)).draw_without_rendering()


def test_kernels_with_both_signs_and_singular_kernels_can_be_drawn():
    x = np.linspace(-1, 1, 20)
    kernel_figure(np.outer(x, x), x).draw_without_rendering()

"""Eliminated coefficients are those of a least-squares problem."""

import numpy as np
import torch

from pdefreq.core.streams import stream
from pdefreq.iterations.training.variable_projection import Projected


def matrix(n, p, seed=0):
    return torch.randn(n, p, generator=stream(seed, "test"), dtype=torch.float64)


def test_a_step_minimizes_without_damping_of_the_last_coefficients():
    """Against least squares with an augmented matrix whose ridge has zeros in the last columns."""
    f, r, q, damping = matrix(12, 7), matrix(12, 1)[:, 0], 3, 0.3
    found = Projected(q)(f, f.T @ r, r).step(damping)
    ridge = np.sqrt(damping) * np.eye(7)[:4]
    expected = np.linalg.lstsq(np.vstack([f, ridge]), np.concatenate([-r.numpy(), np.zeros(4)]), rcond=None)[0]
    # the ridge of the elimination is q eps |A|^2, relative to eigenvalues of A^T A of about 1 / 10 of |A|^2
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.linalg.norm(expected) * 10)


def test_with_infinite_damping_only_the_last_coefficients_change():
    f, r = matrix(12, 7), matrix(12, 1)[:, 0]
    d = Projected(3)(f, f.T @ r, r).step(1e18)
    expected = np.linalg.lstsq(f[:, 4:].numpy(), -r.numpy(), rcond=None)[0]
    np.testing.assert_allclose(d[4:], expected, rtol=1e-12)
    np.testing.assert_allclose(d[:4], 0, atol=1e-15)

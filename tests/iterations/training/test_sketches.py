"""Sketches preserve products on average, and a sketched step is a step in a subspace."""

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.iterations.training.damped_systems import damped_system
from pdefreq.iterations.training.sketches import CosineSketch, Sketched, count_sketch


def matrix(n, p, seed=0):
    return torch.randn(n, p, generator=stream(seed, "test"), dtype=torch.float64)


def test_count_sketches_preserve_products_on_average():
    """E (C x).(C y) = x.y; the mean of m sketches of k rows has the standard deviation sqrt(2 / (k m)) at most."""
    x = matrix(60, 2)
    draws, k = 400, 20
    mean = torch.stack([(c := count_sketch(x, k, stream(i, "sketch"))).T @ c for i in range(draws)]).mean(dim=0)
    size = float(x.square().sum())
    torch.testing.assert_close(mean, x.T @ x, rtol=0, atol=5 * (2 / (k * draws)) ** 0.5 * size)


def test_a_cosine_sketch_of_all_coefficients_is_orthogonal():
    f = matrix(4, 7)
    s = CosineSketch.drawn(7, 7, stream(0, "sketch"), f)
    torch.testing.assert_close(s.of(f) @ s.of(f).T, f @ f.T, rtol=1e-13, atol=1e-13)
    y = matrix(7, 1)[:, 0]
    torch.testing.assert_close(s.lifted(y).norm(), y.norm(), rtol=1e-13, atol=0)


def test_lifting_is_the_transpose_of_sketching():
    f, y = matrix(3, 9), matrix(4, 1)[:, 0]
    s = CosineSketch.drawn(9, 4, stream(1, "sketch"), f)
    torch.testing.assert_close(s.of(f) @ y, f @ s.lifted(y), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("n", "p"), [(30, 8), (8, 30)])
def test_sketches_that_keep_everything_do_not_change_the_step(n, p):
    f, r = matrix(n, p), matrix(n, 1)[:, 0]
    gradient = f.T @ r
    expected = damped_system(f, gradient, r).step(1e-2)
    found = Sketched(n, p, stream(0, "sketch"))(f, gradient, r).step(1e-2)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("rows", "columns"), [(60, None), (None, 10), (60, 10)])
def test_a_sketched_step_is_a_descent_direction(rows, columns):
    """d = -S (M + lambda)^-1 S^T G with a positive definite M."""
    f, r = matrix(400, 20), matrix(400, 1)[:, 0]
    gradient = f.T @ r
    for seed in range(5):
        d = Sketched(rows, columns, stream(seed, "sketch"))(f, gradient, r).step(1e-2)
        assert float(gradient @ d) < 0

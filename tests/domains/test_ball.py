import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gamma

from pdefreq.core.errors import ProblemFileError
from pdefreq.domains.ball import Ball

coordinates = st.floats(-100, 100)
any_ball = st.builds(Ball, st.lists(coordinates, min_size=1, max_size=4).map(tuple), st.floats(0.01, 100))


def moment(powers):
    """The integral of prod x_k^p_k over the unit ball (Folland, 2001, How to integrate a polynomial over a sphere)."""
    if any(p % 2 for p in powers):
        return 0.0
    half = [(p + 1) / 2 for p in powers]
    sphere = 2 * math.prod(gamma(b) for b in half) / gamma(sum(half))
    return sphere / (sum(powers) + len(powers))


@pytest.mark.parametrize(("d", "volume", "area"), [(1, 2, 2), (2, math.pi, 2 * math.pi), (3, 4 / 3 * math.pi, 4 * math.pi)])
def test_volume_and_area(d, volume, area):
    ball = Ball((0.0,) * d, 3.0)
    assert ball.measure == pytest.approx(volume * 3**d, rel=1e-15)
    assert float(ball.boundary(100).weights.sum()) == pytest.approx(area * 3 ** (d - 1), rel=1e-13)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_quadrature_integrates_polynomials_to_their_closed_form(d):
    """2m * m^(d-1) points are exact up to degree 2m - d, because the Jacobian r^(d-1) has degree d - 1."""
    m = 6
    q = Ball((0.0,) * d, 1.0).quadrature(2 * m**d)
    assert len(q.x) == 2 * m**d
    for powers in itertools.product([0, 1, 2, 4], repeat=d):
        if sum(powers) <= 2 * m - d:
            integral = (q.weights * (q.x ** torch.tensor(powers)).prod(dim=1)).sum()
            assert float(integral) == pytest.approx(moment(powers), abs=1e-14)  # rounding of 1000 terms below 1e-2


@given(any_ball, st.integers(1, 300))
def test_every_ball_contains_its_points(ball, n):
    for samples in (ball.quadrature(n), ball.boundary(n)):
        assert bool(ball.contains(samples.x).all())
    b, middle = ball.boundary(n), torch.tensor(ball.midpoint, dtype=torch.float64)
    assert float(((b.x - middle) * b.normals).sum(1) @ b.weights) == pytest.approx(
        ball.dimension * ball.measure,
        rel=1e-9,  # coordinates of size 100 for a radius of 0.01 lose four digits
    )
    outside = middle + 1.001 * (b.x - middle)
    assert not bool(ball.contains(outside).any())


def test_the_distance_is_one_at_the_center_and_negative_outside():
    distance = Ball((1.0, 2.0), 3.0).distance()
    torch.testing.assert_close(distance(torch.tensor([[1.0, 2.0], [4.0, 2.0], [7.0, 2.0]])), torch.tensor([1.0, 0.0, -3.0]))


def test_in_high_dimension_quadrature_respects_the_requested_number_of_points():
    ball = Ball((0.0,) * 30, 1.0)
    assert len(ball.quadrature(500).x) == 500 and len(ball.boundary(500).x) == 500
    assert float(ball.quadrature(500).weights.sum()) == pytest.approx(ball.measure, rel=1e-12)
    assert torch.equal(ball.quadrature(500).x, ball.quadrature(500).x)


@pytest.mark.parametrize("radius", [0.0, -1.0, math.inf, math.nan])
def test_a_radius_must_be_positive(radius):
    with pytest.raises(ProblemFileError, match="radius of a ball must be above zero"):
        Ball((0.0, 0.0), radius)


@pytest.mark.parametrize("midpoint", [(), (0.0, math.nan), (math.inf,)])
def test_a_center_must_be_a_point(midpoint):
    with pytest.raises(ProblemFileError, match="midpoint of a ball"):
        Ball(midpoint, 1.0)

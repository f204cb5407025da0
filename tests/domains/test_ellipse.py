import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.streams import stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.ellipse import Ellipse

half_axes = st.tuples(st.floats(0.05, 20), st.floats(0.05, 20))


@given(half_axes)
def test_perimeter_against_ramanujan_and_bounds(half_axes):
    """Ramanujan's second formula is below the perimeter by a part in 1/51 (h/4)^5, at most 4.1e-4, for flat ellipses."""
    a, b = half_axes
    h = ((a - b) / (a + b)) ** 2
    formula = math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
    perimeter = Ellipse((0.0, 0.0), half_axes).perimeter
    assert formula * (1 - 1e-14) <= perimeter <= formula * (1 + 4.1e-4)


@given(half_axes, st.integers(1, 200))
def test_boundary_weights_sum_to_the_perimeter(half_axes, n):
    ellipse = Ellipse((1.0, -2.0), half_axes)
    for b in (ellipse.boundary(n), ellipse.boundary(n, stream(0, "test"))):
        assert float(b.weights.sum()) == pytest.approx(ellipse.perimeter, rel=1e-12)
        assert bool(ellipse.contains(b.x).all())


def test_a_circle_is_an_ellipse():
    ellipse, ball = Ellipse((1.0, 2.0), (3.0, 3.0)), Ball((1.0, 2.0), 3.0)
    assert ellipse.measure == pytest.approx(ball.measure, rel=1e-15)
    assert ellipse.perimeter == pytest.approx(6 * math.pi, rel=1e-15)
    torch.testing.assert_close(ellipse.boundary(100).normals, ball.boundary(100).normals, rtol=0, atol=1e-15)


def test_quadrature_gives_the_moments_of_inertia():
    """The integrals of x^2, y^2 and x^2 y^2 are pi a^3 b / 4, pi a b^3 / 4 and pi a^3 b^3 / 24."""
    a, b = 0.5, 3.0
    q = Ellipse((0.0, 0.0), (a, b)).quadrature(200)
    x, y = q.x.unbind(dim=1)
    assert float((q.weights * x**2).sum()) == pytest.approx(math.pi * a**3 * b / 4, rel=1e-13)
    assert float((q.weights * y**2).sum()) == pytest.approx(math.pi * a * b**3 / 4, rel=1e-13)
    assert float((q.weights * x**2 * y**2).sum()) == pytest.approx(math.pi * (a * b) ** 3 / 24, rel=1e-13)


def test_random_boundary_points_are_uniform_in_arc_length():
    """The share of points beyond x = a / 2 on a flat ellipse is the share of the arc length there."""
    ellipse, n = Ellipse((0.0, 0.0), (1.0, 0.1)), 20_000
    fixed, random = ellipse.boundary(2000), ellipse.boundary(n, stream(0, "test"))
    share = float(fixed.weights[fixed.x[:, 0] > 0.5].sum() / ellipse.perimeter)
    # trapezoidal rule with a jump: 1 / 1000; binomial distribution: 4 standard deviations of sqrt(0.25 / n)
    assert float((random.x[:, 0] > 0.5).double().mean()) == pytest.approx(share, abs=0.001 + 4 * 0.5 / math.sqrt(n))


@pytest.mark.parametrize("half_axes", [(0.0, 1.0), (1.0, -1.0), (math.inf, 1.0), (1.0, math.nan)])
def test_semi_axes_must_be_positive(half_axes):
    with pytest.raises(ProblemFileError, match="half axes of an ellipse must be above zero"):
        Ellipse((0.0, 0.0), half_axes)


@pytest.mark.parametrize(("midpoint", "half_axes"), [((0.0,), (1.0,)), ((0.0, 0.0), (1.0,)), ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))])
def test_an_ellipse_must_be_two_dimensional(midpoint, half_axes):
    with pytest.raises(ProblemFileError, match="two coordinates and two half axes"):
        Ellipse(midpoint, half_axes)

"""Green's functions compared with published series, and with their defining properties."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.theory.green import green_interval, green_rectangle, sum_of_green_functions

LOWER, UPPER = (0.0, 0.0), (2.0, 1.5)  # neither the unit square nor equal sides


def random_points(n, seed, margin=0.05):
    unit = margin + (1 - 2 * margin) * torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return unit * torch.tensor(UPPER, dtype=torch.float64)


def double_series(x, source, lengths, cutoff):
    """Equation 3.3 of Wang et al. (2020) for one point and f = n, truncated at the wavenumber pi times the cutoff."""
    p, q = (math.pi * torch.arange(1, cutoff * side, dtype=torch.float64) / side for side in lengths)
    xs, ys = torch.sin(x[:, :1] * p) * torch.sin(source[0] * p), torch.sin(x[:, 1:] * q) * torch.sin(source[1] * q)
    return 4 / math.prod(lengths) * torch.einsum("nk,nl,kl->n", xs, ys, 1 / (p[:, None] ** 2 + q**2))


def single_series(x, source, lengths, terms=3000):
    """The same, summed analytically along y: sinh(k y<) sinh(k (b - y>)) / sinh(k b), written without overflow."""
    a, b = lengths
    k = math.pi * torch.arange(1, terms, dtype=torch.float64)[:, None] / a
    low, high = torch.minimum(x[:, 1], source[1]), torch.maximum(x[:, 1], source[1])
    ratio = (
        (k * (low - high)).exp() * (1 - (-2 * k * low).exp()) * (1 - (-2 * k * (b - high)).exp()) / (2 * (1 - (-2 * k * b).exp()))
    )
    return (2 / a * (k * x[:, 0]).sin() * (k * source[0]).sin() * ratio / k).sum(dim=0)


@pytest.mark.parametrize("lengths", [(1.0, 1.0), pytest.param((2.0, 1.5), marks=pytest.mark.slow), (0.4, 3.0)])
def test_the_green_function_of_a_rectangle_agrees_with_the_published_series(lengths):
    scale = torch.tensor(lengths, dtype=torch.float64) / torch.tensor(UPPER, dtype=torch.float64)
    x, source = (
        random_points(200, 0) * scale,
        torch.tensor([0.3, 0.6], dtype=torch.float64) * torch.tensor(lengths, dtype=torch.float64),
    )
    ours = green_rectangle(x, source[None], (0.0, 0.0), lengths)[:, 0]
    far = (x[:, 1] - source[1]).abs() > 0.02 * lengths[0]  # exp(-3000 pi 0.02) is below rounding
    assert (ours - single_series(x, source, lengths))[far].abs().max() < 1e-13  # sums of 3000 terms of size 1 / k
    off = (x - source).norm(dim=1) > 0.2 * min(lengths)
    # the truncation error oscillates with size 1 / (cutoff^2 distance^2), and all distances are at least 0.08
    assert (ours - double_series(x, source, lengths, 1000))[off].abs().max() < 1 / (1000 * 0.08) ** 2


def test_the_green_function_is_symmetric_zero_on_the_boundary_and_positive():
    x, y = random_points(40, 1), random_points(30, 2)
    G = green_rectangle(x, y, LOWER, UPPER)
    torch.testing.assert_close(G, green_rectangle(y, x, LOWER, UPPER).T, rtol=1e-11, atol=1e-15)
    assert (G > 0).all()
    edge = x.clone()
    edge[::2, 0], edge[1::2, 1] = UPPER[0], LOWER[1]
    assert (green_rectangle(edge, y, LOWER, UPPER) == 0).all() and (green_rectangle(y, edge, LOWER, UPPER) == 0).all()
    nearly = edge.clone()
    nearly[::2, 0] -= 1e-7  # the mask hides no jump
    assert green_rectangle(nearly, y, LOWER, UPPER).abs().max() < 1e-5


def test_the_green_function_is_harmonic_away_from_the_point_and_has_unit_flux_around_it():
    """Its defining properties: the mean over a circle is the value at the center, and -int du/dn = 1 around the point."""
    source = torch.tensor([[1.1, 0.6]], dtype=torch.float64)
    angle = 2 * math.pi * torch.arange(128, dtype=torch.float64) / 128
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    for center in ((0.4, 0.4), (1.5, 1.1)):
        c = torch.tensor([center], dtype=torch.float64)
        mean = green_rectangle(c + 0.3 * circle, source, LOWER, UPPER).mean()
        assert abs(float(mean - green_rectangle(c, source, LOWER, UPPER))) < 1e-13
    x = (source + 0.2 * circle).requires_grad_(True)
    (gradient,) = torch.autograd.grad(green_rectangle(x, source, LOWER, UPPER).sum(), x)
    assert abs(float(-(gradient * circle).sum(dim=1).mean() * 0.2 * 2 * math.pi) - 1) < 1e-12  # exponential convergence


def test_the_green_function_has_a_logarithmic_singularity_at_the_point():
    source = torch.tensor([[1.1, 0.6]], dtype=torch.float64)
    assert green_rectangle(source, source, LOWER, UPPER).isinf().all()
    r = torch.tensor([1e-3, 1e-6], dtype=torch.float64)
    near = green_rectangle(source + torch.stack([r, torch.zeros(2, dtype=torch.float64)], dim=1), source, LOWER, UPPER)[:, 0]
    # the remainder of G is smooth: it changes by its slope times 1e-3
    assert abs(float(near[1] - near[0]) - math.log(1e3) / (2 * math.pi)) < 1e-3


inside = st.floats(0.0, 1.0)


@given(inside, inside, st.floats(-3, 3), st.floats(0.1, 5))
def test_the_green_function_in_one_dimension_is_the_hat_with_slope_jump_one(s, t, a, length):
    """Equation 3.2: linear on both sides of x0, zero at the ends, symmetric."""
    b = a + length
    x, x0 = torch.tensor([a + t * length], dtype=torch.float64), torch.tensor([a + s * length], dtype=torch.float64)
    low, high = min(float(x), float(x0)), max(float(x), float(x0))
    G = float(green_interval(x, x0, a, b))
    assert abs(G - (low - a) * (b - high) / length) < 1e-13 * max(1, abs(a)) * length  # differences of numbers of this size
    ends = torch.tensor([a, b], dtype=torch.float64)
    assert green_interval(ends, x0, a, b).abs().max() < 1e-13 * max(1, abs(a)) * length


def test_sums_contain_the_measure_divided_by_the_number_of_points():
    """Many points are a quadrature of f = 1: u'' = -1 on (0, 2) with u(1) = 1/2; the rectangle has the value of torsion."""
    points = (torch.arange(1000, dtype=torch.float64)[:, None] + 0.5) / 500
    u = sum_of_green_functions(
        torch.tensor([[1.0]], dtype=torch.float64), points, torch.ones(1000, dtype=torch.float64), (0.0,), (2.0,)
    )
    assert abs(float(u) - 0.5) < 1e-6  # midpoint rule, h^2 / 8 = 5e-7 at a kink
    axis = (torch.arange(100, dtype=torch.float64) + 0.5) / 50 - 1
    grid = torch.cartesian_prod(axis, axis)
    u = sum_of_green_functions(
        torch.zeros(1, 2, dtype=torch.float64), grid, torch.ones(len(grid), dtype=torch.float64), (-1.0, -1.0), (1.0, 1.0)
    )
    assert (
        abs(float(u) - 0.294685413126) < 1e-4
    )  # Timoshenko and Goodier (1951); midpoint rule, h = 0.02, h^2 = 4e-4 times less than 1/4


def test_three_dimensions_are_refused():
    with pytest.raises(ValueError, match="1 and 2 dimensions, got 3"):
        sum_of_green_functions(torch.zeros(1, 3), torch.zeros(1, 3), torch.zeros(1), (0,) * 3, (1,) * 3)

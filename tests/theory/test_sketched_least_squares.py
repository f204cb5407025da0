"""Laws of sketched least squares: the minimum of a direct method, for any rank, any blocks and any scale of the columns."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.theory.least_squares import ridge_least_squares
from pdefreq.theory.sketched_least_squares import RIDGE, SKETCHED_ROWS, SketchedFactorization

COLUMNS, ROWS = 60, 160
EXCESS = 1.005  # documented bound on the norm of the residual, relative to the least one


def random(rows, columns, seed):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ill_conditioned(decades, seed, rows=ROWS, columns=COLUMNS):
    """A matrix with singular values from 1 to 10^-decades, and columns whose lengths differ by factors up to 100."""
    left, right = (torch.linalg.qr(random(n, columns, seed + i))[0] for i, n in enumerate((rows, columns)))
    values = torch.logspace(0, -decades, columns, dtype=torch.float64)
    return left * values @ right.T * torch.logspace(-1, 1, columns, dtype=torch.float64)


def sketched(a, size=50, ridge=RIDGE, seed=0):
    pieces = a.split(size)
    return SketchedFactorization(lambda: pieces, a.shape[1], torch.Generator().manual_seed(seed), ridge)


@settings(max_examples=40, deadline=None)
@given(
    decades=st.floats(0, 20), noise=st.sampled_from([0.0, 1e-12, 1e-6, 1.0]), size=st.integers(7, ROWS), seed=st.integers(0, 99)
)
def test_the_residual_is_the_least_one_for_every_rank(decades, noise, size, seed):
    """Products with A have errors of rounding of at most n eps |A| |c|, with the absolute values of the entries."""
    a = ill_conditioned(decades, seed)
    y = a @ random(COLUMNS, 1, seed + 2)[:, 0] + noise * random(ROWS, 1, seed + 3)[:, 0]
    c, left = sketched(a, size, seed=seed).solve(y)
    least = ridge_least_squares(a.clone(), y, RIDGE)
    rounding = 2 * COLUMNS * torch.finfo(torch.float64).eps * float((a.abs() @ c.abs()).max())
    torch.testing.assert_close(left, y - a @ c, rtol=0, atol=rounding)
    assert left.norm() <= EXCESS * (y - a @ least).norm() + 1e-12 * y.norm()


@pytest.mark.parametrize("decades", [0, 3, 6])
def test_coefficients_are_those_of_a_direct_method(decades):
    """Of data in the range of A: their relative errors are at most those of rounding, 1e-16, times the condition number."""
    a = ill_conditioned(decades, 1)
    y = a @ random(COLUMNS, 1, 5)[:, 0]
    c, expected = sketched(a).solve(y)[0], ridge_least_squares(a.clone(), y, RIDGE)
    assert (c - expected).norm() <= 1e-12 * 10 ** (decades + 2) * expected.norm()


def test_several_columns_of_data_are_solved_together():
    a, y = ill_conditioned(8, 0), random(ROWS, 3, 7)
    y[:, 2] = 0.0
    c, left = sketched(a).solve(y)
    assert c.shape == (COLUMNS, 3) and left.shape == y.shape
    assert torch.equal(c[:, 2], torch.zeros(COLUMNS, dtype=torch.float64))
    for k in range(2):
        least = y[:, k] - a @ ridge_least_squares(a.clone(), y[:, k], RIDGE)
        assert left[:, k].norm() <= EXCESS * least.norm()


def test_units_of_the_matrix_and_of_the_data_do_not_matter():
    a, y = ill_conditioned(6, 3), random(ROWS, 1, 4)[:, 0]
    c = sketched(a).solve(y)[0]
    torch.testing.assert_close(sketched(2.0**40 * a).solve(2.0**-30 * y)[0] * 2.0**70, c, rtol=0, atol=0)


@pytest.mark.parametrize("decades", [0, 6, 12, 20])
def test_the_number_of_iterations_does_not_depend_on_the_rank(decades):
    """The documented 10 to 30 iterations. Steepest descent takes more than 60 for a condition number of 10."""
    a, y, calls = ill_conditioned(decades, 0), random(ROWS, 1, 1)[:, 0], []
    found = SketchedFactorization(lambda: calls.append(1) or [a], COLUMNS, torch.Generator().manual_seed(0), RIDGE)
    calls.clear()
    found.solve(y)
    assert len(calls) - 5 <= 30  # three residuals and two gradients


@pytest.mark.parametrize("decades", [2, 12, 20])
def test_the_preconditioned_matrix_is_well_conditioned_for_every_rank(decades):
    """Singular values of S Q are between 1 - e and 1 + e, e = 1.5^(-1/2), for many columns; 300 differ by a few percent."""
    ridge, a = 1e-10, ill_conditioned(decades, 0, rows=800, columns=300)  # a ridge above the errors of the products below
    found = sketched(a, ridge=ridge)
    augmented = torch.cat([a, ridge * torch.diag(found._sketched.weights)])
    values = torch.linalg.svdvals(augmented @ found._sketched.unwhitened(torch.eye(300, dtype=torch.float64)))
    e = SKETCHED_ROWS**-0.5
    assert 0.9 / (1 + e) <= values.min() and values.max() <= 1.25 / (1 - e)


def test_the_error_of_the_iterations_is_below_its_bound():
    a, y = ill_conditioned(4, 0), random(ROWS, 1, 1)[:, 0]
    found = sketched(a)
    c, left = found.solve(y)
    error = float((a @ (c - ridge_least_squares(a.clone(), y, RIDGE))).norm())
    assert 0 < error <= 1.1 * found.inexactness(c, left)  # the bound holds in the limit of many columns
    assert found.inexactness(c, left) <= 0.1 * left.norm()


@pytest.mark.parametrize("index", [0, 1])
def test_leading_columns_have_nearly_their_least_residuals(index):
    """For k columns and a Gaussian sketch with s rows the factor is (1 - k / s)^(-1/2), which is 1.6 for 54 of 90."""
    counts = (30, 54)
    a, count = ill_conditioned(3, 0), counts[index]
    y = a[:, :count] @ random(count, 1, 5)[:, 0] + 1e-6 * random(ROWS, 1, 1)[:, 0]
    c = sketched(a).leading(y, counts)[index]
    least = y - a[:, :count] @ ridge_least_squares(a[:, :count].clone(), y, RIDGE)
    assert c.shape == (count,)
    assert (y - a[:, :count] @ c).norm() <= 2 * least.norm()


def test_sines_in_excess_fit_an_exponential_to_rounding():
    """90 sines with frequencies up to 12 on (0, 1), whose singular values decrease below 1e-16 after about 25."""
    w, phase = torch.rand(2, 90, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.linspace(0, 1, 300, dtype=torch.float64)
    a = torch.sin(x[:, None] * (24 * w - 12) + 2 * math.pi * phase)
    c, _ = sketched(a).solve(torch.exp(-x))
    assert (a @ c - torch.exp(-x)).abs().max() < 1e-12
    assert c.norm() < 100


def test_iterations_that_lose_all_digits_do_not_make_the_residual_longer():
    """Without a ridge, the products with a singular matrix contain more errors of rounding than digits."""
    a, y = ill_conditioned(20, 0).float(), random(ROWS, 1, 1)[:, 0].float()
    found = sketched(a, ridge=1e-14)
    before = found._sketched.solve(found._sketched_data(y[:, None]))[0]
    assert found.solve(y)[1].norm() <= (y - a @ before[:, 0]).norm() * (1 + 1e-5)  # float32


@pytest.mark.parametrize("decades", [3, 8, 20])
def test_the_default_ridge_suits_float32(decades):
    a, y = ill_conditioned(decades, 0).float(), random(ROWS, 1, 1)[:, 0].float()
    left = SketchedFactorization(lambda: [a], COLUMNS, torch.Generator().manual_seed(0)).solve(y)[1]
    least = ridge_least_squares(a.double(), y.double(), RIDGE / torch.finfo(torch.float64).eps * torch.finfo(torch.float32).eps)
    assert left.norm() <= EXCESS * (y - a.double() @ least).norm() + 1e-4 * y.norm()  # errors of products with coefficients

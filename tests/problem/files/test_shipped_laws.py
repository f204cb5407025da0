"""Facts about shipped problems that their files only imply."""

import itertools
import math

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.problem.files import load_problem
from pdefreq.runs.reference import reference_solution


def test_poisson_tones_are_sine_coefficients():
    """u is a sum of sines with integer numbers of half periods: its coefficients are those of the file, by the trapezoidal rule."""
    n = 256  # the rule is exact for products of sines with fewer than n half periods
    x = torch.arange(n, dtype=torch.float64)[:, None] / n
    u = load_problem("poisson-tones").exact(x)
    for m, c in ((2, 1.0), (50, 0.1), (3, 0.0)):
        assert float((u * torch.sin(m * math.pi * x[:, 0])).sum()) * 2 / n == pytest.approx(c, abs=1e-13)
    problem = load_problem("poisson-tones:2d")
    square = torch.cartesian_prod(x[:64, 0] * 4, x[:64, 0] * 4)
    u = problem.exact(square)
    for m, k in zip((4, 8, 12, 16), problem.spectrum.wavenumbers, strict=True):
        assert float((u * torch.sin(m * math.pi * square).prod(dim=1)).sum()) * 4 / 64**2 == pytest.approx(1 / 4, abs=1e-13)
        assert k == pytest.approx(m * math.pi * math.sqrt(2), rel=1e-15)


@pytest.mark.parametrize(("name", "m"), [("2d-8pi", 8), ("2d-16pi", 16)])
def test_helmholtz_in_a_square_is_not_resonant(name, m):
    """The eigenvalues of the Laplacian are pi^2 (i^2 + j^2), i, j >= 1; no m^2 is such a sum of squares for m a power of 2."""
    problem = load_problem(f"helmholtz:{name}")
    assert problem.reaction.constant == pytest.approx(-((m * math.pi) ** 2), rel=1e-15)
    assert min(abs(i * i + j * j - m * m) for i, j in itertools.product(range(1, 2 * m), repeat=2)) == 1
    # Both waves have a wavenumber within a tenth of k, and the linear part is harmonic: it is in f only as -k^2 (x - y/2).
    x = problem.domain.interior(200, stream(0, "test")).x
    k, (a, b) = m * math.pi, x.T
    waves = (0.92, torch.sin(0.92 * k * (5 * a + 12 * b) / 13)), (1.03, torch.cos(1.03 * k * (4 * a - 3 * b) / 5) / 2)
    f = sum((ratio**2 - 1) * k * k * wave for ratio, wave in waves) - k * k * (a - b / 2)
    torch.testing.assert_close(problem.source(x), f, rtol=0, atol=1e-11 * k * k)  # rounding of the arguments of the sines


def test_four_discs_have_the_values_of_their_boundary():
    problem = load_problem("four-discs")
    edge = problem.domain.boundary(800, stream(0, "test"))
    assert problem.dirichlet is not None
    expected = torch.where(edge.parts < 4, edge.x.new_tensor(0.2), 1.0)
    torch.testing.assert_close(problem.dirichlet(edge.x), expected, rtol=0, atol=0)
    assert problem.reaction.constant == 64
    f = problem.source(torch.tensor([[0.0, 0.0], [0.5, 0.125]], dtype=torch.float64))
    assert f.tolist() == pytest.approx([0, 10 * (17 + 0.25 + 1 / 64)], rel=1e-15)


@pytest.mark.slow
def test_the_reference_solution_of_four_discs_has_four_digits():
    found = reference_solution(load_problem("four-discs"))
    assert found.accuracy is not None and found.accuracy.l2 < 1e-4


@pytest.mark.slow
def test_the_reference_solution_of_the_l_shape_has_the_known_energy():
    """The integral of u is its energy norm squared, 0.2140758022, a reference value of papers on adaptive refinement."""
    problem = load_problem("l-shape:source")
    found = reference_solution(problem)
    assert found.solution is not None and found.accuracy is not None
    samples = problem.domain.quadrature(200_000)
    with torch.no_grad():
        integral = float((samples.weights * found.solution(samples.x)).sum())
    # The relative error of the integral is at most that of u in L2 times |u| |1| / (u, 1), about 1.3 for this u, plus quadrature.
    assert integral == pytest.approx(0.2140758022, rel=1.5 * found.accuracy.l2 + 1e-5)

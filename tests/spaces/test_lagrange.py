import numpy as np
import pytest
import torch
from skfem import MeshLine

from pdefreq.domains.box import Box
from pdefreq.fields import as_field
from pdefreq.iterations.sparse import CondensedSystem
from pdefreq.problem import BoundaryPart, Problem
from pdefreq.spaces.lagrange import Lagrange

BOX = Box((-1.0,), (1.0,))
GRADED = Lagrange(MeshLine(np.array([-1.0, -0.7, -0.1, 0.0, 0.4, 1.0])))


def uniform(cells, quadrature=15):
    return Lagrange(MeshLine(np.linspace(-1, 1, cells + 1)), quadrature)


def random(*shape):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_linear_functions_are_reproduced_with_their_slope():
    x = 2 * random(50, 1) - 1
    evaluator, c = GRADED.at(x), GRADED.interpolate(as_field(lambda x: 3 - 2 * x[:, 0]), x)
    assert torch.allclose(evaluator.value(c), 3 - 2 * x[:, 0], rtol=0, atol=1e-14)
    assert torch.allclose(evaluator.gradient(c), torch.full_like(x, -2), rtol=0, atol=1e-13)


def test_values_agree_with_numpy_and_gradients_with_differences():
    c, x, step = random(6), 2 * random(50, 1) - 1, 1e-7
    vertices = GRADED.nodes[:, 0]
    assert np.allclose(GRADED.at(x).value(c), np.interp(x[:, 0], vertices, c), rtol=0, atol=1e-15)
    inside = (x - vertices).abs().min(dim=1).values > 1e-6
    difference = (GRADED.at(x + step).value(c) - GRADED.at(x - step).value(c)) / (2 * step)
    assert torch.allclose(difference[inside], GRADED.at(x).gradient(c)[inside, 0], rtol=0, atol=1e-7)  # eps / step


def test_vertices_and_both_ends_carry_the_coefficients():
    c = random(6)
    assert torch.equal(GRADED.at(GRADED.nodes).value(c), c)


@pytest.mark.parametrize("space", [GRADED, uniform(8), uniform(64)])
def test_nodally_exact_for_constant_diffusion(space):
    """P1 on an interval, a constant, c = 0, exact loads: the error vanishes at every vertex (Strang and Fix, 1973, 1.6)."""
    problem = Problem(domain=BOX, source=lambda x: x[:, 0].exp(), diffusion=2.0, boundary=lambda x: 1 + x[:, 0])
    x = space.nodes[:, 0].numpy()
    exact = -np.exp(x) / 2 + 1 + x + (np.cosh(1) + x * np.sinh(1)) / 2
    # the quadrature is exact to 1e-16 here; rounding is eps times the condition number of at most 64^2
    assert np.abs(CondensedSystem(space.assemble(problem)).solve() - exact).max() < 1e-12


def test_quadrature_of_low_degree_is_seen():
    problem = Problem(domain=BOX, source=lambda x: x[:, 0].exp(), boundary=0.0)
    fine, coarse = (CondensedSystem(uniform(4, q).assemble(problem)).solve() for q in (15, 1))
    assert np.abs(fine - coarse).max() > 1e-6  # exact loads agree to 1e-15


def errors(cells, parts):
    """L2 and H1 errors for u = sin 2x, a = 2 + x, c = 1 + x^2."""
    problem = Problem(
        domain=BOX,
        source=lambda x: (4 * (2 + x) * (2 * x).sin() - 2 * (2 * x).cos() + (1 + x**2) * (2 * x).sin())[:, 0],
        diffusion=lambda x: 2 + x[:, 0],
        reaction=lambda x: 1 + x[:, 0] ** 2,
        boundary=parts,
    )
    space = uniform(cells)
    c = torch.from_numpy(CondensedSystem(space.assemble(problem)).solve())
    samples = BOX.quadrature(4000)
    evaluator, y = space.at(samples.x), samples.x[:, 0]
    value, slope = evaluator.value(c) - (2 * y).sin(), evaluator.gradient(c)[:, 0] - 2 * (2 * y).cos()
    return [float((samples.weights * e**2).sum().sqrt()) for e in (value, slope)]


def robin(name, alpha, outward, x):
    """The Robin condition that sin 2x meets: a du/dn + alpha u = flux."""
    flux = (2 + x) * outward * 2 * np.cos(2 * x) + alpha * np.sin(2 * x)
    return BoundaryPart("robin", name, alpha=as_field(alpha), flux=as_field(float(flux)))


@pytest.mark.parametrize(
    "parts",
    [
        (robin("x-min", 3.0, -1, -1), robin("x-max", 0.0, 1, 1)),
        (BoundaryPart("dirichlet", "x-min", value=as_field(float(np.sin(-2)))), robin("x-max", 0.5, 1, 1)),
    ],
)
def test_order_two_in_l2_and_one_in_h1_with_robin_conditions(parts):
    coarse, fine = errors(20, parts), errors(40, parts)
    orders = np.log2(np.array(coarse) / np.array(fine))
    assert np.abs(orders - [2, 1]).max() < 0.1

from dataclasses import replace

import numpy as np
import pytest
import skfem
import torch
from skfem import MeshLine

from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.domains.meshes.meshing import mesh_for
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.elements.densities import Slopes
from pdefreq.spaces.elements.lagrange import Lagrange
from tests.spaces.mixed import mixed_problem

BOX = Box((-1.0,), (1.0,))
GRADED = Lagrange(MeshLine(np.array([-1.0, -0.7, -0.1, 0.0, 0.4, 1.0])))


def uniform(cells, quadrature=15):
    return Lagrange(MeshLine(np.linspace(-1, 1, cells + 1)), quadrature)


def random(*shape):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_linear_functions_are_reproduced_with_their_slopes():
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


def test_coefficients_are_the_values_at_the_vertices_including_both_ends():
    c = random(6)
    assert torch.equal(GRADED.at(GRADED.nodes).value(c), c)


@pytest.mark.parametrize("space", [GRADED, uniform(8), uniform(64)])
def test_linear_elements_are_nodally_exact_for_constant_diffusion(space):
    """P1 in one dimension, a constant, c = 0, exact loads: the error vanishes at every vertex (Strang and Fix, 1973, 1.6)."""
    problem = Problem(domain=BOX, source=lambda x: x[:, 0].exp(), diffusion=2.0, boundary=lambda x: 1 + x[:, 0])
    x = space.nodes[:, 0].numpy()
    exact = -np.exp(x) / 2 + 1 + x + (np.cosh(1) + x * np.sinh(1)) / 2
    # the quadrature is exact to 1e-16; rounding is eps times the condition number of at most 64^2
    assert np.abs(CondensedSystem(space.assemble(problem)).solve() - exact).max() < 1e-12


def test_an_insufficient_degree_of_quadrature_changes_the_solution():
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
    """The Robin condition that sin 2x satisfies: a du/dn + alpha u = flux."""
    flux = (2 + x) * outward * 2 * np.cos(2 * x) + alpha * np.sin(2 * x)
    return BoundaryPart("robin", name, alpha=as_field(alpha), flux=as_field(float(flux)))


@pytest.mark.parametrize(
    "parts",
    [
        (robin("x-min", 3.0, -1, -1), robin("x-max", 0.0, 1, 1)),
        (BoundaryPart("dirichlet", "x-min", value=as_field(float(np.sin(-2)))), robin("x-max", 0.5, 1, 1)),
    ],
)
def test_orders_two_in_l2_and_one_in_h1_with_robin_conditions(parts):
    coarse, fine = errors(20, parts), errors(40, parts)
    orders = np.log2(np.array(coarse) / np.array(fine))
    assert np.abs(orders - [2, 1]).max() < 0.1


AXES = [np.linspace(-1, 0.5, 4), np.linspace(0, 1, 3), np.array([0, 0.3, 1])]
SPACES = {
    "P1 line": Lagrange(skfem.MeshLine(AXES[0])),
    "P2 line": Lagrange(skfem.MeshLine(AXES[0]), degree=2),
    "P1 triangle": Lagrange(skfem.MeshTri.init_sqsymmetric().refined(), 2),
    "P2 triangle": Lagrange(skfem.MeshTri.init_lshaped().refined(), 4, degree=2),
    "Q1 quadrilateral": Lagrange(skfem.MeshQuad.init_tensor(*AXES[:2]), 2),
    "P1 tetrahedron": Lagrange(skfem.MeshTet.init_tensor(*AXES), 2),
    "P2 tetrahedron": Lagrange(skfem.MeshTet.init_tensor(*AXES), 4, degree=2),
    "Q1 hexahedron": Lagrange(skfem.MeshHex.init_tensor(*AXES), 2),
}


def polynomial(space):
    """A polynomial in the trial space, and its gradient."""
    d = space.mesh.dim()
    slope = torch.arange(1.0, d + 1, dtype=torch.float64)
    if space.degree == 1:
        return lambda x: 2 + x @ slope, lambda x: slope.expand(len(x), d)
    form = torch.ones(d, d, dtype=torch.float64).triu()
    return lambda x: 1 + x @ slope + ((x @ form) * x).sum(dim=1), lambda x: slope + x @ (form + form.T)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_polynomials_of_the_degree_are_reproduced_with_their_gradient_and_integrals(space):
    value, gradient = polynomial(space)
    cells = torch.from_numpy(space.mesh.p[:, space.mesh.t].T.copy())  # (cells, corners, d)
    weight = random(cells.shape[1], len(cells))
    x = torch.einsum("kc,ckd->cd", weight / weight.sum(dim=0), cells)
    c = value(space.nodes)
    evaluator = space.at(x)
    # rounding only: a few eps times values below 30
    torch.testing.assert_close(evaluator.value(c), value(x), rtol=0, atol=1e-13)
    torch.testing.assert_close(evaluator.gradient(c), gradient(x), rtol=0, atol=1e-12)
    rule = space.inside()
    shape = rule.weights.shape
    np.testing.assert_allclose(rule.value(c.numpy()), value(rule.x).reshape(shape), rtol=0, atol=1e-13)
    np.testing.assert_allclose(rule.gradient(c.numpy()), gradient(rule.x).T.reshape(-1, *shape), rtol=0, atol=1e-12)
    # the entries of the mass matrix are integrals of products: 1' M c is the integral of u
    mass = rule.matrix(Slopes(value_u=1.0))
    assert np.isclose(space.constant() @ mass @ c.numpy(), rule.integral(rule.value(c.numpy())), rtol=1e-13)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_values_at_the_nodes_are_the_coefficients(space):
    c = random(space.num_coefficients)
    torch.testing.assert_close(space.at(space.nodes).value(c), c, rtol=0, atol=1e-12)


def test_points_outside_a_mesh_use_the_polynomial_of_a_neighboring_cell():
    """Between a circle and its inscribed polygon, 0.02 wide: the error for sin 3x is as inside; in other cells it is 1."""
    disk = Lagrange(skfem.MeshTri.init_circle(3), 2)
    angle = torch.linspace(0, 6, 40, dtype=torch.float64)
    x = torch.stack([angle.cos(), angle.sin()], dim=1)
    u = disk.at(x).value((3 * disk.nodes[:, 0]).sin())
    assert torch.allclose(u, (3 * x[:, 0]).sin(), rtol=0, atol=0.1)


@pytest.mark.parametrize(
    ("element", "d", "cells"),
    [
        *((element, 1, (20, 40)) for element in ("P1", "P2")),
        *((element, 2, (16, 32)) for element in ("P1", "P2", "Q1")),
        *((element, 3, cells) for element, cells in (("P1", (6, 12)), ("P2", (5, 10)), ("Q1", (5, 10)))),
    ],
)
def test_orders_of_convergence_with_variable_coefficients_and_mixed_conditions(element, d, cells):
    """P1 and Q1: 2 in L2 and 1 in H1; P2: 3 and 2 (Ciarlet, 1978, sections 3.2 and 4.1)."""
    problem = mixed_problem(d)
    found = []
    for n in cells:
        space = Lagrange(mesh_for(problem.domain, n, simplices=element != "Q1"), 4, degree=2 if element == "P2" else 1)
        c, rule = CondensedSystem(space.assemble(problem)).solve(), replace(space, quadrature=8).inside()
        value = rule.value(c) - problem.exact(rule.x).numpy().reshape(rule.weights.shape)
        slope = rule.gradient(c) - problem.exact.gradient(rule.x).numpy().T.reshape(-1, *rule.weights.shape)
        found.append([rule.integral(error) ** 0.5 for error in (value**2, (slope**2).sum(axis=0))])
    orders = np.log2(np.array(found[0]) / np.array(found[1]))
    assert np.abs(orders - (3 if element == "P2" else 2) + [0, 1]).max() < 0.1


def test_the_first_dirichlet_part_has_priority_and_facets_are_assigned_by_their_midpoints():
    square = Box((0.0, 0.0), (1.0, 1.0))
    parts = (
        BoundaryPart("dirichlet", where=lambda x: (x[:, 1] < 1e-9) & (x[:, 0] < 0.55), value=as_field(1.0)),
        BoundaryPart("dirichlet", "y-min", value=as_field(2.0)),
        BoundaryPart("robin"),
    )
    space = Lagrange(mesh_for(square, 4), 2)
    fixed, values = space.prescribed(Problem(domain=square, source=0.0, boundary=parts))
    x = space.nodes[fixed]
    assert bool((x[:, 1] == 0).all()) and len(fixed) == 5
    np.testing.assert_array_equal(values, np.where(x[:, 0].numpy() <= 0.5, 1, 2))  # the midpoint 0.625 belongs to the second part

import math

import numpy as np
import pytest
import torch

from pdefreq.core.fields import ConstantField
from pdefreq.domains.box import Box
from pdefreq.domains.polygon import Polygon
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.features.corner_functions import corner_functions
from tests.spaces.features import l_shape_series

L_SHAPE = load_problem("l-shape").domain
POLYGON = Polygon(((0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)))


def problem(domain, **more):
    return Problem(domain=domain, source=ConstantField(1.0), **{"boundary": 0.0, **more})


def along(corner, side, count=20):
    t = torch.linspace(0.05, 0.95, count, dtype=torch.float64)[:, None]
    return torch.tensor(corner, dtype=torch.float64) + t * torch.tensor(side, dtype=torch.float64)


def the_family(families, corner):
    return next(family for family in families if math.dist(family.center, corner) < 1e-9)


@pytest.mark.parametrize("domain", [L_SHAPE, POLYGON])
def test_the_powers_of_the_l_shape_are_two_thirds_and_its_right_angles_have_logarithms(domain):
    families = corner_functions(problem(domain), 4.0)
    assert len(families) == 6
    reentrant = the_family(families, (0, 0))
    np.testing.assert_allclose(reentrant.exponents, [2 / 3, 4 / 3, 2, 8 / 3, 10 / 3, 4])
    assert reentrant.logarithms == (0, 0, 1, 0, 0, 1)
    right = the_family(families, (1, 1))
    assert (right.exponents, right.logarithms) == ((2.0, 4.0), (1, 1))


@pytest.mark.parametrize("domain", [L_SHAPE, POLYGON])
def test_powers_vanish_on_both_sides_where_values_are_prescribed(domain):
    family = the_family(corner_functions(problem(domain)), (0, 0))
    power = torch.tensor([not log for log in family.logarithms])
    for side in ((1.0, 0.0), (0.0, -1.0)):
        # values of about 1 that vanish up to rounding of the argument times the largest exponent, 8
        assert family.value(along((0, 0), side))[:, power].abs().max() < 1e-13


@pytest.mark.parametrize("domain", [POLYGON, Box((0, 0), (1, 1))])
def test_functions_vanish_at_their_corners(domain):
    """The least exponent is 2/3: the values are below those at the distance 1e-300, which are 1e-200."""
    for family in corner_functions(problem(domain)):
        assert family.value(torch.tensor([family.center], dtype=torch.float64)).abs().max() < 1e-200


def test_fluxes_vanish_on_sides_with_fluxes_and_mixed_corners_have_half_exponents():
    parts = (BoundaryPart("robin", name="edge-1"), BoundaryPart("dirichlet"))
    families = corner_functions(problem(POLYGON, boundary=parts))
    family = the_family(families, (0, 0))
    np.testing.assert_allclose(family.exponents[:3], [1 / 3, 1, 5 / 3])
    power = torch.tensor([not log for log in family.logarithms])
    flux = family.gradient(along((0, 0), (1.0, 0.0)))[:, 1, power]
    assert (flux.abs() * along((0, 0), (1.0, 0.0))[:, :1]).max() < 1e-12
    assert family.value(along((0, 0), (0.0, -1.0)))[:, power].abs().max() < 1e-13


def test_a_constant_matrix_gives_solutions_of_its_equation_that_vanish_on_both_sides():
    matrix = [[2.0, 0.5], [0.5, 1.0]]
    family = the_family(corner_functions(problem(POLYGON, diffusion=matrix)), (0, 0))
    x = POLYGON.interior(50, torch.Generator().manual_seed(0)).x
    second = torch.einsum("ij,nijm->nm", torch.tensor(matrix, dtype=torch.float64), family.hessian(x))
    size = family.hessian(x).norm(dim=(1, 2))
    assert (second.abs() <= 1e-12 * (1 + size)).all()
    power = torch.tensor([not log for log in family.logarithms])
    for side in ((1.0, 0.0), (0.0, -1.0)):
        values = family.value(along((0, 0), side))[:, power]
        assert values.abs().max() < 1e-12 * family.value(x).abs().max().clamp(min=1)


def test_periodic_sides_curved_boundaries_and_quasilinear_equations_have_no_corner_functions():
    square = Box((0, 0), (1, 1))
    assert corner_functions(problem(square, exponent=4.0)) == ()
    assert corner_functions(problem(square, boundary=(BoundaryPart("periodic", name="x"), BoundaryPart("dirichlet")))) == ()
    assert corner_functions(problem(load_problem("circle").domain)) == ()
    assert corner_functions(problem(Box((0,), (1,)))) == ()


def test_polynomials_and_corner_functions_solve_the_l_shape():
    """The package's functions span the series: with 400 plane waves of low frequency replaced by polynomials of degree 24.

    The reference has an error below 1e-12 by the maximum principle; exponents up to 14 leave about 1e-9 of it.
    """
    c, bound = l_shape_series.fitted()
    assert bound < 1e-12
    families = corner_functions(problem(POLYGON), 14.0)
    center, degrees = torch.tensor([-0.25, 0.25], dtype=torch.float64), range(25)

    def functions(x):
        w = torch.complex(*((x - center) / 1.25).T)[:, None] ** torch.tensor(degrees)
        return torch.cat([w.real, w[:, 1:].imag, *(family.value(x) for family in families)], dim=1)

    edge = torch.view_as_real(torch.from_numpy(l_shape_series.boundary(120)))
    found = torch.linalg.lstsq(functions(edge), edge.square().sum(dim=1, keepdim=True) / 4, driver="gelsd").solution[:, 0]
    x = POLYGON.interior(500, torch.Generator().manual_seed(1)).x
    exact = torch.from_numpy(l_shape_series.solution(c, x.numpy()))
    error = functions(x) @ found - x.square().sum(dim=1) / 4 - exact
    assert error.norm() < 1e-8 * exact.norm()


@pytest.mark.parametrize("reaction", [9.0, -9.0])
def test_a_constant_reaction_gives_solutions_of_its_equation_that_vanish_on_both_sides(reaction):
    families = corner_functions(problem(POLYGON, reaction=reaction), 4.0)
    powers, logarithms = (family for family in families if math.dist(family.center, (0, 0)) < 1e-9)
    np.testing.assert_allclose(powers.exponents, [2 / 3, 4 / 3, 8 / 3, 10 / 3])
    assert logarithms.exponents == (2.0, 4.0)
    x = POLYGON.interior(50, torch.Generator().manual_seed(0)).x
    trace = powers.hessian(x).diagonal(dim1=1, dim2=2).sum(dim=2)
    torch.testing.assert_close(trace, reaction * powers.value(x), rtol=1e-9, atol=1e-9)
    for side in ((1.0, 0.0), (0.0, -1.0)):
        assert powers.value(along((0, 0), side)).abs().max() < 1e-12 * powers.value(x).abs().max()

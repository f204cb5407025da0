import numpy as np
import pytest
import torch
from numpy.polynomial import legendre

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.spectral.legendre import Legendre, basis_functions
from tests.spaces.mixed import mixed_problem

BOXES = {1: Box((-1.0,), (3.0,)), 2: Box((0.0, -1.0), (1.0, 1.0)), 3: Box((0.0, 0.0, -1.0), (1.0, 2.0, 1.0))}


def test_bubbles_are_differences_of_legendre_polynomials_with_orthonormal_slopes():
    s, weights = legendre.leggauss(40)
    values, slopes = (table.numpy() for table in basis_functions(torch.from_numpy(s), 12))
    vander = legendre.legvander(s, 13)
    for k in range(12):
        assert np.allclose(values[:, k + 2], (vander[:, k] - vander[:, k + 2]) / np.sqrt(4 * k + 6), rtol=0, atol=1e-14)
    gram = slopes[:, 2:].T @ (weights[:, None] * slopes[:, 2:])
    assert np.allclose(gram, np.eye(12), rtol=0, atol=1e-13)
    ends = basis_functions(torch.tensor([-1.0, 1.0], dtype=torch.float64), 12)[0].numpy()
    assert np.allclose(ends, np.eye(14)[:2] @ np.eye(14), rtol=0, atol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_polynomials_are_reproduced_with_their_gradient(d):
    space = Legendre(BOXES[d], 3, 6)
    u = as_field(lambda x: 1 + x.prod(dim=1) ** 2 + x[:, 0] ** 4)
    x = BOXES[d].quadrature(30).x
    c = space.interpolate(u, x)
    assert torch.allclose(space.at(x).value(c), u(x), rtol=0, atol=1e-12 * float(u(x).abs().max()))
    assert torch.allclose(space.at(x).gradient(c), u.gradient(x), rtol=0, atol=1e-11 * float(u(x).abs().max()))
    rule = space.inside()
    assert np.allclose(rule.value(c.numpy()).ravel(), u(rule.x), rtol=1e-12)
    assert np.allclose(space.at(x).value(torch.from_numpy(space.constant())), 1, rtol=0, atol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_spectral_convergence_with_variable_coefficients_and_mixed_conditions(d):
    """For an entire solution, four more functions along each axis gain at least four digits, down to rounding."""
    problem = mixed_problem(d)
    x = problem.domain.quadrature(500).x

    def error(number):
        space = Legendre(problem.domain, number, 2 * number + 4)
        c = torch.from_numpy(CondensedSystem(space.assemble(problem)).solve())
        return float((space.at(x).value(c) - problem.exact(x)).abs().max())

    assert error(4) < 1e-3
    assert error(8) < 1e-4 * error(4)
    if d < 3:
        assert error(14) < 1e-13


def test_a_face_with_two_conditions_is_refused():
    square = BOXES[2]
    parts = BoundaryPart("robin", "y-max", where=lambda x: x[:, 0] < 0.5), BoundaryPart("dirichlet")
    with pytest.raises(
        IncompatibleError, match="one condition on each face of a box, got several on y-max: use `--set basis=hat`"
    ):
        Legendre(square, 3, 6).assemble(Problem(domain=square, source=1.0, boundary=parts))

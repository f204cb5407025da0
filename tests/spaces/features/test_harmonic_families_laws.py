import math

import pytest
import torch

from pdefreq.spaces.features.analytic_functions import AnalyticFunctions
from pdefreq.spaces.features.solid_harmonics import SolidHarmonics

# Every derivative is a sum of a few products of powers: 1e-12 allows for thousands of rounding errors.
TIGHT = {"rtol": 1e-12, "atol": 1e-12}

SECTOR = AnalyticFunctions(
    (0.2, -0.1), (1 + 0j, 1j), (2 / 3, 4 / 3, 2.0, -1.5), (0, 0, 1, 0), (True, False, True, True), turn=0.7
)
SHEARED = AnalyticFunctions((0.0, 0.3), (1.5 + 0.2j, 0.4 + 2j), (-1.0, 0.5, 0.0), (0, 0, 1), (True, False, False))
SOLID = SolidHarmonics((0.1, 0.2, -0.3), 0.4, 4)
CASES = [(SECTOR, 2), (SHEARED, 2), (SOLID, 3)]


def points(dimension):
    x = torch.rand(40, dimension, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return 0.5 + x


@pytest.mark.parametrize(("family", "dimension"), CASES)
def test_derivatives_are_those_of_the_values(family, dimension):
    x = points(dimension).requires_grad_()
    values = family.value(x)
    assert values.shape == (40, family.size)
    for j in range(family.size):
        (slope,) = torch.autograd.grad(values[:, j].sum(), x, create_graph=True)
        torch.testing.assert_close(family.gradient(x.detach())[..., j], slope.detach(), **TIGHT)
        rows = [
            torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True, materialize_grads=True, allow_unused=True)[0]
            for i in range(dimension)
        ]
        torch.testing.assert_close(family.hessian(x.detach())[..., j], torch.stack(rows, dim=1), **TIGHT)


@pytest.mark.parametrize(("family", "dimension"), CASES)
def test_the_laplacian_is_the_trace_of_the_hessian(family, dimension):
    x = points(dimension)
    trace = family.hessian(x).diagonal(dim1=1, dim2=2).sum(dim=2)
    torch.testing.assert_close(family.laplacian(x), trace, **TIGHT)


def test_a_covector_that_a_matrix_annihilates_gives_solutions_of_its_equation():
    a = torch.tensor([[2.0, 0.6], [0.6, 1.0]], dtype=torch.float64)
    root = torch.linalg.inv(torch.linalg.cholesky(a))
    m = torch.complex(root[0], root[1])
    family = AnalyticFunctions((0.0, 0.0), tuple(m.tolist()), (-1.0, 2 / 3, 0.0), (0, 0, 1), (True, True, False))
    second = torch.einsum("ij,nijm->nm", a, family.hessian(points(2)))
    torch.testing.assert_close(second, torch.zeros_like(second), **TIGHT)


def test_solid_harmonics_of_low_degree_are_the_derivatives_of_one_over_r():
    x = points(3) - torch.tensor(SOLID.center, dtype=torch.float64)
    r = x.norm(dim=1) / SOLID.radius
    one, along, *rest = SOLID.value(points(3)).unbind(dim=1)
    torch.testing.assert_close(one, 1 / r, **TIGHT)
    torch.testing.assert_close(along, -x[:, 2] / SOLID.radius / r**3, **TIGHT)
    torch.testing.assert_close(rest[0], -x[:, 0] / SOLID.radius / r**3, **TIGHT)


def test_solid_harmonics_are_independent_and_decay_with_their_degree():
    """On a sphere the functions of degree -l - 1 span 2 l + 1 dimensions; far away they are (radius / r)^(l + 1) as large."""
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = x / x.norm(dim=1, keepdim=True)
    center = torch.tensor(SOLID.center, dtype=torch.float64)
    near, far = (SOLID.value(center + s * SOLID.radius * x) for s in (1, 10))
    assert torch.linalg.matrix_rank(near) == SOLID.size
    degree = torch.tensor([n for n in range(SOLID.order + 1) for _ in range(2 * n + 1)])
    torch.testing.assert_close(far, near * 10.0 ** -(degree + 1.0).double(), rtol=1e-11, atol=1e-12)


def test_the_argument_is_measured_from_the_first_edge_of_a_sector():
    """r^(2/3) sin(2/3 theta) vanishes on both edges of a sector of 3/2 pi, and its logarithmic companion on the first edge."""
    omega = 1.5 * math.pi
    bisector = complex(math.cos(omega / 2), math.sin(omega / 2))
    covector = (bisector.conjugate(), 1j * bisector.conjugate())
    family = AnalyticFunctions((0.0, 0.0), covector, (2 / 3, 2.0), (0, 1), (True, True), turn=omega / 2)
    r = torch.linspace(0.1, 1, 10, dtype=torch.float64)
    first, second = (torch.stack([r * math.cos(t), r * math.sin(t)], dim=1) for t in (0.0, omega))
    torch.testing.assert_close(family.value(first), torch.zeros(10, 2, dtype=torch.float64), **TIGHT)
    expected = torch.stack([torch.zeros_like(r), -omega * r**2], dim=1)  # r^2 (log r sin 2 theta + theta cos 2 theta)
    torch.testing.assert_close(family.value(second), expected, **TIGHT)

"""Metrics of residuals: powers of the inverse Laplacian on its eigenfunctions, on boxes with all conditions and on meshes."""

import math

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.functionals.residual_metric import BoxMetric, MeshMetric, residual_metric
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver
from tests.functionals.polynomials import Polynomials

LIKE = torch.empty(0, dtype=torch.float64)
RECTANGLE, DISK = Box((-1.0, 0.0), (1.0, 1.5)), Ball((0.0, 0.0), 1.0)
VALUE, FLUX, PERIODIC = (BoundaryPart(kind, name) for kind, name in (("dirichlet", None), ("robin", None), ("periodic", "x")))
LEFT = BoundaryPart("dirichlet", "x-min")
# Conditions, and for each the eigenfunctions as pairs of a factor along x and one along y: angles as multiples of pi, with a phase.
CASES = {
    "values": ((VALUE,), (1, 0), (2, 0)),
    "fluxes": ((FLUX,), (1, 0.5), (2, 0.5)),
    "values on the left": ((LEFT, FLUX), (1.5, 0), (2, 0.5)),
    "periodic along x": ((PERIODIC, VALUE), (4, 0.5), (3, 0)),
}
SHIFT = 1 / RECTANGLE.measure  # 1 / l^2, without Dirichlet values


def problem_with(parts):
    return Problem(domain=RECTANGLE, source=1.0, boundary=parts)


def eigenfunction(case):
    """The eigenfunction, and its eigenvalue."""
    parts, *factors = CASES[case]
    wavenumbers = [k * math.pi / length for (k, _), length in zip(factors, RECTANGLE.lengths, strict=True)]

    def phi(x):
        s = (x - x.new_tensor(RECTANGLE.lower)) * x.new_tensor(wavenumbers)
        return torch.sin(s + math.pi * x.new_tensor([phase for _, phase in factors])).prod(dim=1)

    shift = 0.0 if any(part.kind == "dirichlet" for part in parts) else SHIFT
    return phi, sum(xi**2 for xi in wavenumbers) + shift


@pytest.mark.parametrize("name", ["h-1", "h-2"])
@pytest.mark.parametrize("case", CASES)
def test_eigenfunctions_on_a_box_are_multiplied_by_powers_of_their_eigenvalues(case, name):
    """Exactly, since Gauss points integrate products of resolved modes to rounding."""
    samples, (phi, eigenvalue) = RECTANGLE.quadrature(900), eigenfunction(case)
    metric = residual_metric(problem_with(CASES[case][0]), samples, name, LIKE)
    assert isinstance(metric, BoxMetric)
    rows = samples.weights.sqrt() * phi(samples.x)
    power = {"h-1": -0.5, "h-2": -1.0}[name]
    torch.testing.assert_close(metric(rows), eigenvalue**power * rows, rtol=0, atol=1e-11 * float(rows.norm()))


@pytest.mark.parametrize("name", ["h-1", "h-2"])
@pytest.mark.parametrize("case", CASES)
def test_a_mesh_gives_the_norms_of_eigenfunctions_up_to_its_width(case, name):
    """Up to 3 percent: P2 elements with two nodes for each distance of points, and h^2 = (1/900)-th of the eigenvalue."""
    samples, (phi, eigenvalue) = RECTANGLE.quadrature(900), eigenfunction(case)
    metric = MeshMetric(problem_with(CASES[case][0]), samples, {"h-1": 1, "h-2": 2}[name], LIKE)
    rows = samples.weights.sqrt() * phi(samples.x)
    power = {"h-1": -0.5, "h-2": -1.0}[name]
    assert float(metric(rows).norm() / rows.norm()) == pytest.approx(eigenvalue**power, rel=0.03)


def test_the_norms_of_a_constant_on_a_disk_are_those_of_its_solution():
    """-Delta (1 - r^2) = 4 with the norms |grad (1 - r^2)|^2 = 2 pi and |1 - r^2|^2 = pi / 3."""
    problem = Problem(domain=DISK, source=4.0, boundary=(VALUE,))
    samples = problem.domain.quadrature(900)
    rows = 4 * samples.weights.sqrt()
    squares = [float(residual_metric(problem, samples, name, LIKE)(rows).square().sum()) for name in ("h-1", "h-2")]
    assert squares == pytest.approx([2 * math.pi, math.pi / 3], rel=0.02)  # a polygon instead of the disk, and h


@pytest.mark.parametrize("number", [400, 37 * 3])
def test_no_residual_is_lost(number):
    """M is invertible at the points: its rows can't be zero for another residual than zero."""
    domain = load_problem("quadratic").domain
    problem = Problem(domain=domain, source=1.0, boundary=(VALUE,))
    for samples in (domain.quadrature(number), domain.interior(number, stream(0, "test"))):
        matrix = residual_metric(problem, samples, "h-2", LIKE)(torch.eye(len(samples.x), dtype=torch.float64))
        least = float(torch.linalg.svdvals(matrix)[-1])
        assert least >= 0.99 / (2 * math.pi**2 * len(samples.x))  # 1 / the largest eigenvalue that the points resolve


def quasilinear(exponent):
    return Problem(domain=RECTANGLE, source=CallableField(lambda x: torch.exp(x[:, 0])), boundary=(VALUE,), exponent=exponent)


@pytest.mark.parametrize("samples", ["gauss", "random"])
@pytest.mark.parametrize("exponent", [2, 3])
def test_rows_gradients_and_factors_agree(exponent, samples):
    """F is the Jacobian of r, the gradient F^T r, and the value |r|^2 / 2, for rows of several blocks."""
    points = RECTANGLE.quadrature(400) if samples == "gauss" else RECTANGLE.interior(700, stream(0, "test"))
    space = Polynomials(3, 2)
    functional = StrongResidual(quasilinear(exponent), space, points, RECTANGLE.boundary(20), metric="h-1", like=LIKE)
    c = torch.randn(space.num_coefficients, generator=stream(1, "test"), dtype=torch.float64)
    f, r = functional.gauss_newton_factor(c), functional.residual(c)
    value, gradient = functional.value_and_gradient(c)
    torch.testing.assert_close(f, torch.autograd.functional.jacobian(functional.residual, c), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(gradient, f.T @ r, rtol=1e-9, atol=1e-9)
    assert float(value) == pytest.approx(float(r.square().sum() / 2), rel=1e-12)
    assert float(functional.traces(c)["residual"]) == pytest.approx(float(f[: len(points.x)].square().sum()), rel=1e-12)


def test_boundary_rows_stay_as_they_are():
    points, edge, space = RECTANGLE.quadrature(100), RECTANGLE.boundary(20), Polynomials(3, 2)
    c = torch.zeros(space.num_coefficients, dtype=torch.float64)
    plain, weak = (
        StrongResidual(quasilinear(2), space, points, edge, metric=name, like=LIKE).gauss_newton_factor(c)
        for name in ("l2", "h-1")
    )
    assert torch.equal(plain[len(points.x) :], weak[len(points.x) :])
    assert not torch.allclose(plain[: len(points.x)], weak[: len(points.x)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": "sobol"}, "use `--set points=gauss`"),
        ({"batch": 10}, "leave `batch` out"),
        ({"gradient": 1.0}, "leave one of the two out"),
    ],
)
def test_a_metric_refuses_what_it_cannot_do(options, message):
    with pytest.raises(OptionError, match=message):
        solver = make_solver("pinn", {"metric": "h-1", "number": 40, **options})
        solver.prepare(load_problem("poisson").blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)


def test_a_dense_metric_has_a_largest_number_of_points():
    problem = Problem(domain=DISK, source=4.0, boundary=(VALUE,))
    with pytest.raises(OptionError, match="use a smaller `number`"):
        residual_metric(problem, problem.domain.quadrature(7000), "h-1", LIKE)

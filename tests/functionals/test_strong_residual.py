import copy
import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.fields import CallableField, as_field
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.samples import Samples
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.strong_residual import GradientOfResidual, StrongResidual
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem, problem_names
from pdefreq.problem.problem import Problem
from pdefreq.spaces.trial_space import Evaluator, TrialSpace
from tests.functionals.polynomials import Polynomials, minimiser

INTERVAL, SQUARE = Box((-1.0,), (1.0,)), Box((-1.0, -1.0), (1.0, 1.0))
LIKE = torch.empty(0, dtype=torch.float64)
ONE = torch.ones(1, dtype=torch.float64)


@dataclass(frozen=True)
class Multiples(TrialSpace):
    """Multiples c u of one function u, differentiated by nested automatic differentiation."""

    u: Any

    num_coefficients = 1
    smoothness = math.inf

    def at(self, x):
        return _Differentiated(self.u, x)


class _Differentiated(Evaluator):
    def __init__(self, u, x):
        x = x.detach().requires_grad_(True)
        with torch.enable_grad():
            self._value = u(x)
            (self._gradient,) = torch.autograd.grad(self._value.sum(), x, create_graph=True)
            rows = [torch.autograd.grad(q.sum(), x, create_graph=True)[0] for q in self._gradient.unbind(dim=1)]
            self._hessian = torch.stack(rows, dim=1)
            self._second = self._hessian.diagonal(dim1=1, dim2=2).sum(dim=1)
        self._x = x

    def with_second(self, matrix):
        bound = copy.copy(self)
        bound._second = (matrix * self._hessian).sum(dim=(1, 2))
        return bound

    @property
    def _slope_of_second(self):
        if not self._second.requires_grad:
            return torch.zeros_like(self._x)
        with torch.enable_grad():
            return torch.autograd.grad(self._second.sum(), self._x, retain_graph=True)[0]

    def value(self, c):
        return c * self._value.detach()

    def gradient(self, c):
        return c * self._gradient.detach()

    def hessian(self, c):
        return c * self._hessian.detach()

    def second_order(self, c):
        return self.value(c), self.gradient(c), c * self._second.detach()

    def gradient_of(self, c, value=None, gradient=None, second=None):
        parts = [] if value is None else [value[:, None] * self.gradient(c)]
        parts += [] if gradient is None else [torch.einsum("nij,nj->ni", self.hessian(c), gradient)]
        parts += [] if second is None else [second[:, None] * c * self._slope_of_second]
        return sum(parts)


def field(function):
    return CallableField(lambda x: function(*x.unbind(dim=1)))


NAMES = [name for name, _ in problem_names()]


@functools.cache
def known(name):
    """A problem of the package with a known solution; loading one takes time, so this is not done when tests are collected."""
    problem = load_problem(name)
    if problem.exact is None or problem.is_regression or problem.data is not None:
        pytest.skip("no equation with a known solution")
    return problem


@pytest.mark.parametrize("name", NAMES)
def test_the_exact_solution_of_every_problem_has_zero_residual(name):
    """In the interior and on the boundary, relative to the residual of u = 0; random points avoid all kinks."""
    problem = known(name)
    interior, edge = problem.domain.interior(200, stream(0, "test")), problem.domain.boundary(40, stream(1, "test"))
    functional = StrongResidual(problem, Multiples(problem.exact), problem.regular(interior), problem.regular(edge), like=LIKE)
    at_exact, at_zero = functional.terms(ONE), functional.terms(0 * ONE)
    size = sum(float(v) for v in at_zero.values())
    # second derivatives of waves lose a few digits by cancellation: squares of 1e-11
    assert all(float(value) <= 1e-22 * size for value in at_exact.values()), (at_exact, at_zero)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_of_the_residual_of_the_exact_solution_is_zero(name):
    problem = known(name)
    if problem.exponent != 2:
        pytest.skip("gradients of residuals of the p-Laplacian are refused")
    interior = problem.regular(problem.domain.interior(200, stream(0, "test")))
    functional = GradientOfResidual(problem, Multiples(problem.exact), interior, like=LIKE)
    thirds = problem.exact._derivatives(interior.x, 3).square().sum(dim=(1, 2, 3))  # they cancel if u is harmonic
    size = float(functional.value(0 * ONE)) + float(interior.weights @ thirds)
    assert float(functional.value(ONE)) <= 1e-20 * size


@given(st.floats(1.1, 9.0), st.integers(0, 100))
def test_the_divergence_is_that_of_the_flux(p, seed):
    """Against automatic differentiation of div( a |q|^(p-2) q )."""
    c = torch.randn(16, generator=stream(seed, "test"), dtype=torch.float64)
    u = Multiples(CallableField(lambda x: polynomials(x) @ c))
    a = field(lambda x, y: 2 + x * y)
    x = SQUARE.interior(5, stream(seed, "points")).x.requires_grad_(True)
    value = polynomials(x) @ c
    (q,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    flow = (a(x) * q.norm(dim=1) ** (p - 2))[:, None] * q
    expected = sum(torch.autograd.grad(flow[:, k].sum(), x, retain_graph=True)[0][:, k] for k in range(2))
    problem = Problem(domain=SQUARE, source=0.0, boundary=0.0, diffusion=a, exponent=p)
    found = -StrongResidual(problem, u, Samples(x.detach(), torch.full((5,), 0.5, dtype=torch.float64)), like=LIKE).residual(ONE)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-9, atol=1e-9 * float(expected.abs().max()))


def polynomials(x):
    """x^i y^j for i, j = 0 .. 3."""
    return (x[:, :1, None] ** torch.arange(4)[:, None] * x[:, 1:, None] ** torch.arange(4)[None, :]).reshape(len(x), -1)


@pytest.mark.parametrize("p", [1.5, 2.0, 3.0])
def test_scaling(p):
    """u -> s u and f -> s^(p-1) f multiply the residual by s^(p-1), and the energy by s^p."""
    s, u = 1.7, Multiples(field(lambda x, y: torch.sin(x + 2 * y) + x))
    source = field(lambda x, y: x * y + 1)
    scaled = field(lambda x, y: s ** (p - 1) * (x * y + 1))
    first, second = (Problem(domain=SQUARE, source=f, boundary=0.0, exponent=p) for f in (source, scaled))
    inside = SQUARE.interior(50, stream(0, "test"))
    for kind, power in ((StrongResidual, 2 * (p - 1)), (RitzEnergy, p)):
        one, other = kind(first, u, inside, like=LIKE).value(ONE), kind(second, u, inside, like=LIKE).value(s * ONE)
        assert float(other) == pytest.approx(s**power * float(one), rel=1e-12)


def test_integrals_contain_the_measure_of_the_domain():
    """For u = 0: int f^2, beta int g^2 and beta int flux^2, by hand on a square of area 4 with sides of length 2."""
    parts = (BoundaryPart("robin", name="x-max", flux=as_field(3.0)), BoundaryPart("dirichlet", value=as_field(2.0)))
    problem = Problem(domain=SQUARE, source=5.0, boundary=parts)
    functional = StrongResidual(problem, Polynomials(1, 2), SQUARE.quadrature(100), SQUARE.boundary(40), beta=10.0, like=LIKE)
    terms = {name: float(value) for name, value in functional.terms(torch.zeros(4, dtype=torch.float64)).items()}
    assert terms == pytest.approx({"residual": 25 * 4, "robin": 10 * 9 * 2, "boundary": 10 * 4 * 6})


def test_the_minimizer_solves_the_boundary_value_problem():
    """-((2 + x) u')' + u = f with u = x^3 + 1, a Dirichlet end and a Robin end: exact for every beta."""
    u = field(lambda x: x**3 + 1)
    f = field(lambda x: x**3 + 1 - (3 * x**2 + 6 * x * (2 + x)))
    parts = (
        BoundaryPart("dirichlet", name="x-min", value=u),
        BoundaryPart("robin", name="x-max", alpha=as_field(2.0), flux=as_field(3 * 3.0 + 2 * 2.0)),
    )
    problem = Problem(domain=INTERVAL, source=f, diffusion=field(lambda x: 2 + x), reaction=1.0, boundary=parts)
    space = Polynomials(4)
    functional = StrongResidual(problem, space, INTERVAL.quadrature(40), INTERVAL.boundary(2), beta=7.0, like=LIKE)
    x = INTERVAL.quadrature(20).x
    torch.testing.assert_close(space.at(x).value(minimiser(functional, 5)), u(x), rtol=0, atol=1e-11)
    enhanced = functional + GradientOfResidual(problem, space, INTERVAL.quadrature(40), like=LIKE)
    torch.testing.assert_close(space.at(x).value(minimiser(enhanced, 5)), u(x), rtol=0, atol=1e-11)


def all_terms(x, u):
    """-div( A grad u ) + b . grad u + c u + N(x, u) - f of a function, by direct automatic differentiation."""
    value = u(x)
    (q,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    flux = torch.einsum("nij,nj->ni", torch.stack([torch.stack([a(x) for a in row], dim=1) for row in MATRIX], dim=1), q)
    divergence = sum(torch.autograd.grad(flux[:, k].sum(), x, create_graph=True)[0][:, k] for k in range(2))
    return -divergence + (velocity(x) * q).sum(dim=1) + SINK(x) * value + cubic(x, value) - LOAD(x)


OFF = field(lambda x, y: torch.sin(x * y) / 2)
MATRIX = [[field(lambda x, y: 3 + x * y), OFF], [OFF, field(lambda _, y: 2 + y**2)]]
SINK, LOAD = field(lambda x, y: x - y**2), field(lambda x, y: torch.exp(x * y))


def velocity(x):
    return torch.stack([x[:, 0] * x[:, 1], torch.cos(x[:, 0])], dim=1)


def cubic(x, u):
    return x[:, 0] * u**3 + torch.sin(x[:, 1] * u)


def test_all_terms_and_their_gradient():
    """Against nested automatic differentiation of the whole residual."""
    u = field(lambda x, y: torch.sin(x + 2 * y) + x * y)
    problem = Problem(
        domain=SQUARE, source=LOAD, boundary=0.0, diffusion=MATRIX, convection=velocity, reaction=SINK, nonlinear=cubic
    )
    x = SQUARE.interior(30, stream(0, "test")).x
    samples = Samples(x, torch.full((30,), 0.5, dtype=torch.float64))
    at = x.clone().requires_grad_()
    expected = all_terms(at, u)
    found = StrongResidual(problem, Multiples(u), samples, like=LIKE).residual(ONE)
    torch.testing.assert_close(found, expected.detach(), rtol=0, atol=1e-12 * float(expected.detach().abs().max()))
    (slope,) = torch.autograd.grad(expected.sum(), at)
    found = GradientOfResidual(problem, Multiples(u), samples, like=LIKE).residual(ONE)
    torch.testing.assert_close(found, slope.T.flatten(), rtol=0, atol=1e-10 * float(slope.abs().max()))


@pytest.mark.parametrize("kind", [StrongResidual, RitzEnergy])
def test_the_minimizer_solves_with_a_matrix_and_a_flux(kind):
    """With a variable matrix, with convection, and with a prescribed flux A grad u . n on a Robin side: exact."""
    u = "x**3 - 2*x*y**2 + y + 1"
    exact = Problem(
        domain=SQUARE,
        exact=u,
        diffusion=[["3 + x", "y/2"], ["y/2", "2 + x*y"]],
        reaction="1 + y**2",
        convection=["1", "x"] if kind is StrongResidual else [0, 0],
    )

    def flux(x):  # on x = 1 with n = (1, 0)
        q = exact.exact.gradient(x)
        return (3 + x[:, 0]) * q[:, 0] + x[:, 1] / 2 * q[:, 1] + 2 * exact.exact(x)

    robin = BoundaryPart("robin", name="x-max", alpha=as_field(2.0), flux=CallableField(flux))
    rest = [BoundaryPart("dirichlet", value=exact.exact)] if kind is StrongResidual else natural(exact)
    problem = replace(exact, boundary=(robin, *rest))
    functional = kind(problem, Polynomials(4, 2), SQUARE.quadrature(400), SQUARE.boundary(80), beta=7.0, like=LIKE)
    x = SQUARE.quadrature(100).x
    found = Polynomials(4, 2).at(x).value(minimiser(functional, 25))
    torch.testing.assert_close(found, exact.exact(x), rtol=0, atol=1e-11)


def natural(problem):
    """Robin conditions with alpha = 1 on the other three sides."""

    def side(name, normal):
        def flux(x):
            a = torch.stack([torch.stack([e(x) for e in row], dim=1) for row in problem.terms[0].coefficient], dim=1)
            through = torch.einsum("i,nij,nj->n", torch.tensor(normal, dtype=x.dtype), a, problem.exact.gradient(x))
            return through + problem.exact(x)

        return BoundaryPart("robin", name=name, alpha=as_field(1.0), flux=CallableField(flux))

    return [side("x-min", (-1.0, 0.0)), side("y-min", (0.0, -1.0)), side("y-max", (0.0, 1.0))]


def test_the_gradient_of_the_residual_agrees_with_differences():
    """On an interval, by differences of the residual at neighboring points."""
    problem = Problem(
        domain=INTERVAL,
        source=field(lambda x: torch.sin(3 * x)),
        diffusion=field(lambda x: 2 + x**2),
        reaction=field(lambda x: torch.exp(x)),
        boundary=0.0,
    )
    space, h = Polynomials(6), 1e-4
    c = torch.randn(7, generator=stream(0, "test"), dtype=torch.float64)
    inside = INTERVAL.interior(10, stream(0, "test"))
    weights = (2 * inside.weights).sqrt()

    def residual(shift):
        return StrongResidual(problem, space, type(inside)(inside.x + shift, inside.weights), like=LIKE).residual(c) / weights

    expected = (residual(h) - residual(-h)) / (2 * h)
    found = GradientOfResidual(problem, space, inside, like=LIKE).residual(c) / weights
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-5)  # h^2 / 6 times a fifth derivative of size 1e4

import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import CallableField, as_field
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.functionals.ritz_energy import RitzEnergy, energy_of
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.spaces.trial_space import SpaceField
from tests.functionals.polynomials import Polynomials, minimiser

INTERVAL = Box((-1.0,), (1.0,))
SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
LIKE = torch.empty(0, dtype=torch.float64)


def field(function):
    """A field with the values of a function of the coordinates."""
    return CallableField(lambda x: function(*x.unbind(dim=1)))


def four_tones(boundary=0.0):
    """The problem -u'' = sin x + 4 sin 4x - 8 sin 8x + 16 sin 24x (Xu et al., 2020), and its solution."""

    def particular(x):
        return torch.sin(x) + torch.sin(4 * x) / 4 - torch.sin(8 * x) / 8 + torch.sin(24 * x) / 36

    end = particular(torch.tensor(1.0, dtype=torch.float64))
    source = field(lambda x: torch.sin(x) + 4 * torch.sin(4 * x) - 8 * torch.sin(8 * x) + 16 * torch.sin(24 * x))
    return Problem(domain=INTERVAL, source=source, boundary=boundary), field(lambda x: particular(x) - end * x)


def test_energy_of_sin_6_pi_x():
    """For -u'' = 36 pi^2 sin 6 pi x the energy is -18 pi^2, the published value (2007.11207, code of section 3)."""
    problem = Problem(domain=INTERVAL, source=field(lambda x: 36 * math.pi**2 * torch.sin(6 * math.pi * x)), boundary=0.0)
    energy = energy_of(problem, field(lambda x: torch.sin(6 * math.pi * x)), INTERVAL.quadrature(300))
    assert energy == pytest.approx(-18 * math.pi**2, rel=1e-13)


def test_energy_of_the_exact_solution_is_minus_half_its_dirichlet_integral():
    problem, u = four_tones()
    samples = INTERVAL.quadrature(400)
    half = (samples.weights * u.gradient(samples.x)[:, 0].square()).sum() / 2
    assert energy_of(problem, u, samples) == pytest.approx(-float(half), rel=1e-13)


@pytest.mark.parametrize("p", [1.2, 1.5, 2.0, 3.0, 8.0])
def test_energy_of_the_p_laplacian(p):
    """-(|u'|^(p-2) u')' = 1 on (-1, 1), u = (1 - |x|^q) / q with q = p/(p-1): J = (1/p - 1) int |u'|^p."""
    q = p / (p - 1)
    problem = Problem(domain=INTERVAL, source=1.0, boundary=0.0, exponent=p)
    u = CallableField(lambda x: (1 - x[:, 0].abs() ** q) / q, lambda x: -x.sign() * x.abs() ** (q - 1))
    expected = (1 / p - 1) * 2 / (q + 1)
    # a panel of the quadrature ends at the kink, where |x|^q is smooth of order q: error h^(q+1), h = 1/500
    assert energy_of(problem, u, INTERVAL.quadrature(10_000)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("p", [2.0, 3.0, 1.5])
def test_the_exact_solution_has_the_least_energy_among_perturbations(p):
    """For p = 2 the excess is exactly half the Dirichlet integral of the perturbation; for other p it is positive."""
    q = p / (p - 1)
    problem = Problem(domain=INTERVAL, source=1.0, boundary=0.0, exponent=p)
    samples = INTERVAL.quadrature(2000)
    lowest = energy_of(problem, field(lambda x: (1 - x.abs() ** q) / q), samples)
    for k, size in [(1, 1e-2), (3, 1e-1), (8, -1.0)]:
        other = field(lambda x, k=k, size=size: (1 - x.abs() ** q) / q + size * torch.sin(k * math.pi * x))
        excess = energy_of(problem, other, samples) - lowest
        assert excess > 0
        if p == 2:
            assert excess == pytest.approx((size * k * math.pi) ** 2 / 2, rel=1e-10)  # the size of J is 1: 1e-15 / 1e-3


@pytest.mark.parametrize("p", [1.1, 1.5, 3.0])
def test_a_vanishing_gradient_gives_a_finite_derivative(p):
    problem = Problem(domain=INTERVAL, source=1.0, boundary=0.0, exponent=p)
    functional = RitzEnergy(problem, Polynomials(3), INTERVAL.quadrature(20), like=LIKE)
    zero = torch.zeros(4, dtype=torch.float64)
    # at u = 0 only the load contributes: -int P_k
    torch.testing.assert_close(functional.gradient(zero), torch.tensor([-2.0, 0, 0, 0], dtype=torch.float64), rtol=0, atol=1e-14)


def test_the_energy_of_coefficients_is_the_energy_of_their_function():
    problem = Problem(
        domain=SQUARE,
        source=field(lambda x, y: torch.exp(x * y)),
        diffusion=field(lambda x, y: 2 + x * y),
        reaction=field(lambda x, _: x**2),
        exponent=2.5,
        boundary=(BoundaryPart("robin", alpha=as_field(0.7), flux=as_field(0.3)),),
    )
    space = MscaleSpace(SQUARE, (1.0, 3.0), (6, 6))
    c = space.initialize(stream(0, "test"))
    interior, boundary = SQUARE.quadrature(1500), SQUARE.boundary(80)  # more than one block
    functional = RitzEnergy(problem, space, interior, boundary, like=LIKE)
    assert float(functional.terms(c)["energy"]) == pytest.approx(energy_of(problem, SpaceField(space, c), interior, boundary))


def test_gradient_is_the_derivative_of_the_terms():
    problem = Problem(domain=SQUARE, source=field(lambda x, y: x + y), boundary=field(lambda x, y: x * y), exponent=3.0)
    space = MscaleSpace(SQUARE, (1.0, 3.0), (6, 6))
    functional = RitzEnergy(problem, space, SQUARE.quadrature(1500), SQUARE.boundary(80), beta=5.0, like=LIKE)
    c = space.initialize(stream(0, "test")).requires_grad_(True)
    terms = functional.terms(c)
    assert set(terms) == {"energy", "boundary"}
    (expected,) = torch.autograd.grad(terms["energy"] + terms["boundary"], c)
    # the same sums in another order
    torch.testing.assert_close(functional.gradient(c), expected, rtol=0, atol=1e-13 * float(expected.abs().max()))


@pytest.mark.parametrize("beta", [10.0, 1000.0])
def test_penalty_floor(beta):
    """-u'' = f, f odd: the minimizer with a penalty is u + delta x, delta = -u'(1) / (1 + 2 beta); 8.976e-3 for beta = 10."""
    problem, u = four_tones()
    space = Polynomials(70)  # resolves sin 24x on (-1, 1) to rounding from degree 50 on
    functional = RitzEnergy(problem, space, INTERVAL.quadrature(400), INTERVAL.boundary(2), beta=beta, like=LIKE)
    c = minimiser(functional, space.num_coefficients)
    ends = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    delta = -float(u.gradient(ends)[1, 0]) / (1 + 2 * beta)
    # the stiffness matrix of degree 70 has a condition number of about 1e4, times 2 beta for the penalty
    torch.testing.assert_close(space.at(ends).value(c), torch.tensor([-delta, delta], dtype=torch.float64), rtol=0, atol=1e-9)
    if beta == 10:
        assert abs(delta) == pytest.approx(8.976e-3, abs=5e-7)  # the published digits
    x = INTERVAL.quadrature(100).x
    torch.testing.assert_close(space.at(x).value(c), u(x) + delta * x[:, 0], rtol=0, atol=1e-9)


def test_the_penalty_is_a_robin_condition():
    """beta int (u - g)^2 is alpha / 2 u^2 - flux u with alpha = 2 beta, flux = 2 beta g, and a constant."""
    g, beta, space = field(lambda x, y: x - 2 * y**2), 7.0, Polynomials(5, 2)
    source = field(lambda x, y: torch.sin(x + 2 * y))
    interior, edge = SQUARE.quadrature(200), SQUARE.boundary(100)
    penalised = Problem(domain=SQUARE, source=source, boundary=(BoundaryPart("dirichlet", value=g),))
    flux = field(lambda x, y: 2 * beta * (x - 2 * y**2))
    robin = Problem(domain=SQUARE, source=source, boundary=(BoundaryPart("robin", alpha=as_field(2 * beta), flux=flux),))
    first = minimiser(RitzEnergy(penalised, space, interior, edge, beta=beta, like=LIKE), 36)
    second = minimiser(RitzEnergy(robin, space, interior, edge, like=LIKE), 36)
    torch.testing.assert_close(first, second, rtol=0, atol=1e-12)


def test_the_minimizer_solves_the_boundary_value_problem():
    """-div(a grad u) + c u = f with a different Robin condition on each side; u is a polynomial, so that it is exact."""
    space = Polynomials(4, 2)
    u = field(lambda x, y: x**3 - 2 * x * y**2 + y + 1)
    a, c = field(lambda x, y: 2 + x * y), field(lambda x, _: 1 + x**2)

    def source(x):
        x = x.detach().requires_grad_(True)
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(u(x).sum(), x, create_graph=True)
            flow = a(x)[:, None] * slope
            divergence = sum(torch.autograd.grad(flow[:, k].sum(), x, retain_graph=True)[0][:, k] for k in range(2))
        return (c(x) * u(x) - divergence).detach()

    def side(k, end, alpha):
        def flux(x):
            slope = u.gradient(x)[:, k] * (1 if end == "max" else -1)
            return a(x) * slope + alpha * u(x)

        return BoundaryPart("robin", name=f"{'xy'[k]}-{end}", alpha=as_field(alpha), flux=CallableField(flux))

    parts = (side(0, "min", 0.0), side(0, "max", 1.0), side(1, "min", 2.0), side(1, "max", 0.5))
    problem = Problem(domain=SQUARE, source=source, diffusion=a, reaction=c, boundary=parts)
    found = minimiser(RitzEnergy(problem, space, SQUARE.quadrature(400), SQUARE.boundary(80), like=LIKE), 25)
    x = SQUARE.quadrature(100).x
    torch.testing.assert_close(space.at(x).value(found), u(x), rtol=0, atol=1e-12)  # all integrals are exact


def test_integrals_contain_the_measure_of_the_domain():
    """An interval of twice the length has twice the energy of the same density; a mean would not."""
    energies = []
    for length in (1.0, 2.0):
        domain = Box((0.0,), (length,))
        problem = Problem(domain=domain, source=1.0, boundary=0.0)
        energies.append(energy_of(problem, field(lambda x: 3 * x), domain.quadrature(10)) + 3 * length**2 / 2)
    np.testing.assert_allclose(energies, [4.5, 9.0], rtol=1e-13)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"diffusion": field(lambda x: x)}, r"\[equation\] diffusion must be finite and at least 0, got -"),
        ({"source": field(lambda x: torch.sqrt(x))}, r"\[equation\] source must be finite, got nan at \(-"),
    ],
)
def test_fields_are_checked_at_the_points_of_evaluation(fields, message):
    problem = Problem(**{"domain": INTERVAL, "source": 1.0, "boundary": 0.0} | fields)
    with pytest.raises(ProblemFileError, match=message):
        RitzEnergy(problem, Polynomials(3), INTERVAL.quadrature(20), like=LIKE)


def test_negative_second_derivatives_are_omitted_from_the_gauss_newton_matrix():
    """For the energy of -exp(u), the matrix is that of the Laplacian alone, which is positive semidefinite."""
    space, c = Polynomials(3, 2), torch.randn(16, generator=stream(0, "test"), dtype=torch.float64)
    plain = Problem(domain=SQUARE, source=1.0, boundary=0.0)
    with_exp = Problem(domain=SQUARE, source=1.0, boundary=0.0, nonlinear="-exp(u)")
    first, second = (
        RitzEnergy(problem, space, SQUARE.quadrature(100), like=LIKE).gauss_newton_factor(c) for problem in (plain, with_exp)
    )
    torch.testing.assert_close(first.T @ first, second.T @ second, rtol=0, atol=1e-12)

"""The estimated size of a solution is its size for constant coefficients on a box, and follows the scaling laws otherwise."""

import math

import pytest
import torch

from pdefreq.core.fields import ConstantField
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.problem.solution_size import SizeEstimate, rms

SIDE = 0.5


def interval():
    return Box((0.0,), (SIDE,))


def size(problem, base=0.0):
    return SizeEstimate(problem, ConstantField(base)).from_load()


def flux(side, value):
    return BoundaryPart("robin", name=f"x-{side}", flux=ConstantField(value))


def fixed(side):
    return BoundaryPart("dirichlet", name=f"x-{side}")


def wave(function, omega, factor=1.0):
    return lambda x: factor * function(omega * x[:, 0])


@pytest.mark.parametrize(
    ("parts", "function", "halves"),
    [
        ((fixed("min"), fixed("max")), torch.sin, 2),
        ((fixed("min"), fixed("max")), torch.sin, 60),
        ((fixed("min"), flux("max", 0.0)), torch.sin, 3),
        ((flux("min", 0.0), fixed("max")), torch.cos, 3),
        ((flux("min", 0.0), flux("max", 0.0)), torch.cos, 2),
        ((BoundaryPart("periodic", name="x"),), torch.cos, 8),
    ],
)
def test_the_size_of_a_wave_is_exact(parts, function, halves):
    """A wave is an eigenfunction with the eigenvalue a omega^2 + c; the sampling of its load at midpoints resolves it."""
    omega = halves * math.pi / (2 * SIDE)
    load = 3 * omega**2 + 2
    problem = Problem(domain=interval(), diffusion=3, reaction=2, source=wave(function, omega, 7 * load), boundary=parts)
    assert size(problem) == pytest.approx(7 * math.sqrt(0.5), rel=1e-9)  # rounding of sums of 2048 terms


def test_a_flux_counts_with_its_sign():
    """-u'' = 2, u(0) = 0, u'(1) = q: u = (q + 2) x - x^2. With q = -2 both almost cancel in comparison with q = 2."""
    x = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    for q in (-2.0, -1.0, 0.0, 2.0):
        problem = Problem(
            domain=Box((0.0,), (1.0,)),
            source=2,
            boundary=(fixed("min"), BoundaryPart("robin", name="x-max", flux=ConstantField(q))),
        )
        # the flux is a load in the last of 2048 cells, not at the end: an error of the order of 1/2048
        assert size(problem) == pytest.approx(rms((q + 2) * x - x**2), rel=2e-3)


def test_a_large_robin_coefficient_acts_as_a_prescribed_value_up_to_a_factor():
    """With alpha -> inf, u tends to the solution with prescribed values; the estimate stays within its decade."""
    parts = BoundaryPart("robin", alpha=ConstantField(1e9))
    sizes = [size(Problem(domain=interval(), source=1, boundary=part)) for part in ((parts,), 0.0)]
    assert sizes[1] / 3 < sizes[0] < 3 * sizes[1]


@pytest.mark.parametrize("p", [1.5, 2.0, 3.0, 8.0])
def test_the_size_is_homogeneous_in_the_load_and_the_length(p):
    """-div(a |grad u|^(p-2) grad u) = f: u scales as (f / a)^(1/(p-1)) L^(p/(p-1))."""

    def of(load, length, a):
        domain = Box((0.0,), (length,))
        return size(
            Problem(domain=domain, exponent=p, diffusion=a, source=lambda x: load * torch.cos(x[:, 0] / length), boundary=0.0)
        )

    expected = (100 / 5) ** (1 / (p - 1)) * 10 ** (p / (p - 1))
    assert of(100.0, 10.0, 5.0) / of(1.0, 1.0, 1.0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("amplitude", [1e-3, 1.0, 1e3, 1e6])
def test_a_nonlinear_term_limits_the_size(amplitude):
    """u^3 with a solution A sin(pi x): for large A the estimate is about A, not the A^3 / pi^2 of diffusion alone."""
    problem = Problem(domain=Box((0.0,), (1.0,)), nonlinear="u^3", exact=f"{amplitude}*sin(pi*x)")
    assert amplitude / 3 < size(problem.blind()) < 3 * amplitude


@pytest.mark.parametrize("d", [2, 3, 5])
def test_in_more_dimensions_a_product_of_waves_has_the_right_size(d):
    """In two and three dimensions by modes, with random points in three; in five by the frequency of the load."""
    problem = Problem(domain=Box((0.0,) * d, (1.0,) * d), exact="prod(sin(pi*xk))")
    # random points: the load at 2048 of them has a mean square that is off by a few percent
    assert size(problem.blind()) == pytest.approx(2 ** (-d / 2), rel=1e-9 if d == 2 else 0.05 if d == 3 else 0.2)

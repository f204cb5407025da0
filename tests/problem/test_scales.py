"""Units of problems: they follow the data, and problems of about unit size have units of one."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.fields import ConstantField
from pdefreq.domains.box import Box
from pdefreq.domains.frame import Frame
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.data import Data
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.problem.scales import NaturalUnits, Scales

EXPONENTS = st.integers(-6, 6)


def waves(amplitude=1.0, length=1.0, offset=0.0):
    """The boundary value problem of the waves sin(pi x / L) + 0.2 sin(5 pi x / L), times A, plus an offset."""
    exact = f"{offset!r} + {amplitude!r}*(sin(pi*x/{length!r}) + 0.2*sin(5*pi*x/{length!r}))"
    return Problem(domain=Box((0.0,), (length,)), exact=exact).blind()


@given(EXPONENTS, EXPONENTS)
def test_units_are_multiplied_as_the_data_are(a, b):
    """A, L and an offset of 300 units: each unit is the power of ten of its dimension, up to its rounding."""
    amplitude, length, offset = float(f"1e{a}"), float(f"1e{b}"), float(f"3e{a + 2}")
    found = NaturalUnits(waves(amplitude, length, offset)).scales()
    assert found.frame.units == (length,)
    assert found.amplitude == amplitude
    assert found.offset == pytest.approx(offset, rel=1e-12)
    for unit, expected in (
        (found.stiffness, a - 2 * b),
        (found.load, a - 2 * b),
        (found.energy, 2 * a - b),
        (found.squared_residual, 2 * a - 3 * b),
        (found.penalty_in_energy, -b),
        (found.penalty_in_residual, -3 * b),
        (found.robin_in_residual, -b),
    ):
        assert math.log10(unit) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["poisson", "poisson-6pi", "poisson-multilevel", "p-laplacian", "torsion", "quadratic", "tones"])
def test_included_problems_of_about_unit_size_are_trained_as_they_are(name):
    problem = load_problem(name).blind()
    lifting = None if problem.is_regression else problem.lifting
    assert NaturalUnits(problem).scales(lifting) == Scales(Frame.identity(problem.domain.dimension))


def test_a_lifting_takes_boundary_values_off():
    """u = 300 + 100 x + 1e-3 sin(pi x): with the lifting 300 + 100 x the amplitude is that of the wave."""
    problem = Problem(domain=Box((0.0,), (1.0,)), exact="300 + 100*x + 1e-3*sin(pi*x)").blind()
    hard, penalty = NaturalUnits(problem).scales(problem.lifting), NaturalUnits(problem).scales()
    assert (hard.offset, hard.amplitude) == (0.0, 1e-3)
    assert (penalty.offset, penalty.amplitude) == (0.0, 100.0)  # the mean 350 is below five units


def test_the_units_of_a_lifting_that_is_the_solution_are_those_of_its_variation():
    """The load f - L(G) is then zero up to rounding, which has no size."""
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact="1e6*(x**2 + y**2)").blind()
    assert NaturalUnits(problem).scales(problem.lifting).amplitude == 1e6


def test_the_constant_of_a_problem_without_values_balances_the_equation():
    """c u = f with fluxes alpha (u - u_0): u = 300 = u_0 = f / c is constant."""
    part = BoundaryPart("robin", alpha=ConstantField(2.0), flux=ConstantField(600.0))
    problem = Problem(domain=Box((0.0,), (1.0,)), reaction=5, source=1500, boundary=(part,))
    assert NaturalUnits(problem).lifting.constant == pytest.approx(300, rel=1e-12)


def test_the_constant_of_a_regression_is_the_mean_of_its_data():
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
    data = Data(x=x, values=1e5 + torch.sin(3 * x[:, 0]))
    problem = Problem(domain=Box((-1.0,), (1.0,)), diffusion=0, reaction=1, data=data)
    found = NaturalUnits(problem).scales()
    assert NaturalUnits(problem).lifting.constant == pytest.approx(1e5, rel=1e-12)
    assert (found.offset, found.amplitude) == (1e5, 1.0)


def test_a_constant_solution_has_units():
    """There is no variation: the value itself is the size."""
    problem = Problem(domain=Box((0.0,), (1.0,)), source=0, boundary=1e-7)
    assert NaturalUnits(problem).scales().amplitude == 1e-7

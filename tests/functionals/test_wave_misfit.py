"""The residual that plane waves leave in a problem."""

import numpy as np
import pytest

from pdefreq import Box, Problem
from pdefreq.functionals.wave_misfit import wave_misfit

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
WAVES = np.pi * np.array([[2.0, 3.0], [2.0, -3.0]])


@pytest.mark.parametrize(
    "terms",
    [{}, {"diffusion": "1 + x**2/2", "convection": (1.0, -2.0), "reaction": "y"}, {"reaction": "-400"}],
    ids=["laplace", "variable", "helmholtz"],
)
def test_waves_of_the_solution_leave_rounding_errors(terms):
    problem = Problem(domain=SQUARE, exact="sin(2*pi*x)*cos(3*pi*y) + 4", **terms)
    assert wave_misfit(problem.blind(), WAVES) < 1e-12  # 41 functions with condition number below 100


def test_the_misfit_does_not_depend_on_units():
    def misfit(length, factor):
        box = Box((0.0, 0.0), (length, length))
        exact = f"{factor}*(sin(2*pi*x/{length})*cos(3*pi*y/{length}) + (x/{length})**2)"
        return wave_misfit(Problem(domain=box, exact=exact), WAVES / length)

    first = misfit(1.0, 1.0)
    assert 0.01 < first < 1
    assert misfit(1e3, 1e-6) == pytest.approx(first, rel=1e-9)


def test_boundary_values_that_are_no_waves_are_found():
    # the source is that of sin(2 pi x) sin(3 pi y), and a jump between two sides remains
    problem = Problem(domain=SQUARE, source="13*pi**2*sin(2*pi*x)*sin(3*pi*y)", boundary="where(x < 1e-6, 1, 0)")
    assert wave_misfit(problem, WAVES) > 0.3


def test_more_waves_never_leave_more():
    problem = Problem(domain=SQUARE, source="exp(x*y)", boundary="x**3")
    k = np.pi * np.array([[a, b] for a in range(1, 5) for b in range(1, 5)], dtype=float)
    # rows are weighted by the norms of the columns, which change the residual by a bounded factor only
    found = [wave_misfit(problem, k[:number]) for number in (1, 16)]
    assert found[1] < found[0] <= 1


def test_zero_data_have_no_misfit():
    assert wave_misfit(Problem(domain=SQUARE, source="0", boundary="0"), WAVES) == 0.0

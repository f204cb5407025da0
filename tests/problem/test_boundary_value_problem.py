"""Properties that follow from the fields of a problem."""

import pytest

from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem

INTERVAL = Box((0.0,), (1.0,))
SQUARE = Box((0.0, 0.0), (1.0, 1.0))


def square(**changes):
    return Problem(**{"domain": SQUARE, "source": 1.0, "boundary": 0.0, **changes})


def test_the_order_and_linearity_of_the_equation():
    assert square().is_linear and not square().is_regression
    assert not square(exponent=3.0).is_linear
    regression = square(diffusion=0, reaction=1, boundary=(), exponent=3.0)
    assert regression.is_regression and regression.is_linear


def test_a_reaction_that_is_negative_somewhere_makes_the_equation_indefinite():
    assert square(reaction="1 - x").indefinite is None  # zero on one side
    assert square(reaction="0.5 - x").indefinite.name == "reaction" and square(reaction=-1).indefinite.name == "reaction"
    assert square(convection=["y", "x"], nonlinear="-exp(u)").indefinite is None  # not known to be indefinite


def test_interfaces_of_an_interval_are_read_from_all_formulas_of_the_equation():
    problem = Problem(
        domain=INTERVAL, diffusion="where(x < 0.3, 1, 1000)", reaction="abs(x - 0.6)", source="sign(sin(4*pi*x))", boundary="0"
    )
    assert problem.interfaces == pytest.approx([0.25, 0.3, 0.5, 0.6, 0.75], abs=4e-16)
    assert Problem(domain=INTERVAL, source=lambda x: x[:, 0].abs(), boundary="abs(x)").interfaces == ()
    with pytest.raises(ValueError, match="one dimension"):
        _ = square().interfaces

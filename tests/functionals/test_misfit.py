import math

import pytest
import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box
from pdefreq.functionals.misfit import Misfit
from pdefreq.functionals.sampling import data_samples
from pdefreq.problem.problem import Data, Problem
from tests.functionals.polynomials import Polynomials, minimiser

INTERVAL = Box((-1.0,), (1.0,))
LIKE = torch.empty(0, dtype=torch.float64)


def regression(**fields):
    return Problem(**{"domain": INTERVAL, "diffusion": 0.0, "reaction": 1.0} | fields)


def test_the_misfit_is_the_mean_square():
    problem = regression(source=CallableField(lambda x: torch.sin(math.pi * x[:, 0])))
    functional = Misfit(problem, Polynomials(3), INTERVAL.quadrature(60), like=LIKE)
    assert float(functional.terms(torch.zeros(4, dtype=torch.float64))["misfit"]) == pytest.approx(1 / 2)


def test_the_minimizer_is_the_source_over_the_reaction():
    """If u = f / c is a polynomial, it is the minimizer. The points are more than one block."""
    problem = regression(
        source=CallableField(lambda x: (2 + x[:, 0]) * x[:, 0] ** 3), reaction=CallableField(lambda x: 2 + x[:, 0])
    )
    space = Polynomials(4)
    functional = Misfit(problem, space, INTERVAL.quadrature(2500), like=LIKE)
    x = INTERVAL.quadrature(20).x
    torch.testing.assert_close(space.at(x).value(minimiser(functional, 5)), x[:, 0] ** 3, rtol=0, atol=1e-13)


def test_the_minimizer_is_the_best_approximation_in_the_mean():
    """Coefficients of the Legendre series of e^x: (k + 1/2) int e^x P_k."""
    space = Polynomials(3)
    functional = Misfit(regression(source=CallableField(lambda x: x[:, 0].exp())), space, INTERVAL.quadrature(60), like=LIKE)
    e = math.e
    first, second = (e - 1 / e) / 2, 3 / e
    assert minimiser(functional, 4)[:2].tolist() == pytest.approx([first, second], rel=1e-13)


def test_data_points_have_equal_weights():
    problem = regression(source=CallableField(lambda x: x[:, 0]), data=Data("uniform", 5))
    samples, values = data_samples(problem)
    functional = Misfit(problem, Polynomials(0), samples, source=values, like=LIKE)
    assert float(functional.terms(torch.zeros(1, dtype=torch.float64))["misfit"]) == pytest.approx((1 + 0.25) * 2 / 5)


def test_the_gradient_of_the_target_agrees_with_automatic_differentiation():
    """With a variable, negative reaction."""
    problem = regression(source=CallableField(lambda x: torch.sin(x[:, 0])), reaction=CallableField(lambda x: x[:, 0] - 2))
    x = INTERVAL.quadrature(20).x.requires_grad_()
    expected = torch.sin(x[:, 0]) / (x[:, 0] - 2)
    torch.testing.assert_close(problem.regression_target(x.detach()), expected.detach(), rtol=1e-14, atol=0)
    (slope,) = torch.autograd.grad(expected.sum(), x)
    torch.testing.assert_close(problem.regression_target_gradient(x.detach()), slope, rtol=1e-13, atol=0)


def test_a_vanishing_reaction_is_refused():
    problem = regression(source=1.0, reaction=CallableField(lambda x: x[:, 0].clamp(min=0)))
    with pytest.raises(ProblemFileError, match=r"\[equation\] reaction must not be zero in a regression, as it is at \(-"):
        Misfit(problem, Polynomials(2), INTERVAL.quadrature(20), like=LIKE)

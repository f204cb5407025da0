import math

import pytest
import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box
from pdefreq.domains.samples import Samples
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


@pytest.mark.parametrize("q", [1, 1.5, 2, 3, 4])
def test_the_misfit_of_a_multiple_of_a_sine_is_a_quotient_of_gamma_functions(q):
    """mean |a sin|^q = |a|^q Gamma((q + 1) / 2) / (sqrt(pi) Gamma(q / 2 + 1)), Wallis' integral: a^2 / 2 for q = 2."""
    problem = regression(source=CallableField(lambda x: 3 * torch.sin(math.pi * x[:, 0])))
    functional = Misfit(problem, Polynomials(0), INTERVAL.quadrature(2000), exponent=q, like=LIKE)
    expected = 3**q * math.gamma((q + 1) / 2) / (math.sqrt(math.pi) * math.gamma(q / 2 + 1))
    # the rule is exact up to the kink of |sin|^q between two points, O(h^(q+1)) for 2000 points
    assert float(functional.terms(torch.zeros(1, dtype=torch.float64))["misfit"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("q", [1.5, 2, 3, 4, 8])
def test_the_constant_of_least_misfit_lies_between_the_median_and_the_midrange(q):
    """Of the data 0, 0, 1: 2 q c^(q-1) = q (1 - c)^(q-1), so that c = 1 / (1 + 2^(1/(q-1))), the mean 1/3 for q = 2."""
    samples, values = Samples(torch.zeros(3, 1), torch.full((3,), 2 / 3)), torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    functional = Misfit(regression(source=0.0), Polynomials(0), samples, exponent=q, source=values, like=LIKE)
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        rises = float(functional.gradient(torch.tensor([middle], dtype=torch.float64))[0]) > 0
        low, high = (low, middle) if rises else (middle, high)
    assert low == pytest.approx(1 / (1 + 2 ** (1 / (q - 1))), abs=1e-12)  # 50 bisections leave 1e-15


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
    with pytest.raises(ProblemFileError, match=r"\[equation\] reaction must not be zero in a regression, but it is zero at \(-"):
        Misfit(problem, Polynomials(2), INTERVAL.quadrature(20), like=LIKE)

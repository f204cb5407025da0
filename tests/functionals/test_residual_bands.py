"""The error in octaves of wavenumbers, estimated from the residual."""

import math

import numpy as np
import pytest
import torch

from pdefreq import Box, Problem, make_solver
from pdefreq.functionals.residual_bands import ResidualBands

LIKE = torch.empty(0, dtype=torch.float64)
ZERO = "pinn:widths=[4],start=antisymmetric,scaling=none"


def squares(problem, length=1.0, covered=4):
    state = make_solver(ZERO).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64).init()
    return ResidualBands(problem, length, LIKE).at(state.space, state.coefficients, covered).errors


@pytest.mark.parametrize("equation", [{}, {"reaction": "7"}, {"diffusion": "3"}])
def test_the_squared_amplitudes_of_sines_are_those_of_the_error_of_zero(equation):
    """-a u'' + c u = f on (0, 2) with u = 0.5 sin 2 pi x + 0.25 sin 8 pi x: the error of u = 0 is u itself."""
    problem = Problem(domain=Box((0.0,), (2.0,)), exact="0.5*sin(2*pi*x) + 0.25*sin(8*pi*x)", **equation)
    found = squares(problem)
    expected = np.zeros(len(found))
    expected[math.ceil(math.log2(2 * math.pi))], expected[math.ceil(math.log2(8 * math.pi))] = 0.25, 0.0625
    np.testing.assert_allclose(found, expected, atol=1e-12)  # these sines are orthogonal on the lattice


def test_octaves_are_measured_in_units_of_the_length_and_by_the_length_of_wavevectors():
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact="sin(3*pi*x)*sin(4*pi*y)")
    for length in (1.0, 0.25):
        found = squares(problem, length)
        assert found.argmax() == math.ceil(math.log2(5 * math.pi * length))
        assert found.sum() == pytest.approx(1.0, abs=1e-12)


def test_matrices_and_regressions():
    sheared = {"diffusion": [[2, 0.5], [0.5, 1]]}
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact="sin(8*pi*x)*sin(6*pi*y)", **sheared)
    assert squares(problem).argmax() == math.ceil(math.log2(10 * math.pi))
    fit = Problem(domain=Box((0.0,), (1.0,)), source="4*sin(20*pi*x)", diffusion=0.0, reaction=4.0)
    state = make_solver("regression:widths=[4],start=antisymmetric").prepare(
        fit, seed=0, device=torch.device("cpu"), dtype=torch.float64
    ).init()  # fmt: skip
    found = ResidualBands(fit, 1.0, LIKE).at(state.space, state.coefficients, 5).errors
    assert found.argmax() == math.ceil(math.log2(20 * math.pi))
    assert 0.25 < found.max() <= 1.0 + 1e-12  # a sine has a part of its cosine coefficients in other octaves

"""The problem `harmonic-holes` compared with a series solution, whose error is bounded by the maximum principle."""

import math

import numpy as np
import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.problem.files import load_problem
from pdefreq.runs.reference import reference_solution
from pdefreq.solvers.fem import Fem

PROBLEM = load_problem("harmonic-holes")
RADIUS, CENTER = 0.1, 0.3 + 0.3j
POLES = {CENTER: 30, 1 - CENTER.conjugate(): 12, 1 + 1j - CENTER: 12, 1j + CENTER.conjugate(): 12}  # a hole and its mirror images
POWERS = 24


def columns(z):
    """Harmonic functions at complex points, with the eight symmetries of the square: powers, logarithms and negative powers."""
    images = np.concatenate([z * 1j**k for k in range(4)] + [z.conj() * 1j**k for k in range(4)])
    found = [((images[:, None] * math.sqrt(2)) ** (4 * np.arange(POWERS + 1))).real]
    for c, count in POLES.items():
        inverse = (RADIUS / (images - c))[:, None] ** np.arange(1, count + 1)
        found += [np.log(abs(images - c))[:, None], inverse.real, inverse.imag]
    return np.concatenate(found, axis=1).reshape(8, len(z), -1).sum(axis=0)


@pytest.fixture(scope="module")
def series():
    """Coefficients of the columns, fitted on the boundary: Trefethen (2018), Series solution of Laplace problems, ANZIAM J. 60.

    The error of the series is harmonic, so that its maximum lies on the boundary (maximum principle).
    """

    def boundary(number):
        side = 0.5 + 0.5j * np.cos(np.pi * (np.arange(number) + 0.5) / number)
        hole = CENTER + RADIUS * np.exp(2j * np.pi * np.arange(number) / number)
        return columns(np.concatenate([side, hole])), np.repeat([1.0, 0.0], number)

    matrix, values = boundary(300)
    c = np.linalg.lstsq(matrix, values, rcond=1e-14)[0]
    elsewhere, values = boundary(1001)
    assert abs(elsewhere @ c - values).max() < 1e-11
    return c


def exact(c, x):
    return columns(x[:, 0].numpy() + 1j * x[:, 1].numpy()) @ c


def test_the_boundary_values_are_one_on_the_square_and_zero_on_the_holes():
    edge = PROBLEM.domain.boundary(800, stream(0, "test"))
    np.testing.assert_array_equal(PROBLEM.boundary[0].value(edge.x), (edge.parts < 4).double())
    lifting = PROBLEM.domain.lifting(PROBLEM.boundary[0].value)
    # a gap is known up to rounding of the coordinates, 1e-16, and is compared with gaps of at least 0.05
    torch.testing.assert_close(lifting(edge.x), (edge.parts < 4).double(), rtol=0, atol=1e-13)


@pytest.mark.slow
def test_the_reference_solution_has_the_estimated_accuracy(series):
    found = reference_solution(PROBLEM)
    assert found.solution is not None and found.accuracy is not None
    u, claimed = found.solution, found.accuracy.l2
    x = PROBLEM.domain.interior(3000, stream(0, "test")).x
    with torch.no_grad():
        gap = u(x).numpy() - exact(series, x)
    error = float(np.linalg.norm(gap) / np.linalg.norm(exact(series, x)))
    assert claimed / 20 < error < claimed and error < 2e-4


@pytest.mark.parametrize("element", ["P1", "P2"])
def test_energies_of_finite_elements_converge_to_the_capacity(series, element):
    """The Dirichlet integral is the flux into the holes, 2 pi for each logarithm."""
    capacity = 2 * math.pi * 8 * series[POWERS + 1]  # four holes, each the image of the center under two of eight symmetries
    iteration = Fem(element=element, refinement="uniform", levels=2, cells=4).prepare(
        PROBLEM.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64
    )
    state, gaps = iteration.init(), []
    while not state.done:
        state = iteration.step(state)
        rule = state.space.inside()
        gaps.append(rule.integral((rule.gradient(state.coefficients.numpy()) ** 2).sum(axis=0)) / capacity - 1)
    # polygons with straight sides: order 2 in either case, +-0.1 as for other orders
    assert abs(np.log2(gaps[1] / gaps[2])) == pytest.approx(2, abs=0.1)
    assert abs(gaps[2]) < 2e-3

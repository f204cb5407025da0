"""The energy and its derivatives: one law for all spaces and equations."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.domains.meshes.meshing import mesh_for
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.elements.weak_form import WeakForm
from pdefreq.spaces.spectral.legendre import Legendre

SQUARE = Box((0.0, -1.0), (1.0, 1.0))
PROBLEM = Problem(
    domain=SQUARE,
    source=lambda x: (3 * x[:, 0]).sin(),
    diffusion=lambda x: 1 + x[:, 0] ** 2,
    reaction=lambda x: 1 + x[:, 1],
    boundary=(
        BoundaryPart("dirichlet", "x-min", value=as_field(lambda x: x[:, 1])),
        BoundaryPart("robin", "y-max", alpha=as_field(2.0), flux=as_field(lambda x: x[:, 0])),
        BoundaryPart("robin"),
    ),
)
SPACES = {
    "P1": Lagrange(mesh_for(SQUARE, 3), 2),
    "P2": Lagrange(mesh_for(SQUARE, 2), 4, degree=2),
    "Q1": Lagrange(mesh_for(SQUARE, 3, simplices=False), 2),
    "Legendre": Legendre(SQUARE, 3, 8),
}


EQUATIONS = {f"p={p:g}": {"exponent": p} for p in (1.3, 2.0, 3.0, 6.0)} | {
    "matrix": {"diffusion": [["2 + x", "sin(y)"], ["sin(y)", "3"]]},
    "constant matrix": {"diffusion": [[2.0, 0.5], [0.5, 3.0]]},
    "nonlinear": {"nonlinear": "u**3 + x*exp(u)"},
    "all": {"exponent": 3.0, "convection": ["1 + y", 2.0], "nonlinear": "sin(u)"},
    "convection": {"convection": [1.0, -2.0], "reaction": -3.0},
}


@pytest.mark.parametrize("equation", EQUATIONS.values(), ids=EQUATIONS)
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_residual_and_jacobian_are_the_derivatives_of_the_energy(space, equation):
    form, rng = WeakForm(space, replace(PROBLEM, **equation)), np.random.default_rng(0)
    c, v, step = rng.standard_normal(space.num_coefficients), rng.standard_normal(space.num_coefficients), 1e-5
    if form.equation.has_energy:
        slope = (form.energy(c + step * v) - form.energy(c - step * v)) / (2 * step)
        # step^2 times third derivatives, which for p < 2 are large where the gradient is small
        assert np.isclose(form.residual(c) @ v, slope, rtol=1e-5)
    assert np.isclose(form.residual_along(c, v)(0.25), form.residual(c + 0.25 * v) @ v, rtol=1e-10)
    change = (form.residual(c + step * v) - form.residual(c - step * v)) / (2 * step)
    matrix = form.jacobian(c)
    np.testing.assert_allclose(matrix @ v, change, rtol=0, atol=1e-3 * np.abs(change).max())
    skew = np.abs(matrix - matrix.T).max() / np.abs(matrix).max()
    assert skew <= 1e-12 if form.equation.is_symmetric else skew > 1e-4


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_the_load_of_point_sources_is_the_weighted_sum_of_their_values(space):
    """For v = 1 and v = x: sum_i w_i f_i v(x_i)."""
    from pdefreq.functionals.sampling import data_samples
    from pdefreq.problem.problem import Data

    problem = Problem(domain=SQUARE, source=lambda x: 1 + x[:, 0], boundary=0.0, data=Data("random", 7))
    samples, values = data_samples(problem)
    load = WeakForm(space, problem, (samples, values)).load
    for v in (lambda x: torch.ones_like(x[:, 0]), lambda x: x[:, 0]):
        c = space.interpolate(as_field(v), samples.x).numpy()
        assert np.isclose(load @ c, float((samples.weights * values * v(samples.x)).sum()), rtol=1e-13)
    assert np.isclose(samples.weights[0], SQUARE.measure / 7)


def test_the_curvature_is_invertible_where_the_gradient_vanishes():
    """u is constant everywhere or in places: for p < 2 the exact second derivative is infinite there, for p > 2 zero."""
    space = SPACES["P1"]
    bump = np.where(np.arange(space.num_coefficients) == 5, 1.0, 0.0)
    for p in (1.1, 20.0):
        form = WeakForm(space, Problem(domain=SQUARE, source=1.0, boundary=0.0, exponent=p))
        for c in (np.zeros(space.num_coefficients), bump):
            matrix = form.jacobian(c).toarray()
            free = np.setdiff1d(np.arange(len(matrix)), form.fixed)
            assert np.isfinite(matrix).all()
            np.linalg.cholesky(matrix[np.ix_(free, free)])

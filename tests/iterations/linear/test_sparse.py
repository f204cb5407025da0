"""Direct solution of general linear systems: symmetric or nonsymmetric, definite or indefinite, or singular."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st

from pdefreq.core.errors import IncompatibleError
from pdefreq.domains.box import Box
from pdefreq.domains.meshes.meshing import mesh_for
from pdefreq.iterations.linear.galerkin_system import GalerkinSystem
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.elements.weak_form import WeakForm
from pdefreq.spaces.spectral.legendre import Legendre
from pdefreq.spaces.trial_space import LinearSystem

UNIT, SQUARE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0))


def dense(system):
    """Solution by NumPy, with the prescribed coefficients eliminated and the equations scaled to equal size.

    Without the scaling, NumPy compares pivots of different units, and its relative error is up to 5e-8 instead of 6e-16.
    """
    matrix, c = system.matrix.toarray(), np.zeros(len(system.load))
    free = np.setdiff1d(np.arange(len(c)), system.fixed)
    c[system.fixed] = system.values
    equations, load = matrix[np.ix_(free, free)], (system.load - matrix @ c)[free]
    scale = 1 / np.abs(equations).max(axis=1)
    c[free] = np.linalg.solve(scale[:, None] * equations, scale * load)
    return c


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(3, 40), density=st.floats(0.05, 0.4))
@example(seed=1542, size=19, density=0.140625)
def test_nonsymmetric_systems_agree_with_dense_elimination(seed, size, density):
    """The matrix is nonsymmetric, zeros on its diagonal require pivoting, and the rows have scales that differ by 1e12."""
    rng = np.random.default_rng(seed)
    shuffled = np.eye(size)[rng.permutation(size)] * rng.choice([-3.0, 3.0], size)
    entries = sp.random(size, size, density=density, rng=rng, data_rvs=rng.standard_normal).toarray() / size
    np.fill_diagonal(entries, 1e-13)  # as pivots they would destroy all digits
    scale = 10.0 ** rng.uniform(-6, 6, size)
    matrix = scale[:, None] * (shuffled + entries)
    fixed = rng.choice(size, size // 4, replace=False)
    # a prescribed coefficient must not have the only large entry of a free equation
    rows = np.argmax(np.abs(shuffled), axis=1)
    matrix[np.ix_(np.isin(rows, fixed), np.arange(size))] += (
        scale[np.isin(rows, fixed)][:, None] * 3 * np.eye(size)[np.isin(rows, fixed)]
    )
    load = scale * rng.standard_normal(size)
    system = LinearSystem(sp.csr_array(matrix), load, fixed, rng.random(len(fixed)), symmetric=False, definite=False)
    free = np.setdiff1d(np.arange(size), fixed)
    if np.linalg.cond((matrix / scale[:, None])[np.ix_(free, free)]) > 1e6:
        return
    expected = dense(system)
    for kind in (CondensedSystem, GalerkinSystem):
        assert np.abs(kind(system).solve() - expected).max() <= 1e-8 * np.abs(expected).max()


EQUATIONS = {
    "convection": {"convection": [1.0, 2.0], "diffusion": 1e-2},
    "variable": {"convection": ["y", "-x"], "diffusion": "1 + x*y"},
    "matrix and convection": {"diffusion": [[25.75, -42.9], [-42.9, 75.25]], "convection": [30.0, 0.0], "reaction": 1.0},
    "indefinite": {"reaction": -400.0},
    "varying sign": {"reaction": "300*sin(20*x)", "convection": [5.0, 0.0]},
}


@pytest.mark.parametrize("equation", EQUATIONS.values(), ids=EQUATIONS)
@pytest.mark.parametrize(
    "space",
    [Lagrange(mesh_for(SQUARE, 12), 4), Lagrange(mesh_for(SQUARE, 6), 6, degree=2), Legendre(SQUARE, 8, 20)],
    ids=["P1", "P2", "Legendre"],
)
def test_finite_element_solutions_agree_with_numpy(space, equation):
    problem = Problem(domain=SQUARE, source="exp(x)", boundary="x + y**2", **equation)
    form = WeakForm(space, problem)
    system = form.system()
    assert not system.definite
    assert system.symmetric == form.equation.is_symmetric
    expected = dense(system)
    assert np.abs(GalerkinSystem(system).solve() - expected).max() < 1e-12 * np.abs(expected).max()


def test_linear_elements_agree_with_a_loop_over_the_cells():
    """-(a u')' + b u' + c u = f on cells of different sizes; entries are integrals in closed form, rows by test function."""
    nodes = np.array([0.0, 0.1, 0.25, 0.3, 0.55, 0.6, 0.85, 1.0])
    a, b, c, f = 0.05, 3.0, -7.0, 2.0
    matrix, load = np.zeros((8, 8)), np.zeros(8)
    for left in range(7):
        h, cell = nodes[left + 1] - nodes[left], [left, left + 1]
        stiffness = a / h * np.array([[1, -1], [-1, 1]])
        transport = b / 2 * np.array([[-1, 1], [-1, 1]])  # int phi_j' phi_i: equal for both test functions i
        matrix[np.ix_(cell, cell)] += stiffness + transport + c * h / 6 * np.array([[2, 1], [1, 2]])
        load[cell] += f * h / 2
    import skfem

    problem = Problem(domain=UNIT, source=f, boundary="2*x + 1", diffusion=a, convection=b, reaction=c)
    form = WeakForm(Lagrange(skfem.MeshLine(nodes), 3), problem)
    found = form.system()
    np.testing.assert_allclose(found.matrix.toarray(), matrix, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.load, load, rtol=0, atol=1e-14)
    u = np.array([1.0, *np.zeros(6), 3.0])
    u[1:-1] = np.linalg.solve(matrix[1:-1, 1:-1], (load - matrix @ u)[1:-1])
    np.testing.assert_allclose(GalerkinSystem(found).solve(), u, rtol=0, atol=1e-12)


def helmholtz(space, c):
    return WeakForm(space, Problem(domain=space_box(space), source="1 + x", boundary=0.0, reaction=c)).system()


def space_box(space):
    return space.box if isinstance(space, Legendre) else UNIT if space.mesh.dim() == 1 else SQUARE


def discrete_eigenvalue(k, n):
    """Eigenvalue of linear elements on n cells of the unit interval (Strang, Fix, 1973, section 6.2)."""
    t = math.cos(k * math.pi / n)
    return 6 * n * n * (1 - t) / (2 + t)


@pytest.mark.parametrize("k", [1, 2, 7])
@pytest.mark.parametrize(("n", "dense"), [(200, False), (12, True)])
def test_a_helmholtz_equation_at_an_eigenvalue_is_refused(k, n, dense):
    """The factorization succeeds, but its solution has no correct digits."""
    space = Lagrange(mesh_for(UNIT, n), 15)
    system = helmholtz(space, -discrete_eigenvalue(k, n))
    assert (system.matrix.nnz > 0.1 * (n + 1) ** 2) == dense
    with pytest.raises(IncompatibleError, match=r"singular to rounding .* eigenvalue: .* change the reaction"):
        GalerkinSystem(system).solve()
    assert np.abs(GalerkinSystem(helmholtz(space, -1.001 * discrete_eigenvalue(k, n))).solve()).max() < 1e3


@pytest.mark.parametrize("space", [Legendre(UNIT, 30, 64), Legendre(SQUARE, 14, 32)], ids=["1-D", "2-D"])
def test_spectral_elements_detect_the_exact_eigenvalue(space):
    """They contain its eigenfunction up to rounding."""
    with pytest.raises(IncompatibleError, match="singular to rounding"):
        GalerkinSystem(helmholtz(space, -space.box.dimension * math.pi**2)).solve()


def test_an_exactly_singular_matrix_is_refused_by_every_factorization():
    matrix = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, -1.0]])
    none = np.empty(0, dtype=int)
    system = LinearSystem(sp.csr_array(matrix), np.ones(3), none, np.empty(0), symmetric=False, definite=False)
    for kind in (CondensedSystem, GalerkinSystem):
        with pytest.raises(IncompatibleError, match="singular"):
            kind(system).solve()


def test_multigrid_is_used_for_matrices_known_to_be_positive_definite():
    space = Lagrange(mesh_for(SQUARE, 8), 2)
    for equation, fine in (
        ({"reaction": "x"}, True),
        ({"diffusion": [[1.0, 0.0], [0.0, 100.0]]}, True),
        ({"reaction": -1.0}, False),
        ({"reaction": "x - 0.5"}, False),
        ({"convection": [1.0, 2.0]}, False),
    ):
        system = WeakForm(space, Problem(domain=SQUARE, source=1.0, boundary=0.0, **equation)).system()
        assert system.definite == fine
        if not fine:
            with pytest.raises(IncompatibleError, match="use `--set linear_solver=direct`"):
                GalerkinSystem(system, by="amg")


def test_fluxes_on_the_whole_boundary_need_equations_that_sum_to_zero():
    """With a tangential flow, u is unique up to a constant; with flow through the boundary most sources have no solution."""
    from pdefreq.problem.boundary_conditions import BoundaryPart

    space = Lagrange(mesh_for(SQUARE, 6), 4)
    for velocity in ([1.0, 2.0], ["x", "0"]):
        form = WeakForm(space, Problem(domain=SQUARE, source=0.0, boundary=(BoundaryPart("robin"),), convection=velocity))
        with pytest.raises(IncompatibleError, match="prescribe values on a part of the boundary, or add a reaction"):
            form.system()

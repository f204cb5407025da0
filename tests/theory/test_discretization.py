"""Errors of discrete modes, compared with equations that are assembled and solved by other libraries."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import spsolve
from skfem import Basis, BilinearForm, ElementLineP1, ElementQuad1, LinearForm, MeshLine, MeshQuad, condense, solve
from skfem.helpers import dot, grad

from pdefreq.theory.discretization import central_difference_error, multilinear_element_error, smooth_orders

SIDES = np.array([1.0, 1.5])
EXACT = 1e-10  # both sides are formulas; they differ by the rounding of a small system


def second_difference(n: int, h: float):
    return sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n - 1, n - 1)) / h**2


@pytest.mark.parametrize(("k", "reaction"), [((1, 1), 0.0), ((3, 2), 7.0), ((5, 6), 0.5), ((1, 2), -60.0), ((3, 2), -60.0)])
@pytest.mark.parametrize("a", [(2.0, 2.0), (1.0, 30.0)])
def test_errors_of_central_differences_follow_from_the_symbol(k, reaction, a):
    n = np.array([6, 9])
    h, xi = SIDES / n, np.array(k) * np.pi / SIDES
    x, y = (np.linspace(0, length, m + 1)[1:-1] for length, m in zip(SIDES, n, strict=True))
    mode = np.outer(np.sin(xi[0] * x), np.sin(xi[1] * y)).ravel()
    matrix = sp.kronsum(a[1] * second_difference(n[1], h[1]), a[0] * second_difference(n[0], h[0])) + reaction * sp.eye(mode.size)
    u = spsolve(sp.csc_matrix(matrix), (a @ xi**2 + reaction) * mode)
    measured = abs((u @ mode) / (mode @ mode) - 1)
    error = float(central_difference_error([xi], h, diffusion=a, reaction=reaction)[0])
    assert error == pytest.approx(measured, rel=EXACT)


@pytest.mark.parametrize(
    ("dimension", "k", "reaction"),
    [(1, (2,), 0.0), (1, (3,), 5.0), (1, (2,), -400.0), (2, (1, 2), 0.0), (2, (3, 1), 4.0), (2, (2, 1), -50.0)],
)
def test_errors_of_multilinear_elements_follow_from_the_symbol(dimension, k, reaction):
    n, a, sides = (5, 7)[:dimension], 1.5, SIDES[:dimension]
    ticks = [np.linspace(0, length, m + 1) for length, m in zip(sides, n, strict=True)]
    mesh, element = ((MeshLine, ElementLineP1()), (MeshQuad, ElementQuad1()))[dimension - 1]
    xi = np.array(k) * np.pi / sides
    basis = Basis(mesh.init_tensor(*ticks), element, intorder=25)  # accurate to rounding

    def mode(x):
        return np.prod([np.sin(w * xk) for w, xk in zip(xi, x, strict=True)], axis=0)

    stiffness = BilinearForm(lambda u, v, _: a * dot(grad(u), grad(v)) + reaction * u * v).assemble(basis)
    load = LinearForm(lambda v, w: (a * xi @ xi + reaction) * mode(w.x) * v).assemble(basis)
    u = np.asarray(solve(*condense(stiffness, load, D=basis.get_dofs())))
    integral = float((basis.dx * np.asarray(basis.interpolate(u)) * mode(np.asarray(basis.global_coordinates()))).sum())
    measured = abs(integral * 2**dimension / sides.prod() - 1)
    h = sides / n
    found = multilinear_element_error([xi], h, diffusion=a, reaction=reaction)
    assert float(found[0]) == pytest.approx(measured, rel=1e-9)
    nodal = mode(basis.mesh.p)
    at_nodes = abs(u @ nodal / (nodal @ nodal) - 1)
    sampled = multilinear_element_error([xi], h, diffusion=a, reaction=reaction, sampling=h)
    assert float(sampled[0]) == pytest.approx(at_nodes, rel=1e-9, abs=1e-13)


@given(theta=st.floats(1e-3, 1.5))
def test_both_errors_are_a_twelfth_of_the_squared_angle_to_leading_order(theta):
    h = 0.1
    xi = [[2 * theta / h]]
    twelfth = (xi[0][0] * h) ** 2 / 12
    above, below = (float(f(xi, [h])[0]) for f in (central_difference_error, multilinear_element_error))
    # (t / sin t)^2 - 1 = t^2/3 + t^4/15 + ..., 1 - (sin t / t)^2 = t^2/3 - 2 t^4/45 + ...: series with bounded remainders
    assert twelfth <= above * (1 + 1e-9)
    assert below <= twelfth * (1 + 1e-9)
    assert abs(below - twelfth) <= 2 * theta**4 / 45 + 1e-12


def test_unresolved_modes_have_no_error():
    xi = [[np.pi * 3], [np.pi * 4], [np.pi * 5]]
    for error in (central_difference_error(xi, [1 / 4]), multilinear_element_error(xi, [1 / 4])):
        assert np.isnan(error.numpy()).tolist() == [False, True, True]


def test_a_functional_converges_at_twice_the_order_of_h1():
    assert [smooth_orders(k).mode for k in (1, 2)] == [2 * smooth_orders(k).relative_h1 for k in (1, 2)] == [2, 4]

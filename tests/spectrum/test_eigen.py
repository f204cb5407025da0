"""Eigenfunctions against closed forms and published eigenvalues, and laws that make their report independent of the solver."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import jn_zeros, jv

import pdefreq.spectrum.eigenpairs
from pdefreq.core.errors import IncompatibleError, UnknownNameError
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshes.mesh_files import read_mesh
from pdefreq.domains.meshes.meshing import curved, mesh_of
from pdefreq.domains.ring import Ring
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.elements.densities import Slopes
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spectrum import eigen
from pdefreq.spectrum.eigen import EigenBasis, EigenModes
from pdefreq.spectrum.eigenpairs import SAME, EigenSolver, factorized, multiplets
from pdefreq.spectrum.modes import FAMILIES, ModeFamilies

DATA = Path(__file__).parents[2] / "problems" / "meshes"
INTERVAL, SQUARE, DISK = Box((-1.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0)), Ball((0.5, -1.0), 2.0)
NEUMANN = (BoundaryPart("robin"),)


def problem(domain, boundary=0.0):
    return Problem(domain=domain, source=1.0, boundary=boundary)


def first(of, kind="eigen", number=40):
    """All modes up to the slice that contains eigenvalue `number`."""
    modes = ModeFamilies(of).modes(kind, [number])
    return EigenModes(modes._basis)


def bessel_zeros(number):
    """The lowest zeros of J_0, J_1, ... with their multiplicity on the disk: two for each positive order."""
    return np.sort([z for n in range(30) for z in np.repeat(jn_zeros(n, 20), 1 if n == 0 else 2)])[:number]


def lowest(mesh, domain, number=8, degree=2):
    """The lowest eigenvalues on a mesh."""
    space = Lagrange(curved(mesh, domain) if degree == 2 else mesh, 6, degree=degree)
    basis = EigenBasis(space, space.dirichlet_nodes(problem(domain)))
    basis.reach(number)
    return basis.values[:number]


def test_wavenumbers_of_the_disk_are_zeros_of_bessel_functions():
    modes = first(problem(DISK), number=100)
    zeros = bessel_zeros(len(modes._basis.values)) / 2  # the radius
    error = np.sqrt(modes._basis.values) / zeros - 1
    assert (error > 0).all()  # Ritz values are upper bounds, up to the higher-order error of the boundary
    assert error[:10].max() < 1e-5 and error[:50].max() < 1e-4 and error[:100].max() < 5e-4  # measured: 6e-6, 9e-5, 3.1e-4
    single = np.isin(zeros, jn_zeros(0, 20) / 2)
    assert modes.indices.ravel()[:10].tolist() == [1, 2, 4, 6, 7, 9, 11, 13, 15, 16]  # J0, J1, J2, J0, J3, J1, J4, J2, J0, J5
    assert single[[0, 5, 14]].all()


def test_eigenvalues_of_three_unit_squares():
    """Betcke, Trefethen (2005), Reviving the method of particular solutions, SIAM Review 47: an L of unit squares."""
    domain = MeshDomain(read_mesh(DATA / "l-shape.msh"))
    values = first(problem(domain), number=3)._basis.values
    # The first has the singularity r^(2/3) of the corner, order 4/3 in h: 4e-4; the second vanishes there, the third is smooth.
    np.testing.assert_allclose(values[0], 9.6397238440219, rtol=5e-4)
    np.testing.assert_allclose(values[1:3], [15.197252, 2 * math.pi**2], rtol=3e-6)


@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize(
    ("domain", "exact"),
    [
        (SQUARE, math.pi**2 * np.array([2, 5, 5, 8])),
        (Ball((0.0, 0.0), 1.0), bessel_zeros(4) ** 2),
        pytest.param(Ring((0.0, 0.0), 1.0, 2.0), None, marks=pytest.mark.slow),
    ],
    ids=["square", "disk", "ring"],
)
def test_eigenvalues_converge_at_twice_the_degree(domain, exact, degree):
    """Babuska, Osborn (1991), Eigenvalue problems. On curved domains P2 keeps its order because its cells are curved."""
    values = [lowest(mesh_of(domain, h), domain, 4, degree) for h in (0.2, 0.1, 0.05)]
    if exact is None:
        order = np.log2((values[0] - values[1]) / (values[1] - values[2]))
    else:
        order = np.log2((values[1] - exact) / (values[2] - exact))
    assert (np.abs(order - 2 * degree) < 0.35).all()  # coarse meshes: the cell widths of the ring are integer fractions


@pytest.mark.parametrize(("domain", "numbers"), [(INTERVAL, 1), (SQUARE, 2), (Box((0.0,) * 3, (1.0, 1.5, 2.0)), 3)])
def test_on_a_box_the_coefficients_agree_with_those_of_sine_modes(domain, numbers):
    """An eigenspace has the norm of its sine coefficients: (1, 2) and (2, 1) on the square are one mode."""
    of = problem(domain)

    def u(x):
        s = (x - np.array(domain.lower)) / np.array(domain.lengths)
        return np.prod(s * (1 - s), axis=1) * np.exp(s[:, 0] + (0.5 * s[:, 1] if numbers > 1 else 0)) + 3 * s[:, 0]

    sine, modes = ModeFamilies(of).modes("sine"), first(of, number=12)
    expected = np.abs(sine.coefficients(u(sine.points().numpy())))
    found, _ = modes.decompose(u(modes.points().numpy()))
    for wavenumber, coefficient in list(zip(modes.wavenumber, found, strict=True))[:6]:
        same = np.abs(sine.wavenumber / wavenumber - 1) < 2e-3  # far below the distance of two wavenumbers here
        # Errors of eigenvectors are about as large as those of their wavenumbers: 1e-4, in three dimensions 1e-3. There mesh
        # cells are as wide as half a wave and couple a strong mode to weak ones: 7e-4 of the largest coefficient.
        assert coefficient == pytest.approx(
            np.linalg.norm(expected[same]), rel=1e-2, abs=(1e-3 if numbers == 3 else 2e-4) * expected.max()
        ), wavenumber


def test_an_eigenfunction_of_the_disk_is_one_mode_in_every_rotation():
    modes = first(problem(DISK), number=60)
    x, y = ((modes.points().numpy() - DISK.midpoint) / DISK.radius).T
    r, theta = np.hypot(x, y), np.arctan2(y, x)
    sizes = []
    for turn in (0.0, 0.3, 1.1):
        u = jv(3, jn_zeros(3, 1)[0] * r) * np.cos(3 * (theta - turn))
        found, rest = modes.decompose(u)
        mine = int(np.argmin(np.abs(modes.wavenumber - jn_zeros(3, 1)[0] / 2)))
        assert found.argmax() == mine
        assert np.delete(found, mine).max() < 1e-3 * found[mine] and rest < 1e-3 * np.sqrt(4 * np.pi)  # errors of the mesh
        # ||J_3(j r) cos|| on the unit disk is sqrt(pi / 2) |J_4(j)|; a mode of mean square 1/4 has norm sqrt(pi) / 2
        assert found[mine] == pytest.approx(math.sqrt(2) * abs(jv(4, jn_zeros(3, 1)[0])), rel=1e-4)
        sizes.append(found[mine])
    np.testing.assert_allclose(sizes, sizes[0], rtol=1e-4)


@settings(max_examples=20)
@given(st.floats(0, 2 * math.pi), st.integers(0, 100))
def test_the_report_does_not_depend_on_the_basis_of_an_eigenspace(angle, seed):
    """Rotated eigenvectors of a double eigenvalue: coefficients and the rest are equal up to rounding."""
    basis = first(problem(SQUARE), number=40)._basis
    modes = EigenModes(basis)
    u = np.random.default_rng(seed).standard_normal(len(modes.points()))
    before, rest = modes.decompose(u)
    pair = basis.starts[1]  # (1, 2) and (2, 1)
    old = basis._pairs.vectors
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    try:
        basis._pairs.vectors = old.copy()
        basis._pairs.vectors[:, pair : pair + 2] = old[:, pair : pair + 2] @ turn
        after, other = EigenModes(basis).decompose(u)
    finally:
        basis._pairs.vectors = old
    np.testing.assert_allclose(after, before, rtol=1e-10, atol=1e-12)
    assert other == pytest.approx(rest, rel=1e-12)


@pytest.mark.parametrize("domain", [INTERVAL, SQUARE, DISK])
@pytest.mark.parametrize("boundary", [0.0, NEUMANN])
def test_modes_are_orthogonal_eigenvectors_and_complete(domain, boundary):
    basis = first(problem(domain, boundary), number=60)._basis  # of two slices of 48
    vectors, mass = basis._pairs.vectors, basis._pairs._mass
    gram = vectors.T @ (mass @ vectors)
    # Vectors of adjacent slices are orthogonal up to the tolerance of the solver over the gap between them: 1e-10 / 2e-4.
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)
    # (K + M)^-1 M v = v / (lambda + 1): the residual without the large entries of K
    again = factorized(basis._pairs._stiffness + mass).solve(mass @ vectors) * (basis.values + 1)
    np.testing.assert_allclose(again, vectors, atol=1e-6 * np.abs(vectors).max())
    assert (np.diff(basis.values) >= 0).all()


def test_a_slice_that_misses_eigenvalues_is_repeated(monkeypatch):
    """By Sylvester's law of inertia: the first shift is so high that the slice around it omits the lowest eigenvalues."""
    mesh = mesh_of(SQUARE, 0.1)
    rule = Lagrange(mesh, 4, degree=2).inside()
    monkeypatch.setattr(pdefreq.spectrum.eigenpairs, "_SLICE", 12)
    stiffness, mass = (rule.matrix(form).tocsc() for form in (Slopes(isotropic=1.0), Slopes(value_u=1.0)))
    good, far = (EigenSolver(stiffness, mass, first=first) for first in (20.0, 2e3))
    for pairs in (good, far):
        while len(pairs.values) < 40:
            pairs.extend()
    np.testing.assert_allclose(far.values[:40], good.values[:40], rtol=1e-9, atol=1e-9)
    k = np.arange(20)
    exact = np.sort((math.pi**2 * (k[:, None] ** 2 + k**2)).ravel())[:40]
    np.testing.assert_allclose(far.values[:40], exact, rtol=3e-2, atol=1e-8)  # (k h)^4 / 720 with k h = 2


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_multiplets_are_separated_by_gaps(sizes, seed):
    rng = np.random.default_rng(seed)
    exact = np.cumprod(1 + SAME * rng.uniform(10, 1000, len(sizes)))
    values = np.sort(np.repeat(exact, sizes) * (1 + 0.1 * SAME * rng.uniform(-1, 1, sum(sizes))))
    assert multiplets(values).tolist() == (np.cumsum(sizes) - sizes).tolist()


def test_harmonic_functions_have_no_eigen_modes_but_have_neumann_modes(monkeypatch):
    """The lifting of boundary values is subtracted: on the disk the harmonic r^3 cos(3 theta) is its own lifting."""
    monkeypatch.setattr(eigen, "MOST_MODES", {2: 40})  # its flux on the boundary makes the Neumann coefficients decrease slowly
    of = problem(DISK)
    modes = ModeFamilies(of).modes("eigen")
    x, y = (modes.points().numpy() - DISK.midpoint).T
    u = (x**3 - 3 * x * y**2) / 8
    inner, rest = first(of).decompose(u)
    assert inner.max() < 1e-5 and rest < 1e-5  # P2 elements for a cubic: h^3 / 12 times the third derivative
    assert len(modes.strongest(u, threshold=1e-3, max_modes=9)[0]) == 0
    natural, _ = ModeFamilies(of).modes("neumann").strongest(u, threshold=1e-3, max_modes=9)
    # the first root of J_3' is 4.2012
    assert natural.wavenumber[natural.decompose(u)[0].argmax()] == pytest.approx(4.2012 / 2, rel=1e-4)


def test_on_an_interval_the_straight_line_is_subtracted():
    of = problem(INTERVAL)
    x = ModeFamilies(of).modes("eigen").points().numpy()[:, 0]
    modes = first(of)
    np.testing.assert_allclose(modes.decompose(3 - 2 * x)[0], 0, atol=1e-9)  # the condition number is about 1e6
    np.testing.assert_allclose(modes.decompose(3 - 2 * x + np.sin(3 * np.pi * (x + 1) / 2))[0][:5], [0, 0, 1, 0, 0], atol=1e-6)


def test_neumann_modes_contain_the_constant_and_mixed_conditions_are_respected():
    modes = first(problem(SQUARE, NEUMANN))
    constant = np.full(len(modes.points()), 3.0)
    assert modes.wavenumber[0] == 0 and modes.wavenumber[1] > 3  # so that no bias index includes the constant
    np.testing.assert_allclose(modes.decompose(constant)[0][:2], [6, 0], atol=1e-6)  # mean square 1/4
    mixed = problem(SQUARE, (BoundaryPart("dirichlet", name="x-min"), BoundaryPart("robin")))
    np.testing.assert_allclose(first(mixed).wavenumber[:2], np.pi * np.array([0.5, math.hypot(0.5, 1)]), rtol=1e-5)


def test_only_as_many_modes_are_computed_as_a_function_needs(monkeypatch):
    of = problem(Ball((0.0, 0.0), 3.0))
    modes = ModeFamilies(of).modes("eigen")
    r = modes.points().norm(dim=1).numpy() / 3
    few, count_above_threshold = modes.strongest(jv(0, jn_zeros(0, 2)[1] * r), threshold=1e-3, max_modes=512)
    assert count_above_threshold == len(few) == 1 and len(modes._basis.values) < 100  # two slices
    monkeypatch.setattr(eigen, "MOST_MODES", {2: 100})
    many, count_above_threshold = modes.strongest(np.sin(20 * r**2) * (1 - r), threshold=1e-3, max_modes=4)
    assert count_above_threshold > len(many) == 4


def test_the_rest_is_the_part_outside_the_modes():
    """Parseval on the mesh: the squared norm is the sum of the squared norms of the watched parts and of the rest."""
    modes = first(problem(SQUARE), number=60)
    x, y = modes.points().numpy().T
    u = x * (1 - x) * y * (1 - y) * np.exp(x)
    some = modes.take(np.arange(0, len(modes), 2))
    others = modes.take(np.arange(1, len(modes), 2))
    (_, rest), (d, _), (_, least) = some.decompose(u), others.decompose(u), modes.decompose(u)
    norm = modes._basis.norm
    assert rest**2 == pytest.approx(norm**2 * np.sum(d**2) + least**2, rel=1e-6)  # orthogonality, see above
    assert norm == 0.5 or norm == pytest.approx(0.5, rel=1e-12)
    _, nothing = modes.decompose(0 * u)
    assert nothing == 0


def test_modes_do_not_depend_on_earlier_computations():
    """With a fresh basis, by number, and after another function: equal to the last bit, as a resumed run requires."""
    of = problem(DISK)
    u = np.random.default_rng(0).standard_normal(len(ModeFamilies(of).modes("eigen").points()))
    one = ModeFamilies(of).modes("eigen", [[2], [40], [7]])
    eigen._basis.cache_clear()
    two = ModeFamilies(of).modes("eigen", [[2], [40], [7]])
    assert two._basis is not one._basis
    np.testing.assert_array_equal(one.wavenumber, two.wavenumber)
    np.testing.assert_array_equal(one.decompose(u)[0], two.decompose(u)[0])
    assert one.decompose(u)[1] == two.decompose(u)[1]


def test_quadrilaterals_are_split_into_triangles_and_keep_boundary_names():
    from skfem import MeshQuad

    mesh = MeshQuad.init_tensor(np.linspace(0, 1, 9), np.linspace(0, 1, 9))
    mesh = mesh.with_boundaries({"left": lambda x: x[0] == 0})
    domain = MeshDomain(mesh)
    mixed = problem(domain, (BoundaryPart("dirichlet", name="left"), BoundaryPart("robin")))
    np.testing.assert_allclose(first(mixed, number=2).wavenumber[:2], np.pi * np.array([0.5, math.hypot(0.5, 1)]), rtol=1e-4)


def test_impossible_modes_are_refused_in_one_sentence():
    with pytest.raises(IncompatibleError, match=r"sine modes need a box.*disk.*eigen"):
        ModeFamilies(problem(DISK)).modes("sine")
    with pytest.raises(IncompatibleError, match="at most 3 dimensions, got 4"):
        ModeFamilies(problem(Box((0.0,) * 4, (1.0,) * 4))).modes("eigen")
    with pytest.raises(UnknownNameError, match="did you mean 'eigen'"):
        ModeFamilies(problem(DISK)).modes("eigne")


def test_the_command_line_accepts_every_family():
    from typing import get_args

    from pdefreq.commands.shared_options import ModeFamily as Choices
    from pdefreq.problem.spectrum import ModeFamily

    assert set(FAMILIES) == set(get_args(ModeFamily)) == {choice.value for choice in Choices}

import numpy as np
import pytest

from pdefreq.domains.box import Box
from pdefreq.domains.meshes.meshing import mesh_for
from pdefreq.iterations.linear.galerkin_system import GalerkinSystem
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem, problem_from_text
from pdefreq.problem.problem import Problem
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.elements.weak_form import WeakForm
from pdefreq.spaces.spectral.legendre import Legendre

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
# The source has no symmetry, so that its quadrature error is not zero.
FLUXES = """
[domain]
dimension = 2
lower = 0
upper = 1
[equation]
exact = "exp(2*x)*sin(3*y + 1)"
[[boundary.part]]
kind = "robin"
"""


@pytest.mark.parametrize(("cells", "degree", "simplices"), [(60, 1, True), (30, 2, True), (60, 1, False)])
def test_multigrid_and_factorization_agree(cells, degree, simplices):
    problem = load_problem("robin").blind()
    form = WeakForm(Lagrange(mesh_for(problem.domain, cells, simplices=simplices), 4, degree=degree), problem)
    direct, multigrid = (GalerkinSystem(form.system(), by=by).solve() for by in ("direct", "amg"))
    # a residual of 1e-12 of the load, times a condition number that the norm of the load partly hides
    assert np.abs(direct - multigrid).max() < 1e-9 * np.abs(direct).max()


@pytest.mark.parametrize("by", ["direct", "amg"])
@pytest.mark.parametrize("space", [Lagrange(mesh_for(SQUARE, 20), 2), Legendre(SQUARE, 12, 28)], ids=["P1", "Legendre"])
def test_solutions_of_neumann_problems_have_mean_zero_and_satisfy_their_equations(space, by):
    form = WeakForm(space, problem_from_text(FLUXES).blind())
    system = GalerkinSystem(form.system(), by=by, null_space=form.null_space)
    c = system.solve()
    mean = space.inside().integral(space.inside().value(c))
    assert abs(mean) < 1e-14
    assert np.linalg.norm(system.residual(c)) < 1e-11 * np.linalg.norm(system.load)
    # including the pinned equation, because the load was made compatible
    assert abs((form.jacobian(c) @ c - form.load)[0]) < 1e-11 * np.abs(form.load).max()


def test_a_zero_load_needs_no_iteration():
    problem = Problem(domain=SQUARE, source=0.0, boundary=0.0)
    form = WeakForm(Lagrange(mesh_for(SQUARE, 4), 2), problem)
    assert not GalerkinSystem(form.system(), by="amg").solve().any()


def test_with_a_reaction_or_a_robin_coefficient_no_unknown_is_pinned():
    for fields in ({"reaction": 1.0, "boundary": (BoundaryPart("robin"),)}, {"boundary": 0.0}):
        assert WeakForm(Lagrange(mesh_for(SQUARE, 2), 2), Problem(domain=SQUARE, source=1.0, **fields)).null_space is None

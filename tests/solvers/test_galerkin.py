from contextlib import nullcontext

import numpy as np
import pytest
import skfem
import torch

from pdefreq.core.errors import IncompatibleError, OptionError, ProblemFileError
from pdefreq.core.fields import as_field
from pdefreq.core.history import Status
from pdefreq.core.options import options_of
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Data, Problem
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.fem import Fem
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.ritz_galerkin import RitzGalerkin
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.theory.green import sum_of_green_functions

BOX = Box((-1.0,), (1.0,))


def solved(problem, solver=Fem, **options):
    iteration = solver(**options).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    while not state.done:
        state = iteration.step(state)
    return state


def at(state, x):
    """Values of the solution at points."""
    return state.space.at(torch.as_tensor(x, dtype=torch.float64)).value(state.coefficients)


def test_the_four_tone_problem_is_nodally_exact_with_default_options():
    def source(x):
        x = x[:, 0]
        return x.sin() + 4 * (4 * x).sin() - 8 * (8 * x).sin() + 16 * (24 * x).sin()

    def particular(x):
        return np.sin(x) + np.sin(4 * x) / 4 - np.sin(8 * x) / 8 + np.sin(24 * x) / 36

    state = solved(Problem(domain=BOX, source=source, boundary=0.0))
    x = state.space.nodes[:, 0].numpy()
    assert state.done
    assert len(x) == 1001
    # rounding only: eps times a part of the condition number 4e5
    assert np.abs(state.coefficients.numpy() - (particular(x) - particular(1) * x)).max() < 1e-12


def test_neumann_and_robin_ends():
    """-u'' = 2, u'(-1) = 0 and u'(1) + u(1) = 0: u = 8 - (x + 1)^2, exact at the vertices."""
    parts = (BoundaryPart("robin", "x-min"), BoundaryPart("robin", "x-max", alpha=as_field(1.0)))
    state = solved(Problem(domain=BOX, source=2.0, boundary=parts), cells=10)
    x = state.space.nodes[:, 0]
    assert torch.allclose(state.coefficients, 8 - (x + 1) ** 2, rtol=0, atol=1e-12)


def test_options():
    assert all(option.doc for option in options_of(Fem))
    for options, message in (
        ({"cells": 0}, "`cells` must be at least 1, got 0"),
        ({"quadrature": 0}, "`quadrature` must be a degree from 1 to 60, got 0"),
        ({"cells": 10**12}, r"`cells` = 1000000000000 would need about [\d,]+ GiB"),
    ):
        with pytest.raises(OptionError, match=message):
            solved(Problem(domain=BOX, source=1.0, boundary=0.0), **options)


NEUMANN = (BoundaryPart("robin"),)
SQUARE, CUBE = Box((0.0, 0.0), (1.0, 1.0)), Box((0.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize("solver", [Fem, RitzGalerkin])
@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (
            {"domain": Box((0.0,) * 4, (1.0,) * 4)},
            IncompatibleError,
            "at most 3 dimensions, and this problem has 4: use `deep-ritz`",
        ),
        ({"diffusion": 0.0, "reaction": 1.0}, IncompatibleError, "use `regression`"),
        ({"boundary": NEUMANN}, ProblemFileError, r"add up to zero, got 2 \(of absolute values: 2\)"),
        (
            {"diffusion": lambda x: x[:, 0]},
            ProblemFileError,
            r"diffusion must be finite and at least 0, got -0.\d+ at \(-0.\d+\)",
        ),
    ],
)
def test_unsuitable_problems_are_refused_with_a_suitable_method(solver, fields, error, message):
    with pytest.raises(error, match=message):
        solved(Problem(**({"domain": BOX, "source": 1.0, "boundary": 0.0} | fields)), solver)


@pytest.mark.parametrize(
    ("options", "fields", "message"),
    [
        ({"quadrature": 20}, {}, "`quadrature` is at most 19 for P1 in 2 dimensions, got 20"),
        ({"cells": 10**6, "element": "P2"}, {}, r"`cells` = 1000000 would need about [\d,]+ GiB"),
        ({"refinement": "uniform", "element": "Q1"}, {}, "use `--set element=P1` or `--set element=P2`"),
        (
            {"refinement": "adaptive"},
            {"exponent": 3.0},
            "refinement needs a linear problem, and the diffusion term .* is nonlinear",
        ),
        ({"levels": 3}, {}, "`levels` is the number of refinements: set"),
        ({"refinement": "uniform", "levels": 30}, {}, r"`levels` = 30 would need about [\d,]+ GiB"),
        (
            {"element": "Q1"},
            {"domain": Ball((0.0, 0.0), 1.0)},
            "element=Q1 does not fit the mesh of this domain: use `--set element=P1` or `--set element=P2`",
        ),
        (
            {"element": "P2"},
            {"domain": MeshDomain(skfem.MeshQuad())},
            "element=P2 does not fit the mesh of this domain: use `--set element=Q1`",
        ),
    ],
)
def test_options_that_do_not_fit_the_problem(options, fields, message):
    with pytest.raises((OptionError, IncompatibleError), match=message):
        solved(Problem(**({"domain": SQUARE, "source": 1.0, "boundary": 0.0} | fields)), **options)


def test_float32_is_refused_for_high_exponents():
    for p, fine in ((8.0, True), (9.0, False)):
        problem = Problem(domain=BOX, source=1.0, boundary=0.0, exponent=p)
        context = (
            nullcontext()
            if fine
            else pytest.raises(IncompatibleError, match=r"float32 is too coarse .* got 9: use --dtype float64")
        )
        with context:
            Fem(cells=4).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize("element", ["P1", "P2"])
def test_torsion_converges_to_the_known_value(element):
    """u(0, 0) = 0.294685413126 (Timoshenko and Goodier, 1951): order 2, and 3 or more for P2 elements, limited by the corners."""
    errors = [
        abs(float(at(solved(load_problem("torsion"), element=element, cells=n), [[0.0, 0.0]])) - 0.294685413126)
        for n in (16, 32, 64)
    ]
    orders = -np.diff(np.log2(errors))
    assert (np.abs(orders - 2) < 0.05).all() if element == "P1" else (orders > 2.9).all()
    assert errors[-1] < {"P1": 2e-4, "P2": 1e-6}[element]


@pytest.mark.parametrize("p", [1.1, 20.0, 40.0])
def test_continuation_rescales_the_source_with_the_exponent(p):
    """The solution with exponent 2 and this source is at least 1e3, and its energy with the exponent of the problem is 1e60."""
    found = solve(load_problem("p-laplacian", p=p), Fem(cells=200), probes=())
    assert found.status in (Status.DONE, Status.ROUNDING)  # for p = 20 and 40, steps of 1e-8 are rounding errors
    assert found.step < 60  # several Newton steps for each of up to nine exponents; 287 for p = 40 without the scaling


def test_curved_domains_use_the_generated_mesh():
    """-lap u = 4 in the unit disk: u = 1 - r^2; inscribed polygons have order 2."""
    problem = Problem(domain=Ball((0.0, 0.0), 1.0), source=4.0, boundary=0.0)

    def error(cells):
        state = solved(problem, cells=cells)
        rule = state.space.inside()
        exact = 1 - rule.x.square().sum(dim=1).numpy().reshape(rule.weights.shape)
        return rule.integral((rule.value(state.coefficients.numpy()) - exact) ** 2) ** 0.5

    assert abs(np.log2(error(10) / error(20)) - 2) < 0.1


def test_a_restored_mesh_keeps_its_boundary_names():
    mesh = skfem.MeshTri.init_lshaped().refined(1).with_boundaries({"left": lambda x: x[0] == -1})
    parts = BoundaryPart("dirichlet", "left"), BoundaryPart("robin")
    problem = Problem(domain=MeshDomain(mesh), source=1.0, boundary=parts)
    for refinement in ("uniform", "adaptive"):
        solver = Fem(refinement=refinement, levels=3)
        iteration = solver.prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
        state = iteration.step(iteration.step(iteration.init()))
        again = iteration.restore(state.coefficients, state.memory)
        ends = [iteration.step(s) for s in (state, again)]
        assert torch.equal(ends[0].coefficients, ends[1].coefficients)
        fixed, _ = ends[1].space.prescribed(problem)
        x = ends[1].space.nodes[:, 0]
        np.testing.assert_array_equal(fixed, torch.nonzero(x == -1)[:, 0])


def test_mesh_domains_keep_their_mesh_by_default():
    mesh = skfem.MeshTri.init_lshaped().refined(1)
    problem = Problem(domain=MeshDomain(mesh), source=1.0, boundary=0.0)
    assert solved(problem).space.mesh is mesh
    assert solved(problem, cells=16).space.num_coefficients > mesh.nvertices


@pytest.mark.parametrize(("element", "cells"), [("P1", 12), ("P2", 6), ("Q1", 12)])
def test_three_dimensions_by_multigrid(element, cells):
    """-lap u = 3 pi^2 u, with the product of sines u: the relative error in the center is at most about (pi h)^2 / 12."""
    problem = Problem(domain=CUBE, source=lambda x: 3 * torch.pi**2 * (torch.pi * x).sin().prod(dim=1), boundary=0.0)
    assert abs(float(at(solved(problem, element=element, cells=cells), [[0.5] * 3])) - 1) < 0.04


SAMPLED = Problem(domain=BOX, source=lambda x: (3 * x[:, 0]).exp(), boundary=0.0, data=Data("uniform", 21))
VALUES = (3 * torch.linspace(-1, 1, 21, dtype=torch.float64)).exp()


def limit_of_sampled(x):
    return sum_of_green_functions(x, torch.linspace(-1, 1, 21, dtype=torch.float64)[:, None], VALUES, *BOX.bounds)


def test_hat_functions_with_a_node_at_each_point_source_are_exact():
    """Wang et al. (2020), equation 3.2: P1 elements are exact at the nodes, and u is linear between the points."""
    x = torch.linspace(-1, 1, 777, dtype=torch.float64)[:, None]
    exact = limit_of_sampled(x)
    for cells in (20, 40):
        u = at(solved(SAMPLED, cells=cells), x)
        assert (u - exact).abs().max() < 5e-15 * exact.abs().max()


def test_legendre_polynomials_converge_at_order_one_for_point_sources():
    """The solution has kinks: the best polynomial of degree m has an error of 1/m in the maximum norm."""
    x = torch.linspace(-1, 1, 2001, dtype=torch.float64)[:, None]
    exact = limit_of_sampled(x)
    numbers = (64, 128, 256, 512)
    errors = [float((at(solved(SAMPLED, RitzGalerkin, number=m), x) - exact).abs().max()) for m in numbers]
    assert abs(np.polyfit(np.log(numbers), np.log(errors), 1)[0] + 1) < 0.15
    assert errors[-1] < 2e-3 * exact.abs().max()


def test_in_two_dimensions_the_solution_has_a_logarithm_at_each_point_source():
    """Wang et al. (2020), equation 3.3: away from the points within 1e-4 of the series, near them f_i / (2 pi n) log(1/r)."""
    problem = Problem(domain=SQUARE, source=lambda x: 1 + x[:, 0] + 2 * x[:, 1], boundary=0.0, data=Data("uniform", 5))
    state = solved(problem, cells=256)
    axis = torch.linspace(0, 1, 5, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    values = problem.source(points)
    x = 0.05 + 0.9 * torch.rand(300, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = x[torch.cdist(x, points).min(dim=1).values > 0.06]
    assert (at(state, x) - sum_of_green_functions(x, points, values, *SQUARE.bounds)).abs().max() < 1e-4
    angle = 2 * torch.pi * torch.arange(64, dtype=torch.float64) / 64
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    for i in (6, 12, 13):
        near, far = (float(at(state, points[i] + r * circle).mean()) for r in (0.02, 0.08))
        assert abs((near - far) / np.log(4) / (float(values[i]) / 25 / (2 * np.pi)) - 1) < 0.02


def test_the_logarithm_contains_the_measure_of_the_rectangle():
    """|Omega| f_i / (2 pi n): on a rectangle of area 3 it is three times that of the unit square."""
    box = Box((-1.0, 0.0), (1.0, 1.5))
    x = [[-0.25, 0.5], [0.5, 0.75]]
    problem = Problem(domain=box, boundary=0.0, data=Data(x=x, values=[2.0, -1.0]))
    state = solved(problem, cells=192)
    angle = 2 * torch.pi * torch.arange(64, dtype=torch.float64) / 64
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    for point, value in zip(x, (2.0, -1.0), strict=True):
        near, far = (float(at(state, torch.tensor(point) + r * circle).mean()) for r in (0.04, 0.16))
        assert abs((near - far) / np.log(4) / (3 * value / 2 / (2 * np.pi)) - 1) < 0.02


def test_the_hat_basis_is_equivalent_to_linear_elements():
    state = solved(Problem(domain=SQUARE, source=1.0, boundary=0.0), RitzGalerkin, basis="hat", number=7)
    assert isinstance(state.space, Lagrange) and state.space.degree == 1 and state.space.num_coefficients == 81


RESUMED = Problem(domain=BOX, nonlinear="u**3", exponent=3.0, convection="2", source="10*x", boundary="x", name="nonlinear")


@pytest.mark.parametrize(
    ("problem", "method", "options"),
    [
        ("p-laplacian", "fem", {"cells": 40}),
        pytest.param(RESUMED, "fem", {"cells": 16}, marks=pytest.mark.slow),
        ("p-laplacian-smooth-2d", "ritz-galerkin", {"number": 4}),
        ("robin", "fem", {"refinement": "adaptive", "levels": 4}),
        pytest.param("ring", "fem", {"refinement": "uniform", "levels": 2}, marks=pytest.mark.slow),
    ],
)
def test_resumed_runs_continue_from_their_state(problem, method, options, tmp_path):
    solver = make_solver(method, options)
    whole = solve(problem, solver)
    solve(problem, solver, folder=tmp_path / "run", callback=lambda step, *_: step == 2)
    again = resume(tmp_path / "run")
    assert again.status == whole.status and again.step == whole.step
    np.testing.assert_array_equal(again.state.coefficients, whole.state.coefficients)


def test_a_neumann_problem_with_a_reaction_has_a_unique_solution():
    state = solved(Problem(domain=BOX, source=3.0, reaction=2.0, boundary=NEUMANN), cells=50)
    assert torch.allclose(state.coefficients, torch.tensor(1.5, dtype=torch.float64), rtol=0, atol=1e-12)

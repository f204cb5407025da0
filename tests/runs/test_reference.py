"""Reference solutions: the stated error covers the true one for closed forms, and contradictions are refused."""

import math
import time

import numpy as np
import pytest
import torch

import pdefreq.runs.reference as module
from pdefreq.commands.console import bounded
from pdefreq.core.fields import CallableField, as_field
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.probes.error import relative_error
from pdefreq.probes.target import Target
from pdefreq.problem.problem import Problem
from pdefreq.runs.energy_minimum import energy_minimum
from pdefreq.runs.reference import reference_solution
from pdefreq.runs.solve import solve
from pdefreq.solvers.fem import Fem
from pdefreq.spaces.trial_space import SpaceField

UNIT, SQUARE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0))
COVERED, FACTOR = 0.95, 20  # required coverage, and largest median overestimation


def two_materials(at, a):
    """-(A u')' = 1 with A = 1 for x < `at` and A = `a` beyond, and u(0) = u(1) = 0; the flux is c - x."""
    c = (at**2 / 2 + (1 - at**2) / 2 / a) / (at + (1 - at) / a)
    middle = c * at - at**2 / 2
    exact = f"where(x < {at!r}, {c!r}*x - x**2/2, {middle!r} + ({c!r}*(x - {at!r}) - (x**2 - {at!r}**2)/2)/{a!r})"
    return Problem(domain=UNIT, diffusion=f"where(x < {at!r}, 1, {a!r})", source=1.0, boundary=0.0, exact=exact)


def two_halves(at, a):
    """The product of sin(pi y) and a function of x with the flux a on both sides of x = `at`, where A jumps from 1 to `a`."""
    exact = f"where(x < {at!r}, {a!r}*(x - {at!r}), x - {at!r})*sin(pi*y)"
    return Problem(domain=SQUARE, diffusion=f"where(x < {at!r}, 1, {a!r})", exact=exact)


def inclusion(x, y, radius, a):
    """-div(A grad u) = 1 in a disk and 0 outside, with A = 1 and A = a there: a quadratic and a logarithm."""
    square, edge = f"((x - {x!r})**2 + (y - {y!r})**2)", f"{radius!r}**2"
    exact = f"where({square} < {edge}, ({edge} - {square})/4, -{edge}/(4*{a!r})*log({square}/{edge}))"
    inside = f"{square} < {edge}"
    return Problem(
        domain=SQUARE, diffusion=f"where({inside}, 1, {a!r})", source=f"where({inside}, 1, 0)", boundary=exact, exact=exact
    )


def ratio(problem, found=None):
    """The stated over the true relative L2 error of the reference solution, which is `found` if it is known."""
    found = found or reference_solution(problem)
    assert found.solution is not None and found.accuracy is not None
    return found.accuracy.l2 / relative_error(found.solution, Target(problem, problem.exact))


def require_coverage(name, ratios):
    """Check the required coverage, and print the row of the table in docs/errors.md."""
    covered, middle = np.mean(np.array(ratios) >= 1), np.median(ratios)
    print(f"{name}: covered {covered:.0%}, median {middle:.2g}, largest {max(ratios):.2g}")
    assert covered >= COVERED and middle <= FACTOR


def singular(at, a):
    """-(|x - at|^a u')' = 1 with u = 0 at both ends, for 0 < at < 1, or for at = 0.

    The flux is c - x, and u' = (c - x) |x - at|^-a. For a < 1, c follows from the values of u at the ends. For a >= 1 no flux
    passes the singular point, where u may jump and takes no value, so that c = at.
    """
    t, left, right = f"(x - {at!r})", at, 1 - at
    if a >= 1:
        exact = f"(where({t} < 0, {left!r}, {right!r})**{2 - a!r} - abs{t}**{2 - a!r})/{2 - a!r}"
    else:
        c = (right ** (2 - a) - left ** (2 - a)) / (2 - a) / ((right ** (1 - a) + left ** (1 - a)) / (1 - a))
        offset = c * left ** (1 - a) / (1 - a) + left ** (2 - a) / (2 - a)
        exact = f"{c / (1 - a)!r}*sign{t}*abs{t}**{1 - a!r} - abs{t}**{2 - a!r}/{2 - a!r} + {offset!r}"
    return Problem(domain=UNIT, diffusion=f"abs{t}**{a!r}", source=1.0, boundary=0.0, exact=exact)


@pytest.mark.parametrize(("at", "a"), [(0.0, 0.9), (0.0, 1.3), (0.37, 0.5), (0.64, 0.94), (0.29, 1.1)])
def test_singular_coefficients_are_covered(at, a):
    """The order 1 - a or a - 1 may be near 0."""
    assert 1 <= ratio(singular(at, a)) <= FACTOR


@pytest.mark.slow
def test_random_singular_coefficients_are_covered():
    random = np.random.default_rng(0)
    ratios = [ratio(singular(float(random.uniform(0.1, 0.9)) * (k % 2), float(random.uniform(0.3, 1.9)))) for k in range(40)]
    require_coverage("singular coefficients", ratios)
    assert max(ratios) <= FACTOR


@pytest.mark.slow
def test_random_interfaces_in_one_dimension_are_covered():
    """The interface is a node, so that P2 elements are exact up to rounding errors."""
    random = np.random.default_rng(0)
    ratios = [ratio(two_materials(float(random.uniform()), float(10 ** random.uniform(-3, 3)))) for _ in range(40)]
    require_coverage("intervals", ratios)
    assert max(ratios) <= FACTOR


@pytest.mark.slow
def test_interfaces_that_are_not_known_are_covered():
    """With Python functions as coefficients the interface lies anywhere in a cell, and the order is one."""
    random = np.random.default_rng(0)
    ratios = []
    for _ in range(40):
        at, a = float(random.uniform()), float(10 ** random.uniform(-3, 3))
        opaque = CallableField(lambda x, at=at, a=a: torch.where(x[:, 0] < at, 1.0, a))
        known = two_materials(at, a)
        problem = Problem(domain=UNIT, diffusion=opaque, source=1.0, boundary=0.0, exact=known.exact)
        ratios.append(ratio(problem))
    require_coverage("unknown interfaces", ratios)


def test_printed_errors_of_elements_with_an_interface_are_at_least_the_true_errors():
    """In a run: the case of an interface at 0.3 with a contrast of 1000, and random ones. The factor 1 - 1e-9 is rounding."""
    random = np.random.default_rng(1)
    cases = [(0.3, 1000.0), *((float(random.uniform()), float(10 ** random.uniform(-3, 3))) for _ in range(9))]
    for at, a in cases:
        problem = two_materials(at, a)
        blind = Problem(domain=UNIT, diffusion=problem.diffusion, source=1.0, boundary=0.0)
        run = solve(blind, "fem:cells=256", probes=())
        true = relative_error(run, Target(problem, problem.exact))
        assert true * (1 - 1e-9) <= run.error() <= 1.01 * true
        assert true < 2e-3  # without the node at the interface it is about the width of a cell, 4e-3


def test_a_layer_thinner_than_all_cells_is_in_the_mesh():
    problem = Problem(domain=UNIT, diffusion="where(abs(x - 0.4) < 1e-5, 1e-6, 1)", source=1.0, boundary=0.0)
    run = solve(problem, "fem:cells=64", probes=())
    # the flux is c - x, and u(1) = 0 gives c (1 + 20) = 1/2 + 20 * 0.4 with 20 = 2e-5 / 1e-6, up to 2e-5 in c; nodes are exact
    node = 1 / 64
    assert run(torch.tensor([[node]], dtype=torch.float64)).item() == pytest.approx(8.5 / 21 * node - node**2 / 2, abs=1e-6)
    assert run.error() < 1e-3  # h^2 for P1 elements; without the layer it is 0.27


@pytest.mark.parametrize(
    "problem", [two_halves(0.37, 50.0), pytest.param(inclusion(0.523, 0.471, 0.23, 20.0), marks=pytest.mark.slow)]
)
def test_interfaces_in_two_dimensions_are_covered(problem):
    found = reference_solution(problem)
    assert 1 <= ratio(problem, found) <= FACTOR
    accuracy, h1 = found.accuracy, relative_error(found.solution, Target(problem, problem.exact), "h1")
    assert accuracy.l2 < 1e-4 and accuracy.energy > h1 / 4  # H1 and energy norm differ by the contrast, 20^(1/2), at most


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lines", "circles"])
def test_random_interfaces_in_two_dimensions_are_covered(kind):
    random = np.random.default_rng(2)
    ratios = []
    for _ in range(20):
        a = float(10 ** random.uniform(-3, 3))
        place = [float(random.uniform(*edge)) for edge in ((0.4, 0.6), (0.4, 0.6), (0.1, 0.35))]
        ratios.append(ratio(two_halves(float(random.uniform(0.1, 0.9)), a) if kind == "lines" else inclusion(*place, a)))
    require_coverage(kind, ratios)
    assert max(ratios) <= FACTOR


@pytest.mark.parametrize(
    ("domain", "exact"),
    [
        (UNIT, "exp(x)*sin(3*x)"),
        (SQUARE, "exp(x*y)*cos(3*x)"),
        pytest.param(SQUARE, "sin(pi*x)*sin(2*pi*y)", marks=pytest.mark.slow),
        pytest.param(Ball((0.0, 0.0), 1.0), "exp(x + y)", marks=pytest.mark.slow),
        pytest.param(Box((0.0,) * 3, (1.0,) * 3), "exp(x + y - z)", marks=pytest.mark.slow),
    ],
)
def test_smooth_solutions_are_covered(domain, exact):
    assert 1 <= ratio(Problem(domain=domain, diffusion="1 + x**2", exact=exact)) <= FACTOR


@pytest.mark.slow
def test_a_peak_between_the_points_of_a_coarse_mesh_is_found():
    width = 0.002
    peak = f"exp(-((x - 0.503)**2 + (y - 0.503)**2)/(2*{width}**2))/(2*pi*{width}**2)"
    problem = Problem(domain=SQUARE, source=peak, boundary=0.0)
    run = solve(problem, "fem:element=P2,cells=64", probes=())
    assert run.reference_error < 1e-3
    assert 0.05 < run.error() < 1  # 64 cells do not resolve it: quadrature misses most of the load


def green(x, a, b):
    """Green's function of the unit square for the source point (a, b) at points with |y - b| >= 0.05, as a sine series in x."""
    k = np.pi * np.arange(1, 301)  # the terms are below exp(-0.05 k) < 1e-20 from there on
    low, high = np.minimum(x[:, 1:], b), np.maximum(x[:, 1:], b)
    sides = -np.expm1(-2 * k * low) * -np.expm1(-2 * k * (1 - high)) / -np.expm1(-2 * k)
    return (np.sin(k * x[:, :1]) * np.sin(k * a) / k * np.exp(-k * (high - low)) * sides).sum(axis=1)


def disk_source(radius):
    """A source of total 1 on a disk, whose solution outside is Green's function by the mean value property."""
    height = 1 / (np.pi * radius**2)
    return f"where((x - 0.3)**2 + (y - 0.7)**2 < {radius!r}**2, {height!r}, 0)"


def peak_source(width):
    """A source of total 1 whose solution is Green's function up to exp(-d^2 / 2 width^2) at the distance d."""
    return f"exp(-((x - 0.3)**2 + (y - 0.7)**2)/(2*{width!r}**2))/(2*pi*{width!r}**2)"


def error_far_away(u):
    """The relative difference from Green's function at random points at least 0.05 from the line y = 0.7."""
    x = np.random.default_rng(0).uniform(size=(4000, 2))
    x = x[np.abs(x[:, 1] - 0.7) > 0.05]
    exact = green(x, 0.3, 0.7)
    return np.linalg.norm(u(torch.from_numpy(x)).numpy() - exact) / np.linalg.norm(exact)


def test_adaptive_meshes_see_a_disk_between_all_vertices():
    """The total of the source is that of a polygon, up to 2 pi^2 / (3 n^2) = 0.07 for at least n = 10 sides."""
    problem = Problem(domain=SQUARE, source=disk_source(1e-3), boundary=0.0)
    run = solve(problem, "fem:element=P2,cells=16,refinement=adaptive,levels=6", probes=(), reference=False)
    assert error_far_away(run) < 0.07


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", [disk_source(1e-2), disk_source(1e-3), disk_source(1e-6), peak_source(1e-3), peak_source(1e-6)]
)
def test_point_like_sources_are_covered_in_bounded_time(source):
    """The norm of the far part stands for the whole: the square of a logarithm is integrable."""
    start = time.process_time()
    found = reference_solution(Problem(domain=SQUARE, source=source, boundary=0.0))
    assert time.process_time() - start < 15  # 2 to 4 s
    assert 1 <= found.accuracy.l2 / error_far_away(found.solution) <= FACTOR
    assert found.accuracy.l2 < 0.02


def test_no_error_below_that_of_the_reference_is_printed():
    """A solution that equals the reference has an error, the stated one."""
    problem = Problem(domain=UNIT, source="exp(x)", boundary=0.0, diffusion="1 + x")
    found = reference_solution(problem)
    target = found.target(problem)
    assert target.bound("l2", 0.0) == found.accuracy.l2 > 0
    assert bounded(target.bound("l2", 0.0), found.accuracy.l2).startswith("< ")
    assert not bounded(target.bound("l2", 3 * found.accuracy.l2), found.accuracy.l2).startswith("<")
    assert bounded(1e-3, 0.0) == "0.001"


@pytest.mark.parametrize("cells", [95, 191, 383, 767, 1000])
def test_a_run_with_the_mesh_of_a_reference_level_has_an_error(cells):
    run = solve(
        Problem(domain=UNIT, diffusion="1 + x", source="exp(x)", boundary=0.0), f"fem:element=P2,cells={cells}", probes=()
    )
    assert run.error() >= run.reference_error > 0
    assert run.error("h1") > 0 and run.error("max") > 0


def constant_levels(value):
    """Four equal solutions on different meshes of an equation with the constant solution `value`."""
    levels = []
    for cells in (4, 5, 6, 7):
        problem = Problem(domain=UNIT, source=0.0, boundary=value)
        iteration = Fem(cells=cells).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
        state = iteration.step(iteration.init())
        levels.append(SpaceField(state.space, state.coefficients))
    return levels


@pytest.mark.parametrize(("other", "refused"), [(1.5, True), (1.02, False), (1.0, False)])
def test_methods_that_contradict_each_other_give_no_reference(monkeypatch, other, refused):
    starts = {"one": lambda: iter(constant_levels(1.0)), "two": lambda: iter(constant_levels(other))}
    monkeypatch.setattr("pdefreq.runs.reference_levels.sequences", lambda _: starts)
    found = module._computed(Problem(domain=UNIT, source=0.0, boundary=1.0))
    if refused:
        assert found.solution is None and "one and two differ by 0.5" in found.reason
        run = solve(Problem(domain=UNIT, source=0.0, boundary=1.0, name="contradiction"), "fem:cells=8", probes=())
        assert math.isnan(run.error()) and "differ by" in run.without_solution
    else:  # the difference of the methods is the stated error
        assert found.accuracy.l2 >= abs(other - 1) / other * (1 - 1e-12)


@pytest.mark.parametrize(
    ("problem", "minimum"),
    [
        (Problem(domain=UNIT, source=1.0, boundary=0.0), -1 / 24),  # u = x (1 - x) / 2, J = -int u / 2
        # with the flux q = 3/8 - x: J = -int q^2 / (2 A)
        (Problem(domain=UNIT, diffusion="where(x < 0.5, 1, 3)", source=1.0, boundary=0.0), -13 / 576),
        # u = (1 - r^2) / 4
        pytest.param(Problem(domain=Ball((0.0, 0.0), 1.0), source=1.0, boundary=0.0), -math.pi / 16, marks=pytest.mark.slow),
        # u' = -sign(x) |x|^(1/(p - 1)) on (-1, 1): J = -(1 - 1/p) int |u'|^p
        (Problem(domain=Box((-1.0,), (1.0,)), exponent=4.0, source=1.0, boundary=0.0), -0.75 * 2 / (4 / 3 + 1)),
        (Problem(domain=Box((-1.0,), (1.0,)), exponent=1.5, source=1.0, boundary=0.0), -2 / (3 + 1) / 3),
    ],
)
def test_the_lower_bound_of_an_energy_is_below_the_minimum(problem, minimum):
    found = energy_minimum(reference_solution(problem).target(problem))
    assert minimum * (1 + 1e-3) <= found <= minimum * (1 - 1e-9)


P_LAPLACIAN = Problem(domain=SQUARE, exponent=1.1, source="1 + cos(2*pi*x)*sin(2*pi*y)", boundary=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fem", "fem:element=P2"])
def test_no_energy_is_below_the_stated_minimum(method):
    run = solve(P_LAPLACIAN, method, probes=())
    assert run.energy_minimum() <= run.history.last("objective.energy")
    assert run.energy_minimum() >= 1.05 * run.history.last("objective.energy")  # and not far below


def test_an_exact_solution_has_no_error():
    target = Target(two_materials(0.5, 2.0), as_field(1.0))
    assert target.bound("h1", 0.25) == 0.25 and target.reference_error == 0


def test_the_minimum_is_not_above_the_true_one_in_five_dimensions():
    """-1/2 int |grad u|^2 = -5 pi^2 / 2 / 2^5 for the product of five sines on the unit cube; 1e5 random points."""
    cube = Box((0.0,) * 5, (1.0,) * 5)
    product = "*".join(f"sin(pi*x{k})" for k in range(1, 6))
    found = energy_minimum(Target(problem := Problem(domain=cube, exact=product), problem.exact))
    assert 1.1 * -5 * math.pi**2 / 64 < found <= -5 * math.pi**2 / 64

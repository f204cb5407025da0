import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Symbol

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.core.fields import CallableField
from pdefreq.core.options import split_options
from pdefreq.core.streams import stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshes.meshing import mesh_of
from pdefreq.domains.polygon import Polygon
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.expressions import ExpressionField
from pdefreq.problem.files import problem_from_text
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver

SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1)]
TRIANGLE = [(0, 0), (1, 0), (0, 1)]
L_SHAPE = [(0, 0), (0, 1), (-1, 1), (-1, -1), (1, -1), (1, 0)]
NEEDLE = [(0, 0), (1, 0), (1, 0.05)]
COMB = [(0, 0), (1, 0), (1, 1), (0.6, 0.02), (0.5, 0.9), (0.4, 0.02), (0, 1)]
FINE_CIRCLE = [(math.cos(t), math.sin(t)) for t in np.arange(100) * math.pi / 50]


def solved(problem, **options):
    """The finite element solution, without modes and reference solutions."""
    solver = make_solver("fem", options)
    iteration = solver.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.step(iteration.init())
    return lambda x: state.space.at(x).value(state.coefficients)


def error(problem, **options):
    """Relative error in the L2 norm."""
    q = problem.domain.quadrature(20_000)
    exact = problem.exact(q.x)
    gap = solved(problem, **options)(q.x) - exact
    return math.sqrt(float(q.weights @ gap**2) / float(q.weights @ exact**2))


def turned(points, angle):
    c, s = math.cos(angle), math.sin(angle)
    return [(c * x - s * y, s * x + c * y) for x, y in points]


def angles(corners):
    """Angles of triangles ``(n, 3, 2)`` in degrees."""
    a, b = (np.roll(corners, -k, axis=1) - corners for k in (1, 2))
    return np.degrees(np.arccos((a * b).sum(axis=2) / np.linalg.norm(a, axis=2) / np.linalg.norm(b, axis=2)))


@st.composite
def stars(draw):
    """Corners in the order of their angle at the origin: a simple polygon for all radii."""
    n = draw(st.integers(3, 9))
    radii = draw(st.lists(st.floats(0.3, 3), min_size=n, max_size=n))
    points = [(r * math.cos(2 * math.pi * k / n), r * math.sin(2 * math.pi * k / n)) for k, r in enumerate(radii)]
    return points if draw(st.booleans()) else points[::-1]


@settings(max_examples=30)
@given(stars())
def test_a_star_shaped_polygon_is_the_sum_of_its_triangles(points):
    domain = Polygon(points)
    area = sum(abs(a[0] * b[1] - a[1] * b[0]) / 2 for a, b in zip(points, points[1:] + points[:1], strict=True))
    assert domain.measure == pytest.approx(area, rel=1e-12)
    mesh = mesh_of(domain, math.sqrt(area) / 3)
    assert MeshDomain(mesh).measure == pytest.approx(area, rel=1e-12)
    assert mesh.nvertices - mesh.nfacets + mesh.nelements == 1  # Euler's formula: conforming, without holes
    assert sorted(np.concatenate(list(mesh.boundaries.values()))) == sorted(mesh.boundary_facets())
    x = torch.rand(500, 2, generator=stream(0, "test"), dtype=torch.float64) * 6 - 3
    assert torch.equal(domain.contains(x), MeshDomain(mesh).contains(x))
    b = domain.boundary(300)
    assert float(((b.x * b.normals).sum(1) * b.weights).sum()) == pytest.approx(2 * area, rel=1e-12)
    distance = domain.distance()
    assert float(distance(b.x).abs().max()) < 1e-12 and bool((distance(domain.interior(200, stream(0, "test")).x) > 0).all())


@pytest.mark.parametrize(
    "points", [TRIANGLE, L_SHAPE, NEEDLE, COMB, FINE_CIRCLE], ids=["triangle", "l", "needle", "comb", "fine"]
)
@pytest.mark.parametrize("h", [0.5, 0.1, 0.03])
def test_angles_of_meshes_are_at_least_25_degrees_or_those_of_sharp_corners(points, h):
    domain = Polygon(points)
    mesh = mesh_of(domain, h)
    found = angles(mesh.p.T[mesh.t.T])
    previous, following = (np.roll(points, k, axis=0) - np.array(points) for k in (1, -1))
    sharp = angles(np.stack([np.array(points), np.array(points) + previous, np.array(points) + following], axis=1))[:, 0]
    sharpest = min(25.0, float(sharp.min()))
    assert found.min() > 0.99 * sharpest  # a refinement cannot improve the cells at a sharp corner
    assert np.quantile(found.min(axis=1), 0.1) > min(25.0, 2 * sharpest)
    edges = np.linalg.norm(mesh.p[:, mesh.facets[0]] - mesh.p[:, mesh.facets[1]], axis=0)
    assert edges.max() < 2 * h


def test_sides_are_named_in_the_order_of_the_points_in_both_orientations():
    for points in (L_SHAPE, L_SHAPE[::-1]):
        domain, b = Polygon(points), Polygon(points).boundary(600, stream(0, "test"))
        assert domain.part_names == tuple(f"edge-{k}" for k in range(1, 7))
        for k, (start, end) in enumerate(zip(points, points[1:] + points[:1], strict=True)):
            x = b.x[b.parts == k]
            along = np.array(end) - start
            assert float(b.weights[b.parts == k].sum()) == pytest.approx(np.linalg.norm(along), rel=1e-14)
            place = (x.numpy() - start) @ along / (along @ along)
            np.testing.assert_allclose(np.array(start) + place[:, None] * along, x, rtol=0, atol=1e-15)
            assert (place >= 0).all() and (place <= 1).all()


@pytest.mark.parametrize(
    ("points", "hint"),
    [
        (SQUARE[:2], "at least three corners of a polygon, got 2"),
        ([*SQUARE, (0, 0)], r"points 1 and 5 are the same, \(0, 0\)"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "edge-1 and edge-3 of the polygon cross or touch"),
        ([(0, 0), (2, 0), (2, 2), (1, 0), (0, 2)], "edge-1 and edge-4 .* touch"),  # a corner on a side
        ([(0, 0), (2, 0), (1, 0), (1, 1)], "cross or touch"),  # a side that runs back
        ([(0, 0), (1, 0), (2, 0)], "cross or touch"),  # zero area
        ([(0, 0), (1, 0), (0, math.nan)], "finite"),
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0)], "two coordinates each"),
    ],
)
def test_points_that_form_no_simple_polygon_are_refused_in_one_sentence(points, hint):
    with pytest.raises(ProblemFileError, match=hint) as refusal:
        Polygon(points)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 250


def test_corners_on_a_straight_line_are_valid():
    assert Polygon([(0, 0), (0.5, 0), (1, 0), (1, 1), (0, 1)]).measure == 1.0


def test_the_polygon_of_a_box_equals_the_box():
    box, polygon = Box((0.0, 0.0), (1.0, 1.0)), Polygon(SQUARE)
    x = 3 * torch.rand(1000, 2, generator=stream(0, "test"), dtype=torch.float64) - 1
    assert torch.equal(polygon.contains(x), box.contains(x))
    inside = x[box.contains(x)]
    for derivative in ("__call__", "gradient", "laplacian"):  # sums of products of numbers up to 16
        torch.testing.assert_close(
            getattr(polygon.distance(), derivative)(inside), getattr(box.distance(), derivative)(inside), rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("n", [3, 4, 5, 8])
def test_coordinates_and_liftings_of_convex_polygons_reproduce_linear_functions(n):
    """Wachspress coordinates sum to 1 and have linear precision; in the lifting of a linear function the other terms cancel."""
    points = turned([((1 + 0.2 * (k % 2)) * math.cos(2 * math.pi * k / n), math.sin(2 * math.pi * k / n)) for k in range(n)], 0.3)
    domain = Polygon(points)
    x = domain.interior(200, stream(0, "test")).x
    shares = torch.stack(domain._convex_polygon.coordinates(x), dim=1)
    assert bool((shares > 0).all())
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(200).double(), rtol=1e-13, atol=0)
    torch.testing.assert_close(shares @ torch.tensor(points, dtype=torch.float64), x, rtol=0, atol=1e-13)
    lifting = domain.lifting(CallableField(lambda x: 2 + x[:, 0] - 3 * x[:, 1]))
    torch.testing.assert_close(lifting(x), 2 + x[:, 0] - 3 * x[:, 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [3, 5])
def test_liftings_of_convex_polygons_have_bounded_derivatives_at_corners(n):
    points = [(math.cos(2 * math.pi * k / n), math.sin(2 * math.pi * k / n)) for k in range(n)]
    lifting = Polygon(points).lifting(CallableField(lambda x: (x[:, 0] - 2 * x[:, 1]).exp()))
    corner = torch.tensor(points[0], dtype=torch.float64)
    sizes = [float(lifting.hessian(((1 - r) * corner)[None]).abs().max()) for r in (1e-2, 1e-3, 1e-4)]
    assert max(sizes) < 1.2 * min(sizes)


def test_a_straight_corner_does_not_change_the_slope_of_the_distance():
    flat, square = Polygon([(0, 0), (0.5, 0), (1, 0), (1, 1), (0, 1)]), Polygon(SQUARE)
    for domain in (flat, square):
        slope = domain.distance().gradient(torch.tensor([[0.25, 1e-6]], dtype=torch.float64))
        assert float(slope[0, 1]) > 0.5


@pytest.mark.parametrize("points", [L_SHAPE, FINE_CIRCLE], ids=["l", "fine"])
def test_second_derivatives_of_the_distance_stay_bounded_at_corners(points):
    """Those of the mean value distance grow like 1 / r."""
    domain = Polygon(points)
    distance, corner = domain.distance(), torch.tensor(points[0], dtype=torch.float64)
    inward = torch.tensor([-1.0, 0.3], dtype=torch.float64)
    sizes = [float(distance.hessian((corner + r * inward)[None]).abs().max()) for r in (1e-3, 1e-4, 1e-5)]
    assert distance.smoothness == 2 and max(sizes) < 1.5 * min(sizes)
    # the maximum is about 1: the product with a network has the size of the network
    assert 0.7 < float(distance(domain.interior(2000, stream(0, "test")).x).max()) < 1.3


def test_parts_of_a_polygon_may_be_any_hole_and_have_any_condition():
    for base, hole in ((Polygon(L_SHAPE), Ball((-0.5, 0.5), 0.2)), (Ball((0.0, 0.0), 2.0), Polygon(L_SHAPE))):
        domain = WithHoles(base, (hole,))
        assert domain.measure == pytest.approx(base.measure - hole.measure, rel=1e-14)
        q = domain.quadrature(4000)
        every, less = base.quadrature(40_000), hole.quadrature(40_000)
        expected = every.weights @ every.x.sum(1).exp() - less.weights @ less.x.sum(1).exp()
        assert float(q.weights @ q.x.sum(1).exp()) == pytest.approx(float(expected), rel=1e-7)


@pytest.mark.parametrize(
    "hole", [Polygon([(-0.9, -0.9), (-0.1, -0.9), (0.2, 0.1)]), Polygon(turned(L_SHAPE, 0.1)), Ball((0.1, 0.1), 0.2)]
)
def test_a_hole_outside_a_polygon_is_named(hole):
    with pytest.raises(ProblemFileError, match=r"hole-1 \(\w+ at .*\) leaves the domain or touches its boundary"):
        WithHoles(Polygon(L_SHAPE), (hole,))


def test_holes_that_touch_a_polygon_are_named():
    first, second = Polygon([(-0.8, -0.8), (-0.2, -0.8), (-0.2, -0.2)]), Ball((-0.3, -0.6), 0.05)
    with pytest.raises(ProblemFileError, match=r"hole-1 .* and hole-2 .* touch"):
        WithHoles(Polygon(L_SHAPE), (first, second))
    assert len(WithHoles(Polygon(L_SHAPE), (first, Ball((-0.8, 0.8), 0.1))).holes) == 2


def right_isosceles_series(x, y, terms=200):
    """-lap u = 1 in 0 < y < x < 1, u = 0 on the boundary: eigenfunctions of the square that are odd in the line y = x."""
    pi, u, integral = math.pi, 0.0, 0.0

    def half(m, n):
        """The integral of sin(m pi x) sin(n pi y) over the triangle."""
        mixed = 2 * m / (pi * (m * m - n * n)) if (m + n) % 2 else 0.0
        return ((1 - (-1) ** m) / (m * pi) - mixed) / (n * pi)

    for m in range(2, terms):
        for n in range(1, m):
            load = half(m, n) - half(n, m)
            c = 4 * load / (pi * pi * (m * m + n * n))  # the eigenfunction has the squared norm 1 / 4
            u += c * (math.sin(m * pi * x) * math.sin(n * pi * y) - math.sin(n * pi * x) * math.sin(m * pi * y))
            integral += c * load
    return u, integral


def test_torsion_of_a_right_isosceles_triangle():
    """The torsional constant is 0.0261 a^4 (Roark's Formulas for Stress and Strain, table 10.1), four times the integral of u."""
    text = '[domain]\nkind = "polygon"\npoints = [[0, 0], [1, 0], [1, "a"]]\n[parameters]\na = 1\n'
    problem = problem_from_text(text + '[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n')
    solution = solved(problem, cells=24, element="P2")
    u, integral = right_isosceles_series(0.6, 0.3)
    assert 4 * integral == pytest.approx(0.0261, abs=5e-5)
    q = problem.domain.quadrature(20_000)
    assert float(q.weights @ solution(q.x)) == pytest.approx(integral, rel=2e-5)
    assert float(solution(torch.tensor([[0.6, 0.3]], dtype=torch.float64))) == pytest.approx(u, rel=2e-4)


@pytest.mark.parametrize(("element", "order"), [("P1", 2), ("P2", 3)])
def test_finite_elements_have_their_orders_of_convergence(element, order):
    """Smooth u on an L with a re-entrant corner and fluxes on two sides; the meshes are not nested, so the order is fitted."""
    text = (
        f'[domain]\nkind = "polygon"\npoints = {[list(p) for p in L_SHAPE]}\n[equation]\nexact = "sin(2*x)*exp(y) + x*y^2"\n'
        '[[boundary.part]]\nname = "edge-1"\nkind = "robin"\nalpha = "1"\n[[boundary.part]]\nname = "edge-3"\nkind = "robin"\n'
        "[[boundary.part]]\n"
    )
    cells = np.array([6, 12, 24, 48])
    errors = [error(problem_from_text(text), cells=int(n), element=element) for n in cells]
    slope = -np.polyfit(np.log(cells), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.2)


def test_a_polygon_agrees_with_the_box_to_the_discretization_error():
    rest = '[equation]\nexact = "sin(pi*x)*sin(2*pi*y)"\n'
    square = '[domain]\nkind = "polygon"\npoints = [[0, 0], [1, 0], [1, 1], [0, 1]]\n'
    box = '[domain]\nkind = "box"\nlower = [0, 0]\nupper = 1\n'
    errors = [error(problem_from_text(each + rest), cells=32) for each in (square, box)]
    assert 0.3 < errors[0] / errors[1] < 1.2


@pytest.mark.parametrize(
    "method",
    [
        "fem:cells=12",
        "fem:refinement=adaptive",
        "deep-ritz:number=100",
        "mscale:number=100",
        "pinn:number=100",
        "pinn:boundary=penalty,number=100",
        "gauss-newton:number=100",
    ],
)
@pytest.mark.parametrize("points", [TRIANGLE, L_SHAPE], ids=["triangle", "l"])
def test_methods_solve_on_polygons(method, points):
    """After a few steps u is finite; built-in boundary values are exact."""
    name, options = split_options(method)
    problem = Problem(domain=Polygon(points), source=1.0, boundary=0.0)
    solver = make_solver(name, options)
    iteration = solver.prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    for _ in range(3):
        state = iteration.step(state)
    x, edge = problem.domain.interior(50, stream(0, "test")).x, problem.domain.boundary(50).x
    u, values = (state.space.at(each).value(state.coefficients) for each in (x, edge))
    assert bool(u.isfinite().all()) and float(u.abs().max()) > 0
    if "penalty" not in method:
        assert float(values.abs().max()) < 1e-12


def test_nonconstant_values_need_a_convex_polygon_for_built_in_values_of_a_strong_residual():
    """Nearest points on sides have kinks: an energy admits such a lifting, a strong residual requires a penalty."""
    prepared = {"seed": 0, "device": torch.device("cpu"), "dtype": torch.float64}
    boundary = BoundaryPart("dirichlet", value=ExpressionField(Symbol("x") ** 2, 2))
    make_solver("pinn").prepare(Problem(domain=Polygon(TRIANGLE), source=1.0, boundary=(boundary,)), **prepared)
    problem = Problem(domain=Polygon(L_SHAPE), source=1.0, boundary=(boundary,))
    make_solver("deep-ritz").prepare(problem, **prepared)
    with pytest.raises(IncompatibleError, match="boundary=penalty"):
        make_solver("pinn:boundary=hard").prepare(problem, **prepared)


def test_a_lifting_tends_to_the_boundary_values_at_each_side():
    domain = Polygon(COMB)
    lifting, b = domain.lifting(CallableField(lambda x: x[:, 0].exp() * x[:, 1])), domain.boundary(500)
    inner = b.x - 1e-5 * b.normals
    assert float((lifting(inner) - b.x[:, 0].exp() * b.x[:, 1]).abs().max()) < 1e-3


def test_a_corner_too_sharp_for_meshing_is_refused():
    with pytest.raises(ProblemFileError, match="angle at corner 1"):
        Polygon(((0.0, 0.0), (1.0, 0.0), (0.5, 1e-9)))

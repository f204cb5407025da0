"""Laws of every registered domain. The tests of each kind contain closed forms and refusals."""

import math

import numpy as np
import pytest
import torch

from pdefreq.core.content import decode, encode
from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.streams import stream
from pdefreq.domains import DOMAINS as KINDS
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshes.meshing import mesh_of, refined
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring
from pdefreq.problem.expressions import ExpressionField
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.files import problem_directories
from pdefreq.problem.files.domains import read_domain
from pdefreq.problem.toml_tables import Files, TomlTable

SQUARE, CUBE = Box((-1.0, -1.0), (1.0, 1.0)), Box((-1.0,) * 3, (1.0,) * 3)
PERFORATED = WithHoles(
    SQUARE,
    (Ball((-0.6, -0.6), 0.3), Ball((0.3, -0.3), 0.6), Ball((0.6, 0.6), 0.3), Ellipse((-0.5, 0.5), (0.25, 0.125))),
)
STAR = Polygon([(math.cos(t) * r, math.sin(t) * r + 2) for t, r in zip(np.arange(10) * np.pi / 5, [1.0, 0.4] * 5, strict=True)])


def example(kind):
    """The domain that a problem file of this kind describes."""
    values = {"kind": kind, **KINDS.load(kind).example}
    return read_domain(TomlTable(values, "domain", Scope()), Files(problem_directories()[-1].joinpath))


DOMAINS = {
    **{kind: example(kind) for kind in KINDS},
    "interval": Ball((1.0,), 2.0),
    "disk": Ball((3.0, -1.0), 0.5),
    "ball": Ball((0.0, 1.0, 2.0), 2.0),
    "ball-5d": Ball((0.5,) * 5, 1.5),
    "ring": Ring((0.5, 0.0), 1.0, 3.0),
    "shell": Ring((0.0, 0.0, 1.0), 1.0, 2.0),
    "ellipse": Ellipse((1.0, 2.0), (0.25, 2.0)),
    "perforated": PERFORATED,
    "perforated-ring": WithHoles(Ring((0.0, 0.0), 1.0, 3.0), (Box((1.2, -0.5), (2.0, 0.5)), Ball((-2.0, 0.0), 0.5))),
    "perforated-ellipse": WithHoles(Ellipse((0.0, 0.0), (2.0, 1.0)), (Ellipse((1.0, 0.0), (0.3, 0.6)),)),
    "perforated-cube": WithHoles(CUBE, (Ball((0.5, 0.5, 0.5), 0.3), Box((-0.5,) * 3, (0.0, -0.2, -0.1)))),
    "triangle": Polygon([(0, 0), (0, 1), (1, 0)]),  # clockwise
    "star": STAR,
    "perforated-star": WithHoles(STAR, (Ball((0.1, 2.0), 0.2), Polygon([(-0.3, 1.9), (-0.2, 2.1), (-0.2, 1.9)]))),
    "line-mesh": MeshDomain(mesh_of(Box((0.0,), (2.0,)), 0.3)),
    "triangle-mesh": MeshDomain(mesh_of(Ring((0.0, 0.0), 0.5, 1.0), 0.25)),
    "tetrahedron-mesh": MeshDomain(mesh_of(Ball((0.0, 0.0, 0.0), 1.0), 0.5)),
}
domains = pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS.keys())


def draw(purpose="test"):
    return stream(0, purpose)


@domains
def test_equal_domains_have_equal_keys(domain):
    assert {domain: 1}[domain] == 1 and domain.measure > 0


@domains
def test_a_domain_is_recreated_from_its_content(domain):
    assert decode(encode(domain)) == domain


@domains
def test_bounds_are_the_smallest_enclosing_box(domain):
    x = torch.cat([domain.boundary(20_000).x, torch.tensor(domain.corners, dtype=torch.float64).reshape(-1, domain.dimension)])
    lower, upper = (torch.tensor(bound, dtype=torch.float64) for bound in domain.bounds)
    assert bool((x >= lower - 1e-12).all() and (x <= upper + 1e-12).all())
    # the first Gauss point lies 0.013 of its panel from the end, and there are at least ten points per panel
    reach = 0.05 if domain.dimension < 4 else 0.7
    assert float(torch.maximum(x.amin(0) - lower, upper - x.amax(0)).div(upper - lower).max()) < reach


@domains
def test_normals_are_formulas_of_the_coordinates(domain):
    """Except on parts with several formulas, such as a hole that is a polygon, and on unnamed boundaries."""
    b = domain.boundary(40 * len(domain.part_names))
    for k, name in enumerate(domain.part_names):
        formulas, x, n = domain.normal(name), b.x[b.parts == k], b.normals[b.parts == k]
        if formulas is None:
            assert float((n - n[0]).abs().max()) > 0.1
            continue
        found = torch.stack([ExpressionField(f, domain.dimension)(x) for f in formulas], dim=1)
        torch.testing.assert_close(found, n, rtol=0, atol=1e-12)


@domains
def test_meshes_name_each_part_and_their_vertices_lie_on_the_parts(domain):
    """Also after a refinement. Domains that need gmsh are refused if it is not installed."""
    try:
        mesh = mesh_of(domain, 0.4 * domain.measure ** (1 / domain.dimension))
    except IncompatibleError as refusal:
        assert "gmsh" in str(refusal) or domain.dimension > 3
        return
    for each in (mesh, refined(mesh, domain)):
        assert set(each.boundaries) <= set(domain.part_names)
        parts = domain.parts_of_facets(each)
        assert len(parts) == len(each.boundary_facets()) and set(parts.tolist()) == set(range(len(domain.part_names)))
        facets = each.boundary_facets() if each.dim() == 1 else each.facets[:, each.boundary_facets()]
        vertices = torch.from_numpy(each.p.T[np.unique(facets)])
        assert float(domain.distance()(vertices).abs().max()) < 1e-12


@domains
def test_gauss_points_integrate_polynomials(domain):
    """By the divergence theorem, the integral of x_k^2 is that of x_k^3 n_k / 3 over the boundary."""
    if domain.dimension > 3:
        return
    q, b = domain.quadrature(20_000), domain.boundary(20_000)
    edge = (b.weights @ (b.x**3 * b.normals)) / 3
    # a three-dimensional domain with holes uses Sobol points, with an error of about 1 / 20000
    rtol = 1e-3 if isinstance(domain, WithHoles) and domain.dimension == 3 else 1e-9
    torch.testing.assert_close(q.weights @ q.x**2, edge, rtol=rtol, atol=rtol)


@domains
@pytest.mark.parametrize("n", [1, 60, 1500])
def test_weights_sum_to_the_measure_and_points_lie_in_the_domain(domain, n):
    for samples in (domain.quadrature(n), domain.interior(n, draw()), domain.interior(n, draw(), sobol=True)):
        # rel: the sum of a few thousand positive doubles
        assert float(samples.weights.sum()) == pytest.approx(domain.measure, rel=1e-12)
        assert samples.x.shape == (len(samples.weights), domain.dimension) and samples.x.dtype == torch.float64
        assert bool((samples.weights > 0).all() & domain.contains(samples.x).all())
    assert len(domain.interior(n, draw()).x) == n


@domains
def test_the_divergence_theorem(domain):
    """The integral of x.n over the boundary is d times the measure: tests weights, normals and points together."""
    b = domain.boundary(4000)
    flux = ((b.x * b.normals).sum(1) * b.weights).sum()
    # rel: product rules on spheres are exact, and so is the trapezoidal rule with 100 points on these ellipses
    assert float(flux) == pytest.approx(domain.dimension * domain.measure, rel=1e-11)
    torch.testing.assert_close(b.normals.norm(dim=1), torch.ones(len(b.x), dtype=torch.float64), rtol=0, atol=1e-13)
    # the integral of n vanishes on every closed surface
    torch.testing.assert_close(b.weights @ b.normals, torch.zeros(domain.dimension).double(), rtol=0, atol=1e-11 * domain.measure)


@domains
def test_boundary_points_lie_on_named_parts_and_random_points_have_the_same_total_weight(domain):
    fixed, random = domain.boundary(2000), domain.boundary(2000, draw())
    for k in range(len(domain.part_names)):
        sizes = [float(b.weights[b.parts == k].sum()) for b in (fixed, random)]
        # a mesh picks random facets by size, so a part's share is binomial: 5 standard deviations, each below 1 / sqrt(4 n)
        assert sizes[1] == pytest.approx(
            sizes[0], rel=1e-12, abs=0.06 * sum(fixed.weights.tolist()) if hasattr(domain, "mesh") else 0
        )
    for b in (fixed, random):
        assert set(b.parts.tolist()) == set(range(len(domain.part_names)))
        assert bool(domain.contains(b.x).all())


@domains
def test_steps_along_outward_normals_leave_the_domain(domain):
    b = domain.boundary(300, draw())
    step = 1e-6
    assert not bool(domain.contains(b.x + step * b.normals).any())
    assert bool(domain.contains(b.x - step * b.normals).all())


@domains
def test_the_distance_is_zero_on_the_boundary_and_positive_inside(domain):
    distance = domain.distance()
    b, inside = domain.boundary(200, draw()), domain.interior(400, draw()).x
    # absolute: rounding of quadratic forms of coordinates of size 3
    torch.testing.assert_close(distance(b.x), torch.zeros(len(b.x)).double(), rtol=0, atol=1e-13)
    assert bool((distance(inside) > 0).all())


@domains
def test_the_distance_decreases_along_the_normal(domain):
    """Its gradient at the boundary is a negative multiple of the normal, by one-sided differences from inside."""
    distance, b, step = domain.distance(), domain.boundary(100, draw()), 1e-6
    inner = b.x - step * b.normals
    slope = distance(inner) / step
    assert bool((slope > 0).all())
    gradient = distance.gradient(inner)
    aligned = (gradient * b.normals).sum(1) / gradient.norm(dim=1)
    # 1 - cos of the angle is half the square of step / radius of curvature (for a mesh: distance to the edge of the facet)
    near_edges = torch.quantile(aligned, 0.9) if hasattr(domain, "mesh") else aligned.max()
    assert float(near_edges) < -1 + 1e-6


@domains
def test_the_gradient_of_the_distance_is_its_derivative(domain):
    distance, x, step = domain.distance(), domain.interior(20, draw()).x, 1e-5
    for k in range(domain.dimension):
        shift = step * torch.eye(domain.dimension, dtype=torch.float64)[k]
        slope = (distance(x + shift) - distance(x - shift)) / (2 * step)
        # central differences: step^2 times a third derivative, 1/r^3 near small holes and facets, plus 1e-16 / step
        torch.testing.assert_close(distance.gradient(x)[:, k], slope, rtol=1e-4, atol=1e-5)


@domains
def test_random_points_are_uniform(domain):
    """Their mean and their mean squared distance from it agree with the quadrature; Sobol points are closer."""
    n, q = 4096, domain.quadrature(20_000)
    centroid = q.weights @ q.x / domain.measure
    for moment in (lambda x: x - centroid, lambda x: (x - centroid).square().sum(dim=1, keepdim=True)):
        mean = q.weights @ moment(q.x) / domain.measure
        deviation = (q.weights @ (moment(q.x) - mean).square() / domain.measure).sqrt()
        for sobol, sigmas in ((False, 5.0), (True, 1.0)):  # Sobol: a fifth of the Monte Carlo bound, far above its typical error
            # quadrature of a 3-D domain with holes uses Sobol points, too: its error is far below 1 / sqrt(4096)
            gap = moment(domain.interior(n, draw(), sobol=sobol).x).mean(dim=0) - mean
            assert bool((gap.abs() < sigmas * deviation / math.sqrt(n)).all())


@domains
def test_equal_streams_give_equal_points_and_different_streams_different_points(domain):
    assert torch.equal(domain.interior(50, draw()).x, domain.interior(50, draw()).x)
    assert not torch.equal(domain.interior(50, draw()).x, domain.interior(50, draw("other")).x)
    assert torch.equal(domain.boundary(50, draw()).x, domain.boundary(50, draw()).x)


@domains
def test_single_precision_is_kept_and_points_stay_inside(domain):
    x = domain.boundary(100).x.float()
    assert domain.distance()(x).dtype == torch.float32
    if not hasattr(domain, "mesh"):  # a mesh searches in double precision: a rounded point may lie outside
        assert bool(domain.contains(x).all())


@domains
def test_a_lifting_equals_the_boundary_values_and_evaluates_them_only_on_the_boundary(domain):
    """In the interior, the data of a manufactured problem would give the solution away."""
    assert domain.lifting(ConstantField(2.0)).constant == 2.0
    distance, seen = domain.distance(), []

    def g(x):
        seen.append(x.detach())
        return x.square().sum(dim=1)

    if domain.dimension > 2 and hasattr(domain, "mesh"):
        with pytest.raises(IncompatibleError, match="penalty"):
            domain.lifting(CallableField(g))
        return
    lifting = domain.lifting(CallableField(g))
    b, inside = domain.boundary(50).x, domain.interior(200, draw()).x
    # absolute: rounding of squares of coordinates of size 3
    torch.testing.assert_close(lifting(b), b.square().sum(dim=1), rtol=0, atol=1e-12)
    assert bool(lifting(inside).isfinite().all() & lifting.gradient(inside).isfinite().all())
    assert float(distance(torch.cat(seen)).abs().max()) < 1e-12

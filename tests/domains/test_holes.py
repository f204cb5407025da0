import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.geometry.convex import Convex, are_disjoint
from pdefreq.domains.geometry.solids import Solids
from pdefreq.domains.holes import WithHoles, holes_from_csv
from pdefreq.domains.ring import Ring
from pdefreq.problem.files import load_problem

SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
UNIT = Ball((0.0, 0.0), 1.0)


def hole(x, y, a, b):
    return Ellipse((x, y), (a, b))


def test_measure_and_parts_of_the_second_domain_of_the_paper():
    """Liu, Cai, Xu (2020), section 6.1.3: three circles and 16 (x + .5)^2 + 64 (y - .5)^2 = 1, which do not intersect."""
    domain = WithHoles(
        SQUARE, (Ball((-0.6, -0.6), 0.3), Ball((0.3, -0.3), 0.6), Ball((0.6, 0.6), 0.3), hole(-0.5, 0.5, 0.25, 0.125))
    )
    assert domain.measure == pytest.approx(4 - math.pi * (0.09 + 0.36 + 0.09 + 0.03125), rel=1e-15)
    assert domain.part_names == ("x-min", "x-max", "y-min", "y-max", "hole-1", "hole-2", "hole-3", "hole-4")
    b = domain.boundary(800)
    lengths = [float(b.weights[b.parts == k].sum()) for k in range(8)]
    expected = [2, 2, 2, 2, 0.6 * math.pi, 1.2 * math.pi, 0.6 * math.pi, hole(0, 0, 0.25, 0.125).perimeter]
    assert lengths == pytest.approx(expected, rel=1e-12)


def test_quadrature_converges_geometrically():
    """Integral of e^(x + y) over a square minus that over a disk, which is a Bessel function."""
    from scipy.special import iv

    domain, r = WithHoles(SQUARE, (Ball((0.2, -0.1), 0.4),)), 0.4
    disk = math.exp(0.2 - 0.1) * 2 * math.pi * r / math.sqrt(2) * iv(1, math.sqrt(2) * r)  # of e^(x + y): |grad| = sqrt(2)
    exact = (math.e - 1 / math.e) ** 2 - disk
    errors = []
    for m in (4, 8, 16):
        q = domain.quadrature(4 * m * m)  # four strips of Gauss points
        assert len(q.x) == 4 * m * m
        errors.append(abs(float((q.weights * q.x.sum(dim=1).exp()).sum()) - exact) / exact)
    assert errors[1] < 1e-2 * errors[0] and errors[2] < 1e-12


@given(st.lists(st.tuples(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9), st.floats(0.02, 0.3)), min_size=1, max_size=6))
def test_random_holes_either_touch_and_are_refused_or_leave_the_correct_area(holes):
    balls = tuple(Ball((x, y), r) for x, y, r in holes)
    leaves = any(max(abs(x), abs(y)) + r >= 1 - 1e-9 for x, y, r in holes)
    touch = any(math.dist(p[:2], q[:2]) <= p[2] + q[2] + 1e-9 for i, p in enumerate(holes) for q in holes[:i])
    if leaves or touch:
        near = any(abs(max(abs(x), abs(y)) + r - 1) < 1e-8 for x, y, r in holes) or any(
            abs(math.dist(p[:2], q[:2]) - p[2] - q[2]) < 1e-8 for i, p in enumerate(holes) for q in holes[:i]
        )
        assume(not near)  # excludes cases that rounding decides
        with pytest.raises(ProblemFileError, match=r"hole-\d"):
            WithHoles(SQUARE, balls)
        return
    domain = WithHoles(SQUARE, balls)
    q = domain.quadrature(5000)
    area = 4 - math.pi * sum(r * r for _, _, r in holes)
    assert float(q.weights.sum()) == pytest.approx(area, rel=1e-12)
    assert bool(domain.contains(q.x).all())
    b = domain.boundary(300)
    assert float(((b.x * b.normals).sum(1) * b.weights).sum()) == pytest.approx(2 * area, rel=1e-10)
    middles = torch.tensor([p[:2] for p in holes], dtype=torch.float64)
    assert not bool(domain.contains(middles).any())


@pytest.mark.parametrize(
    ("base", "bad"),
    [
        (SQUARE, Ball((0.8, 0.0), 0.3)),
        (SQUARE, Ball((0.5, 0.0), 0.5)),  # touches the boundary
        (SQUARE, Ball((5.0, 0.0), 0.5)),  # outside
        (SQUARE, Box((-0.5, -0.5), (0.5, 1.0))),
        (SQUARE, hole(0.0, 0.95, 0.5, 0.1)),
        (UNIT, Ball((0.6, 0.6), 0.2)),
        (UNIT, Box((-0.8, -0.8), (0.0, 0.0))),  # its corner is outside
        (UNIT, hole(0.0, 0.7, 0.75, 0.1)),  # its ends are outside, although the ends of its axes are inside
        (Ellipse((0.0, 0.0), (2.0, 1.0)), Ball((1.5, 0.0), 0.6)),  # inside in x and in y separately, but not in between
        (Ring((0.0, 0.0), 1.0, 3.0), Ball((0.0, 0.0), 0.5)),  # in the hole of the ring
        (Ring((0.0, 0.0), 1.0, 3.0), Ball((1.5, 0.0), 0.5)),  # touches the hole of the ring
    ],
)
def test_a_hole_outside_the_domain_is_named(base, bad):
    with pytest.raises(ProblemFileError, match=r"hole-1 \(\w+ at .*\) leaves the domain or touches its boundary"):
        WithHoles(base, (bad,))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Ball((-0.3, 0.0), 0.2), Ball((0.1, 0.0), 0.2)),  # touch in one point
        (Ball((0.0, 0.0), 0.5), Ball((0.1, 0.0), 0.1)),  # nested
        (Box((-0.5, -0.5), (0.0, 0.0)), Box((0.0, -0.5), (0.5, 0.0))),
        (Box((0.0, 0.0), (0.5, 0.5)), Ball((-0.1, -0.1), 0.15)),  # overlap at a corner
        (hole(-0.4, 0.0, 0.5, 0.1), hole(0.4, 0.0, 0.4, 0.1)),
        (hole(0.0, 0.0, 0.8, 0.1), hole(0.0, 0.5, 0.1, 0.45)),
        (hole(-0.2, 0.2, 0.4, 0.2), Box((0.05, -0.2), (0.4, 0.05))),
    ],
)
def test_touching_holes_are_named(first, second):
    with pytest.raises(ProblemFileError, match=r"hole-2 .* and hole-3 .* touch"):
        WithHoles(SQUARE, (Ball((-0.8, -0.8), 0.05), first, second))


@pytest.mark.parametrize(
    "holes",
    [
        (Ball((-0.3, 0.0), 0.2), Ball((0.1, 0.0), 0.2 - 1e-9)),
        (Box((0.0, 0.0), (0.5, 0.5)), Ball((-0.1, -0.1), 0.1414)),  # less than the distance to the corner
        (hole(-0.4, 0.0, 0.4, 0.1), hole(0.4, 0.0, 0.4 - 1e-9, 0.1)),
        (hole(-0.4, 0.3, 0.5, 0.05), hole(0.4, -0.3, 0.5, 0.05)),  # disjoint bounding boxes
        (hole(0.0, 0.0, 0.6, 0.05), Ball((0.5, 0.5), 0.4)),  # overlapping bounding boxes
    ],
)
def test_holes_with_small_gaps_are_valid(holes):
    assert WithHoles(SQUARE, holes).measure == pytest.approx(4 - sum(h.measure for h in holes))


@given(st.floats(0.05, 3), st.floats(0.05, 3), st.floats(0, 2 * math.pi), st.floats(0.05, 1), st.floats(0.05, 1))
def test_ellipses_are_disjoint_until_they_touch(a, b, angle, c, d):
    """Two ellipses on opposite sides of a common tangent: slightly closer they touch, slightly farther apart they do not."""
    normal = np.array([math.cos(angle) / a, math.sin(angle) / b]) / math.hypot(math.cos(angle) / a, math.sin(angle) / b)
    point = np.array([a * math.cos(angle), b * math.sin(angle)])
    support = np.array([c * c, d * d]) * normal / math.hypot(c * normal[0], d * normal[1])
    first = Convex(np.array([0.0, 0.0]), np.array([a, b]), round=True)
    for gap in (-1e-7, 1e-7):
        second = Convex(point + support + gap * normal, np.array([c, d]), round=True)
        assert are_disjoint(first, second) == are_disjoint(second, first) == (gap > 0)


@given(st.floats(0.05, 3), st.floats(0.05, 3), st.floats(-2, 2), st.floats(-2, 2))
def test_the_farthest_point_of_an_ellipse_is_found(a, b, x, y):
    angle = np.linspace(0, 2 * np.pi, 20_001)
    squares = (x + a * np.cos(angle)) ** 2 + (y + b * np.sin(angle)) ** 2
    ellipse = Convex(np.array([x, y]), np.array([a, b]), round=True)
    # samples miss an extremum by step^2 / 8 times the second derivative, which is at most 2 (2 a^2 + 2 b^2 + |x| a + |y| b) < 100
    assert squares.max() - 1e-12 <= ellipse.farthest**2 <= squares.max() + 1.3e-6
    if math.hypot(x / a, y / b) > 1:
        assert squares.min() - 1.3e-6 <= ellipse.nearest**2 <= squares.min() + 1e-12


def test_the_level_function_of_a_box_has_the_right_sign_in_all_nine_regions():
    box = Solids.of([Convex(np.array([0.0, 2.0]), np.array([1.0, 2.0]), round=False)], 2)
    x = torch.cartesian_prod(torch.tensor([-2.0, 0.0, 2.0]), torch.tensor([-1.0, 2.0, 5.0]))
    assert (box.levels(x)[:, 0] < 0).tolist() == [False] * 4 + [True] + [False] * 4
    assert float(box.levels(x).min()) >= -1


def test_the_distance_is_below_that_of_the_base_and_tends_to_it_for_small_holes():
    """Reciprocals add: that of the hole is 2 r / (|x|^2 - r^2), times the distance scale of the square, 1/2."""
    x = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    base = float(SQUARE.distance()(x))
    for r in (0.5, 0.1, 0.001):
        value = float(WithHoles(SQUARE, (Ball((0.0, 0.0), r),)).distance()(x))
        assert 1 / value == pytest.approx(1 / base + 0.5 * 2 * r / (0.5 - r * r), rel=1e-14)


def test_many_holes_do_not_make_the_distance_tiny():
    """On a lattice of n x n small holes it decreases like the gap between them, not like a power of n^2."""
    medians = []
    for n in (4, 16):
        ticks = [-1 + (2 * k + 1) / n for k in range(n)]
        domain = WithHoles(SQUARE, tuple(Ball((x, y), 0.2 / n) for x in ticks for y in ticks))
        medians.append(float(domain.distance()(domain.interior(1000, stream(0, "test")).x).median()))
    assert medians[1] > medians[0] / 8  # the gap decreases by a factor of four


def test_a_cube_with_125_holes():
    """The shipped domain of section 6.1.4 of the same paper: holes on a lattice with radii from U[0, 0.15]."""
    domain = load_problem("cube-holes").domain
    assert len(domain.holes) == 125 and domain.part_names[-1] == "hole-125"
    radii = np.array([hole.radius for hole in domain.holes])
    np.testing.assert_array_equal(radii, np.random.default_rng(0).uniform(0, 0.15, 125).round(6))
    midpoints = np.array([hole.midpoint for hole in domain.holes])
    np.testing.assert_array_equal(np.unique(midpoints), [-0.8, -0.4, 0.0, 0.4, 0.8])
    assert domain.measure == pytest.approx(8 - 4 / 3 * math.pi * (radii**3).sum(), rel=1e-14)


def test_a_lifting_evaluates_boundary_values_only_at_nearby_holes():
    """With all 125 holes, 1e5 points would take 1e7 evaluations. The faces, edges and corners of the cube take 26 per point."""
    domain = load_problem("cube-holes").domain
    asked = []

    def g(x):
        asked.append(len(x))
        return x.sum(dim=1)

    domain.lifting(CallableField(g))(domain.interior(1000, stream(0, "test")).x)
    assert sum(asked) < 1000 * (26 + 4)


def test_a_lifting_is_continuous_where_the_set_of_nearby_holes_changes():
    """Difference quotients do not grow when the step is halved."""
    domain = load_problem("cube-holes").domain
    lifting = domain.lifting(CallableField(lambda x: x.sum(dim=1)))
    slopes = []
    for n in (2001, 4001):
        ticks = torch.linspace(-1, 1, n, dtype=torch.float64)
        line = torch.stack([ticks, torch.full_like(ticks, 0.2), 0.2 + 0 * ticks], dim=1)  # between the holes
        slopes.append(float(lifting(line).diff().abs().max() / ticks.diff()[0]))
    assert slopes[1] < 1.1 * slopes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no holes"),
        ("x,y,r\n", "lists no holes"),
        ("0,0,0.1\n0,0\n", "line 2: expected 2 coordinates and a radius, got '0,0'"),
        ("0,0,0.1\n0,a,0.2\n", "line 2: expected 2 coordinates"),
        ("0,0,0.1\n0.5,0,-1\n", "line 2: the radius of a ball must be above zero, got -1"),
        ("0,0,nan\n", "line 1: the radius"),
    ],
)
def test_bad_rows_of_a_file_are_named(tmp_path, text, message):
    path = tmp_path / "holes.csv"
    path.write_text(text)
    with pytest.raises(ProblemFileError, match=message) as refusal:
        holes_from_csv(path, 2)
    assert "\n" not in str(refusal.value)


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(ProblemFileError, match=r"can't read the holes in .*none.csv: no such file"):
        holes_from_csv(tmp_path / "none.csv", 2)
    (tmp_path / "image.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ProblemFileError, match="not a text file"):
        holes_from_csv(tmp_path / "image.csv", 2)


def test_a_hole_of_another_dimension_is_refused():
    with pytest.raises(ProblemFileError, match=r"hole-1 .* has dimension 3, but the domain has 2"):
        WithHoles(SQUARE, (Ball((0.0, 0.0, 0.0), 0.1),))

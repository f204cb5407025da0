"""Distance functions and liftings of parts of the boundary."""

import itertools

import pytest
import torch

from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.streams import stream
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.gaps import smallest_gap
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring

DISK = WithHoles(Ball((0.0, 0.0), 1.0), (Ball((0.3, 0.1), 0.25), Ball((-0.5, 0.0), 0.2)))
SQUARE = WithHoles(Box((-1.0, -1.0), (1.0, 1.0)), (Ball((0.3, 0.1), 0.25), Box((-0.6, -0.6), (-0.2, -0.4))))
L_SHAPE = Polygon(((0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)))
CASES = [
    (Box((0.0,), (2.0,)), ["x-min"]),
    (Box((0.0,), (2.0,)), ["x-min", "x-max"]),
    (Box((0.0, -1.0), (2.0, 1.0)), ["x-min"]),
    (Box((0.0, -1.0), (2.0, 1.0)), ["x-max", "y-min"]),
    (Box((0.0, -1.0), (2.0, 1.0)), ["x-max", "y-min", "y-max"]),
    (Box((0.0, -1.0, 1.0), (2.0, 1.0, 3.0)), ["x-max", "y-min", "z-min", "z-max"]),
    (Ring((0.5, 0.0), 1.0, 3.0), ["inner"]),
    (Ring((0.5, 0.0), 1.0, 3.0), ["outer"]),
    (Ring((0.5, 0.0, 1.0), 1.0, 3.0), ["inner", "outer"]),
    (Polygon(((0, 0), (2, 0), (3, 1), (1, 2))), ["edge-2"]),
    (Polygon(((0, 0), (2, 0), (3, 1), (1, 2))), ["edge-1", "edge-4"]),
    (Polygon(((0, 0), (2, 0), (3, 1), (1, 2))), ["edge-1", "edge-2", "edge-4"]),
    (L_SHAPE, [f"edge-{k}" for k in range(1, 7)]),
    (DISK, ["outer"]),
    (DISK, ["hole-1"]),
    (DISK, ["outer", "hole-2"]),
    (SQUARE, ["x-min", "hole-1", "hole-2"]),
    (SQUARE, ["x-min", "y-min", "hole-2"]),
]
IDS = [f"{domain.title}: {', '.join(parts)}" for domain, parts in CASES]


def wave(x):
    return (x * x.new_tensor([1.0, -2.0, 0.5][: x.shape[1]])).sum(dim=1).cos() + x[:, 0]


def on_parts(domain, parts, number=300):
    """Boundary points on the parts, their normals, and the points on the other parts."""
    edge = domain.boundary(number)
    mine = torch.tensor([domain.part_names[int(k)] in parts for k in edge.parts])
    return edge.x[mine], edge.normals[mine], edge.x[~mine], [domain.part_names[int(k)] for k in edge.parts[mine]]


@pytest.mark.parametrize(("domain", "parts"), CASES, ids=IDS)
def test_a_distance_function_vanishes_on_its_parts_only(domain, parts):
    assert domain.can_lift({part: ConstantField(float(k)) for k, part in enumerate(parts)})
    distance = domain.distance_from(parts)
    edge, normals, others, _ = on_parts(domain, parts)
    inside = domain.interior(300, stream(0, "test")).x
    assert float(distance(edge).abs().max()) < 1e-13  # products of numbers up to 3, of which one is a rounding error
    assert float(distance(inside).min()) > 0
    if len(others):
        assert float(distance(others).min()) > 0
    if domain is not L_SHAPE:  # whose function decreases like r^2 at corners
        slope = -(distance.gradient(edge) * normals).sum(dim=1)
        assert float(slope.min()) > 0
    h = 1e-5
    for axis in range(domain.dimension):
        step = h * torch.eye(domain.dimension, dtype=torch.float64)[axis]
        x = inside[distance(inside) > 0.01][:50]
        difference = (distance(x + step) - distance(x - step)) / (2 * h)
        torch.testing.assert_close(distance.gradient(x)[:, axis], difference, rtol=1e-5, atol=1e-6)  # h^2 times third derivatives


@pytest.mark.parametrize(("domain", "parts"), CASES, ids=IDS)
def test_a_lifting_equals_the_values_of_each_part_and_reads_them_on_it_only(domain, parts):
    seen = {part: [] for part in parts}

    def values(part):
        def g(x):
            seen[part].append(x.detach())
            return wave(x)

        return CallableField(g)

    lifting = domain.lifting_from({part: values(part) for part in parts})
    edge, *_ = on_parts(domain, parts)
    torch.testing.assert_close(lifting(edge), wave(edge), rtol=0, atol=1e-12)
    assert bool(lifting(domain.interior(300, stream(0, "test")).x).isfinite().all())
    for part in parts:
        x = torch.cat(seen[part])
        assert float(domain.distance_from([part])(x).abs().max()) < 1e-12 if domain is not L_SHAPE else True


@pytest.mark.parametrize(
    ("domain", "parts"),
    [case for case in CASES if isinstance(case[0], (Ring, WithHoles)) or (case[0].dimension == 1 and len(case[1]) > 1)],
)
def test_parts_that_do_not_meet_may_have_different_values(domain, parts):
    if any(isinstance(domain, WithHoles) and isinstance(domain.base, Box) for _ in parts):
        parts = [part for part in parts if not part.startswith("y")]
    values = {part: ConstantField(float(k)) for k, part in enumerate(parts, start=1)}
    lifting = domain.lifting_from(values)
    edge, _, _, names = on_parts(domain, parts)
    wanted = torch.tensor([values[name].constant for name in names], dtype=torch.float64)
    torch.testing.assert_close(lifting(edge), wanted, rtol=0, atol=1e-12)
    inside = lifting(domain.interior(300, stream(0, "test")).x)
    assert float(inside.min()) >= 1 - 1e-12 and float(inside.max()) <= len(parts) + 1e-12  # a weighted mean


def test_all_parts_with_one_function_give_the_functions_of_the_domain():
    g = CallableField(wave)
    for domain in (Box((0.0, -1.0), (2.0, 1.0)), Ring((0.5, 0.0), 1.0, 3.0), DISK, SQUARE, L_SHAPE, Ellipse((0, 0), (2, 1))):
        x, values = domain.interior(50, stream(0, "test")).x, dict.fromkeys(domain.part_names, g)
        assert torch.equal(domain.lifting_from(values)(x), domain.lifting(g)(x))
        assert torch.equal(domain.distance_from(domain.part_names)(x), domain.distance()(x))


def test_a_side_of_a_square_gives_the_solution_of_one_variable():
    square = Box((0.0, 0.0), (2.0, 1.0))
    x = square.interior(50, stream(0, "test")).x
    torch.testing.assert_close(square.distance_from(["x-max"])(x), (2 - x[:, 0]) / 2)
    torch.testing.assert_close(square.lifting_from({"x-max": CallableField(lambda x: x[:, 1] ** 2)})(x), x[:, 1] ** 2)
    ends = {"x-min": ConstantField(0.0), "x-max": ConstantField(1.0)}
    torch.testing.assert_close(square.lifting_from(ends)(x), x[:, 0] / 2)


def test_shapes_without_a_function_of_parts_refuse_them():
    one, two = ConstantField(1.0), ConstantField(2.0)
    assert not L_SHAPE.can_lift({"edge-1": one})
    assert L_SHAPE.can_lift({f"edge-{k}": (one, two)[k % 2] for k in range(1, 7)})
    assert not Box((0.0,), (1.0,)).can_lift({})
    assert not DISK.can_lift({})


@pytest.mark.parametrize(
    ("domain", "gap"),
    [
        (Box((0.0, 0.0), (2.0, 1.0)), 1.0),
        (Ring((0.0, 0.0), 1.0, 1.5), 0.5),
        pytest.param(WithHoles(Ball((0.0, 0.0), 1.0), (Ball((0.5, 0.0), 0.25),)), 0.25, marks=pytest.mark.slow),
        (WithHoles(Box((-1.0, -1.0), (1.0, 1.0)), (Ball((-0.3, 0.0), 0.2), Ball((0.3, 0.0), 0.3))), 0.1),
    ],
)
def test_the_smallest_gap(domain, gap):
    """The distance of 1000 points on each circle overestimates it by about s^2 / (8 gap) with the spacing s = 2e-3."""
    assert smallest_gap(domain) == pytest.approx(gap, rel=1e-3)


def test_many_holes_take_one_search():
    grid = itertools.product([-0.8, -0.4, 0.0, 0.4, 0.8], repeat=2)
    assert smallest_gap(WithHoles(Box((-1.0, -1.0), (1.0, 1.0)), tuple(Ball(place, 0.1) for place in grid))) == pytest.approx(
        0.1, rel=0.05
    )

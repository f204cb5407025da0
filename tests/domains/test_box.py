import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.shapes import axis_names
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box

BOXES = [Box((-1.0,), (1.0,)), Box((0.0, -2.0), (3.0, -0.5)), Box((-1.0, 0.0, 2.0), (1.0, 0.25, 5.0))]
boxes = pytest.mark.parametrize("box", BOXES, ids=lambda box: f"{box.dimension}d")
sides = st.tuples(st.floats(-10, 10), st.floats(0.1, 10))
any_box = st.lists(sides, min_size=1, max_size=3).map(lambda s: Box(tuple(a for a, _ in s), tuple(a + h for a, h in s)))


def draw(purpose="test"):
    return stream(0, purpose)


def area(box):
    return sum(2 * box.measure / length for length in box.lengths)


@given(any_box, st.integers(1, 400))
def test_weights_sum_to_the_measure(box, n):
    # rel: the sum of a few hundred positive doubles
    for samples in (box.quadrature(n), box.interior(n, draw()), box.interior(n, draw(), sobol=True)):
        assert float(samples.weights.sum()) == pytest.approx(box.measure, rel=1e-12)
        assert samples.x.shape == (len(samples.weights), box.dimension) and bool(box.contains(samples.x).all())
    for samples in (box.boundary(n), box.boundary(n, draw())):
        assert float(samples.weights.sum()) == pytest.approx(area(box), rel=1e-12)


@boxes
def test_quadrature_integrates_degree_19_exactly(box):
    for powers in itertools.product([0, 7, 18, 19], repeat=box.dimension):
        samples = box.quadrature(10**box.dimension)
        unit = (samples.x - torch.tensor(box.lower)) / torch.tensor(box.lengths)
        integral = float((samples.weights * (unit ** torch.tensor(powers)).prod(dim=1)).sum())
        exact = box.measure / math.prod(p + 1 for p in powers)
        assert integral == pytest.approx(exact, rel=1e-12)  # rounding of 10^d terms and of the 19th power of the nodes


def test_quadrature_does_not_integrate_degree_20_exactly():
    """With ten nodes the degree in the test above is sharp."""
    samples = BOXES[0].quadrature(10)
    assert abs(float((samples.weights * samples.x[:, 0] ** 20).sum()) - 2 / 21) > 1e-7


def test_more_panels_have_more_points_and_stay_exact():
    for n in (10, 11, 20, 95):
        samples = BOXES[0].quadrature(n)
        assert len(samples.x) == -(-n // 10) * 10
        assert float((samples.weights * samples.x[:, 0] ** 18).sum()) == pytest.approx(2 / 19, rel=1e-13)


@boxes
def test_boundary_quadrature_obeys_gauss_theorem(box):
    """int div v = int v . n for v = (x_k^3 + sum x) e_k: tests normals, weights and parts together."""
    edge, inside = box.boundary(10 ** (box.dimension - 1) * 2 * box.dimension), box.quadrature(10**box.dimension)
    for k in range(box.dimension):
        divergence = (inside.weights * (3 * inside.x[:, k] ** 2 + 1)).sum()
        outflow = (edge.weights * (edge.x[:, k] ** 3 + edge.x.sum(dim=1)) * edge.normals[:, k]).sum()
        assert float(outflow) == pytest.approx(float(divergence), rel=1e-12)


@boxes
@pytest.mark.parametrize("random", [False, True])
def test_boundary_points_lie_on_their_named_part(box, random):
    edge = box.boundary(60, draw() if random else None)
    assert box.part_names == tuple(f"{axis}-{end}" for axis in axis_names(box.dimension) for end in ("min", "max"))
    for i, name in enumerate(box.part_names):
        axis, end = axis_names(box.dimension).index(name[0]), name[2:]
        mine = edge.parts == i
        wall = box.lower[axis] if end == "min" else box.upper[axis]
        assert bool(mine.any()) and bool((edge.x[mine][:, axis] == wall).all())  # exact, because conditions compare with ==
        normal = torch.zeros(box.dimension, dtype=torch.float64)
        normal[axis] = 1 if end == "max" else -1
        assert bool((edge.normals[mine] == normal).all())


@boxes
def test_the_distance_vanishes_exactly_on_the_boundary_and_is_one_at_the_center(box):
    distance = box.distance()
    assert bool((distance(box.boundary(100).x) == 0).all())
    inside = distance(box.interior(1000, draw()).x)
    assert bool((inside > 0).all()) and bool((inside <= 1).all())
    middle = (torch.tensor([box.lower], dtype=torch.float64) + torch.tensor([box.upper], dtype=torch.float64)) / 2
    assert float(distance(middle)[0]) == pytest.approx(1, rel=1e-14)


@boxes
def test_the_gradient_of_the_distance_agrees_with_automatic_differentiation(box):
    distance = box.distance()
    x = torch.cat([box.interior(50, draw()).x, box.boundary(20).x]).requires_grad_(True)
    (theirs,) = torch.autograd.grad(distance(x).sum(), x)
    # A gradient has the size 1 / side length; rounding of products of differences.
    torch.testing.assert_close(distance.gradient(x.detach()), theirs, rtol=1e-12, atol=1e-12)


@boxes
def test_the_lifting_equals_the_data_on_the_boundary(box):
    g = CallableField(lambda x: torch.sin(3 * x.sum(dim=1)) + x.prod(dim=1) ** 2)
    edge = box.boundary(200, draw()).x
    scale = float(g(edge).abs().max())
    # 3^d - 1 terms of the size of g sum to g.
    torch.testing.assert_close(box.lifting(g)(edge), g(edge), rtol=0, atol=3**box.dimension * 1e-15 * scale)


@boxes
def test_the_lifting_reproduces_multilinear_functions(box):
    g = CallableField(lambda x: (1 + 0.5 * x).prod(dim=1) + x.sum(dim=1))
    x = box.interior(50, draw()).x
    torch.testing.assert_close(box.lifting(g)(x), g(x), rtol=1e-13, atol=1e-13)
    assert box.lifting(ConstantField(2.0)) == ConstantField(2.0)


def test_the_lifting_can_be_differentiated():
    box = BOXES[1]
    lift = box.lifting(CallableField(lambda x: x[:, 0] ** 2 * x[:, 1]))
    x = box.interior(10, draw()).x
    h = 1e-6
    for k in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[k] = h
        # central differences: truncation error h^2, rounding error 1e-16 / h
        torch.testing.assert_close(lift.gradient(x)[:, k], (lift(x + step) - lift(x - step)) / (2 * h), rtol=1e-7, atol=1e-8)


@boxes
def test_random_points_are_uniform_in_the_box(box):
    """The mean of n uniform points is the center within five standard errors; Sobol points are closer."""
    n = 4096
    center = (torch.tensor(box.lower, dtype=torch.float64) + torch.tensor(box.upper, dtype=torch.float64)) / 2
    lengths = torch.tensor(box.lengths, dtype=torch.float64)
    error = lengths / math.sqrt(12 * n)
    assert bool(((box.interior(n, draw()).x.mean(dim=0) - center).abs() < 5 * error).all())
    assert bool(((box.interior(n, draw(), sobol=True).x.mean(dim=0) - center).abs() < error).all())
    assert torch.equal(box.interior(9, draw()).x, box.interior(9, draw()).x)
    assert not torch.equal(box.interior(9, draw()).x, box.interior(9, draw("other")).x)


@given(any_box)
def test_equal_boxes_compare_equal(box):
    same = Box(box.lower, box.upper)
    assert same == box and hash(same) == hash(box)
    assert box.measure == pytest.approx(math.prod(box.lengths))
    outside = torch.tensor([box.upper], dtype=torch.float64) + 1
    assert not bool(box.contains(outside).any())


@pytest.mark.parametrize(
    ("lower", "upper"),
    [((0.0,), (0.0,)), ((1.0,), (0.0,)), ((0.0,), (math.inf,)), ((math.nan,), (1.0,)), ((0.0, 0.0), (1.0,)), ((), ())],
)
def test_invalid_bounds_are_refused(lower, upper):
    with pytest.raises(ProblemFileError) as refusal:
        Box(lower, upper)
    assert "\n" not in str(refusal.value)


def test_operations_of_cost_two_to_the_dimension_are_refused_in_high_dimension():
    box = Box((0.0,) * 40, (1.0,) * 40)
    assert box.interior(10, draw()).x.shape == (10, 40) and len(box.boundary(80, draw()).x) == 80
    with pytest.raises(IncompatibleError, match="40 dimensions"):
        box.quadrature(1000)
    with pytest.raises(IncompatibleError, match="penalty"):
        box.lifting(CallableField(lambda x: x.sum(dim=1)))
    assert axis_names(40)[:2] == ["x1", "x2"] and box.part_names[-1] == "x40-max"

import math

import numpy as np
import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.domains.corners import corners
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.polygon import Polygon
from pdefreq.problem.files import load_problem

SHAPES = [
    ((0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)),
    ((0, 0), (4, 0), (1, 1), (0, 4)),
    ((0, 0), (3, 0), (3, 3), (1.5, 0.5), (0, 3)),
]


@pytest.mark.parametrize("points", SHAPES)
@pytest.mark.parametrize("way", [1, -1])
def test_the_interior_angles_of_a_polygon_add_up_to_n_minus_two_times_pi(points, way):
    found = corners(Polygon(points[::way]))
    assert len(found) == len(points)
    assert math.fsum(corner.angle for corner in found) == pytest.approx((len(points) - 2) * math.pi, rel=1e-12)


@pytest.mark.parametrize("points", SHAPES)
def test_the_bisector_lies_inside_and_the_sides_on_the_boundary(points):
    domain = Polygon(points)
    for corner in corners(domain):
        start = math.atan2(corner.first[1], corner.first[0])
        for share, inside in ((0.5, True), (1.01, False), (-0.01, False)):
            direction = np.array([math.cos(start + share * corner.angle), math.sin(start + share * corner.angle)])
            x = torch.from_numpy(np.array(corner.point) + 1e-3 * direction)[None]
            assert bool(domain.contains(x)) is inside
        end = np.array([math.cos(start + corner.angle), math.sin(start + corner.angle)])
        np.testing.assert_allclose(corner.last, end, atol=1e-12)


def test_the_l_shape_of_a_mesh_has_six_corners_and_one_is_reentrant():
    found = corners(load_problem("l-shape").domain)
    assert len(found) == 6
    (one,) = [corner for corner in found if corner.is_reentrant]
    assert one.point == (0.0, 0.0)
    assert one.angle == pytest.approx(1.5 * math.pi, rel=1e-12)


def test_the_corners_of_a_hole_are_reentrant():
    found = corners(WithHoles(Box((0, 0), (3, 3)), (Box((1, 1), (2, 2)),)))
    assert sorted(round(corner.angle / math.pi, 12) for corner in found) == [0.5] * 4 + [1.5] * 4


def test_a_mesh_and_its_polygon_have_the_same_corners():
    polygon = Polygon(SHAPES[0])
    of_mesh = corners(MeshDomain(polygon.meshed(0.5)))
    expected = {corner.point: corner.angle for corner in corners(polygon)}
    assert {corner.point: pytest.approx(corner.angle) for corner in of_mesh} == expected


@pytest.mark.parametrize("name", ["circle", "poisson"])
def test_curves_and_intervals_have_no_corners(name):
    assert corners(load_problem(name).domain) == []

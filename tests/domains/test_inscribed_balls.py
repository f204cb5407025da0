import math

import numpy as np
import pytest
import torch
from skfem import MeshTri

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.inscribed_balls import inscribed_balls
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring

SQUARE = Box((-2, -2), (2, 2))
STAR = Polygon(((0, 0), (1, 0.4), (0.4, 0.4), (0.4, 1)))


@pytest.mark.parametrize(
    ("hole", "center", "radius"),
    [
        (Ball((0.5, 0.5), 0.3), (0.5, 0.5), 0.3),
        (Ellipse((0.5, 0.5), (0.6, 0.2)), (0.5, 0.5), 0.2),
        (Box((0.0, 0.2), (1.0, 0.4)), (0.5, 0.3), 0.1),
    ],
)
def test_convex_holes_have_their_midpoint_and_smallest_half_axis(hole, center, radius):
    (ball,) = inscribed_balls(WithHoles(SQUARE, (hole,)))
    assert ball.center == pytest.approx(center)
    assert ball.radius == pytest.approx(radius)


def test_the_ball_of_a_polygon_lies_inside_and_is_about_the_largest():
    """The largest disc of the star touches two of its sides at its reflex corner: no disc is larger than the one found by 2 %."""
    (ball,) = inscribed_balls(WithHoles(SQUARE, (STAR,)))
    angle = 2 * math.pi * torch.arange(200, dtype=torch.float64) / 200
    circle = torch.tensor(ball.center, dtype=torch.float64) + 0.99 * ball.radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    assert bool(STAR.contains(circle).all())
    x = STAR.interior(3000, torch.Generator().manual_seed(3)).x
    assert torch.cdist(x, STAR.boundary(2000).x).amin(dim=1).max() <= 1.02 * ball.radius


def test_the_clearance_is_the_distance_to_the_nearest_other_boundary():
    balls = inscribed_balls(WithHoles(SQUARE, (Ball((0.0, 0.0), 0.5), Ball((1.0, 0.0), 0.2))))
    assert balls[0].clearance == pytest.approx(0.8)
    assert balls[1].clearance == pytest.approx(0.5)
    assert inscribed_balls(Ring((0, 0), 1, 3))[0].clearance == 3


def test_the_holes_of_a_mesh_are_found_from_its_boundary():
    line = np.linspace(-2, 2, 9)
    mesh = MeshTri.init_tensor(line, line)
    x, y = mesh.p[:, mesh.t].mean(axis=1)
    (ball,) = inscribed_balls(MeshDomain(mesh.remove_elements(np.nonzero((x > 0) & (x < 1) & (y > 0) & (y < 1))[0])))
    assert ball.center == pytest.approx((0.5, 0.5), abs=0.05)
    assert ball.radius == pytest.approx(0.5, abs=0.05)


def test_domains_without_holes_have_none():
    assert inscribed_balls(SQUARE) == []
    assert inscribed_balls(MeshDomain(STAR.meshed(0.3))) == []

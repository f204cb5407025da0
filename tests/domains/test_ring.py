import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import ProblemFileError
from pdefreq.domains.ring import Ring

radii = st.tuples(st.floats(0.1, 5), st.floats(1.01, 10)).map(lambda r: (r[0], r[0] * r[1]))


@given(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), radii)
def test_areas_and_circles(midpoint, radii):
    ring = Ring(midpoint, *radii)
    assert ring.measure == pytest.approx(math.pi * (radii[1] - radii[0]) * (radii[1] + radii[0]), rel=1e-12)
    b = ring.boundary(200)
    for part, radius in enumerate(radii):
        assert float(b.weights[b.parts == part].sum()) == pytest.approx(2 * math.pi * radius, rel=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_radial_powers_integrate_to_their_closed_form(d):
    ring = Ring((0.0,) * d, 1.0, 3.0)
    q = ring.quadrature(3000)
    area = {2: 2 * math.pi, 3: 4 * math.pi}[d]
    for p in range(7):
        integral = float((q.weights * q.x.norm(dim=1) ** p).sum())
        assert integral == pytest.approx(area * (3 ** (p + d) - 1) / (p + d), rel=1e-13)  # a polynomial in r: exact


def test_normals_on_the_inner_circle_point_to_the_center():
    b = Ring((1.0, 0.0), 1.0, 2.0).boundary(100)
    radial = (b.x - torch.tensor([1.0, 0.0])) * torch.where(b.parts == 0, -1.0, 0.5)[:, None]
    torch.testing.assert_close(b.normals, radial, rtol=0, atol=1e-15)


def test_the_distance_is_one_at_its_maximum_and_negative_outside():
    distance = Ring((0.0, 0.0), 1.0, 3.0).distance()
    r = torch.tensor([0.5, 1.0, math.sqrt(5.0), 3.0, 4.0], dtype=torch.float64)
    values = distance(torch.stack([r, torch.zeros(5)], dim=1))
    assert values[0] < 0 and values[4] < 0
    torch.testing.assert_close(values[1:4], torch.tensor([0.0, 1.0, 0.0]).double(), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("inner", "outer"), [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (1.0, math.inf), (math.nan, 1.0)])
def test_radii_must_be_increasing(inner, outer):
    with pytest.raises(ProblemFileError, match="0 < inner < outer"):
        Ring((0.0, 0.0), inner, outer)


def test_a_ring_in_one_dimension_is_refused():
    with pytest.raises(ProblemFileError, match="at least two dimensions"):
        Ring((0.0,), 1.0, 2.0)

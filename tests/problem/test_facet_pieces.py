"""Integrals over divided facets are those over the facets, and in the plane those over each part."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryConditions, BoundaryPart
from pdefreq.problem.expressions import parse_condition
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.facet_pieces import divided_facets, divided_segments, square_centers, triangle_centers

SQUARE, CUBE = Box((0.0, 0.0), (1.0, 1.0)), Box((0.0,) * 3, (1.0,) * 3)
ROUNDING = 1e-14  # tens of numbers of size 1


def conditions(where, domain):
    return BoundaryConditions(
        domain=domain,
        boundary=(
            BoundaryPart("robin", where=parse_condition(where, Scope(domain.dimension, {}), "where")),
            BoundaryPart("robin"),
        ),
    )


def upper_side(ticks):
    """Segments of the side y = 1 with these ends."""
    ends = torch.tensor([[x, 1.0] for x in ticks], dtype=torch.float64)
    return torch.stack([ends[:-1], ends[1:]], dim=1)


@settings(max_examples=40, deadline=None)
@given(
    a=st.floats(0.01, 0.99),
    b=st.floats(0.01, 0.99),
    ticks=st.lists(st.integers(1, 999), max_size=6, unique=True),
    slope=st.floats(-3, 3),
)
def test_in_the_plane_the_integral_of_a_linear_flux_over_a_part_is_exact(a, b, ticks, slope):
    """The middle of each piece is the Gauss point for degree 1, so that 1 + s x has its integral on a < x < b, whatever the facets."""
    a, b = min(a, b), max(a, b)
    segments = upper_side([0.0, *(n / 1000 for n in sorted(ticks)), 1.0])
    found = divided_segments(
        conditions(f"x > {a!r} and x < {b!r}", SQUARE), segments, torch.full((len(segments),), SQUARE.part_names.index("y-max"))
    )
    flux = found.size * (1 + slope * found.x[:, 0])
    part = b - a + slope * (b**2 - a**2) / 2
    assert float(flux[found.part == 0].sum()) == pytest.approx(part, abs=ROUNDING)
    assert float(flux.sum()) == pytest.approx(1 + slope / 2, abs=ROUNDING)
    covered = torch.zeros(len(segments), dtype=torch.float64).index_add_(0, found.facet, found.fraction)
    assert covered.tolist() == pytest.approx([1] * len(segments), abs=ROUNDING)


FACETS = {"triangle": (triangle_centers, 3), "square": (square_centers, 2)}  # centers, and divisor of the sum of the edges


@settings(max_examples=20, deadline=None)
@given(cut=st.floats(0.0, 1.0), edges=st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4), form=st.sampled_from([*FACETS]))
def test_in_space_the_parts_add_up_to_the_integral_of_a_linear_flux(cut, edges, form):
    """The pieces are equal and their centers are centroids, so that the mean of x is the centroid of the facet."""
    centers, divisor = FACETS[form]
    first, second = torch.tensor([[*edges[:2], 0.0], [*edges[2:], 0.0]], dtype=torch.float64)
    corner = torch.tensor([0.5, 0.5, 1.0], dtype=torch.float64)
    x = (corner + centers() @ torch.stack([first, second]))[None]
    found = divided_facets(conditions(f"x > {cut!r}", CUBE), x, torch.ones(64, dtype=torch.float64), torch.tensor([5]))
    assert len(found.facet) == 64
    mean = found.fraction @ found.x
    torch.testing.assert_close(mean, corner + (first + second) / divisor, rtol=0, atol=ROUNDING)
    assert torch.equal(found.part == 0, found.x[:, 0] > cut)


@settings(max_examples=20, deadline=None)
@given(cut=st.floats(0.0, 1.0))
def test_in_space_the_area_of_a_strip_is_the_nearest_multiple_of_an_eighth(cut):
    """The centers are at odd multiples of 1/16, and those below the cut are counted."""
    x = torch.cat([square_centers(), torch.ones(64, 1, dtype=torch.float64)], dim=1)[None]
    found = divided_facets(conditions(f"x < {cut!r}", CUBE), x, torch.ones(64, dtype=torch.float64), torch.tensor([5]))
    assert float(found.fraction[found.part == 0].sum()) == math.ceil(8 * cut - 1 / 2) / 8


def test_pieces_of_size_zero_are_left_out():
    x = torch.cat([square_centers(), torch.ones(64, 1, dtype=torch.float64)], dim=1).repeat(2, 1, 1)
    size = torch.ones(2, 64, dtype=torch.float64)
    size[1, 32:] = 0
    found = divided_facets(conditions("x < 2", CUBE), x, size, torch.tensor([5, 5]))
    assert found.facet.bincount().tolist() == [64, 32]
    assert found.fraction.unique().tolist() == [1 / 64, 1 / 32]

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.streams import stream
from pdefreq.spaces.features.wave_bands import WaveBands


@settings(max_examples=25)
@given(st.lists(st.floats(0.1, 30), min_size=1, max_size=3))
def test_a_box_has_its_volume_and_bounds(largest):
    box = WaveBands.box(largest)
    assert box.largest == pytest.approx(tuple(largest))
    assert box.volume == pytest.approx(math.prod(2 * high for high in largest))
    assert box.is_box


@settings(max_examples=25)
@given(st.integers(0, 5), st.integers(1, 3), st.integers(1, 400))
def test_drawn_wavevectors_are_in_the_box_and_fill_it_evenly(seed, d, number):
    """Each cell, with each sign, has the same number of wavevectors up to one."""
    w = WaveBands.box([4.0] * d).draw(number, stream(seed, "features"))
    assert w.shape == (number, d) and bool((w.abs() <= 4).all()) and bool((w[:, 0] >= 0).all())
    _, counts = torch.unique(w.floor(), dim=0, return_counts=True)
    places = 4 * 8 ** (d - 1)
    assert int(counts.max()) <= math.ceil(number / places)
    assert len(counts) == min(number, places)


@settings(max_examples=25)
@given(st.integers(0, 5), st.floats(1, 6))
def test_bands_contain_all_wavevectors_within_the_margin_and_those_near_zero(seed, margin):
    points = 50 * torch.rand(3, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    bands = WaveBands.around(points, (margin, margin))
    near = torch.cat([points, torch.zeros(1, 2, dtype=torch.float64)])[:, None] + margin * torch.tensor(
        [[0.0, 0.0], [0.999, 0.999], [-0.999, 0.999], [-0.999, -0.999]], dtype=torch.float64
    )
    for w in near.flatten(0, 1).abs():
        inside = ((bands.corners <= w) & (w <= bands.corners + bands.widths)).all(dim=1)
        assert bool(inside.any()), w


def test_a_narrow_band_far_from_zero_does_not_cost_the_square_of_its_wavenumber():
    near = WaveBands.around(torch.tensor([[10.0, 10.0]]), (4.0, 4.0)).volume
    far = WaveBands.around(torch.tensor([[1000.0, 1000.0]]), (4.0, 4.0)).volume
    assert far <= 1.5 * near  # the band near zero may overlap the other one


def test_scaling_multiplies_every_wavevector():
    bands = WaveBands.around(torch.tensor([[3.0, 20.0]]), (4.0, 4.0))
    scaled = bands.scaled([2.0, 0.5])
    torch.testing.assert_close(
        scaled.draw(50, stream(0, "features")), bands.draw(50, stream(0, "features")) * torch.tensor([2.0, 0.5]).double()
    )


def test_weak_points_have_half_of_the_margin_and_the_box_is_included():
    bands = WaveBands.around(torch.zeros(0, 1), (8.0,), within=(30.0,), weak=torch.tensor([[80.0]]))

    def contains(k):
        return bool(((bands.corners <= k) & (k <= bands.corners + bands.widths)).any())

    assert all(map(contains, (0.0, 15.0, 30.0, 76.1, 83.9)))
    assert not any(map(contains, (40.0, 70.0, 90.0)))


def test_wavevectors_of_one_cell_keep_a_distance():
    """Three wavevectors in each cell lie in the middle halves of thirds of the cell: gaps are at least a sixth of a cell."""
    w = WaveBands.box([10.0]).draw(30, stream(0, "features"))[:, 0].sort().values
    assert float(w.diff().min()) >= 1 / 6 - 1e-12

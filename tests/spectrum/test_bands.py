"""Bands of wavenumbers: they sum to the error, a mode lies in its band, and parts outside all modes are separate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.domains.box import Box
from pdefreq.spectrum.bands import dyadic_bands, split_on_box
from pdefreq.spectrum.box_modes import BOX_FAMILIES
from pdefreq.spectrum.sampling_grid import grid_axes, tensor_points

BOXES = {1: Box((-1.0,), (2.0,)), 2: Box((0.0, -1.0), (1.0, 2.0)), 3: Box((0.0, 0.0, 1.0), (1.0, 2.0, 2.0))}
INTERVALS = {1: (12,), 2: (9, 8), 3: (4, 5, 6)}
families = pytest.mark.parametrize("kind", BOX_FAMILIES)
dimensions = pytest.mark.parametrize("d", BOXES)
ROUNDING = 1e-13  # for values of size 1 at a few hundred nodes


def unused(_):
    raise AssertionError("the nodes of a grid are enough")


def nodes(d):
    return tensor_points(grid_axes(BOXES[d], INTERVALS[d]))


def mode(kind, d, k):
    """A mode by its formula, and its wavenumber."""
    box = BOXES[d]
    s = (nodes(d) - box.lower) / np.array(box.lengths)
    xi = np.array(k) * (2 if kind == "fourier" else 1) * math.pi / np.array(box.lengths)
    waves = {"sine": np.sin(np.pi * s * k), "cosine": np.cos(np.pi * s * k)}
    return (np.cos(2 * np.pi * (s * k).sum(axis=1) + 0.3) if kind == "fourier" else waves[kind].prod(axis=1)), np.linalg.norm(xi)


@families
@dimensions
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_parts_sum_to_the_error(kind, d, seed):
    values = np.random.default_rng(seed).uniform(-1, 1, len(nodes(d)))
    parts = split_on_box(kind, BOXES[d], nodes(d), values, unused)
    np.testing.assert_allclose(sum(parts.values()), values, atol=ROUNDING)
    assert ("boundary" in parts) == (kind != "cosine")  # the cosine modes of a grid contain it completely


@families
@dimensions
def test_a_mode_lies_only_in_the_band_of_its_wavenumber(kind, d):
    for k in ((1, 2, 1)[:d], (3, 1, 2)[:d], (2, 3, 1)[:d]):
        values, xi = mode(kind, d, k)
        bands = dyadic_bands(BOX_FAMILIES[kind].expand(BOXES[d], values.reshape([n + 1 for n in INTERVALS[d]])))
        assert bands[0].lower == 0
        assert all(a.upper == b.lower for a, b in zip(bands, bands[1:], strict=False))
        for band in bands:
            inside = band.lower * (1 - 1e-9) <= xi < band.upper * (1 - 1e-9)  # an edge belongs to the upper band
            np.testing.assert_allclose(band.values.ravel(), values if inside else 0 * values, atol=ROUNDING)


@dimensions
def test_bands_of_sine_modes_are_orthogonal(d):
    """The squares of their norms add up, so that no part hides what another one cancels."""
    values = np.pad(np.random.default_rng(0).uniform(-1, 1, [n - 1 for n in INTERVALS[d]]), 1)
    bands = dyadic_bands(BOX_FAMILIES["sine"].expand(BOXES[d], values))
    assert sum((band.values**2).sum() for band in bands) == pytest.approx((values**2).sum(), rel=ROUNDING)


@dimensions
def test_the_lifting_of_boundary_values_is_a_separate_part(d):
    x = nodes(d)
    linear_in_each = (1 + x).prod(axis=1) + x[:, 0]  # its own transfinite interpolant
    parts = split_on_box("sine", BOXES[d], x, linear_in_each, unused)
    np.testing.assert_allclose(parts.pop("boundary"), linear_in_each, atol=10 * ROUNDING)  # values up to 30
    for part in parts.values():
        np.testing.assert_allclose(part, 0, atol=10 * ROUNDING)
    assert "boundary" not in split_on_box("sine", BOXES[d], x, mode("sine", d, (1, 1, 1)[:d])[0], unused)


@families
@dimensions
def test_nodes_may_be_in_any_order(kind, d):
    values, shuffled = np.random.default_rng(1).uniform(-1, 1, len(nodes(d))), np.random.default_rng(2).permutation(len(nodes(d)))
    jitter = 1e-15 * np.random.default_rng(3).uniform(-1, 1, nodes(d).shape)  # like the rounding of mesh nodes
    here = split_on_box(kind, BOXES[d], nodes(d), values, unused)
    there = split_on_box(kind, BOXES[d], (nodes(d) + jitter)[shuffled], values[shuffled], unused)
    assert here.keys() == there.keys()
    for name, part in here.items():
        np.testing.assert_array_equal(there[name], part[shuffled])


@families
def test_the_rest_between_the_nodes_of_the_grid_is_a_separate_part(kind):
    box = BOXES[2]
    x = np.random.default_rng(0).uniform(box.lower, box.upper, (200, 2))

    def rough(x):
        return np.sin(7 * x[:, 0]) * np.cos(500 * x[:, 1])

    parts = split_on_box(kind, box, x, rough(x), rough)
    assert "unresolved" in parts
    np.testing.assert_allclose(sum(parts.values()), rough(x), atol=ROUNDING)

    def smooth(x):
        return np.sin(np.pi * x[:, 0]) * np.sin(np.pi * (x[:, 1] + 1) / 3)

    # linear interpolation between 129 nodes per side: h^2 / 8 times the second derivative, twice
    assert np.abs(split_on_box("sine", box, x, smooth(x), smooth)["unresolved"]).max() < (np.pi / 128) ** 2 / 4

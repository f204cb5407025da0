"""Peaks of windowed spectra, products of waves, and the ratio of their amplitudes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq import Box, Problem
from pdefreq.spectrum.coefficient_waves import coefficient_waves, peaks, product_ratio, products, source_tones

X = (np.arange(512) + 0.5) / 512


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 200), st.floats(0, 2 * math.pi), st.floats(-3, 3))
def test_a_wave_has_one_peak_whatever_its_phase_and_mean(k, phase, mean):
    found = peaks(mean + np.cos(k * math.pi * X + phase))
    assert np.unique(found, axis=0).tolist() == [[k]]


def test_smooth_functions_have_no_peaks_away_from_zero():
    for values in (np.exp(3 * X), 1 / (0.2 + X), X**2, np.ones_like(X)):
        assert not len(peaks(values))


def test_polynomials_have_no_waves_in_three_dimensions():
    """Without the subtraction, six peaks with wavenumbers from 13 to 19 were found; they are side lobes of the window."""
    x, y, z = np.meshgrid(*[2 * (np.arange(64) + 0.5) / 64 - 1] * 3, indexing="ij")
    polynomial = x**2 + 2 * y**2 + 3 * z**2
    assert not len(peaks(polynomial))
    found = peaks(polynomial + 0.01 * np.cos(20 * math.pi * x) * np.cos(12 * math.pi * y))
    assert {tuple(k) for k in found.tolist()} == {(40.0, 24.0, 0.0)}


def test_weak_tones_are_found_beside_strong_ones_in_two_dimensions():
    x, y = np.meshgrid((np.arange(128) + 0.5) / 128, (np.arange(128) + 0.5) / 128, indexing="ij")
    found = peaks(np.sin(20 * math.pi * x) + 1e-2 * np.sin(40 * math.pi * x) * np.cos(50 * math.pi * y))
    assert {tuple(k) for k in found.tolist()} == {(20.0, 0.0), (40.0, 50.0)}


def test_periodic_functions_need_no_window():
    assert np.unique(peaks(1 + np.cos(2 * math.pi * 9 * X) + np.cos(2 * math.pi * X), (0,)), axis=0).tolist() == [[2], [18]]


def test_the_waves_of_all_coefficients_count_and_jumps_do_not():
    unit = Box((0.0,), (2.0,))
    wavy = Problem(
        domain=unit,
        source="sin(15*pi*x)",
        boundary=0.0,
        diffusion="2 + sin(10*pi*x)",
        reaction="1 + cos(30*pi*x)",
        convection=["x"],
    )
    assert coefficient_waves(wavy).tolist() == [[20], [60]]  # in half waves per side
    assert np.unique(source_tones(wavy), axis=0).tolist() == [[30]]
    assert not len(coefficient_waves(Problem(domain=unit, source="1", boundary=0.0, reaction="where(x < 0.7, 1, 9)")))


def test_products_have_sums_and_differences_of_wavenumbers():
    zero, one, two = (
        each.tolist() for _, each in zip(range(3), products(np.array([[3.0]]), np.array([[10.0]]), 100), strict=False)
    )
    assert (zero, one, two) == ([[3]], [[3], [7], [13]], [[3], [7], [13], [17], [23]])
    assert len([*products(np.array([[3.0]]), np.array([[10.0]]), 4)]) == 2


@pytest.mark.parametrize("c", [0.1, 0.5, 0.9])
def test_the_ratio_is_that_of_the_fourier_coefficients_of_the_inverse_of_the_diffusion(c):
    problem = Problem(domain=Box((0.0,), (1.0,)), source="1", boundary=0.0, diffusion=f"1 + {c}*sin(40*pi*x)")
    exact = (1 - math.sqrt(1 - c**2)) / c
    assert product_ratio(problem, np.array([[40.0]])) == pytest.approx(exact, rel=1e-2)  # largest and least values at points

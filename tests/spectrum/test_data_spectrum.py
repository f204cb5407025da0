import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq import Box, Data, Problem, load_problem
from pdefreq.spectrum.box_transform import decay_order, expanded, summed
from pdefreq.spectrum.data_spectrum import data_spectrum


def unit(source, dimension=1, **options):
    return Problem(domain=Box((0.0,) * dimension, (1.0,) * dimension), source=source, boundary="0", **options)


@settings(max_examples=20, deadline=None)
@given(
    k=st.lists(st.integers(1, 60), min_size=1, max_size=2),
    length=st.sampled_from([1e-3, 1.0, 1e3]),
    stiffness=st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_a_mode_of_the_box_is_the_only_occupied_one_in_any_units(k, length, stiffness):
    d = len(k)
    source = "*".join(f"sin({n}*pi*{axis}/{length})" for n, axis in zip(k, "xy", strict=False))
    problem = Problem(domain=Box((0.0,) * d, (length,) * d), source=source, boundary="0", diffusion=stiffness)
    found = data_spectrum(problem)
    assert found.transform == "sine"
    assert found.wavenumbers.tolist() == [k]
    assert found.largest == tuple(map(float, k))
    assert found.radius == pytest.approx(math.pi / length * math.hypot(*k), rel=1e-12)  # rounding
    assert found.decay == "fast"


def test_amplitudes_are_those_of_the_source_divided_by_the_symbol():
    found = data_spectrum(unit("sin(2*pi*x) + 9*sin(6*pi*x)"))  # 9 / 6^2 is 1 / 2^2
    np.testing.assert_allclose(found.amplitudes, 1, rtol=1e-9)
    found = data_spectrum(unit("sin(2*pi*x) + 9*sin(6*pi*x)", reaction=1e12))  # the reaction dominates: u = f / c
    np.testing.assert_allclose(found.amplitudes, [1, 1 / 9], rtol=1e-6)  # the diffusion is 4e-10 of the reaction


def test_a_regression_has_the_spectrum_of_its_function_and_cosines_are_chosen_for_cosines():
    found = data_spectrum(Problem(domain=Box((0.0,), (1.0,)), source="cos(3*pi*x) + cos(40*pi*x)/2", diffusion=0, reaction=1))
    assert found.transform == "cosine"
    assert found.wavenumbers.tolist() == [[3], [40]]
    np.testing.assert_allclose(found.amplitudes, [1, 0.5], rtol=1e-9)
    assert [round(share, 6) for _, _, share in found.bands] == [0.8, 0.2]


def test_products_of_waves_of_a_coefficient_and_of_the_source_are_occupied():
    smooth = data_spectrum(unit("sin(4*pi*x)"))
    rough = data_spectrum(unit("sin(4*pi*x)", diffusion="2 + cos(60*pi*x)"))
    assert smooth.largest == (4.0,)
    assert rough.largest[0] >= 60


def test_prescribed_values_alone_determine_the_spectrum():
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), source="0", boundary="cos(7*pi*x)")
    found = data_spectrum(problem)
    assert found.wavenumbers.tolist() == [[7, 0]]
    assert data_spectrum(unit("0")).largest == (1.0,)  # no data: the lowest wavenumber


def test_a_resonance_is_a_band_and_bounds_the_radius():
    found = data_spectrum(unit("sin(2*pi*x)", reaction="-(20*pi)**2"))
    assert found.resonant == pytest.approx(20 * math.pi)
    assert found.radius == pytest.approx(20 * math.pi)
    assert found.largest == pytest.approx((20.0,))
    assert "resonant" in found.reason
    assert any(low <= found.resonant <= high for low, high, _ in found.bands)


@pytest.mark.parametrize(("f", "order"), [("step", 1), ("kink", 2), ("noise", 0)])
@pytest.mark.parametrize("d", [1, 2])
def test_decay_orders_are_those_of_theory(f, order, d):
    x = (np.arange(256) + 0.5) / 256
    r = np.sqrt(sum((g - 0.4) ** 2 for g in np.meshgrid(*[x] * d, indexing="ij")))
    values = {
        "step": (r < math.pi / 12) * 1.0,
        "kink": np.abs(r - math.pi / 12),
        "noise": np.random.default_rng(0).normal(size=r.shape),
    }[f]
    assert decay_order(values) == pytest.approx(order, abs=0.3)  # the octaves are sampled, and the coefficients oscillate


def test_jumps_and_noise_are_named():
    assert "jump" in data_spectrum(unit("where(x > 0.3, 1, 0)")).reason
    noisy = unit(None, data=Data(x=np.linspace(0, 1, 301), values=np.random.default_rng(1).normal(size=301)))
    assert data_spectrum(noisy).decay == "flat"
    assert data_spectrum(noisy).is_capped
    assert data_spectrum(unit("sin(3*pi*x)")).decay == "fast"


@pytest.mark.parametrize("kind", ["sine", "cosine"])
@pytest.mark.parametrize("d", [1, 2])
def test_a_sum_of_an_expansion_is_the_function(kind, d):
    f = np.random.default_rng(0).normal(size=(12, 9)[:d])
    c, _ = expanded(f, kind)
    np.testing.assert_allclose(summed(c, kind), f, atol=1e-13)


def test_plane_waves_of_a_product_are_the_waves_whose_sum_it_is():
    waves = data_spectrum(unit("sin(3*pi*x)*sin(5*pi*y)", 2)).plane_waves(10)
    assert sorted(map(tuple, (waves / math.pi).round(9).tolist())) == [(3.0, -5.0), (3.0, 5.0)]
    x = torch.rand(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    basis = torch.cat([torch.sin(x @ torch.tensor(waves).T), torch.cos(x @ torch.tensor(waves).T)], dim=1)
    f = (torch.sin(3 * math.pi * x[:, 0]) * torch.sin(5 * math.pi * x[:, 1]))[:, None]
    assert float((basis @ torch.linalg.lstsq(basis, f).solution - f).abs().max()) < 1e-12


def test_lines_show_the_wavenumbers_in_five_dimensions():
    found = data_spectrum(load_problem("cosine-diffusion"))
    assert found.transform == "lines"
    assert found.wavenumbers.shape[1] == 5
    assert max(found.largest) <= 8  # the source consists of cosines of x, 2 x and 3 x on sides of length 2 at most

"""Regressions in many dimensions: transforms and filters of the parity function in closed form, and data without a domain grid."""

import math

import numpy as np
import pytest
import torch

from pdefreq import Data, Problem, Stop, load_problem, solve
from pdefreq.domains.box import Box
from pdefreq.experiments.data_sets import digits, fourier_sum, parity, principal_direction
from pdefreq.probes.filter import FilterProbe
from pdefreq.probes.spectral import SpectralProbe
from pdefreq.spectrum.filter import low_part
from pdefreq.spectrum.ray import RayModes

METHOD = "regression:widths=[20],activation=tanh,scaling=none"


@pytest.mark.parametrize("d", [3, 6, 10])
def test_the_transform_of_the_parity_function(d):
    """(-i)^d sin(2 pi k)^d along the diagonal, equation 13 of arXiv 1901.06523."""
    problem, k = parity(d, holdout=0.0), np.linspace(0, 0.25, 7)
    found = fourier_sum(problem.data.x, problem.data.values.numpy(), 2 * math.pi * k * math.sqrt(d), np.full(d, d**-0.5))
    np.testing.assert_allclose(found, (-1j) ** d * np.sin(2 * math.pi * k) ** d, atol=1e-13)


@pytest.mark.parametrize("delta", [0.3, 2.0])
def test_the_filter_multiplies_the_parity_function_by_a_power_of_a_hyperbolic_tangent(delta):
    """Each coordinate contributes (1 - e) / (1 + e) with e = exp(-4 / (2 delta)), the weight of a change of sign."""
    problem = parity(6, holdout=0.0)
    low = low_part(problem.data.x, problem.data.values, delta)
    np.testing.assert_allclose(low, math.tanh(1 / delta) ** 6 * problem.data.values, rtol=1e-12)


def test_rays_of_data_contain_only_waves_that_the_points_resolve():
    """The places along the diagonal have the distance 2 / sqrt(d): no wave is shorter than two of them."""
    modes = RayModes.of(parity(10, holdout=0.0))
    assert 0 < modes.wavenumber_range()[1] <= math.pi / (2 / math.sqrt(10))
    dense = torch.rand(400, 70, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    problem = Problem(domain=Box((0.0,) * 70, (1.0,) * 70), diffusion=0.0, reaction=1.0, data=Data(x=dense, values=dense[:, 0]))
    assert len(RayModes.of(problem)) == 33 and len(RayModes.of(problem).points()) == 400


def test_a_wave_at_data_points_is_found_with_its_amplitude():
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(600, 120, generator=generator, dtype=torch.float64)
    empty = Data(x=x, values=torch.zeros(600, dtype=torch.float64))
    problem = Problem(domain=Box((0.0,) * 120, (1.0,) * 120), diffusion=0.0, reaction=2.0, data=empty)
    modes = RayModes.of(problem)
    wave = 0.6 * np.cos(modes.wavenumber[3] * x.numpy() @ np.full(120, 120**-0.5) + 0.2)
    amplitude = modes.amplitudes(wave)
    assert amplitude[3] == pytest.approx(0.3, rel=1e-9) and np.delete(amplitude, 3).max() < 1e-12


def test_errors_at_data_points_are_those_of_the_values():
    """The zero function has the relative error 1 in both parts and in each wave."""
    problem = parity(6, holdout=0.25)
    run = solve(problem, f"{METHOD},start=antisymmetric", stop=Stop(steps=0), probes=[SpectralProbe(), FilterProbe()])
    assert run.history.last("low_error") == pytest.approx(1) and run.history.last("high_error") == pytest.approx(1)
    if "mode_error" in run.history:
        np.testing.assert_allclose(run.history.column("mode_error"), 1)
    assert "relative_l2" not in run.history  # nothing is known between the points


def test_a_file_of_points_in_many_dimensions(tmp_path):
    d, generator = 60, np.random.default_rng(0)
    x = generator.random((40, d))
    rows = np.column_stack([x, x.sum(axis=1)])
    np.savetxt(tmp_path / "a.csv", rows, delimiter=",")
    (tmp_path / "a.toml").write_text(
        f'[domain]\nkind = "box"\ndimension = {d}\nlower = 0\nupper = 1\n[equation]\ndiffusion = 0\nreaction = 1\n[data]\npoints = "a.csv"\nholdout = 0.25\n'
    )
    problem = load_problem(str(tmp_path / "a.toml"))
    assert problem.domain.dimension == d
    run = solve(problem, METHOD, stop=Stop(steps=2), probes=["spectral", "filter", "holdout"], folder=tmp_path / "run")
    assert {"low_error", "high_error", "holdout_misfit"} <= set(run.history.names)


def test_the_principal_direction_is_that_of_the_largest_variance():
    x = torch.randn(500, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * torch.tensor([1.0, 9.0, 1.0, 1.0])
    np.testing.assert_allclose(principal_direction(x), [0, 1, 0, 0], atol=0.05)


def test_digits_are_the_images_of_scikit_learn():
    pytest.importorskip("sklearn")
    problem = digits()
    assert problem.data.x.shape == (1797, 64) and 0 <= float(problem.data.x.min()) < float(problem.data.x.max()) == 1
    assert set(problem.data.values.tolist()) == {-1.0, 1.0}

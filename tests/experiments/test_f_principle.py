"""The published experiments on the frequency principle: closed forms of the measures, published settings, and the order."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.experiments import EXPERIMENTS, f_principle, run_experiment
from pdefreq.experiments.tones import ToneHistory, ToneProbe, growth_exponent
from pdefreq.probes.iterate import SpaceIterate
from pdefreq.probes.target import Target
from pdefreq.problem.data import Data
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.networks.mlp import MlpSpace

N = 40
T = torch.arange(N, dtype=torch.float64)[:, None] / N
WAVES = st.integers(1, N // 2 - 1)
PHASES = st.floats(-math.pi, math.pi)


def regression(values):
    return Problem(domain=Box((0.0,), (1.0,)), diffusion=as_field(0.0), reaction=as_field(1.0), data=Data(x=T, values=values))


def measured(problem, *, wave, size, phase, numbers):
    """Row of the probe for the network of one unit that equals size * sin(2 pi wave t + phase)."""
    space = MlpSpace(problem.domain, (1,), "sin")
    parameters = {"weight1": 2 * math.pi * wave, "bias1": phase, "weight2": size, "bias2": 0.0}
    c = torch.tensor([parameters[name] for name in space.shapes], dtype=torch.float64)
    iterate = SpaceIterate(space, c)
    return ToneProbe(numbers).prepare(Target(problem), iterate, discrete_solution=None, facts={})(iterate)


@given(WAVES, WAVES, PHASES, PHASES, st.floats(0.1, 10))
def test_errors_and_amplitudes_of_a_sine_follow_from_its_phasor(k, wave, phase, other, size):
    """On an evenly sampled period tones are orthogonal: the error is |A e^(i a) - B e^(i b)|, and other tones are zero."""
    problem = regression(3 * torch.sin(2 * math.pi * k * T[:, 0] + phase))
    row = measured(problem, wave=wave, size=size, phase=other, numbers=(k,))
    there = size / 3 if wave == k else 0.0
    error = abs(there * np.exp(1j * other) - np.exp(1j * phase))
    # rounding of a sine with arguments up to 2 pi N, and sums of N values: 1e-16 * 250 * size
    assert row["tone_amplitude"] == pytest.approx([there], abs=1e-12)
    assert row["tone_error"] == pytest.approx([error], abs=1e-12)


def test_indices_of_the_transform_are_the_waves_of_both_papers():
    """The transform of the data is large at the published indices; with 201 points, including both ends, tones leak."""
    ten = f_principle.ten_tones(0)
    assert ten.data is not None and ten.data.x is not None and ten.data.values is not None
    t, values = ten.data.x.numpy()[:, 0], ten.data.values.numpy()
    assert t.tolist() == [j / 200 for j in range(200)]
    coefficients = 2 * np.abs(np.fft.fft(values, norm="forward"))[:100]
    expected = [1.0 if k in f_principle.TEN else 0.0 for k in range(100)]
    assert coefficients == pytest.approx(expected, abs=1e-12)  # rounding
    increasing = f_principle.ten_tones(0, f_principle.TEN_AMPLITUDES["increasing"]).data.values.numpy()
    coefficients = 2 * np.abs(np.fft.fft(increasing, norm="forward"))[list(f_principle.TEN)]
    assert coefficients == pytest.approx(np.arange(1, 11) / 10, abs=1e-12)  # the second case of the notebook, up to rounding
    three = load_problem("tones")
    assert three.data is not None and three.data.number == 201
    x = torch.linspace(-math.pi, math.pi, 201, dtype=torch.float64)[:, None]
    coefficients = 2 * np.abs(np.fft.fft(three.source(x).numpy(), norm="forward"))[:100]
    assert set(np.argsort(coefficients)[-3:]) == set(f_principle.THREE)
    assert coefficients[list(f_principle.THREE)] == pytest.approx([1, 1, 1], rel=0.05)  # of order k / n


def test_phases_depend_on_the_seed():
    first, again, other = (f_principle.ten_tones(seed).data for seed in (0, 0, 1))
    assert first == again and first != other


def test_the_networks_have_the_published_architectures():
    shallow = f_principle.SHALLOW.network.on(load_problem("tones").domain)
    deep = f_principle.DEEP.network.on(f_principle.ten_tones(0).domain)
    assert shallow.num_coefficients == 3 * 8000 + 1
    assert deep.num_coefficients == (1 + 1) * 256 + 4 * (256 + 1) * 256 + 256 + 1  # six linear layers


@given(st.floats(0.1, 4), st.floats(1, 1e3), st.lists(st.integers(2, 60), min_size=2, max_size=12, unique=True))
def test_the_exponent_of_a_power_law_ignores_waves_that_were_not_reached(power, factor, wavenumbers):
    steps = [factor * k**power for k in wavenumbers]
    assert growth_exponent([*wavenumbers, 99, 100], [*steps, None, None]) == pytest.approx(power, abs=1e-9)  # rounding


def test_the_published_row_grows_with_the_exponent_in_the_literature():
    assert growth_exponent(f_principle.TEN, f_principle.TEN_PUBLISHED[0.5]) == pytest.approx(1.7, abs=0.05)  # two digits
    assert math.isnan(growth_exponent((5, 10), (3, None)))


def three_tones(steps, *errors):
    return ToneHistory(np.array(steps), np.array(errors).T, np.zeros((len(steps), 3)))


@pytest.mark.parametrize(
    ("errors", "ordered"),
    [
        (([0.9, 0.1, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1], [0.9, 0.9, 0.9, 0.1]), 1),
        (([0.9, 0.1, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1], [0.9, 0.9, 0.9, 0.9]), 1),  # the third tone never falls
        (([0.9, 0.1, 0.1, 0.1], [0.9, 0.1, 0.9, 0.9], [0.9, 0.1, 0.9, 0.9]), 0),  # neither the second nor the third stays below
        (([0.9, 0.9, 0.9, 0.1], [0.9, 0.9, 0.1, 0.1], [0.9, 0.1, 0.1, 0.1]), 0),
    ],
)
def test_the_order_of_three_tones_is_the_order_in_which_they_stay_below_the_level(errors, ordered):
    history = three_tones([0, 200, 2440, 4000], *errors)
    report = f_principle.report_of([history], [ToneHistory(np.array([0, 9]), np.ones((2, 10)), np.ones((2, 10)))])
    assert f"in {ordered} of 1 runs" in report.findings[0]
    assert f"{errors[0][1]:.2f}, {errors[1][1]:.2f}, {errors[2][1]:.2f}" in report.findings[1]
    assert report.tables["f-principle-three"].rows[2][:3] == [3, 0.5, 1220]


def test_means_and_first_steps_of_error_curves():
    steps = np.array([0, 1, 5])
    rising = ToneHistory(steps, np.array([[1.0], [0.6], [0.1]]), np.array([[0.0], [0.4], [1.0]]))
    flat = ToneHistory(steps, np.ones((3, 1)), np.zeros((3, 1)))
    assert (rising.first_with(0.5), rising.first_with(0.4), flat.first_with(0.5)) == ([5], [1], [None])
    mean = ToneHistory.mean([rising, flat])
    assert mean.first_with(0.5) == [5] and mean.errors[:, 0] == pytest.approx([1, 0.8, 0.55])
    assert rising.error(0).stays_below(0.5) == 5


def test_the_report_can_be_created_after_few_steps():
    experiment = EXPERIMENTS.load("f-principle")
    report = run_experiment("f-principle", experiment, {"seeds": "1", "steps": "2"})
    names = {"f-principle-three", "f-principle-ten"}
    assert set(report.tables) == set(report.figures) == names and report.findings
    assert "not by 2" in report.tables["f-principle-ten"].rows[-1]
    one = run_experiment("f-principle", experiment, {"part": "ten", "steps": 2, "amplitudes": "increasing"})
    assert set(one.tables) == set(one.figures) == {"f-principle-ten"} and "increasing amplitudes" in one.findings[0]
    with pytest.raises(OptionError, match="equal"):
        run_experiment("f-principle", experiment, {"amplitudes": "none"})


@pytest.mark.slow
def test_three_tones_are_learned_in_the_order_of_their_frequencies():
    """Below a minute. On the plateau the errors are the published ones: k = 1 has converged, k = 3 is halved, k = 5 is not."""
    history = ToneHistory.of(load_problem("tones"), f_principle.SHALLOW, f_principle.THREE, seed=0, steps=6500)
    first, third, fifth = (history.error(i).stays_below(0.5) for i in range(3))
    assert first is not None and third is not None and fifth is None
    assert first < 200 < third
    # published as 1220 records, presumably of 4 steps each; a plain PyTorch run with other weights arrived at about 5250
    assert third == pytest.approx(f_principle.RECORD * f_principle.THREE_PUBLISHED[3, 0.5], rel=0.25)
    plateau = [history.error(i).near(f_principle.PLATEAU_STEP) for i in range(3)]
    assert plateau == pytest.approx([0.1, 0.68, 0.8], abs=0.03)  # read from the colors of a figure

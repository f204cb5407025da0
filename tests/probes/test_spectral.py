import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import CallableField
from pdefreq.core.history import History
from pdefreq.domains.box import Box
from pdefreq.probes.iterate import SpaceIterate
from pdefreq.probes.spectral import SpectralProbe
from pdefreq.probes.target import Accuracy, Target
from pdefreq.problem.problem import Problem, Spectrum
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spaces.trial_space import Evaluator, TrialSpace
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.spectrum.spectral_report import SpectralReport
from pdefreq.spectrum.watched import WatchedModes

BOX = Box((-1.0,), (1.0,))


class Tones(TrialSpace):
    """Sums of sin(k pi (x + 1) / 2), k = 1 ... 60: a space without a grid, with sine amplitudes as its coefficients."""

    num_coefficients = 60
    smoothness = math.inf

    def at(self, x):
        return TonesAt(torch.sin((x + 1) * math.pi / 2 * torch.arange(1, self.num_coefficients + 1).to(x)))


class TonesAt(Evaluator):
    def __init__(self, table):
        self.table = table

    def value(self, c):
        return self.table @ c

    def gradient(self, c):
        raise NotImplementedError


AMPLITUDES = {2: 1.0, 6: -0.5, 16: 0.25, 40: 2e-3, 50: 9e-4}  # the last one is below the threshold


def exact_function(x):
    return sum(a * torch.sin(k * math.pi / 2 * (x[:, 0] + 1)) for k, a in AMPLITUDES.items())


EXACT = CallableField(exact_function)


def problem(**options):
    return Problem(domain=BOX, source=1.0, boundary=0.0, exact=EXACT, **options)


def tones(**amplitudes):
    c = torch.zeros(60, dtype=torch.float64)
    for name, value in amplitudes.items():
        c[int(name[1:]) - 1] = value
    return SpaceIterate(Tones(), c)


def prepared(probe=None, of=None, at=None, reference=EXACT, discrete_solution=None, facts=None, error=0.0):
    at, target = at or tones(), Target(of or problem(), reference, Accuracy(l2=error))
    return (probe or SpectralProbe()).prepare(
        target, at, discrete_solution=None if discrete_solution is None else at.member(discrete_solution), facts=facts or {}
    )


def watched(measurement):
    return WatchedModes.in_facts(measurement.facts)


def test_the_facts_describe_the_watched_modes():
    modes = watched(prepared())
    assert modes.indices.tolist() == [[2], [6], [16], [40]]
    np.testing.assert_allclose(modes.wavenumber, np.array([2, 6, 16, 40]) * math.pi / 2)
    np.testing.assert_allclose(modes.wavevectors[:, 0], modes.wavenumber)
    np.testing.assert_allclose(modes.amplitude, [1, 0.5, 0.25, 2e-3], atol=1e-13)
    assert (modes.kind, modes.error_kind, modes.complete, modes.count_above_threshold) == ("sine", "total", True, 4)


def test_errors_of_modes_are_relative_and_the_rest_is_absolute():
    at = tones(k2=1.5, k6=-0.5, k16=-0.25, k7=0.3)
    row = prepared()(at)
    np.testing.assert_allclose(row["mode_error"], [0.5, 0, 2, 1], atol=1e-10)  # rounding 1e-16 over amplitude 2e-3
    np.testing.assert_array_equal(row["mode_error_total"], row["mode_error"])
    assert row["unwatched_error"] == pytest.approx(math.hypot(0.3, 9e-4), rel=1e-10)  # modes 7 and 50; L/2 = 1


def test_a_wrong_phase_is_an_error():
    """cos and sin of the same wavenumber: the moduli agree, the relative error is sqrt(2)."""
    of = Problem(domain=BOX, source=1.0, boundary=0.0, spectrum=Spectrum("fourier"))
    c = torch.zeros(60, dtype=torch.float64)
    c[3] = 1.0  # sin(2 pi (x + 1))
    at = SpaceIterate(Tones(), c)
    row = prepared(of=of, at=at, reference=CallableField(lambda x: torch.cos(2 * math.pi * (x[:, 0] + 1))))(at)
    np.testing.assert_allclose(row["mode_error"], [math.sqrt(2)], rtol=1e-12)


def test_the_algebraic_error_refers_to_the_discrete_solution_and_the_total_error_to_the_exact_one():
    grid = Grid(BOX, (128,))
    discrete_solution = 1.1 * grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64))
    measurement = prepared(at=SpaceIterate(grid, torch.zeros_like(discrete_solution)), discrete_solution=discrete_solution)
    np.testing.assert_allclose(watched(measurement).amplitude, [1.1, 0.55, 0.275, 2.2e-3], atol=1e-13)
    assert watched(measurement).error_kind == "algebraic"
    row = measurement(SpaceIterate(grid, discrete_solution))
    np.testing.assert_allclose(row["mode_error"], 0, atol=1e-15)
    np.testing.assert_allclose(row["mode_error_total"], 0.1, atol=1e-10)
    assert row["unwatched_error"] == 0
    row = measurement(SpaceIterate(grid, discrete_solution / 2.2))
    np.testing.assert_allclose(row["mode_error"], 1 - 1 / 2.2, atol=1e-10)


def test_without_a_solution_the_discrete_solution_is_the_target_and_total_errors_are_unknown():
    grid = Grid(BOX, (64,))
    discrete_solution = grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64))
    measurement = prepared(at=SpaceIterate(grid, discrete_solution), reference=None, discrete_solution=discrete_solution)
    assert watched(measurement).indices.tolist() == [[2], [6], [16], [40]]
    row = measurement(SpaceIterate(grid, 0 * discrete_solution))
    np.testing.assert_allclose(row["mode_error"], 1)
    assert np.isnan(row["mode_error_total"]).all() and row["mode_error_total"].shape == (4,)


def test_a_chain_watches_the_same_modes_in_both_spaces():
    """Including modes that the second grid is too coarse to resolve: they have no error there."""
    probe, of = SpectralProbe(), problem()
    first = prepared(probe, of)
    grid = Grid(BOX, (32,))
    discrete_solution = grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64))
    second = prepared(probe, of, SpaceIterate(grid, discrete_solution), discrete_solution=discrete_solution)
    # resumed in its second stage
    alone = prepared(SpectralProbe(), of, SpaceIterate(grid, discrete_solution), discrete_solution=discrete_solution)
    for other in (second, alone):
        np.testing.assert_array_equal(watched(first).indices, watched(other).indices)
        np.testing.assert_array_equal(watched(first).wavenumber, watched(other).wavenumber)
    row = second(SpaceIterate(grid, discrete_solution))
    assert np.isnan(row["mode_error"]).tolist() == [False, False, False, True]


def test_a_chain_without_a_solution_keeps_the_modes_of_its_first_discrete_solution():
    of = problem().blind()
    coarse, fine = Grid(BOX, (32,)), Grid(BOX, (128,))
    discrete_solutions = [grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64)) for grid in (coarse, fine)]
    first = prepared(
        None, of, SpaceIterate(coarse, discrete_solutions[0]), reference=None, discrete_solution=discrete_solutions[0]
    )
    second = prepared(
        None,
        of,
        SpaceIterate(fine, discrete_solutions[1]),
        reference=None,
        discrete_solution=discrete_solutions[1],
        facts=first.facts,
    )
    other = prepared(
        None, of, SpaceIterate(fine, discrete_solutions[1]), reference=None, discrete_solution=discrete_solutions[1]
    )  # another run
    assert watched(first).indices.ravel().tolist() == [2, 6, 16, 24]  # mode 40 is an alias of 24 on 32 intervals
    np.testing.assert_array_equal(watched(first).indices, watched(second).indices)
    assert watched(other).indices.ravel().tolist() == [2, 6, 16, 40]


def test_modes_that_the_reference_solution_does_not_determine_do_not_enter_the_bias_index():
    """The amplitudes have the norm 1.146: a relative error of 1e-3 of the reference is more than half of the amplitude 2e-3."""
    for error, determined in ((0.0, [2, 6, 16, 40]), (0.8e-3, [2, 6, 16, 40]), (1e-3, [2, 6, 16]), (0.2, [2, 6])):
        modes = watched(prepared(error=error))
        assert modes.indices[:, 0].tolist() == [2, 6, 16, 40]
        assert modes.indices[modes.above_threshold, 0].tolist() == determined


def test_modes_beyond_the_maximal_number_are_dropped_and_counted():
    modes = watched(prepared(SpectralProbe(max_modes=2)))
    assert modes.indices.tolist() == [[2], [6]] and modes.count_above_threshold == 4
    assert len(watched(prepared(SpectralProbe(threshold=1e-4)))) == 5


@pytest.mark.parametrize(
    "options",
    [
        {"reference": None},  # no target
        {"reference": CallableField(lambda x: 0 * x[:, 0])},  # no mode
        {"reference": CallableField(lambda x: 0.1 - math.pi * x[:, 0])},  # no sine mode: the lifting is the whole function
    ],
)
def test_nothing_is_recorded_without_modes(options):
    measurement = prepared(**options)
    assert not measurement.facts and not measurement(tones())


def test_impossible_options_are_refused():
    with pytest.raises(IncompatibleError, match="at most 3 dimensions"):
        prepared(SpectralProbe(modes="sine"), Problem(domain=Box((0.0,) * 4, (1.0,) * 4), source=1.0, boundary=0.0))
    with pytest.raises(OptionError, match="`threshold`"):
        SpectralProbe(threshold=0)
    with pytest.raises(OptionError, match="`max_modes`"):
        SpectralProbe(max_modes=0)


@pytest.mark.parametrize("kind", ["sine", "cosine", "fourier"])
@pytest.mark.parametrize("intervals", [(20, 30), (6, 8, 10)])
def test_every_family_in_every_dimension(kind, intervals):
    d = len(intervals)
    box = Box((0.0,) * d, (1.0,) * d)
    of = Problem(domain=box, source=1.0, boundary=0.0)
    reference = CallableField(lambda x: torch.exp(x.sum(dim=1)) * torch.sin(2 * math.pi * x).prod(dim=1))
    grid = Grid(box, intervals)
    u = grid.interpolate(reference, torch.zeros(1, dtype=torch.float64))
    measurement = prepared(SpectralProbe(modes=kind, max_modes=20), of, SpaceIterate(grid, u), reference=reference)
    np.testing.assert_allclose(measurement(SpaceIterate(grid, 0 * u))["mode_error"], 1, rtol=1e-9)
    row = measurement(SpaceIterate(grid, u))
    assert row["mode_error"].shape == (20,)
    np.testing.assert_allclose(row["mode_error"], 0, atol=1e-12)


def test_a_report_follows_from_the_recorded_columns():
    """Modes that decay like exp(-t k / 20), low ones last; a history is written and read in between."""
    history, measurement = History(), prepared()
    history.facts.update({name: np.asarray(value) for name, value in measurement.facts.items()})
    for step in range(200):
        left = {f"k{k}": a * (1 - math.exp(-step * k / 20)) for k, a in AMPLITUDES.items()}
        history.record({"step": step, "seconds": step / 10} | dict(measurement(tones(**left))))
    again = History.from_arrays(history.arrays(), history.facts)
    report = SpectralReport.of(SpectralRecord.of(again))
    np.testing.assert_allclose([row.halving_step for row in report.rows], math.log(2) * 20 / np.array([2, 6, 16, 40]), rtol=1e-9)
    np.testing.assert_allclose([row.rate for row in report.rows], np.array([2, 6, 16, 40]) / 20, rtol=1e-3)
    assert report.bias_index == pytest.approx(-1, abs=1e-9)
    assert report.sentence == "High frequencies first: wavenumber 62.8 halved at step 1, 3.14 at step 7 (B = -1.00)."

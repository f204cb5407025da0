import math

import numpy as np
import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.fields import CallableField
from pdefreq.history import History
from pdefreq.iterations.iteration import State
from pdefreq.probes.spectral import SpectralProbe
from pdefreq.problem import Problem, Spectrum
from pdefreq.spaces.grid import Grid
from pdefreq.spaces.trial_space import Evaluator, TrialSpace
from pdefreq.spectrum.report import spectral_report

BOX = Box((-1.0,), (1.0,))


class Tones(TrialSpace):
    """Sums of sin(k pi (x + 1) / 2), k = 1 ... 60: a space without a grid whose coefficients are its sine modes."""

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


AMPLITUDES = {2: 1.0, 6: -0.5, 16: 0.25, 40: 2e-3, 50: 9e-4}  # the last is below the threshold


def exact_function(x):
    return sum(a * torch.sin(k * math.pi / 2 * (x[:, 0] + 1)) for k, a in AMPLITUDES.items())


EXACT = CallableField(exact_function)


def problem(**options):
    return Problem(domain=BOX, source=1.0, boundary=0.0, exact=EXACT, **options)


def tones(**amplitudes):
    c = torch.zeros(60, dtype=torch.float64)
    for name, value in amplitudes.items():
        c[int(name[1:]) - 1] = value
    return State(Tones(), c)


def prepared(probe=None, of=None, at=None, reference=EXACT, limit=None, facts=None):
    return (probe or SpectralProbe()).prepare(of or problem(), at or tones(), reference=reference, limit=limit, facts=facts or {})


def test_the_facts_describe_the_watched_modes():
    facts = prepared().facts
    assert facts["mode_indices"].tolist() == [[2], [6], [16], [40]]
    np.testing.assert_allclose(facts["mode_magnitude"], np.array([2, 6, 16, 40]) * math.pi / 2)
    np.testing.assert_allclose(facts["mode_wavevectors"][:, 0], facts["mode_magnitude"])
    np.testing.assert_allclose(facts["mode_amplitude"], [1, 0.5, 0.25, 2e-3], atol=1e-13)
    assert (str(facts["mode_kind"]), str(facts["mode_target"]), bool(facts["mode_complete"])) == ("sine", "total", True)
    assert int(facts["mode_candidates"]) == 4


def test_errors_are_relative_and_the_rest_is_absolute():
    at = tones(k2=1.5, k6=-0.5, k16=-0.25, k7=0.3)
    row = prepared()(at)
    np.testing.assert_allclose(row["mode_error"], [0.5, 0, 2, 1], atol=1e-10)  # rounding 1e-16 over amplitude 2e-3
    np.testing.assert_array_equal(row["mode_error_total"], row["mode_error"])
    assert row["rest_error"] == pytest.approx(math.hypot(0.3, 9e-4), rel=1e-10)  # modes 7 and 50; L/2 = 1


def test_a_wrong_phase_is_an_error():
    """cos against sin at the same wavenumber: moduli agree, the relative error is sqrt(2)."""
    of = Problem(domain=BOX, source=1.0, boundary=0.0, spectrum=Spectrum("fourier"))
    c = torch.zeros(60, dtype=torch.float64)
    c[3] = 1.0  # sin(2 pi (x + 1))
    at = State(Tones(), c)
    row = prepared(of=of, at=at, reference=CallableField(lambda x: torch.cos(2 * math.pi * (x[:, 0] + 1))))(at)
    np.testing.assert_allclose(row["mode_error"], [math.sqrt(2)], rtol=1e-12)


def test_the_algebraic_error_is_against_the_limit_and_the_total_one_against_the_solution():
    grid = Grid(BOX, (128,))
    limit = 1.1 * grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64))
    measurement = prepared(at=State(grid, torch.zeros_like(limit)), limit=limit)
    np.testing.assert_allclose(measurement.facts["mode_amplitude"], [1.1, 0.55, 0.275, 2.2e-3], atol=1e-13)
    assert str(measurement.facts["mode_target"]) == "algebraic"
    row = measurement(State(grid, limit))
    np.testing.assert_allclose(row["mode_error"], 0, atol=1e-15)
    np.testing.assert_allclose(row["mode_error_total"], 0.1, atol=1e-10)
    assert row["rest_error"] == 0
    row = measurement(State(grid, limit / 2.2))
    np.testing.assert_allclose(row["mode_error"], 1 - 1 / 2.2, atol=1e-10)


def test_without_a_solution_the_limit_is_the_target_and_totals_are_unknown():
    grid = Grid(BOX, (64,))
    limit = grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64))
    measurement = prepared(at=State(grid, limit), reference=None, limit=limit)
    assert measurement.facts["mode_indices"].tolist() == [[2], [6], [16], [40]]
    row = measurement(State(grid, 0 * limit))
    np.testing.assert_allclose(row["mode_error"], 1)
    assert np.isnan(row["mode_error_total"]).all() and row["mode_error_total"].shape == (4,)


def test_a_chain_watches_the_same_modes_in_every_space():
    """Also modes that the second grid is too coarse to carry: they have no error there."""
    probe, of = SpectralProbe(), problem()
    first = prepared(probe, of)
    grid = Grid(BOX, (32,))
    limit = grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64))
    second = prepared(probe, of, State(grid, limit), limit=limit)
    alone = prepared(SpectralProbe(), of, State(grid, limit), limit=limit)  # resumed in its second stage
    for name in ("mode_indices", "mode_magnitude"):
        np.testing.assert_array_equal(first.facts[name], second.facts[name])
        np.testing.assert_array_equal(first.facts[name], alone.facts[name])
    row = second(State(grid, limit))
    assert np.isnan(row["mode_error"]).tolist() == [False, False, False, True]


def test_a_chain_without_a_solution_keeps_the_modes_of_its_first_limit():
    of = problem().blind()
    coarse, fine = Grid(BOX, (32,)), Grid(BOX, (128,))
    limits = [grid.interpolate(EXACT, torch.zeros(1, dtype=torch.float64)) for grid in (coarse, fine)]
    first = prepared(None, of, State(coarse, limits[0]), reference=None, limit=limits[0]).facts
    second = prepared(None, of, State(fine, limits[1]), reference=None, limit=limits[1], facts=first).facts
    other = prepared(None, of, State(fine, limits[1]), reference=None, limit=limits[1])  # another run
    assert first["mode_indices"].ravel().tolist() == [2, 6, 16, 24]  # 40 looks like 24 on 32 intervals
    np.testing.assert_array_equal(first["mode_indices"], second["mode_indices"])
    assert other.facts["mode_indices"].ravel().tolist() == [2, 6, 16, 40]


def test_all_modes_of_the_target_are_cut_to_the_strongest_and_the_facts_say_so():
    facts = prepared(SpectralProbe(max_modes=2)).facts
    assert facts["mode_indices"].tolist() == [[2], [6]]
    assert int(facts["mode_candidates"]) == 4
    assert len(prepared(SpectralProbe(threshold=1e-4)).facts["mode_indices"]) == 5


@pytest.mark.parametrize(
    "options",
    [
        {"reference": None},  # nothing to compare with
        {"reference": CallableField(lambda x: 0 * x[:, 0])},  # no frequency in it
        {"reference": CallableField(lambda x: 0.1 - math.pi * x[:, 0])},  # none in sine modes: its boundary values say all of it
    ],
)
def test_nothing_is_recorded_where_there_is_nothing_to_measure(options):
    measurement = prepared(**options)
    assert not measurement.facts and not measurement(tones())


def test_what_is_asked_for_and_impossible_is_refused():
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
    measurement = prepared(SpectralProbe(modes=kind, max_modes=20), of, State(grid, u), reference=reference)
    np.testing.assert_allclose(measurement(State(grid, 0 * u))["mode_error"], 1, rtol=1e-9)
    row = measurement(State(grid, u))
    assert row["mode_error"].shape == (20,)
    np.testing.assert_allclose(row["mode_error"], 0, atol=1e-12)


def test_a_report_follows_from_the_recorded_columns_alone():
    """Modes that decay as exp(-t k / 20): low last. Everything passes through a history and back."""
    history, measurement = History(), prepared()
    history.facts.update({name: np.asarray(value) for name, value in measurement.facts.items()})
    for step in range(200):
        left = {f"k{k}": a * (1 - math.exp(-step * k / 20)) for k, a in AMPLITUDES.items()}
        history.record({"step": step, "seconds": step / 10} | dict(measurement(tones(**left))))
    again = History.from_arrays(history.arrays(), history.facts)
    report = spectral_report(
        steps=again.column("step"),
        seconds=again.column("seconds"),
        mode_error=again.column("mode_error"),
        mode_error_total=again.column("mode_error_total"),
        facts=again.facts,
    )
    np.testing.assert_allclose([row.half_step for row in report.rows], math.log(2) * 20 / np.array([2, 6, 16, 40]), rtol=1e-9)
    np.testing.assert_allclose([row.rate for row in report.rows], np.array([2, 6, 16, 40]) / 20, rtol=1e-3)
    assert report.bias_index == pytest.approx(-1, abs=1e-9)
    assert report.sentence == "High frequencies first: wavenumber 62.8 halved at step 1, 3.14 at step 7 (B = -1.00)."

import dataclasses
import json

import numpy as np
import pytest

from pdefreq.core.history import History
from pdefreq.spectrum.predicted import PREDICTED_STEPS, StoredPrediction
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.spectrum.spectral_report import SpectralReport
from pdefreq.spectrum.watched import WatchedModes

XI = np.pi / 2 * np.array([16.0, 2.0, 6.0, 40.0])  # not sorted
STEPS = np.arange(1001.0)
NOTHING = StoredPrediction()


def report(halving_steps, *, steps=STEPS, kind="sine", start=1.0, wavenumbers=(), theory=NOTHING):
    """The report of a run in which each mode decays exponentially with the given halving step."""
    halving_steps = np.asarray(halving_steps, dtype=float)
    m = len(halving_steps)
    errors = start * 0.5 ** (steps[:, None] / halving_steps)
    modes = WatchedModes(
        kind=kind,
        complete=kind != "fourier",
        indices=np.rint(XI[:m, None] * 2 / np.pi).astype(int),
        wavenumber=XI[:m],
        amplitude=np.array([0.1, 1.0, 0.3, 0.2])[:m],
        error_kind="algebraic",
        count_above_threshold=m,
        wavevectors=XI[:m, None],
    )
    columns = {"step": steps, "seconds": steps / 100, "mode_error": errors, "mode_error_total": errors + 0.001}
    history = History.from_arrays(columns, modes.facts() | theory.facts())
    return SpectralReport.of(SpectralRecord.of(history), wavenumbers)


def test_rows_are_sorted_by_wavenumber_and_contain_the_recorded_values():
    curves = 0.5 ** (PREDICTED_STEPS[:, None] / np.array([80, 10, 30, 200]))  # twice as fast as measured
    found = report([160, 20, 60, 400], theory=StoredPrediction("as told", rates=np.array([0.1, np.nan, 0.2, 0.3]), curves=curves))
    assert [row.index for row in found.rows] == [(2,), (6,), (16,), (40,)]
    assert [row.wavenumber for row in found.rows] == pytest.approx(np.sort(XI))
    assert [row.amplitude for row in found.rows] == [1.0, 0.3, 0.1, 0.2]
    assert [row.halving_step for row in found.rows] == pytest.approx([20, 60, 160, 400])
    assert [row.halving_seconds for row in found.rows] == pytest.approx([0.2, 0.6, 1.6, 4.0])
    assert [row.rate for row in found.rows] == pytest.approx(np.log(2) / np.array([20, 60, 160, 400]))
    rate = np.log(2) / 10  # if theory has no single rate, the rate of its curve
    assert [row.predicted_rate for row in found.rows] == pytest.approx([rate, 0.2, 0.1, 0.3], rel=1e-9)
    assert [row.predicted_halving_step for row in found.rows] == pytest.approx([10, 30, 80, 200], rel=1e-9)
    assert found.theory == "as told"
    assert [row.error for row in found.rows] == pytest.approx(0.5 ** (1000 / np.array([20, 60, 160, 400])) + 0.001)
    assert {row.status for row in found.rows} == {"halved"}
    assert found.bias_modes == pytest.approx(np.sort(XI))
    assert found.bias_index == pytest.approx(1, abs=0.01)  # 400 is 20 * 20 = 40 / 2 * 20: proportional to xi
    json.dumps(dataclasses.asdict(found), allow_nan=False)  # plain values, None if undefined


def test_undefined_values_are_none():
    found = report([160, 20, 1e9, 400], start=np.array([1.0, 0.4, 1.0, 1.0]))
    below, never = found.rows[0], found.rows[1]
    assert (below.status, below.halving_step, below.halving_seconds) == ("below half at the start", None, None)
    assert (never.status, never.halving_step, never.rate) == ("not halved", None, None)
    assert below.rate == pytest.approx(np.log(2) / 20)


@pytest.mark.parametrize(
    ("halving_steps", "options", "sentence"),
    [
        (
            20 * (XI / np.pi) ** 1,
            {},
            "Low frequencies first: wavenumber 3.14 halved at step 20, 62.8 at step 400 (B = +1.00).",
        ),
        (
            90000 * XI**-2.0,
            {},
            "High frequencies first: wavenumber 62.8 halved at step 23, 3.14 had not halved by step 1000 "
            "(B <= -1.31: 2 of 4 modes had not halved by the end).",
        ),
        (
            [1e5, 20, 1e5, 1e5],
            {},
            "No clear order of frequencies so far, with most modes not halved: wavenumber 3.14 halved at step 20, 62.8 had not "
            "halved by step 1000 (B = +1.21 so far: 3 of 4 modes had not halved by the end).",
        ),
        (
            20 * (XI / np.pi) ** 1,
            {"wavenumbers": (9, 26)},
            "Low frequencies first: wavenumber 9.42 halved at step 60, 25.1 at step 160 (B = +1.00).",
        ),
        (
            [90, 100, 100, 90],
            {},
            "No clear order of frequencies: wavenumber 62.8 halved at step 90, 3.14 at step 100 (B = -0.04).",
        ),
        (
            20 * (XI / np.pi) ** 1,
            {"kind": "fourier"},
            "Wavenumber 3.14 halved at step 20, 62.8 at step 400. "
            "No bias index: the family of modes is not a complete orthogonal family; use sine, cosine or eigen modes.",
        ),
        (
            [10, 20],
            {},
            "Wavenumber 25.1 halved at step 10, 3.14 at step 20. "
            "No bias index: only 2 of 2 watched modes started above half error; at least 3 are needed.",
        ),
        ([1e9] * 4, {}, "No watched mode had lost half its error by the end of the run."),
        ([1e9] * 4, {"kind": "fourier"}, "No watched mode had lost half its error by the end of the run."),
        ([50] * 4, {"start": 0.5}, "Every watched mode started below half error, so no order can be determined."),
        ([0.01] * 4, {"steps": np.array([0.0, 1.0])}, "No order can be determined from fewer than two steps."),
    ],
)
def test_the_order_in_words(halving_steps, options, sentence):
    assert report(halving_steps, **options).sentence == sentence


def test_the_spread_of_halving_steps_is_undefined_if_steps_do_not_resolve_it():
    """Interpolated halving steps below one have ratios without a meaning: all modes were halved in the first steps."""
    assert report([10, 20, 30, 40]).halving_spread == pytest.approx(4, rel=1e-9)  # interpolated exactly, up to rounding
    assert report([0.05, 0.5, 1, 2]).halving_spread is None
    assert report([10, 20, 30, 1e9]).halving_spread is None


def test_the_sentence_gives_no_example_that_contradicts_it():
    """The two requested tones have the opposite order, so that other modes are the examples."""
    halving_steps = np.array([100.0, 20, 150, 900])  # 25.1 before 9.42, although B > 0
    told = report(halving_steps, wavenumbers=(9.4, 25)).sentence
    assert told.startswith("Low frequencies first: wavenumber 3.14 halved at step 20, 62.8 at step 900")


def test_printed_rows_are_the_requested_modes_and_then_the_strongest():
    found = report([160, 20, 60, 400], wavenumbers=(30.0,))
    assert [row.index[0] for row in found.rows_to_print(1)] == [16]
    assert [row.index[0] for row in found.rows_to_print(4)] == [2, 6, 16, 40]
    assert found.rows_to_print(100) == found.rows


def test_modes_in_the_sentence_are_always_printed():
    found = report([160, 20, 60, 400])
    assert "3.14 halved at step 20, 62.8 at step 400" in found.sentence
    assert [row.index[0] for row in found.named] == [2, 40]
    assert [row.index[0] for row in found.rows_to_print(2)] == [2, 40]  # 6 is stronger than 40


def test_a_report_without_modes_states_the_reason():
    found = SpectralReport.without_modes("sine", "nothing was measured.", steps=0, wavenumbers=(3.0,))
    assert (found.sentence, found.rows, found.bias_index) == ("No spectrum: nothing was measured.", (), None)
    assert found.rows_to_print() == ()
    json.dumps(dataclasses.asdict(found), allow_nan=False)

"""The record of a run against closed forms, for any order of its columns and for missing data."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.spectrum.spectral_record import SpectralRecord, common_modes
from tests.figures.histories import DEGENERATE, halving_times, history, jacobi, network

MODES = (1, 2, 4, 8, 16)


@given(st.permutations(range(5)))
def test_the_order_of_modes_in_the_history_does_not_matter(order):
    """Reading sorts by wavenumber."""
    straight = jacobi()
    which = np.array(order)
    a = SpectralRecord.of(straight)
    modes = a.modes.take(which)
    shuffled = history(a.step, a.error[:, which], modes.wavenumber, indices=modes.indices, amplitude=modes.amplitude)
    b = SpectralRecord.of(shuffled)
    for name in ("wavenumber", "amplitude", "indices"):
        np.testing.assert_array_equal(getattr(a.modes, name), getattr(b.modes, name))
    np.testing.assert_array_equal(a.error, b.error)
    np.testing.assert_array_equal(shuffled.column("mode_error")[:, b.column], b.error)


def test_halving_steps_of_jacobi_follow_the_closed_form():
    record = SpectralRecord.of(jacobi(MODES))
    found = record.halving_steps
    # log e is linear in the step, so that interpolation is exact up to rounding
    np.testing.assert_allclose(found, halving_times(MODES), rtol=1e-10)


def test_halving_steps_of_slow_initially_small_and_unknown_modes():
    run = history([0, 1, 2], [[1, 0.1, 1, np.nan], [1, 0.1, 0.25, np.nan], [1, 0.1, 0.2, np.nan]], [1, 2, 3, 4])
    np.testing.assert_array_equal(SpectralRecord.of(run).front, [np.inf, 0, 0.5, np.nan])  # from 1 to 1/4 in one step


@given(st.integers(1, 8), st.lists(st.floats(0, 60), max_size=4))
def test_a_selection_contains_the_requested_modes(max_modes, asked):
    record = SpectralRecord.of(jacobi()).pick(max_modes, asked)
    assert len(record) == min(max_modes, 5)
    assert (np.diff(record.modes.wavenumber) > 0).all()
    whole = SpectralRecord.of(jacobi()).modes.wavenumber
    nearest = list(dict.fromkeys(float(whole[np.argmin(np.abs(whole - w))]) for w in asked))[:max_modes]
    assert set(nearest) <= set(record.modes.wavenumber.tolist())


def test_a_selection_prefers_the_largest_amplitudes():
    record = SpectralRecord.of(jacobi()).pick(3)
    assert record.modes.indices.ravel().tolist() == [1, 2, 4]  # amplitudes decrease with the wavenumber


def test_interpolation_agrees_with_the_records_and_ends_with_them():
    record = SpectralRecord.of(jacobi(last=50))
    np.testing.assert_allclose(record.resampled(record.step), record.error, rtol=1e-12)  # exp(log e)
    assert np.isnan(record.resampled(np.array([51.0]))).all()


def test_runs_are_compared_in_their_common_modes():
    runs = [SpectralRecord.of(h) for h in (jacobi((1, 2, 4, 8)), network((2, 4, 8, 16)), DEGENERATE["no spectrum"]())]
    a, b, none = common_modes(runs, 3)
    assert a.modes.indices.ravel().tolist() == b.modes.indices.ravel().tolist() == [2, 4, 8]
    np.testing.assert_array_equal(a.error, jacobi((2, 4, 8)).column("mode_error"))
    np.testing.assert_array_equal(b.error, network((2, 4, 8)).column("mode_error"))
    assert len(none) == 0


def test_runs_without_common_modes_have_no_comparison():
    assert [len(m) for m in common_modes([SpectralRecord.of(jacobi((1, 2))), SpectralRecord.of(network((3, 4)))], 3)] == [0, 0]

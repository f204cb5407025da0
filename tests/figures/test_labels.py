import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.figures.mode_errors import ModeErrors, common_modes, order_in_title
from tests.figures.histories import DEGENERATE, half_times, history, jacobi, network, one_step

MODES = (1, 2, 4, 8, 16)


@given(st.permutations(range(5)))
def test_the_order_of_modes_in_the_history_does_not_matter(order):
    """Reading sorts by wavenumber, whatever the order of the columns."""
    straight = jacobi()
    which = np.array(order)
    facts = {key: value[which] for key, value in straight.facts.items() if np.ndim(value)}
    shuffled = history(straight.column("step"), straight.column("mode_error")[:, which], facts.pop("mode_magnitude"), **facts)
    a, b = ModeErrors.read(straight), ModeErrors.read(shuffled)
    for name in ("wavenumber", "amplitude", "indices", "error"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(shuffled.column("mode_error")[:, b.column], b.error)


def test_half_steps_of_jacobi_follow_the_closed_form():
    modes = ModeErrors.read(jacobi(MODES))
    found = modes.half_steps()
    # log e is linear in the step, so interpolation is exact up to rounding
    np.testing.assert_allclose(found, half_times(MODES), rtol=1e-10)


def test_modes_that_never_arrive_were_there_or_are_unknown():
    run = history([0, 1, 2], [[1, 0.1, 1, np.nan], [1, 0.1, 0.25, np.nan], [1, 0.1, 0.2, np.nan]], [1, 2, 3, 4])
    np.testing.assert_array_equal(ModeErrors.read(run).half_steps(), [np.inf, 0, 0.5, np.nan])  # 1 to 1/4 in a step


@given(st.integers(1, 8), st.lists(st.floats(0, 60), max_size=4))
def test_picking_keeps_what_was_asked_for(limit, asked):
    modes = ModeErrors.read(jacobi()).pick(limit, asked)
    assert len(modes) == min(limit, 5)
    assert (np.diff(modes.wavenumber) > 0).all()
    whole = ModeErrors.read(jacobi()).wavenumber
    nearest = list(dict.fromkeys(float(whole[np.argmin(np.abs(whole - w))]) for w in asked))[:limit]
    assert set(nearest) <= set(modes.wavenumber.tolist())


def test_the_largest_amplitudes_come_first_among_the_rest():
    modes = ModeErrors.read(jacobi()).pick(3)
    assert modes.indices.ravel().tolist() == [1, 2, 4]  # the amplitude falls with the wavenumber


def test_interpolation_goes_through_the_records_and_stops_with_them():
    modes = ModeErrors.read(jacobi(last=50))
    np.testing.assert_allclose(modes.resampled(modes.step), modes.error, rtol=1e-12)  # exp(log e)
    assert np.isnan(modes.resampled(np.array([51.0]))).all()


def test_runs_are_compared_in_modes_that_all_of_them_watch():
    runs = [ModeErrors.read(h) for h in (jacobi((1, 2, 4, 8)), network((2, 4, 8, 16)), DEGENERATE["no spectrum"]())]
    a, b, none = common_modes(runs, 3)
    assert a.indices.ravel().tolist() == b.indices.ravel().tolist() == [2, 4, 8]
    np.testing.assert_array_equal(a.error, jacobi((2, 4, 8)).column("mode_error"))
    np.testing.assert_array_equal(b.error, network((2, 4, 8)).column("mode_error"))
    assert len(none) == 0


def test_runs_without_a_mode_in_common_show_none():
    assert [len(m) for m in common_modes([ModeErrors.read(jacobi((1, 2))), ModeErrors.read(network((3, 4)))], 3)] == [0, 0]


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        ([jacobi()], "high first, B = −2.0"),  # Jacobi: half-life ~ 1 / k^2
        ([network()], "low first, B = 1.00"),  # half-life ~ k
        ([jacobi(), network(), network(scale=1 / 2)], "no clear order, B = 1.00 [−2.0"),
        ([network(last=30)], "low first, B ≥ 0."),  # high modes never arrive
        ([one_step()], "one step"),
        ([DEGENERATE["one mode"]()], "B undefined"),
        ([DEGENERATE["no spectrum"]()], "B undefined"),
        ([DEGENERATE["no records"]()], "no steps recorded"),
        ([DEGENERATE["no records"](), jacobi()], "high first"),
    ],
)
def test_the_order_in_words(runs, title):
    assert order_in_title([ModeErrors.read(run) for run in runs]).startswith(title)


def test_modes_in_two_dimensions_are_told_apart():
    labels = ModeErrors.read(DEGENERATE["two dimensions"]()).labels
    assert len(set(labels)) == 4
    assert labels[0] == "2 (1,1)"

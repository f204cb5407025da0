import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.core.history import History, Schedule, Stop


@given(st.integers(1, 2000), st.integers(1, 200))
def test_the_schedule_is_dense_at_first_and_then_has_equal_density_in_every_decade(dense, per_decade):
    schedule = Schedule(dense, per_decade)
    steps = [0]
    while steps[-1] < 100_000:
        steps.append(schedule.after(steps[-1]))
    assert steps[: dense + 1] == list(range(dense + 1))
    assert all(later > earlier for earlier, later in zip(steps, steps[1:], strict=False))
    inside = [s for s in steps if 10_000 <= s < 100_000]
    # rounding to whole steps only adds records; one may fall just outside either end
    assert len(inside) >= min(per_decade, 90_000) - 1


@given(st.integers(1, 300), st.integers(1, 200), st.integers(0, 3000), st.integers(0, 20_000))
def test_the_number_of_recorded_steps_is_counted(dense, per_decade, start, last):
    schedule = Schedule(dense, per_decade)
    step, count = start, 0
    while step < last:
        step, count = schedule.after(step), count + 1
    assert schedule.count(start, last) == count


def test_a_dense_schedule_is_counted_at_once():
    assert Schedule(dense=10**12).count(5, 10**11) == 10**11 - 5


def test_columns_that_are_missing_from_some_rows_are_filled_with_nan():
    history = History()
    history.record({"step": 0, "a": 1.0})
    history.record({"step": 1, "b": np.array([1.0, 2.0])})
    history.record({"step": 2, "a": 3.0, "b": np.array([3.0, 4.0])})
    np.testing.assert_equal(history.column("a"), [1.0, math.nan, 3.0])
    np.testing.assert_equal(history.column("b"), [[math.nan, math.nan], [1.0, 2.0], [3.0, 4.0]])


def test_a_history_is_restored_from_its_arrays_and_can_be_cut():
    history = History()
    for step in range(5):
        history.record({"step": step, "v": np.full(3, step)})
    history.facts["k"] = np.arange(3)
    again = History.from_arrays(history.arrays(), history.facts)
    np.testing.assert_equal(again.arrays(), history.arrays())
    np.testing.assert_equal(history.before(3).column("step"), [0, 1, 2])
    assert len(history.before(0)) == 0
    assert "k" in history.before(0).facts


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": -1},
        {"steps": 2.5},
        {"steps": 2**63},  # a run folder with it could not be read
        {"steps": "5"},
        {"seconds": math.inf},
        {"seconds": -0.1},
        {"tolerance": math.nan},
        {"tolerance": 1},
        {"tolerance": 2.5},
        {"stagnation": 0},
    ],
)
def test_impossible_limits_are_refused(bad):
    with pytest.raises(OptionError, match=next(iter(bad))):
        Stop(**bad)


def test_an_override_replaces_only_the_given_values():
    assert Stop(steps=10, seconds=5).override(Stop(steps=3)) == Stop(steps=3, seconds=5)


def test_limits_by_themselves_complete_those_of_a_stop():
    assert Stop.of(None) == Stop() and Stop.of(Stop(tolerance=0.5), steps=3, seconds=1.0) == Stop(3, 1.0, 0.5)
    with pytest.raises(OptionError, match="`steps` is given twice"):
        Stop.of(Stop(steps=3), steps=3)
    with pytest.raises(OptionError, match=r"`stop` must be a Stop, got 5: write stop=Stop\(...\), or steps="):
        Stop.of(5)

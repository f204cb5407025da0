"""The estimate of the time of a run, on runs whose steps and measurements take known times."""

import re

import pytest

from pdefreq import Stop, solve
from pdefreq.core.announcements import listening
from pdefreq.core.history import Schedule
from pdefreq.runs.time_estimate import TimeEstimate


def sentences(stop: Stop, schedule: Schedule, of_step: float, of_row: float, *, last: int, start: int = 0) -> list[str]:
    """All sentences of a run whose steps and rows take constant times, and whose first step takes ten times as long."""
    estimate, told = TimeEstimate(stop, schedule), []
    step, seconds, elapsed = start, 0.0, 0.0
    while step <= last:
        elapsed += of_row
        told.append(estimate.sentence(step, seconds, elapsed))
        after = schedule.after(step)
        time = (after - step) * of_step + (9 * of_step if step == start else 0.0)
        step, seconds, elapsed = after, seconds + time, elapsed + time
    return [sentence for sentence in told if sentence]


@pytest.mark.parametrize(
    ("of_step", "of_row", "told"),
    [
        (0.1, 0.0, "33 min"),  # 20,000 steps of 0.1 s
        (0.1, 5.0, "52 min"),  # and 219 rows of 5 s: 2000 + 1095 s
        (0.004, 0.0, "80 s"),
        (0.0009, 0.0, None),  # 18 s
    ],
)
def test_constant_times_are_extrapolated_exactly(of_step, of_row, told):
    schedule, stop = Schedule(), Stop(steps=20_000)
    rows, step = 1, 0
    while step < 20_000:
        step, rows = schedule.after(step), rows + 1
    assert rows == 219
    found = sentences(stop, schedule, of_step, of_row, last=2000)
    assert found == ([] if told is None else [f"This run will take about {told} for 20,000 steps."])


@pytest.mark.parametrize("stop", [Stop(), Stop(steps=10**6, seconds=60), Stop(steps=10**6, train_seconds=60)])
def test_there_is_no_estimate_without_a_limit_on_steps_or_with_one_on_time(stop):
    assert sentences(stop, Schedule(), 0.1, 0.1, last=1000) == []


def test_a_resumed_run_is_estimated_from_its_own_steps():
    (told,) = sentences(Stop(steps=20_000), Schedule(), 0.1, 0.0, last=15_000, start=10_000)
    assert told == "This run will take about 17 min for 20,000 steps."  # the 10,000 steps that are left


def test_a_long_run_is_announced_before_it_is_taken():
    told = []
    with listening(lambda _: None, told.append):
        solve(
            "poisson",
            "deep-ritz:widths=[10]",
            stop=Stop(steps=10**7),
            predict=False,
            probes=["error"],
            callback=lambda step, *_: any("will take" in sentence for sentence in told) or step > 5000,
        )
    (sentence,) = [sentence for sentence in told if "will take" in sentence]
    assert re.fullmatch(r"This run will take about .* (min|h) for 10,000,000 steps\.", sentence)

"""Changes between two results: an injected regression is found, and equal results and the spread over the seeds are none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.studies.benchmark_changes import compare_benchmarks
from pdefreq.studies.benchmark_result import Benchmark
from pdefreq.studies.benchmark_run import Run

MACHINE = {"processor": "one", "cores": 2, "memory": 1, "system": "x"}


def result(errors, seconds=None, machine=MACHINE, **changes):
    """A result of one method on one problem with an error, and a time, for each seed; None is a failure."""
    seconds = seconds or [1.0] * len(errors)
    runs = [
        replace(
            Run("poisson", "d", "m", "10 steps", seed, "steps", relative_l2=error, seconds=time, failed=error is None), **changes
        )
        for seed, (error, time) in enumerate(zip(errors, seconds, strict=True))
    ]
    return Benchmark("s", "S", runs, [], machine, {}, "2026-01-31")


def kinds(before, after, **options):
    changes = compare_benchmarks(before, after, **options)
    return [(change.quantity, change.is_regression) for change in changes.changes]


@given(st.lists(st.floats(1e-14, 1e3), min_size=1, max_size=5), st.lists(st.floats(1e-3, 1e3), min_size=5, max_size=5))
def test_equal_results_have_no_changes(errors, seconds):
    same = result(errors, seconds[: len(errors)])
    assert kinds(same, same) == []


@given(st.lists(st.floats(1e-10, 1e-2), min_size=1, max_size=5), st.floats(1.01, 100.0))
def test_a_regression_beyond_the_spread_is_found_in_one_direction_only(errors, beyond):
    factor = 1.25 * max(errors) / min(errors) * beyond
    worse = result([error * factor for error in errors])
    assert kinds(result(errors), worse) == [("relative_l2", True)]
    assert kinds(worse, result(errors)) == [("relative_l2", False)]


@given(st.lists(st.floats(1e-10, 1e-2), min_size=2, max_size=5), st.randoms())
def test_seeds_in_another_order_are_no_change(errors, random):
    shuffled = random.sample(errors, len(errors))
    assert kinds(result(errors), result(shuffled)) == []


def test_other_seeds_are_rarely_a_change():
    """Errors whose logarithms have a standard deviation of 0.5 in both results, three seeds: fewer than 2 % of 500 pairs."""
    draws = np.exp(np.random.default_rng(0).normal(0, 0.5, (500, 2, 3)) - 5)
    found = [bool(kinds(result(list(before)), result(list(after)))) for before, after in draws]
    assert np.mean(found) < 0.02


def test_rounding_errors_and_short_times_are_no_changes():
    assert kinds(result([1e-16], [1e-4]), result([1e-13], [0.09])) == []


def test_times_are_compared_on_the_same_machine_only():
    before, after = result([0.1], [1.0]), result([0.1], [2.0])
    assert kinds(before, after) == [("seconds", True)]
    other = result([0.1], [2.0], machine={**MACHINE, "processor": "two"})
    assert kinds(before, other) == [] and not compare_benchmarks(before, other).same_machine
    mixed = {**MACHINE, "processor": None}  # of two benchmarks whose parts are from different machines
    assert kinds(result([0.1], [1.0], machine=mixed), result([0.1], [2.0], machine=mixed)) == []
    alone, beside = (replace(after, setup={"workers": workers}) for workers in (1, 2))
    assert kinds(replace(before, setup={"workers": 1}), alone) == [("seconds", True)]
    assert kinds(replace(before, setup={"workers": 1}), beside) == []
    unknown = {"workers": None}  # of an executor, or of runs that several commands made
    assert kinds(replace(before, setup=unknown), replace(after, setup=unknown)) == []


def test_a_larger_part_of_failures_is_a_regression():
    assert kinds(result([0.1, 0.1]), result([0.1, None])) == [("failed", True)]
    assert kinds(result([None, None]), result([0.1, 0.1])) == [("failed", False)]


def test_another_problem_or_budget_and_interrupted_runs_are_not_compared():
    before = result([0.1])
    for changes in ({"digest": "other"}, {"budget": "20 steps"}, {"status": "interrupted"}, {"status": "not run"}):
        found = compare_benchmarks(before, result([0.9], **changes))
        assert not found.changes and found.compared == 0 and found.unmatched


def test_thresholds_are_ratios():
    before, after = result([0.1]), result([0.13])
    assert kinds(before, after) == [("relative_l2", True)] and kinds(before, after, threshold=1.5) == []
    for name in ("threshold", "time_threshold"):
        with pytest.raises(OptionError, match="must be above 1"):
            compare_benchmarks(before, after, **{name: 1.0})
    assert "1 regression, 0 improvements" in repr(compare_benchmarks(before, after))

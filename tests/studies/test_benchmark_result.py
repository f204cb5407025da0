"""The rows of a benchmark: medians over the seeds."""

from pdefreq.studies.benchmark_result import Benchmark
from pdefreq.studies.benchmark_run import Run


def test_a_mode_that_is_not_halved_counts_as_the_slowest_in_the_median():
    def run(seed, time):
        return Run("p", "d", "m", "b", seed, "steps", half_times=[[1.0, 1.0, 0.5], [2.0, 1.0, 0.1], [2.0, time, time]])

    def median(*times):
        runs = [run(seed, time) for seed, time in enumerate(times)]
        (row,) = Benchmark("s", "S", runs, [], {}, {}, "2026-01-31").rows()
        assert row["half_time_low"] == 0.5
        return row["half_time_high"]

    assert median(3.0, None, 2.0) == 3.0
    assert median(None, 2.0, None) is None
    assert median(0.2) == 0.2  # the slower one of two modes with the same wavenumber


def test_seeds_in_which_no_mode_is_halved_leave_no_bound():
    """One seed has B >= 1; with the others a longer run may have any median."""
    late = [[1.0, 10.0, 0.1], [2.0, 20.0, 0.2], [4.0, 40.0, 0.4], [8.0, None, None]]
    never = [[wavenumber, None, None] for wavenumber, _, _ in late]

    def relation(*halves):
        runs = [
            Run("p", "d", "m", "b", seed, "steps", steps=80, bias_index=1.0 if each is late else None, half_times=each)
            for seed, each in enumerate(halves)
        ]
        (row,) = Benchmark("s", "S", runs, [], {}, {}, "2026-01-31").rows()
        return row["bias_index_relation"]

    assert relation(late, late) == ">="
    assert relation(late, never) == "~"
    assert relation(never, never) is None

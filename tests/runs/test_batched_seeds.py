"""Runs of several seeds as one batch: each has the folder, the history and the end of a single run."""

import time

import numpy as np
import pytest

from pdefreq import Stop, compare, load_run
from pdefreq.core.errors import IncompatibleError, OptionError, TooLargeError
from pdefreq.core.history import Status
from pdefreq.runs.batched_seeds import require_batchable, run_batch
from pdefreq.runs.planned_run import PlannedRun
from tests.toys import line_problem

SMALL = "deep-ritz:widths=[5],number=50"
SAME = 1e-10  # as for `tests/iterations/training/test_seed_batch.py`: products of a batch are summed in another order
TIMES = {"seconds"}


def planned(folder=None, seeds=3, stop=None, method=SMALL):
    stop = stop or Stop(steps=30)
    folders = [None if folder is None else folder / f"seed-{seed}" for seed in range(seeds)]
    return [PlannedRun.of(line_problem(), method, stop=stop, seed=seed, folder=folders[seed]) for seed in range(seeds)]


def require_same(found, expected):
    assert found.status is expected.status
    assert found.step == expected.step
    assert set(found.history.names) == set(expected.history.names)
    for name in set(found.history.names) - TIMES:
        one, other = (np.asarray(each.history.column(name), dtype=complex) for each in (found, expected))
        scale = max(1e-3, float(np.nanmax(np.abs(other))) if np.isfinite(other).any() else 0.0)
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=SAME * scale, err_msg=name)
    assert float((found.state.coefficients - expected.state.coefficients).norm()) <= SAME * float(
        expected.state.coefficients.norm()
    )


def test_each_seed_is_a_run_of_its_own(tmp_path):
    alone = [run.run() for run in planned()]
    began = time.perf_counter()
    batch = run_batch(planned(tmp_path))
    took = time.perf_counter() - began
    for found, expected in zip(batch, alone, strict=True):
        require_same(found, expected)
        require_same(load_run(found.folder, line_problem()), expected)
        assert any("3 seeds took their steps as one batch" in note for note in found.notes)
    assert sum(found.seconds for found in batch) <= took  # each has its share, and only one thread works at a time


def test_runs_that_were_stopped_at_different_steps_are_continued(tmp_path):
    expected = [run.run() for run in planned()]
    for run, steps in zip(planned(tmp_path), (7, 12), strict=False):
        assert run.run(callback=lambda step, *_, last=steps: step >= last).status is Status.INTERRUPTED
    for found, wanted in zip(run_batch(planned(tmp_path)), expected, strict=True):
        require_same(found, wanted)
    calls = []
    again = run_batch(planned(tmp_path), lambda *call: calls.append(call))
    assert not calls  # all of them are finished
    assert [found.step for found in again] == [30, 30, 30]


def test_runs_end_at_different_steps():
    stop = Stop(steps=60, stagnation=20)
    alone = [run.run() for run in planned(stop=stop, method=f"{SMALL},learning_rate=0.5")]
    assert len({found.step for found in alone}) > 1
    for found, expected in zip(run_batch(planned(stop=stop, method=f"{SMALL},learning_rate=0.5")), alone, strict=True):
        assert (found.status, found.step) == (expected.status, expected.step)


def test_an_error_of_a_run_is_raised_and_nothing_is_written_for_a_refusal(tmp_path):
    with pytest.raises(IncompatibleError, match="optimizer of first order"):
        run_batch(planned(tmp_path / "refused", method="gauss-newton:widths=[5]"))
    assert not (tmp_path / "refused").exists()


def test_more_seeds_than_the_memory_holds_are_refused():
    require_batchable(planned(seeds=2), 100)
    with pytest.raises(TooLargeError, match=r"`seeds` = 100000000 would need about [0-9,]+ GiB of memory"):
        require_batchable(planned(seeds=2), 10**8)


@pytest.mark.slow
def test_a_comparison_has_a_batch_for_each_method(tmp_path):
    methods = [SMALL, "mscale:widths=[4],scales=[1,2],number=50"]
    alone = compare(line_problem(), methods, steps=10, seeds=2)
    batch = compare(line_problem(), methods, steps=10, seeds=2, batch=True, folder=tmp_path / "both")
    assert batch.solutions.keys() == alone.solutions.keys()
    for label in methods:
        for found, expected in zip(batch.solutions[label], alone.solutions[label], strict=True):
            require_same(found, expected)
    with pytest.raises(IncompatibleError, match=r"^jacobi: seeds are batched .* optimizer of first order"):
        compare(line_problem(), [SMALL, "jacobi"], steps=10, seeds=2, batch=True)
    with pytest.raises(OptionError, match="`seeds` above 1"):
        compare(line_problem(), [SMALL], batch=True)

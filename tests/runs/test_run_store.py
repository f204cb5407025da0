"""A store of runs: finished runs are loaded, others are resumed or started."""

import numpy as np
import pytest
import torch

from pdefreq import Stop, solve
from pdefreq.core.fields import CallableField
from pdefreq.iterations.linear.jacobi import Jacobi
from pdefreq.probes.error import ErrorProbe
from pdefreq.runs.run_store import RunStore

METHOD = "jacobi:intervals=16"


@pytest.fixture
def steps(monkeypatch):
    """A list that grows by one entry with each step."""
    taken, original = [], Jacobi.step
    monkeypatch.setattr(Jacobi, "step", lambda self, state: taken.append(1) or original(self, state))
    return taken


def test_a_finished_run_is_loaded_with_the_same_history_and_solution(tmp_path, steps):
    with RunStore(tmp_path / "store").active():
        first = solve("poisson", METHOD, stop=Stop(steps=5), probes=[ErrorProbe()])
        second = solve("poisson", METHOD, stop=Stop(steps=5), probes=[ErrorProbe()])
        assert len(steps) == 5
        other = solve("poisson", METHOD, stop=Stop(steps=6), probes=[ErrorProbe()])
    assert len(steps) == 11 and first.folder == second.folder != other.folder
    assert first.status is second.status and first.error() == second.error()
    np.testing.assert_array_equal(first.history.column("relative_l2"), second.history.column("relative_l2"))
    solve("poisson", METHOD, stop=Stop(steps=5))  # outside of the store
    assert len(steps) == 16


def test_runs_with_python_objects_or_a_folder_or_a_callback_are_not_kept(tmp_path, steps):
    guess = CallableField(lambda x: torch.zeros(len(x), dtype=x.dtype))
    with RunStore(tmp_path / "store").active():
        for options in ({"guess": guess}, {"callback": lambda *_: False}):
            solve("poisson", METHOD, stop=Stop(steps=2), **options)
            solve("poisson", METHOD, stop=Stop(steps=2), **options)
        solve("poisson", METHOD, stop=Stop(steps=2), folder=tmp_path / "own")
    assert len(steps) == 10 and not (tmp_path / "store").exists()

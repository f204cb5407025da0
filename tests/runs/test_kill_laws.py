"""Runs that are killed at random moments and resumed give the bits of uninterrupted runs, for every kind of method."""

import random
import re
import signal
from collections import Counter

import numpy as np
import pytest

from pdefreq.runs.lifecycle import load_run
from tests.runs.killed_runs import KINDS, finish, kill_until_done

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")


def assert_equal_runs(folder, other):
    """Coefficients, and all columns and facts except the clock, agree bit for bit; no temporary file and no lock is left."""
    a, b = load_run(folder), load_run(other)
    assert (a.status, a.step) == (b.status, b.step)
    np.testing.assert_array_equal(a.state.coefficients.numpy(), b.state.coefficients.numpy())
    columns, others = a.history.arrays(), b.history.arrays()
    assert columns.keys() == others.keys() and a.history.facts.keys() == b.history.facts.keys()
    for name in columns.keys() - {"seconds"}:
        np.testing.assert_array_equal(columns[name], others[name], err_msg=name)
    for name, fact in a.history.facts.items():
        np.testing.assert_array_equal(fact, b.history.facts[name], err_msg=name)
    names = [{re.sub(r"[0-9a-f]{16}", "", str(path.relative_to(each))) for path in each.rglob("*")} for each in (folder, other)]
    assert names[0] == names[1]  # digests of checkpoints contain the clock
    assert not [name for name in names[0] if name.endswith((".tmp", ".lock"))]


def kill(kind, kills, folder, seed):
    """Runs of a kind, until their processes were killed so many times in all."""
    seconds = finish(kind, folder / "whole")
    found, moments, number = Counter(), random.Random(seed), 0
    while found.total() < kills:
        killed = folder / f"killed-{number}"
        found += (new := kill_until_done(kind, killed, seconds, kills - found.total(), moments))
        assert_equal_runs(killed, folder / "whole")
        number, seconds = number + 1, seconds if new else 0.7 * seconds  # the first process also imports modules
    print(f"{kind}: {found.total()} kills of {number} runs of {seconds:.2f} s, {dict(found)}")


@pytest.mark.parametrize("kind", ["network, then grid"])  # which contains training and sweeps
def test_two_kills_leave_the_bits_unchanged(kind, tmp_path):
    kill(kind, 2, tmp_path, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_eight_kills_leave_the_bits_unchanged(kind, tmp_path):
    """208 kills in all; `-s` prints how many there were in each state of the folder."""
    kill(kind, 8, tmp_path, seed=2)

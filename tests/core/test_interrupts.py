"""A request to stop ends one run; where several follow each other on purpose, all of them."""

import os
import signal

import pytest

from pdefreq.core.interrupts import ending_all, interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_is_told_and_the_handlers_come_back(number):
    before = signal.getsignal(number)
    with interruptible() as asked:
        assert not asked()
        os.kill(os.getpid(), number)
        assert asked()
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_experiment_of_several_runs_ends_with_the_first(number):
    finished = []
    with pytest.raises(KeyboardInterrupt), ending_all():
        for run in range(3):
            with interruptible() as asked:
                os.kill(os.getpid(), number)
                finished.append((run, asked()))
    assert finished == [(0, True)]


def test_without_a_request_nothing_is_raised():
    with ending_all(), interruptible() as asked:
        assert not asked()

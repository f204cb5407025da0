"""A request to stop ends one run, or all runs of an experiment."""

import os
import signal
import subprocess
import sys

import pytest

from pdefreq.core import interrupts
from pdefreq.core.interrupts import ending_all, exiting_at_once, interruptible

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_request_and_the_previous_handlers_are_restored(number):
    before = signal.getsignal(number)
    with interruptible() as asked:
        assert not asked()
        os.kill(os.getpid(), number)
        assert asked()
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_request_ends_an_experiment_at_its_current_run(number):
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


@pytest.mark.parametrize("number", SIGNALS)
def test_the_exit_code_is_128_plus_the_number_of_the_signal(number):
    with interruptible():
        os.kill(os.getpid(), number)
    assert interrupts.exit_code() == 128 + number


def test_a_second_ctrl_c_raises_and_other_signals_may_arrive_twice():
    """A closed terminal may send SIGHUP twice, and a service manager SIGTERM and SIGHUP; the data must still be saved."""
    with interruptible() as asked:
        for number in SIGNALS[1:] * 2:
            os.kill(os.getpid(), number)
        assert asked() and asked.number == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_ignored_signal_stays_ignored(number):
    """As SIGHUP under nohup, and SIGINT of a process in the background."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with interruptible() as asked:
            os.kill(os.getpid(), number)
            assert not asked()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_request_that_was_not_answered_is_delivered_to_the_caller():
    with interruptible() as asked:
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        asked.deliver()
    with interruptible() as asked:
        pass
    asked.deliver()


CTRL_C = """
import signal, sys
class Press:
    def find_spec(self, name, *_):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Press())
sys.argv = ["pdefreq", "solve", "poisson"]
from pdefreq.__main__ import main
main()
"""


@pytest.mark.parametrize("name", ["pdefreq.cli", "typer", "pdefreq.commands.solve", "torch"])
def test_ctrl_c_during_an_import_ends_without_a_traceback(name, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", CTRL_C.format(name=name)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
    assert not list(tmp_path.iterdir())


def test_after_the_imports_ctrl_c_raises_again():
    with exiting_at_once():
        pass
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_after_another_request_ends_the_process_at_once():
    """During a long step nothing but Ctrl-C reaches the process."""
    with interruptible() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

"""Settings of all tests: one torch thread, set before torch is imported, matplotlib without windows, and a separate cache."""

import atexit
import gc
import os
import shutil
import signal
import tempfile

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts background jobs so, and runs respect it
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("PDEFREQ_WORKERS", "1")  # the tests themselves use all cores
if "PYTEST_XDIST_WORKER" not in os.environ:  # worker processes use the folder of their parent process
    os.environ["PDEFREQ_CACHE"] = tempfile.mkdtemp(prefix="pdefreq-cache-")
    atexit.register(shutil.rmtree, os.environ["PDEFREQ_CACHE"], ignore_errors=True)

import pytest
from hypothesis import HealthCheck, settings

from pdefreq.solvers import SOLVERS

# Machines are sometimes slow: a deadline would test the machine.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

os.fsync = lambda *_: None  # tests kill processes, but never the machine: files need not reach the disk

# The methods of the tests are announced like those of an installed package, so that run folders can refer to them.
SOLVERS._unlisted |= {"geometric": "tests.toys:Geometric", "geometric-residual": "tests.toys:GeometricResidual"}


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Tests that are collected remain until the end: the garbage collector need not look at them again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()

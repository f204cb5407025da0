"""Memory and devices."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PAGE_FAULTS = """
import resource, torch
from pdefreq.core.devices import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        torch.ones(2**20, dtype=torch.float64)  # 8 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

plain = faults()
keep_freed_memory()
faults()
print(plain, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the thresholds are those of the GNU C library")
def test_freed_memory_is_kept_where_the_environment_asks_for_an_early_return() -> None:
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}  # as in a worker of Dask
    found = subprocess.run([sys.executable, "-c", PAGE_FAULTS], env=environment, capture_output=True, text=True, check=True)
    plain, kept = map(int, found.stdout.split())
    assert plain > 50  # without it, every allocation takes new pages from the system
    assert kept < 50  # with it, the pages of the first allocation are used again

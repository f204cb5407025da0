"""Memory and devices."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pdefreq import Box, Problem, solve
from pdefreq.core.devices import require_memory
from pdefreq.core.errors import TooLargeError

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


@pytest.mark.parametrize("allocate", [torch.empty, np.empty], ids=["torch", "numpy"])
def test_a_failed_allocation_is_one_sentence(allocate) -> None:
    def source(x):
        return allocate(2**50) if len(x) > 300 else x[:, 0]  # the problem itself needs few values

    problem = Problem(domain=Box(0, 1), source=source, boundary=0)
    with pytest.raises(TooLargeError, match="the memory does not suffice for this computation: use fewer"):
        solve(problem, "jacobi:intervals=512")


def test_other_errors_of_the_user_s_functions_are_not_hidden() -> None:
    def source(x):
        if len(x) > 300:
            raise RuntimeError("a mistake")
        return x[:, 0]

    with pytest.raises(RuntimeError, match="a mistake"):
        solve(Problem(domain=Box(0, 1), source=source, boundary=0), "jacobi:intervals=512")


def test_the_memory_of_a_gpu_is_its_own(monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: SimpleNamespace(total_memory=2**34))
    require_memory(8, "seeds", 2**34, "cuda:1")
    with pytest.raises(TooLargeError, match=r"`seeds` = 8 would need about 32 GiB of memory, but cuda:1 has 16 GiB"):
        require_memory(8, "seeds", 2**35, "cuda:1")

"""The machine on which a computation runs, for records of measured times."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path


def machine() -> dict[str, str | int | None]:
    """The processor model, the available cores, the bytes of memory, and the operating system; None if unknown."""
    return {
        "processor": _processor(),
        "cores": available_cores(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def available_cores() -> int:
    """The number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _processor() -> str | None:
    with suppress(OSError):  # Linux; elsewhere the file does not exist
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Hardware", "cpu model"):
                return value.strip()
    return platform.processor() or None


def _memory() -> int | None:
    with suppress(ValueError, OSError, AttributeError):  # Windows has no `sysconf`
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None

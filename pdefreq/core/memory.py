"""Whether the machine has the memory that a computation needs."""

from __future__ import annotations

import os

from pdefreq.core.errors import OptionError


def require_memory(number: int, option: str, bytes_needed: int) -> None:
    """Room for a computation in the machine's memory.

    Raises:
        OptionError: If there is less than it needs.
    """
    if not hasattr(os, "sysconf"):  # Windows: let the allocation fail
        return
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if bytes_needed > total:
        raise OptionError(
            f"`{option}` = {number} would need about {bytes_needed // 2**30:,} GiB of memory and this machine has "
            f"{total // 2**30:,} GiB: use a smaller number"
        )

"""Imports of large libraries without pauses of the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Imports in this block run without the collector of reference cycles, and later collections skip what they made.

    Modules make about 400,000 objects that live until the end, and the collector went through all of them five times during
    `pdefreq solve poisson --method sine`, which took a fifth of its processor time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()

"""Random numbers: one independent stream for each (seed, purpose, index).

A stream is derived, never advanced across steps, so a resumed run draws what the uninterrupted run draws.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def stream_seed(seed: int, purpose: str, index: int = 0) -> int:
    """The 63-bit integer that seeds the stream of `(seed, purpose, index)`."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def stream(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """A generator on the CPU; numbers are drawn there and moved, so that every device sees the same ones.

    Args:
        seed: The run's seed.
        purpose: What the numbers are for, e.g. ``"initialization"``.
        index: Distinguishes draws for one purpose, e.g. the step.
    """
    import torch

    return torch.Generator().manual_seed(stream_seed(seed, purpose, index))

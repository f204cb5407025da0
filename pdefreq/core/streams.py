"""Random numbers: an independent stream for each (seed, purpose, index).

No stream is continued across steps, so that a resumed run draws the same numbers as an uninterrupted run.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def stream_seed(seed: int, purpose: str, index: int = 0) -> int:
    """The 63-bit integer seed of the stream of `(seed, purpose, index)`."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def stream(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """A random generator on the CPU. Numbers are drawn on the CPU and then moved, so that they do not depend on the device.

    Args:
        seed: The seed of the run.
        purpose: The purpose of the numbers, e.g. ``"initialization"``.
        index: An index that distinguishes streams with the same purpose, e.g. the step.
    """
    import torch

    return torch.Generator().manual_seed(stream_seed(seed, purpose, index))

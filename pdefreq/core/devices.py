"""Torch data types and devices by name, and checks of their memory."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError, TooLargeError

if TYPE_CHECKING:
    import torch


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_LARGE = 32 * 2**20  # bytes: the largest threshold that the GNU C library takes for blocks that are mapped on their own


def keep_freed_memory() -> None:
    """Make the C library retain freed memory for the next step instead of returning large arrays to the system.

    Each training step allocates and frees the same few megabytes, which otherwise causes page faults in every step. Without them,
    steps of `pinn` and `mscale` on `poisson` took 3 to 16 % less processor time in six pairs of 150 steps on a busy machine. A
    worker of Dask, which is started with a trim threshold of 64 KiB, took 2.4 times as long without. Other C libraries are left
    as they are.

    Source:
        The GNU C Library Reference Manual, section 3.2.3.7, "Malloc Tunable Parameters".
    """
    try:
        library = ctypes.CDLL(None)
        set_option = library.mallopt
    except (OSError, TypeError, AttributeError):  # not the GNU C library
        return
    set_option(_M_MMAP_THRESHOLD, _LARGE)
    set_option(_M_TRIM_THRESHOLD, 2 * _LARGE)


def as_dtype(name: str) -> torch.dtype:
    """The torch data type of a name.

    Raises:
        OptionError: If it is not ``float32`` or ``float64``.
    """
    import torch

    known = {"float32": torch.float32, "float64": torch.float64}
    if name not in known:
        raise OptionError(f"`dtype` must be float32 or float64, got '{name}'")
    return known[name]


def as_device(name: str) -> torch.device:
    """The torch device of a name.

    Raises:
        OptionError: If the machine does not have the device.
    """
    import torch

    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # the device "meta" has no values
    except (RuntimeError, AssertionError, NotImplementedError, TypeError):
        raise OptionError(f"there is no device '{name}' here; available: {', '.join(devices())}") from None
    return device


def devices() -> list[str]:
    """The names of the devices of this machine."""
    import torch

    return ["cpu"] + [f"cuda:{i}" for i in range(torch.cuda.device_count())]


def require_memory(
    number: int, option: str, bytes_needed: int, device: str = "cpu", remedy: str = "use a smaller number"
) -> None:
    """Check that the memory of the machine, or of a GPU, suffices for a computation.

    Args:
        number: The value of the option that determines the size.
        option: Its name.
        bytes_needed: The memory that the computation needs.
        device: The device that needs it.
        remedy: What to do if the memory does not suffice.

    Raises:
        TooLargeError: If it does not.
    """
    memory = _memory(device)
    if memory is not None and bytes_needed > memory:
        owner = "this machine" if device == "cpu" else device
        raise TooLargeError(
            f"`{option}` = {number} would need about {bytes_needed // 2**30:,} GiB of memory, but {owner} has "
            f"{memory // 2**30:,} GiB: {remedy}"
        )


def fits_memory(bytes_needed: int) -> bool:
    """Whether the memory of the machine suffices for a computation; true on systems that do not state their memory."""
    memory = _memory("cpu")
    return memory is None or bytes_needed <= memory


def _memory(device: str) -> int | None:
    """The memory of the machine or of a GPU, in bytes; None on systems that do not state it, where an allocation fails."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_properties(torch.device(device)).total_memory
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None


@contextmanager
def within_memory() -> Iterator[None]:
    """A context in which an allocation that fails is an error of the user, in one sentence.

    Raises:
        TooLargeError: If NumPy or torch can't allocate an array.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TooLargeError(
            "the memory does not suffice for this computation: use fewer unknowns or points, or float32 if it is in float64"
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether NumPy, or torch on a CPU or a GPU, could not allocate an array."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)

"""A lock on a folder, which the operating system releases when its process ends, also if the process is killed."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pdefreq.core.errors import RunFolderError

LOCK = ".lock"
"""The name of the file that is locked."""

_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # what the systems report if another process holds a lock


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A block in which no other process and no other thread can lock the same folder.

    The lock is on the file ``.lock`` in the folder, which is removed at the end of the block. If a killed process leaves it
    there, it is no longer locked and does no harm. Where the file system has no locks, the block runs without one.

    Args:
        folder: An existing folder.

    Raises:
        RunFolderError: If another process holds the lock, or the folder can't be written.
    """
    path = folder / LOCK
    descriptor = _acquired(path)
    try:
        yield
    finally:
        if sys.platform == "win32":  # an open file can't be removed there
            os.close(descriptor)
            with suppress(OSError):
                path.unlink()
        else:
            with suppress(OSError):
                path.unlink()  # before the lock is released: nobody else uses this file then
            os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock on a folder. Nothing is written; it is false if the file system has no locks."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        _lock(descriptor)
    except OSError as error:
        return error.errno in _HELD
    finally:
        os.close(descriptor)
    return False


def _acquired(path: Path) -> int:
    """The descriptor of the locked file."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except OSError as error:
            raise RunFolderError(f"can't write {path}: {error.strerror or error}") from None
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in _HELD:
                os.close(descriptor)
                raise RunFolderError(
                    f"another process uses the folder {path.parent}; wait until it ends, or stop it with Ctrl-C"
                ) from None
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # the process before removed the file after it was opened here


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file still has this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> None:
    """Lock an open file, or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

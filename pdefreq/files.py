"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
from pathlib import Path

from pdefreq.errors import RunFolderError


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the place, then rename: a reader sees the old file or the new one, never half of one.

    Raises:
        RunFolderError: If the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunFolderError(f"can't write {path}: {error.strerror or error}") from None

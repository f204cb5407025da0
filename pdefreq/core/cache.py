"""A cache on disk for arrays that are expensive to compute, shared by the runs of a user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.core.array_files import read_npz
from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.core.file_io import npz_bytes, write_atomically

if TYPE_CHECKING:
    import numpy as np

FOLDER_VARIABLE = "PDEFREQ_CACHE"
"""The environment variable for the folder of the cache; ``off`` disables the cache."""
LIMIT_VARIABLE = "PDEFREQ_CACHE_MB"
"""The environment variable for the size limit of the cache, in megabytes of 10^6 bytes."""
DEFAULT_MEGABYTES = 1000


@dataclass(frozen=True)
class Entry:
    """One file of the cache.

    Args:
        name: A label of the content, and the digest of the data from which it was computed.
        size: Size in bytes.
        used: Time of the last read or write, in seconds since 1970.
    """

    name: str
    size: int
    used: float


@dataclass(frozen=True)
class Cache:
    """Named sets of arrays in one folder. If they exceed a size limit, the least recently used sets are removed.

    Reading and writing never raise errors: a damaged entry counts as missing, and an entry that can't be written is skipped.
    Several processes can use one folder, because files are written under a temporary name and then renamed.

    Args:
        folder: The folder of the files, created when the first file is written. None disables the cache.
        max_bytes: Largest total size of all files in bytes.
    """

    folder: Path | None
    max_bytes: int = DEFAULT_MEGABYTES * 10**6

    @classmethod
    def of_user(cls) -> Cache:
        """The cache in the cache folder of the user, or in the folder given by the environment.

        Raises:
            OptionError: If the limit in the environment is not a finite, nonnegative number.
        """
        named, megabytes = os.environ.get(FOLDER_VARIABLE, ""), os.environ.get(LIMIT_VARIABLE, "")
        try:
            most = float(megabytes or DEFAULT_MEGABYTES)
            if not 0 <= most < float("inf"):
                raise ValueError
        except ValueError:
            raise OptionError(f"{LIMIT_VARIABLE} must be a number of megabytes, at least 0, got '{megabytes}'") from None
        if named.lower() == "off":
            return cls(None)
        if named:
            return cls(Path(named).expanduser(), int(most * 10**6))
        from platformdirs import user_cache_path

        return cls(user_cache_path("pdefreq", appauthor=False), int(most * 10**6))

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays of an entry, or None if it is missing or damaged. A damaged file is removed."""
        if self.folder is None:
            return None
        path = self._path(name)
        try:
            arrays = read_npz(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):  # it can't be read, or is damaged
            self.remove(name)
            return None
        with suppress(OSError):
            os.utime(path)
        return arrays

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Store arrays under a name, and remove the oldest entries until the total size is within the limit."""
        if self.folder is None:
            return
        data = npz_bytes(arrays)
        if len(data) > self.max_bytes:
            return
        with suppress(OSError, RunFolderError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(name), data)
            total = 0
            for entry in sorted(self.entries(), key=lambda entry: -entry.used):
                total += entry.size
                if total > self.max_bytes:
                    self.remove(entry.name)

    def remove(self, name: str) -> None:
        """Remove an entry if it exists and can be removed."""
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        """All entries, sorted by name."""
        found = []
        for path in sorted(self.folder.glob("*.npz")) if self.folder is not None else ():
            with suppress(OSError):  # another process may have removed the file
                status = path.stat()
                found.append(Entry(path.stem, status.st_size, status.st_mtime))
        return found

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.npz"

"""Arrays that took long to compute, kept in a folder of the user from one run to the next."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.core.file_io import npz_bytes, write_atomically

if TYPE_CHECKING:
    import numpy as np

FOLDER_VARIABLE = "PDEFREQ_CACHE"
"""The environment variable that names another folder; ``off`` keeps nothing."""
LIMIT_VARIABLE = "PDEFREQ_CACHE_MB"
"""The environment variable that sets another limit, in megabytes of 10^6 bytes."""
DEFAULT_MEGABYTES = 1000

# Errors raised by a file that is not a complete archive. A single array is not a context manager: `TypeError`.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Entry:
    """One file of the cache.

    Args:
        name: A label of the content, and the digest of the data from which it was computed.
        size: In bytes.
        used: When it was last written or read, in seconds since 1970.
    """

    name: str
    size: int
    used: float


@dataclass(frozen=True)
class Cache:
    """Named sets of arrays in one folder; beyond a limit those that were not used for the longest time are removed.

    A cache never fails: what can't be read is computed again, and what can't be written is not kept. Several processes can
    use one folder, since files are written beside their place and then renamed.

    Args:
        folder: Where the files are; it is made when the first one is written. None keeps nothing.
        max_bytes: Most bytes of all files together.
    """

    folder: Path | None
    max_bytes: int = DEFAULT_MEGABYTES * 10**6

    @classmethod
    def of_user(cls) -> Cache:
        """The cache in the folder that the system has for such files, or that the environment names.

        Raises:
            OptionError: If the limit in the environment is no number.
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
        """The arrays of an entry; None where there is none, or where its file is damaged, which is then removed."""
        if self.folder is None:
            return None
        import numpy as np

        path = self._path(name)
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
        except FileNotFoundError:
            return None
        except _DAMAGED:
            self.remove(name)
            return None
        with suppress(OSError):
            os.utime(path)
        return arrays

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep arrays under a name, and remove old entries as long as all together are larger than the limit."""
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
        """Remove an entry, where it can be removed."""
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        """All entries by name."""
        found = []
        for path in sorted(self.folder.glob("*.npz")) if self.folder is not None else ():
            with suppress(OSError):  # another process may just have removed it
                status = path.stat()
                found.append(Entry(path.stem, status.st_size, status.st_mtime))
        return found

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.npz"

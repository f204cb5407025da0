"""Atomic writing of files, creation of folders, encoding of tables and arrays as bytes, and reading of tables."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.conversion import shown
from pdefreq.core.errors import DataError, OptionError, RunFolderError

if TYPE_CHECKING:
    import numpy as np

_TEMPORARY = re.compile(r"\..+\.\d+\.tmp")  # the names of temporary files: that of the file and the number of the process

_SPARSE = 2**20  # bytes; small files may be stored in the folder's own block


def write_atomically(path: Path, data: bytes) -> None:
    """Write a temporary file and rename it, so that a reader sees either the old file or the complete new file.

    Raises:
        RunFolderError: If the file can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # see _TEMPORARY
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunFolderError(f"can't write {path}: {error.strerror or error}") from None


def remove_temporary_files(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder; those of a running process may be among them.

    Args:
        folder: A folder. Links are not followed, and folders in it are not searched.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    for entry in os.scandir(folder):
        if _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)


def as_path(given: Any) -> Path:
    """A path.

    Raises:
        OptionError: If it is neither text nor a path.
    """
    if not isinstance(given, (str, os.PathLike)):
        raise OptionError(f"a path must be text or a Path, got {shown(given)}")
    return Path(given)


def free_folder(folder: str | Path, *, otherwise: str = "name another one") -> Path:
    """The path of a folder that is missing or empty and can be written; checked before a computation starts.

    Args:
        folder: The folder; it is not created.
        otherwise: Advice in the message if the folder is not empty.

    Raises:
        RunFolderError: If the path is not a folder, or the folder is not empty, can't be created or can't be written.
    """
    folder = as_path(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise RunFolderError(f"{folder} is not a folder; name another one")
        if folder.exists() and any(folder.iterdir()):
            raise RunFolderError(f"the folder {folder} is not empty; {otherwise}")
        place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:
        raise RunFolderError(f"can't use the folder {folder}: {error.strerror or error}; name another one") from None
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        reason = "is not writable" if place.is_dir() else "is not a folder"
        raise RunFolderError(f"can't create the folder {folder}: {place} {reason}; name another one")
    return folder


def make_folder(folder: Path, *, new: bool = False) -> None:
    """Create a folder and its missing parents.

    Args:
        folder: The folder.
        new: Whether an existing folder is refused.

    Raises:
        RunFolderError: If the folder can't be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=not new)
    except OSError as error:
        raise RunFolderError(f"can't create the folder {folder}: {error.strerror or error}") from None


def read_bounded(path: Path, most: int) -> bytes:
    """The content of a file, whose size is checked before memory is taken.

    Args:
        path: The file.
        most: The largest allowed number of bytes.

    Raises:
        OSError: If it can't be read.
        ValueError: If it is larger, or has holes, so that it is larger than its place on the disk. The message is a clause.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_size > most:
            raise ValueError(f"it has {found.st_size:,} bytes, more than {most:,}")
        if found.st_size > _SPARSE and getattr(found, "st_blocks", found.st_size) * 512 < found.st_size // 2:
            raise ValueError(f"it declares {found.st_size:,} bytes, most of which are not stored")
        return file.read(most)


def require_own_files(folder: Path) -> None:
    """Check that all entries of a run folder are files and folders in it, so that no path leads outside it.

    A folder from a stranger may contain a link ``checkpoints`` to another folder, whose files would be read, or removed. The
    folder itself may be a link, because the user named it. Folders in it are not searched.

    Raises:
        RunFolderError: If an entry is a symbolic link, a pipe, a socket or a device, or if the folder can't be read.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # a run that is going on renames its files
                    _require_own(entry.path, entry.stat(follow_symlinks=False).st_mode)
    except OSError as error:
        raise RunFolderError(f"can't read the folder {folder}: {error.strerror or error}") from None


def _require_own(path: str, mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise RunFolderError(f"{path} is a link, and a run folder can't have any: replace it by its target")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise RunFolderError(f"{path} is neither a file nor a folder: remove it")


def json_bytes(record: Any) -> bytes:
    """Strict JSON without infinity and nan, as prepared by `pdefreq.runs.run_folder.to_json`."""
    return (json.dumps(record, indent=2, allow_nan=False) + "\n").encode()


def csv_bytes(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """A table as comma-separated values. Floats keep all digits; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name in the npz format of numpy."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def csv_rows(path: Path, what: str, most: int) -> tuple[list[str] | None, list[tuple[int, list[str]]]]:
    """The heading and the rows of a file of comma-separated values, without interpretation of the cells.

    Args:
        path: The file. Empty lines and lines that begin with ``#`` are skipped.
        what: Name of the content in messages.
        most: Largest number of rows.

    Returns:
        The heading, which is a first row without numbers, or None; and the rows, each with its line number.

    Raises:
        DataError: If the file can't be read, or has more rows.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            kept = ((reader.line_num, row) for row in reader if any(row) and not row[0].lstrip().startswith("#"))
            rows = list(itertools.islice(kept, most + 2))  # with a heading, and one more than allowed
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file of comma-separated values"
        raise DataError(f"can't read the {what} in {path}: {reason.lower()}") from None
    heading = rows.pop(0)[1] if rows and not any(map(is_number, rows[0][1])) else None
    if len(rows) > most:
        raise DataError(f"the {what} in {path} must have at most {most:,} rows: leave out some of them")
    return heading, rows


def is_number(cell: str) -> bool:
    """Whether a text is a number, including infinity and nan."""
    try:
        float(cell)
    except ValueError:
        return False
    return True

"""Writing files so that a reader never sees half of one, new folders, the bytes of tables and arrays, and reading tables."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import ProblemFileError, RunFolderError

if TYPE_CHECKING:
    import numpy as np


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


def free_folder(folder: str | Path, *, otherwise: str = "name another one") -> Path:
    """A folder for something new, held to be usable before anything is computed: missing or empty, where one may write.

    Args:
        folder: Where; nothing is made yet.
        otherwise: What to do if it is not empty, for the message.

    Raises:
        RunFolderError: If it is no folder, or holds something, or could not be made or written.
    """
    folder = Path(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise RunFolderError(f"{folder} is no folder; name another one")
        if folder.exists() and any(folder.iterdir()):
            raise RunFolderError(f"the folder {folder} is not empty; {otherwise}")
        place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:
        raise RunFolderError(f"can't use the folder {folder}: {error.strerror or error}; name another one") from None
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        reason = "may not be written to" if place.is_dir() else "is no folder"
        raise RunFolderError(f"can't create the folder {folder}: {place} {reason}; name another one")
    return folder


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        RunFolderError: If the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"can't create the folder {folder}: {error.strerror or error}") from None


def json_bytes(record: Any) -> bytes:
    """Plain JSON to read and to compare, as `pdefreq.runs.run_folder.to_json` leaves it: no infinity, no nan."""
    return (json.dumps(record, indent=2, allow_nan=False) + "\n").encode()


def csv_bytes(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """A table as comma-separated values; floats keep all their digits, None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name, in numpy's format."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def csv_rows(path: Path, what: str) -> tuple[list[str] | None, list[tuple[int, list[str]]]]:
    """The rows of a comma-separated file, for a caller that knows what belongs into them.

    Args:
        path: The file; empty lines and lines that begin with ``#`` are skipped.
        what: What it lists, for the message.

    Returns:
        The heading, a first row without any number, or None; then each row with the number of its line.

    Raises:
        ProblemFileError: If the file can't be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader if any(row) and not row[0].lstrip().startswith("#")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file of comma-separated values"
        raise ProblemFileError(f"can't read the {what} in {path}: {reason.lower()}") from None
    heading = rows.pop(0)[1] if rows and not any(map(is_number, rows[0][1])) else None
    return heading, rows


def is_number(cell: str) -> bool:
    """Whether a text is a number, infinite ones and nan included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True

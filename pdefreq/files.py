"""Writing files so that a reader never sees half of one, the bytes of tables and arrays, and reading tables."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.errors import ProblemFileError, RunFolderError

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

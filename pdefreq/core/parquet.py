"""Tables as Parquet files, by the optional package pyarrow."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pdefreq.core.errors import MissingPackageError
from pdefreq.core.file_io import write_atomically


def require_pyarrow() -> Any:
    """The package pyarrow.

    Raises:
        MissingPackageError: If it is not installed.
    """
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise MissingPackageError(
            "Parquet files need pyarrow, which is not installed: pip install 'pdefreq[parquet]', or use the CSV file",
            package="pyarrow",
        ) from None


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table to a Parquet file.

    Columns whose values have one type, or are numbers, keep it. All values of other columns are written as text. Missing values
    stay missing.

    Args:
        path: The file.
        rows: The rows, with the same keys in each.

    Raises:
        MissingPackageError: If pyarrow is not installed.
        RunFolderError: If the file can't be written.
    """
    pyarrow, buffer = require_pyarrow(), io.BytesIO()
    columns = {name: _column([row[name] for row in rows]) for name in rows[0]} if rows else {}
    importlib.import_module("pyarrow.parquet").write_table(pyarrow.table(columns), buffer)
    write_atomically(path, buffer.getvalue())


def _column(values: list[Any]) -> list[Any]:
    """The values of a column in one type."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 and kinds <= {str, bool, int, float}:
        return values
    convert: type = float if kinds == {int, float} else str
    return [None if value is None else convert(value) for value in values]

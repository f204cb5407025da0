"""Coefficients with values from a file: a table of comma-separated values, or a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import DataError, ProblemFileError
from pdefreq.core.fields import ConstantField
from pdefreq.core.file_io import csv_rows, is_number
from pdefreq.core.number_kinds import Numbers
from pdefreq.core.shapes import axis_names
from pdefreq.core.table_keys import Key
from pdefreq.core.text_kinds import Choice
from pdefreq.problem.files.pictures import PICTURES, read_gray
from pdefreq.problem.grid_field import GridField, Interpolation

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.toml_tables import Files, TomlTable

_LARGEST_FILE = 2**28  # bytes
_MOST = 2**22  # largest number of values
_SAME = 1e-9  # relative to the range of a coordinate: coordinates that differ by less are considered equal

GRID_KEYS = (
    Key(
        "interpolation",
        Choice(("constant", "linear")),
        "how coefficients from files are interpolated between their values",
        default="constant",
    ),
    Key("shades", Numbers(count=2), "the values of black and of white in pictures", default=(0.0, 1.0)),
)


@dataclass
class Grids:
    """A reader of coefficients from files.

    Args:
        domain: The domain on which the coefficients are defined; None if it has errors, in which case files are not read.
        files: The files of the problem.
        interpolation: The interpolation between the values, ``"constant"`` or ``"linear"``.
        shades: The values of black and of white in pictures.
        count: Number of coefficients that have been read.
    """

    domain: Domain | None
    files: Files
    interpolation: Interpolation
    shades: tuple[float, float]
    count: int = 0

    @classmethod
    def of(cls, equation: TomlTable, domain: Domain | None, files: Files) -> Grids:
        """The reader with the options of an [equation] table.

        Raises:
            ProblemFileError: If `interpolation` or `shades` are malformed.
        """
        table = replace(equation, keys=GRID_KEYS)
        return cls(domain, files, table.read("interpolation"), table.read("shades"))

    def __call__(self, table: TomlTable, key: str) -> Field | None:
        """The coefficient in the file that a key of a table names, or None if the value is a formula.

        Raises:
            DataError: If the file is missing, unreadable or too large, or does not contain a grid that covers the domain.
        """
        if not names_grid(table.values.get(key)):
            return None
        if self.domain is None:
            self.count += 1
            return ConstantField(1.0)
        path = self.files.path(table, key)
        if not path.is_file():
            raise DataError(f"{table.key(key)}: the file {path} does not exist")
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{table.key(key)}: {path} is larger than {_LARGEST_FILE >> 20} MiB: use a coarser grid")
        name, bounds = table.values[key], self.domain.bounds
        self.count += 1
        if path.suffix.lower() in PICTURES:
            if self.domain.dimension != 2:
                raise DataError(
                    f"{table.key(key)}: a picture has two dimensions, but the domain has {self.domain.dimension}: use a .csv file"
                )
            black, white = self.shades
            return GridField.on_box(black + (white - black) * read_gray(path), *bounds, self.interpolation, name)
        heading, rows = csv_rows(path, "grid", _MOST)
        if not rows:
            raise DataError(f"{path} contains no values; {_expected(self.domain.dimension)}")
        if heading is None:
            return GridField.on_box(_matrix(path, rows, self.domain.dimension), *bounds, self.interpolation, name)
        field = GridField(*_points(path, heading, rows, self.domain.dimension), self.interpolation, name)
        try:
            field.require_cover(*bounds)
        except ProblemFileError as error:
            raise DataError(f"{path}: {error}") from None
        return field

    def require_use(self, equation: TomlTable) -> None:
        """Check that keys for coefficients from files occur only together with such coefficients.

        Raises:
            DataError: If such a key has no effect.
        """
        for key in ("interpolation", "shades"):
            if equation.has(key) and not self.count:
                raise DataError(
                    f"{equation.key(key)} belongs to coefficients from files, but no coefficient is given by a file: leave it out"
                )


def names_grid(value: Any) -> bool:
    """Whether a value in a problem file is the name of a file, not a formula."""
    return isinstance(value, str) and value.lower().endswith((".csv", *PICTURES))


def _matrix(path: Path, rows: list[tuple[int, list[str]]], dimension: int) -> np.ndarray:
    """The values of a table without a heading, in ascending order along each axis; the rows of the table run downward."""
    if dimension > 2:
        raise DataError(f"{path}: {_expected(dimension)}")
    width = len(rows[0][1])
    values = _numbers(path, rows, [f"column {k}" for k in range(1, width + 1)])
    if dimension == 2:
        return values[::-1].T
    if min(values.shape) > 1:
        raise DataError(f"{path} has {len(rows)} rows of {width} numbers, but the domain is an interval: {_expected(1)}")
    return values.flatten()


def _points(
    path: Path, heading: list[str], rows: list[tuple[int, list[str]]], dimension: int
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """The values and the axes of a table of points in any order."""
    import numpy as np

    names = [cell.strip().lower() for cell in heading]
    if names[:-1] not in (axis_names(dimension), [f"x{k}" for k in range(1, dimension + 1)]):
        raise DataError(f"{path}: the heading must be {','.join(axis_names(dimension))},value, got '{_short(heading)}'")
    table = _numbers(path, rows, [*names[:-1], "value"])
    axes, places = zip(*(_distinct(column) for column in table[:, :-1].T), strict=True)
    shape = tuple(map(len, axes))
    cells = f"{' x '.join(map(str, shape))} = {math.prod(shape)} points"
    if math.prod(shape) != len(rows):
        raise DataError(f"{path}: the coordinates form a grid of {cells}, each of which needs one row, got {len(rows)}")
    values = np.full(shape, np.nan)
    values[places] = table[:, -1]
    if np.isnan(values).any():
        first = next(zip(*np.nonzero(np.isnan(values)), strict=True))
        point = ", ".join(f"{axis[i]:g}" for axis, i in zip(axes, first, strict=True))
        raise DataError(f"{path}: the coordinates form a grid of {cells}, but the point ({point}) has no row")
    return values, axes


def _distinct(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct numbers of a column in increasing order, and the index of each entry in this list."""
    import numpy as np

    order = np.argsort(column, kind="stable")
    ordered = column[order]
    new = np.r_[True, np.diff(ordered) > _SAME * (ordered[-1] - ordered[0])]
    place = np.empty(len(column), dtype=int)
    place[order] = np.cumsum(new) - 1
    return ordered[new], place


def _numbers(path: Path, rows: list[tuple[int, list[str]]], columns: list[str]) -> np.ndarray:
    """The cells as numbers, shape ``(rows, columns)``."""
    import numpy as np

    if len(rows) * len(columns) > _MOST:
        raise DataError(f"{path} contains more than {_MOST:,} numbers: use a coarser grid")
    for line, row in rows:
        if len(row) != len(columns):
            raise DataError(f"{path}, line {line}: expected {len(columns)} numbers, got {len(row)}: '{_short(row)}'")
        for name, cell in zip(columns, row, strict=True):
            if not (is_number(cell) and math.isfinite(float(cell))):
                raise DataError(f"{path}, line {line}: {name} must be a finite number, got '{_short([cell])}'")
    return np.array([[float(cell) for cell in row] for _, row in rows])


def _expected(dimension: int) -> str:
    heading = f"give one point per row below the heading {','.join(axis_names(dimension))},value"
    plain = {1: ", or one number per row for equal cells", 2: ", or a matrix of numbers whose rows run from the top down"}
    return heading + plain.get(dimension, "")


def _short(cells: list[str]) -> str:
    return "".join(c if c.isprintable() else "?" for c in ",".join(cells))[:60]

"""The [data] table of a problem file, and the files of points and pictures that it may name."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import DataError
from pdefreq.core.file_io import csv_rows, is_number
from pdefreq.core.number_kinds import Number, NumberOrWord, Whole
from pdefreq.core.shapes import axis_names
from pdefreq.core.table_keys import Key, Other, named
from pdefreq.domains.box import Box
from pdefreq.problem.data import Data
from pdefreq.problem.files.pictures import PICTURES, read_gray
from pdefreq.problem.grid_field import GridField
from pdefreq.problem.toml_tables import TomlTable

if TYPE_CHECKING:
    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.toml_tables import Files

_MOST = 2**20  # largest number of points in a file

DATA_KEYS = (
    Key(
        "points",
        Other('"uniform" or "random", or the name of a .csv, .png or .jpg file with points and values'),
        "the points at which f is known",
        default="uniform",
        examples=("uniform", "random", "sensors.csv"),
    ),
    Key(
        "number",
        Whole(2, 10**9),
        "number of points; for uniform, along each axis",
        otherwise="required without a file",
        examples=(20,),
    ),
    Key("noise", Number(least=0), "standard deviation of noise that is added to the values", default=0.0),
    Key(
        "holdout",
        NumberOrWord(Number(least=0, below=1), ("alternate",)),
        "points held out of training: a fraction, at random, or every other point of an interval or grid; for regressions",
        default=0.0,
    ),
)


def read_data(table: TomlTable, domain: Domain | None, files: Files) -> Data | None:
    """The data described by a [data] table, or None if the table is missing.

    Args:
        table: The table.
        domain: The domain; None if it has errors, in which case files are not read.
        files: The files of the problem.

    Raises:
        DataError: If the table is malformed, or a file is missing, unreadable or has a malformed row.
    """
    if not table.values:
        return None
    table = replace(table, keys=DATA_KEYS)
    noise, holdout = table.read("noise"), table.read("holdout")
    points = table.text("points", named(DATA_KEYS, "points").default)
    if points in ("uniform", "random"):
        return Data(points, table.read("number"), noise, holdout)
    suffix = Path(points).suffix.lower()
    if suffix not in (".csv", *PICTURES):
        table.fail("points", '"uniform", "random", or the name of a .csv, .png or .jpg file')
    if table.has("number"):
        raise DataError("[data] number belongs to generated points, but these points come from a file: leave it out")
    if domain is None:
        return None
    path = files.path(table, "points")
    if not path.is_file():
        raise DataError(f"[data] points: the file {path} does not exist")
    if suffix == ".csv":
        x, values = read_points(path, domain)
        return Data(points, noise=noise, holdout=holdout, x=x, values=values)
    if not (isinstance(domain, Box) and domain.dimension == 2):
        raise DataError(f"[data] points: a picture needs a box of dimension 2, got the domain {domain.title}")
    picture = GridField.on_box(read_gray(path), *domain.bounds, "linear", points)
    values = torch.tensor(picture.values).flatten()
    return Data(points, noise=noise, holdout=holdout, x=picture.points(), values=values, interpolant=picture)


def read_points(path: Path, domain: Domain) -> tuple[Points, Values]:
    """Points and values from a file of comma-separated rows: the coordinates, then the value.

    Args:
        path: The file. Lines that begin with ``#`` are skipped. An optional heading must name the coordinates in their order.
        domain: The domain that must contain the points.

    Returns:
        Points ``(n, d)`` and values ``(n,)``.

    Raises:
        DataError: If the file can't be read or has no rows, or if a row has the wrong number of columns, an entry that is
            not a finite number, or a point outside the domain, or if there are more than 2^20 rows. The message contains the
            number of the line.
    """
    d = domain.dimension
    columns = [*axis_names(d), "value"]
    heading, rows = csv_rows(path, "data", _MOST)
    if heading is not None:
        _check_heading(path, heading, d)
    if not rows:
        raise DataError(f"{path} contains no data; give one point per row: {', '.join(columns)}")
    numbers = []
    for line, row in rows:
        if len(row) != d + 1:
            raise DataError(
                f"{path}, line {line}: expected {d + 1} columns ({', '.join(columns)}), got {len(row)}: '{_short(','.join(row))}'"
            )
        for name, cell in zip(columns, row, strict=True):
            if not (is_number(cell) and math.isfinite(float(cell))):
                raise DataError(f"{path}, line {line}: {name} must be a finite number, got '{_short(cell)}'")
        numbers.append([float(cell) for cell in row])
    table = torch.tensor(numbers, dtype=torch.float64)
    outside = (~domain.contains(table[:, :d])).nonzero()
    if len(outside):
        line, row = rows[int(outside[0])]
        point = ", ".join(cell.strip() for cell in row[:d])
        raise DataError(f"{path}, line {line}: the point ({_short(point)}) lies outside the {domain.title}; leave it out")
    return table[:, :d], table[:, d]


def _check_heading(path: Path, cells: list[str], d: int) -> None:
    """Check that a heading names the coordinates in their order."""
    names = [cell.strip().lower() for cell in cells]
    ways = [[*axis_names(d)], [f"x{k}" for k in range(1, d + 1)]]
    if len(names) != d + 1 or names[:d] not in ways:
        expected = f"{', '.join(axis_names(d))}, value"
        raise DataError(f"{path}: the heading must be {expected}, got '{_short(','.join(cells))}'")


def _short(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:60]

"""A solution as points and fields, for other programs: ParaView (``.vtu``), spreadsheets (``.csv``), numpy (``.npz``).

All three hold the same table: the points, u, the exact or the reference solution, the error, and the error split into
bands of wavenumbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.file_io import csv_bytes, npz_bytes, write_atomically

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.domains.meshes.mesh_files import Cells
    from pdefreq.runs.record import Record
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.eigen import EigenModes
    from pdefreq.spectrum.modes import ModeFamilies
    from pdefreq.spectrum.watched import WatchedModes

_PER_AXIS = {1: 1024, 2: 64, 3: 16}  # cells of a mesh for the export, along the side of a cube of the same measure


@dataclass(frozen=True, eq=False)
class PointTable:
    """A solution at points.

    Args:
        x: Points, shape ``(n, d)``.
        fields: ``u``, and if they are known ``exact`` or ``reference``, ``error``, ``error_band_1_...`` up to the highest band,
            each of shape ``(n,)``. The error is the sum of the bands, of ``error_boundary`` and of ``error_unresolved``, as far
            as these exist.
        cells: The cells between the points; None if the domain has no mesh.
        note: The reason, as a sentence, if something is missing; otherwise empty.
    """

    x: np.ndarray
    fields: dict[str, np.ndarray]
    cells: Cells | None
    note: str = ""


def export(path: str | Path, record: Record, u: Field, space: TrialSpace) -> PointTable:
    """Write a solution in the format that the suffix names.

    Args:
        path: The file. An existing file is replaced atomically.
        record: What was measured along the run.
        u: The solution.
        space: The trial space of the solution.

    Returns:
        The table that was written.

    Raises:
        OptionError: If the suffix is not ``.vtu``, ``.csv`` or ``.npz``.
        IncompatibleError: If a ``.vtu`` file is requested and the domain has no mesh: it has more than three dimensions, or needs
            a mesh generator that is not installed.
        RunFolderError: If the file can't be written.
    """
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise OptionError(f"a solution is exported as {', '.join(_WRITERS)}, got '{path.name}'; choose one of these endings")
    table = tabulate(record, u, space, mesh=path.suffix.lower() == ".vtu")
    write(path, table)
    return table


def tabulate(record: Record, u: Field, space: TrialSpace, *, mesh: bool = False) -> PointTable:
    """A solution at the nodes of its own mesh, or of a mesh of the domain, or at the test points, whichever exists first.

    Args:
        record: The record of the run.
        u: The solution.
        space: The trial space of the solution.
        mesh: Whether cells are required.

    Raises:
        IncompatibleError: If cells are required and the domain has no mesh.
    """
    import torch

    from pdefreq.probes.error import mean_error
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.sampled import field_values

    try:
        cells = _cells(record, space)
        x = np.ascontiguousarray(cells.nodes)
    except IncompatibleError:
        if mesh:
            raise
        cells, x = None, record.target.test_points.x.numpy()
    points = torch.from_numpy(x)
    fields = {"u": field_values(u, points)}
    reference = record.reference
    if reference is None:
        return PointTable(x, fields, cells, "no error: neither an exact nor a reference solution is known")
    name = "exact" if reference is record.problem.exact else "reference"
    fields[name] = field_values(reference, points)
    shift = mean_error(Iterate.of_function(u), record.target)
    fields["error"] = fields["u"] - fields[name] - shift

    def error(x: np.ndarray) -> np.ndarray:
        points = torch.from_numpy(x)
        return field_values(u, points) - field_values(reference, points) - shift

    bands, note = _bands(record, x, fields["error"], error)
    return PointTable(x, fields | bands, cells, note)


def _cells(record: Record, space: TrialSpace) -> Cells:
    """The mesh of a finite element space; for other spaces the grid of the modes on a box, and a mesh of other domains."""
    from pdefreq.domains.box import Box
    from pdefreq.domains.meshes.mesh_files import Cells, cells_of, grid_cells
    from pdefreq.spectrum.sampling_grid import grid_axes, grid_intervals, tensor_points

    domain = record.problem.domain
    d = domain.dimension
    if d not in _PER_AXIS:
        raise IncompatibleError(f"a .vtu file has at most three dimensions, and this domain has {d}: export .csv or .npz")
    if isinstance(own := getattr(space, "cells", None), Cells):  # of finite elements
        return own
    if isinstance(domain, Box):
        intervals = grid_intervals(domain, space)
        return grid_cells(tensor_points(grid_axes(domain, intervals)), intervals)
    from pdefreq.domains.meshes.meshing import mesh_of

    return cells_of(mesh_of(domain, domain.measure ** (1 / d) / _PER_AXIS[d]))


def _bands(
    record: Record, x: np.ndarray, values: np.ndarray, error: Callable[[np.ndarray], np.ndarray]
) -> tuple[dict[str, np.ndarray], str]:
    """The bands of the error at points ``(n, d)`` by field name, and the reason as a sentence if there are none."""
    from pdefreq.domains.box import Box
    from pdefreq.spectrum.bands import split_on_box, split_on_mesh
    from pdefreq.spectrum.box_modes import BOX_FAMILIES
    from pdefreq.spectrum.modes import MESH_FAMILIES
    from pdefreq.spectrum.sampling_grid import DEFAULT_INTERVALS
    from pdefreq.spectrum.spectral_record import SpectralRecord

    families, watched = record.target.families, SpectralRecord.of(record.history).modes
    if not np.isfinite(values).all():
        return {}, f"no bands: the error is not finite at {np.sum(~np.isfinite(values))} of {len(values)} points"
    kind, domain = watched.kind or families.chosen, record.problem.domain
    if kind in BOX_FAMILIES and isinstance(domain, Box) and domain.dimension in DEFAULT_INTERVALS:
        parts = split_on_box(kind, domain, x, values, error)
    elif kind in MESH_FAMILIES and len(watched):
        parts = split_on_mesh(_up_to_the_last(families, watched), x, values, error)
    elif len(watched):
        return {}, f"no bands: this run watched {kind} modes, which do not add up to the error"
    else:
        return {}, f"no bands: this run on a {domain.title} watched no modes to split the error into"
    return {f"error_{name}": part for name, part in parts.items()}, ""


def _up_to_the_last(families: ModeFamilies, watched: WatchedModes) -> EigenModes:
    """All modes of a mesh up to the highest mode that a run watched."""
    from pdefreq.spectrum.eigen import EigenModes

    families.modes(watched.kind, watched.indices)  # computes modes up to the watched ones
    every = families.modes(watched.kind)
    assert isinstance(every, EigenModes)
    return every.take(np.flatnonzero(every.indices[:, 0] <= watched.indices.max()))


def _write_vtu(path: Path, table: PointTable) -> None:
    from pdefreq.domains.meshes.mesh_files import write_vtu

    assert table.cells is not None
    write_vtu(path, table.cells, table.fields)


def _write_csv(path: Path, table: PointTable) -> None:
    from pdefreq.core.shapes import axis_names

    rows = np.column_stack([table.x, *table.fields.values()]).tolist()
    write_atomically(path, csv_bytes([*axis_names(table.x.shape[1]), *table.fields], rows))


def _write_npz(path: Path, table: PointTable) -> None:
    write_atomically(path, npz_bytes({"x": table.x, **table.fields}))


_WRITERS: dict[str, Callable[[Path, PointTable], None]] = {".vtu": _write_vtu, ".csv": _write_csv, ".npz": _write_npz}

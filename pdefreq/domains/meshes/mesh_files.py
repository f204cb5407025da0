"""Mesh files, read and written by meshio, which no other module imports.

meshio prints to the terminal and exits when it can't read a file. This module suppresses both.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.errors import DomainError, MissingPackageError
from pdefreq.core.file_io import write_atomically

if TYPE_CHECKING:
    import meshio
    from skfem import Mesh

_FORMATS = {".msh": "gmsh", ".vtu": "vtu", ".xdmf": "xdmf"}
_DIMENSION = {"line": 1, "triangle": 2, "quad": 2, "tetra": 3}
_FACETS = {"line": "vertex", "triangle": "line", "quad": "line", "tetra": "triangle"}
_GRID_CELLS = {  # by dimension: the kind of a grid cell, and its corners in the order of VTK
    1: ("line", ((0,), (1,))),
    2: ("quad", ((0, 0), (1, 0), (1, 1), (0, 1))),
    3: ("hexahedron", tuple((*corner, z) for z in (0, 1) for corner in ((0, 0), (1, 0), (1, 1), (0, 1)))),
}


def read_mesh(path: str | Path) -> Mesh:
    """A mesh from a file: gmsh's ``.msh`` (2.2 and 4.1), ``.vtu`` or ``.xdmf``.

    Args:
        path: The file. Its cells must be lines, triangles, quadrilaterals or tetrahedra, all of one kind. Facets in a physical
            group become a named boundary; a group without a name is named by its number.

    Returns:
        A scikit-fem mesh with `boundaries`, without unused vertices.

    Raises:
        DomainError: If the file is missing, unreadable, or of an unknown kind; or it has no cells, cells of several or
            unknown kinds, cells that have no area or overlap, nonconvex quadrilaterals, or a surface in space.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise DomainError(f"{path}: unknown kind of mesh file '{path.suffix}'; expected {', '.join(_FORMATS)}")
    if not path.is_file():
        raise DomainError(f"there is no mesh file {path}")
    raw = _quietly_read(path)
    kind = _kind_of_cells(raw, path)
    cells = np.concatenate([block.data for block in raw.cells if block.type == kind])
    points = _flattened(np.asarray(raw.points, dtype=float), cells, _DIMENSION[kind], path)
    require_shapes(points[cells], kind, path)
    used, renumbered = np.unique(cells, return_inverse=True)
    mesh = _mesh_class(kind)(points[used].T.copy(), renumbered.reshape(cells.shape).T.copy())
    require_neighbors(mesh, path)
    edge = mesh.boundary_facets()
    facet_of = {
        tuple(sorted(corners)): int(f) for corners, f in zip(used[facets_of(mesh)[:, edge]].T.tolist(), edge, strict=True)
    }
    found: dict[str, Any] = {}
    for name, corners in (*_physical_groups(raw, kind), *_marked_sides(raw, kind)):
        facets = [facet_of[key] for key in map(tuple, np.sort(corners, axis=1).tolist()) if key in facet_of]
        if facets:
            found[name] = np.union1d(found.get(name, []), facets).astype(np.int32)
    return mesh.with_boundaries(found)


def facets_of(mesh: Any) -> np.ndarray:
    """The vertices of all facets of a mesh, shape ``(d, facets)``; scikit-fem computes them lazily and types them as optional."""
    return mesh.facets


@dataclass(frozen=True, eq=False)
class Cells:
    """Nodes and cells of one kind, in the numbering of VTK.

    Args:
        nodes: The nodes, shape ``(n, d)``.
        kind: The kind of cell in meshio: ``"line"``, ``"triangle6"``, ``"hexahedron"`` ...
        cells: The indices of the nodes of each cell, shape ``(cells, nodes per cell)``.
        marks: Cell data by name, shape ``(cells,)``, that encode named boundaries as scikit-fem writes them.
    """

    nodes: np.ndarray
    kind: str
    cells: np.ndarray
    marks: Mapping[str, np.ndarray] = field(default_factory=dict)


def cells_of(mesh: Mesh) -> Cells:
    """The cells of a mesh of lines, triangles, quadrilaterals, tetrahedra or hexahedra; simplices have the same orientation."""
    from skfem.io.meshio import to_meshio
    from skfem.mesh.mesh_simplex import MeshSimplex

    named = to_meshio(mesh.oriented() if isinstance(mesh, MeshSimplex) else mesh)
    (block,) = named.cells
    return Cells(mesh.p.T, block.type, block.data, {name: np.asarray(marks) for name, (marks,) in named.cell_data.items()})


def grid_cells(nodes: np.ndarray, intervals: Sequence[int]) -> Cells:
    """Lines, quadrilaterals or hexahedra between the nodes ``(n, d)`` of a grid in C order (the last axis varies fastest)."""
    kind, corners = _GRID_CELLS[len(intervals)]
    number = np.arange(len(nodes)).reshape([n + 1 for n in intervals])
    places = [tuple(slice(end, end + n) for end, n in zip(corner, intervals, strict=True)) for corner in corners]
    return Cells(nodes, kind, np.stack([number[place].ravel() for place in places], axis=1))


def write_vtu(path: str | Path, cells: Cells, point_data: Mapping[str, np.ndarray]) -> None:
    """Write cells and nodal fields as ``.vtu``, for ParaView; `read_mesh` can read files of first-order meshes.

    Args:
        path: The file to write; the write is atomic.
        cells: Nodes and cells.
        point_data: Fields by name, each of shape ``(n,)`` or ``(n, components)``.

    Raises:
        ValueError: If a field does not have one row for each node.
        RunFolderError: If the file can't be written.
    """
    import meshio

    count, dimension = cells.nodes.shape
    for name, values in point_data.items():
        if len(values) != count:
            raise ValueError(f"field '{name}' must have one row for each of the {count} nodes, got {len(values)}")
    points = np.zeros((count, 3))  # VTK requires three coordinates
    points[:, :dimension] = cells.nodes
    marks: dict[str, Any] = {name: [values] for name, values in cells.marks.items()}
    content = meshio.Mesh(points, [(cells.kind, cells.cells)], point_data=dict(point_data), cell_data=marks)
    with tempfile.TemporaryDirectory() as folder:  # meshio writes this format only to paths
        whole = Path(folder) / "mesh.vtu"
        content.write(whole)
        write_atomically(Path(path), whole.read_bytes())


def _quietly_read(path: Path) -> meshio.Mesh:
    import meshio

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            return meshio.read(path, file_format=_FORMATS[path.suffix.lower()])
    except ModuleNotFoundError as error:  # meshio imports h5py only for xdmf
        raise MissingPackageError(
            f"reading {path} needs {error.name}: install it with `pip install 'pdefreq[mesh]'`", package=str(error.name)
        ) from None
    except (Exception, SystemExit) as error:  # readers raise various exceptions for malformed files
        told = [*said.getvalue().split("\n"), "" if isinstance(error, SystemExit) else str(error)]
        reason = next((line.strip() for line in told if line.strip()), "its content is not in this format")[:100]
        raise DomainError(f"can't read the mesh file {path} as {path.suffix}: {reason}; write it again") from None


def _kind_of_cells(raw: meshio.Mesh, path: Path) -> str:
    """The kind of the cells of the highest dimension, which must be unique."""
    dimension = {block.type: block.dim for block in raw.cells if len(block.data)}
    top = max(dimension.values(), default=0)
    kinds = sorted(kind for kind, d in dimension.items() if d == top)
    if top == 0:
        raise DomainError(f"{path} has no cells; save the mesh with its lines, triangles, quadrilaterals or tetrahedra")
    if len(kinds) > 1:
        raise DomainError(f"{path} mixes {' and '.join(kinds)} cells; save a mesh of one kind")
    if kinds[0] not in _DIMENSION:
        raise DomainError(f"{path} has {kinds[0]} cells; expected {', '.join(_DIMENSION)}, of first order")
    return kinds[0]


def _flattened(points: np.ndarray, cells: np.ndarray, d: int, path: Path) -> np.ndarray:
    """The points with the first d coordinates; the other coordinates must be constant."""
    used = points[np.unique(cells)]
    if not np.isfinite(used).all():
        raise DomainError(f"{path} has vertices whose coordinates are not finite")
    if np.ptp(used[:, d:], axis=0).max(initial=0) > 1e-9 * np.ptp(used, axis=0).max():
        where = {1: "on the x axis", 2: "in the x-y plane"}[d]
        raise DomainError(f"{path} has cells of dimension {d} that do not lie {where}; curved meshes are not supported")
    return points[:, :d]


def require_shapes(corners: np.ndarray, kind: str, path: Path | str) -> None:
    """Check that cells have a positive measure, and that quadrilaterals are convex, for any orientation.

    Args:
        corners: The vertices of the cells, shape ``(cells, vertices, d)``.
        kind: The kind of cell.
        path: The file, or another name of the mesh, for messages.

    Raises:
        DomainError: If they do not.
    """
    if kind == "quad":
        edges = np.roll(corners, -1, axis=1) - corners
        before = np.roll(edges, 1, axis=1)
        turns = before[..., 0] * edges[..., 1] - before[..., 1] * edges[..., 0]
    else:
        turns = np.linalg.det(corners[:, 1:] - corners[:, :1])[:, None]
    size = np.ptp(corners, axis=1).max(axis=1, keepdims=True) ** corners.shape[2]
    flat = (abs(turns) <= 1e-12 * size).any(axis=1)
    if flat.any():
        raise DomainError(f"{path}: {flat.sum()} of {len(flat)} cells have no area; repair the mesh")
    bent = abs(np.sign(turns).sum(axis=1)) < turns.shape[1]
    if bent.any():
        raise DomainError(f"{path}: {bent.sum()} of {len(bent)} cells are not convex, or cross themselves; repair the mesh")


def require_neighbors(mesh: Mesh, path: Path | str) -> None:
    """Check that at most two cells meet at a facet, on opposite sides. scikit-fem sorts vertices, so orientation is unknown.

    Args:
        mesh: The mesh.
        path: The file, or another name of the mesh, for messages.

    Raises:
        DomainError: If cells overlap.
    """
    every: Any = mesh
    crowded = np.bincount(every.t2f.ravel()) > 2
    inner = every.f2t[1] >= 0
    corners = mesh.p[:, facets_of(mesh)[:, inner]]  # (d, d, facets)
    centers = mesh.p[:, mesh.t].mean(axis=1)[:, every.f2t[:, inner]]  # (d, 2, facets)
    directions = (corners[:, 1:] - corners[:, :1]).transpose(2, 1, 0)
    side = [
        np.sign(np.linalg.det(np.concatenate([directions, (center - corners[:, 0]).T[:, None]], axis=1)))
        for center in centers.transpose(1, 0, 2)
    ]
    folded = crowded.sum() + (side[0] * side[1] > 0)[~crowded[inner]].sum()
    if folded:
        raise DomainError(f"{path}: cells overlap at {folded} of {len(crowded)} facets; repair the mesh")


def _mesh_class(kind: str) -> type[Mesh]:
    import skfem

    return {"line": skfem.MeshLine, "triangle": skfem.MeshTri, "quad": skfem.MeshQuad, "tetra": skfem.MeshTet}[kind]


def _physical_groups(raw: Any, kind: str) -> Iterator[tuple[str, np.ndarray]]:
    """The groups of facets as marked by gmsh: name, and vertex indices of shape ``(facets, d)``."""
    d = _DIMENSION[kind] - 1
    names = {int(tag): name for name, (tag, dimension) in raw.field_data.items() if dimension == d}
    for block, tags in zip(raw.cells, raw.cell_data.get("gmsh:physical", []), strict=False):
        if block.type == _FACETS[kind]:
            for tag in sorted({*tags.tolist()} - {0}):
                yield names.get(tag, str(tag)), block.data[tags == tag]


def _marked_sides(raw: Any, kind: str) -> Iterator[tuple[str, np.ndarray]]:
    """The groups of facets as written by scikit-fem: for each cell an integer whose bit i marks its side i."""
    sides = _mesh_class(kind).elem.refdom.facets or []
    for key, arrays in raw.cell_data.items():
        if key.startswith("skfem:b:"):
            for block, marks in zip(raw.cells, arrays, strict=True):
                if block.type == kind:
                    marked = [block.data[marks.astype(int) >> i & 1 == 1][:, side] for i, side in enumerate(sides)]
                    yield key.removeprefix("skfem:b:"), np.concatenate(marked)

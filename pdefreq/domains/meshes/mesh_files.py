"""Mesh files: the one place that knows meshio.

meshio prints to the terminal, and ends the process when it can't read a file: both are held back here.
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

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.file_io import write_atomically

if TYPE_CHECKING:
    import meshio
    from skfem import Mesh

_FORMATS = {".msh": "gmsh", ".vtu": "vtu", ".xdmf": "xdmf"}
_DIMENSION = {"line": 1, "triangle": 2, "quad": 2, "tetra": 3}
_FACETS = {"line": "vertex", "triangle": "line", "quad": "line", "tetra": "triangle"}
_GRID_CELLS = {  # a cell of a grid by dimension, and its corners in the order of VTK
    1: ("line", ((0,), (1,))),
    2: ("quad", ((0, 0), (1, 0), (1, 1), (0, 1))),
    3: ("hexahedron", tuple((*corner, z) for z in (0, 1) for corner in ((0, 0), (1, 0), (1, 1), (0, 1)))),
}


def read_mesh(path: str | Path) -> Mesh:
    """A mesh from a file: gmsh's ``.msh`` (2.2 and 4.1), ``.vtu`` or ``.xdmf``.

    Args:
        path: The file. Its cells are lines, triangles, quadrilaterals or tetrahedra, of one kind. Its facets that are marked by a
            physical group become a named boundary; a group without a name is called by its number.

    Returns:
        A scikit-fem mesh with `boundaries`, without the vertices that no cell uses.

    Raises:
        ProblemFileError: If the file is missing, unreadable, or of an unknown kind; or it holds no cells, cells of several or of
            unknown kinds, cells without area or that overlap, quadrilaterals that are not convex, or a surface in space.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise ProblemFileError(f"{path}: unknown kind of mesh file '{path.suffix}'; expected {', '.join(_FORMATS)}")
    if not path.is_file():
        raise ProblemFileError(f"there is no mesh file {path}")
    raw = _quietly_read(path)
    kind = _kind_of_cells(raw, path)
    cells = np.concatenate([block.data for block in raw.cells if block.type == kind])
    points = _flattened(np.asarray(raw.points, dtype=float), cells, _DIMENSION[kind], path)
    _check_shapes(points[cells], kind, path)
    used, renumbered = np.unique(cells, return_inverse=True)
    mesh = _mesh_class(kind)(points[used].T.copy(), renumbered.reshape(cells.shape).T.copy())
    _check_neighbors(mesh, path)
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
    """Corners of all facets of a mesh, shape ``(d, facets)``; scikit-fem builds them when asked, and types them as optional."""
    return mesh.facets


@dataclass(frozen=True, eq=False)
class Cells:
    """Nodes and cells of one kind over them, in the numbering of VTK.

    Args:
        nodes: Shape ``(n, d)``.
        kind: meshio's name: ``"line"``, ``"triangle6"``, ``"hexahedron"`` ...
        cells: Numbers of the nodes of each cell, shape ``(cells, nodes of a cell)``.
        marks: Numbers by name, one a cell, shape ``(cells,)``: the names of boundaries, as scikit-fem writes them.
    """

    nodes: np.ndarray
    kind: str
    cells: np.ndarray
    marks: Mapping[str, np.ndarray] = field(default_factory=dict)


def cells_of(mesh: Mesh) -> Cells:
    """The cells of a mesh of lines, triangles, quadrilaterals, tetrahedra or hexahedra, simplices turned alike."""
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
    """Write cells and fields on their nodes as ``.vtu``, for ParaView; of a first-order mesh `read_mesh` reads it back.

    Args:
        path: The file to write; it appears whole or not at all.
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
    points = np.zeros((count, 3))  # VTK knows three coordinates only
    points[:, :dimension] = cells.nodes
    marks: dict[str, Any] = {name: [values] for name, values in cells.marks.items()}
    content = meshio.Mesh(points, [(cells.kind, cells.cells)], point_data=dict(point_data), cell_data=marks)
    with tempfile.TemporaryDirectory() as folder:  # meshio writes this format to paths only
        whole = Path(folder) / "mesh.vtu"
        content.write(whole)
        write_atomically(Path(path), whole.read_bytes())


def _quietly_read(path: Path) -> meshio.Mesh:
    import meshio

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            return meshio.read(path, file_format=_FORMATS[path.suffix.lower()])
    except ModuleNotFoundError as error:  # meshio imports h5py for xdmf alone
        raise ProblemFileError(f"reading {path} needs {error.name}: install it with `pip install 'pdefreq[mesh]'`") from None
    except (Exception, SystemExit) as error:  # its readers raise whatever a malformed file brings about
        told = [*said.getvalue().split("\n"), "" if isinstance(error, SystemExit) else str(error)]
        reason = next((line.strip() for line in told if line.strip()), type(error).__name__)[:100]
        raise ProblemFileError(f"can't read the mesh file {path} as {path.suffix}: {reason}") from None


def _kind_of_cells(raw: meshio.Mesh, path: Path) -> str:
    """The one kind of cells of the highest dimension."""
    dimension = {block.type: block.dim for block in raw.cells if len(block.data)}
    top = max(dimension.values(), default=0)
    kinds = sorted(kind for kind, d in dimension.items() if d == top)
    if top == 0:
        raise ProblemFileError(f"{path} has no cells; save the mesh with its lines, triangles, quadrilaterals or tetrahedra")
    if len(kinds) > 1:
        raise ProblemFileError(f"{path} mixes {' and '.join(kinds)} cells; save a mesh of one kind")
    if kinds[0] not in _DIMENSION:
        raise ProblemFileError(f"{path} has {kinds[0]} cells; expected {', '.join(_DIMENSION)}, of first order")
    return kinds[0]


def _flattened(points: np.ndarray, cells: np.ndarray, d: int, path: Path) -> np.ndarray:
    """The points with the coordinates that the cells use: the others must be the same everywhere."""
    used = points[np.unique(cells)]
    if not np.isfinite(used).all():
        raise ProblemFileError(f"{path} has vertices whose coordinates are not finite")
    if np.ptp(used[:, d:], axis=0).max(initial=0) > 1e-9 * np.ptp(used, axis=0).max():
        where = {1: "on the axis of x", 2: "in the plane of x and y"}[d]
        raise ProblemFileError(f"{path} has cells of dimension {d} that do not lie {where}; curved ones are not supported")
    return points[:, :d]


def _check_shapes(corners: np.ndarray, kind: str, path: Path) -> None:
    """Cells must have a measure, and quadrilaterals be convex, whichever way round their corners are numbered.

    Args:
        corners: Shape ``(cells, corners, d)``.
        kind: Of the cells.
        path: The file, for messages.
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
        raise ProblemFileError(f"{path}: {flat.sum()} of {len(flat)} cells have no area; mend the mesh")
    bent = abs(np.sign(turns).sum(axis=1)) < turns.shape[1]
    if bent.any():
        raise ProblemFileError(f"{path}: {bent.sum()} of {len(bent)} cells are not convex, or cross themselves; mend the mesh")


def _check_neighbors(mesh: Mesh, path: Path) -> None:
    """At most two cells meet at a facet, one on each side. How corners are numbered tells nothing: scikit-fem sorts them."""
    every: Any = mesh
    crowded = np.bincount(every.t2f.ravel()) > 2
    inner = every.f2t[1] >= 0
    corners = mesh.p[:, facets_of(mesh)[:, inner]]  # (d, d, facets)
    centres = mesh.p[:, mesh.t].mean(axis=1)[:, every.f2t[:, inner]]  # (d, 2, facets)
    directions = (corners[:, 1:] - corners[:, :1]).transpose(2, 1, 0)
    side = [
        np.sign(np.linalg.det(np.concatenate([directions, (centre - corners[:, 0]).T[:, None]], axis=1)))
        for centre in centres.transpose(1, 0, 2)
    ]
    folded = crowded.sum() + (side[0] * side[1] > 0)[~crowded[inner]].sum()
    if folded:
        raise ProblemFileError(f"{path}: cells overlap at {folded} of {len(crowded)} facets; untangle the mesh")


def _mesh_class(kind: str) -> type[Mesh]:
    import skfem

    return {"line": skfem.MeshLine, "triangle": skfem.MeshTri, "quad": skfem.MeshQuad, "tetra": skfem.MeshTet}[kind]


def _physical_groups(raw: Any, kind: str) -> Iterator[tuple[str, np.ndarray]]:
    """Groups of facets as gmsh marks them: name, and corners of shape ``(facets, d)``."""
    d = _DIMENSION[kind] - 1
    names = {int(tag): name for name, (tag, dimension) in raw.field_data.items() if dimension == d}
    for block, tags in zip(raw.cells, raw.cell_data.get("gmsh:physical", []), strict=False):
        if block.type == _FACETS[kind]:
            for tag in sorted({*tags.tolist()} - {0}):
                yield names.get(tag, str(tag)), block.data[tags == tag]


def _marked_sides(raw: Any, kind: str) -> Iterator[tuple[str, np.ndarray]]:
    """Groups of facets as scikit-fem writes them: for each cell a number whose bit i marks the cell's side i."""
    sides = _mesh_class(kind).elem.refdom.facets or []
    for key, arrays in raw.cell_data.items():
        if key.startswith("skfem:b:"):
            for block, marks in zip(raw.cells, arrays, strict=True):
                if block.type == kind:
                    marked = [block.data[marks.astype(int) >> i & 1 == 1][:, side] for i, side in enumerate(sides)]
                    yield key.removeprefix("skfem:b:"), np.concatenate(marked)

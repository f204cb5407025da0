"""Meshes of CAD files (STEP) and of surfaces of triangles (STL), by gmsh."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.domains.meshes.gmsh import session
from pdefreq.domains.meshes.mesh_files import read_mesh

if TYPE_CHECKING:
    from skfem import Mesh

CAD_SUFFIXES = (".step", ".stp", ".stl")
"""The suffixes of the files that gmsh meshes."""

_CELLS = 10  # along the longest side by default
_SHARP = math.radians(40)  # angle between triangles of a surface from which an edge separates two faces


def mesh_of_cad(path: str | Path, size: float | None = None) -> Mesh:
    """A mesh of the solid, or of the flat surface, in a file.

    Its boundaries are ``face-1``, ``face-2``, ... in three dimensions and ``edge-1``, ``edge-2``, ... in the plane, in the order
    of gmsh. The faces of an .stl file are separated by edges with angles above 40 degrees, and gmsh may divide them further.
    Coordinates are those of gmsh, which converts the lengths of .step files to mm.

    Args:
        path: A .step, .stp or .stl file; an .stl file must be a closed surface.
        size: The length of edges; by default a tenth of the longest side of the bounding box.

    Raises:
        IncompatibleError: If gmsh is not installed.
        ProblemFileError: If the file does not exist, or gmsh can't read or mesh it.
    """
    path = Path(path)
    if not path.is_file():
        raise ProblemFileError(f"there is no mesh file {path}")
    with session("meshing a .step or .stl file") as gmsh, tempfile.TemporaryDirectory() as folder:
        try:
            found = _surface(gmsh.model, gmsh, path) if path.suffix.lower() == ".stl" else _shapes(gmsh.model, path)
            low, high = (gmsh.model.getBoundingBox(-1, -1)[k : k + 3] for k in (0, 3))
            longest = max(b - a for a, b in zip(low, high, strict=True))
            gmsh.option.setNumber("Mesh.MeshSizeMax", size or longest / _CELLS)
            _name_faces(gmsh.model, found)
            gmsh.model.mesh.generate(found[0][0])
            meshed = Path(folder) / "mesh.msh"
            gmsh.write(str(meshed))
        except Exception as error:  # gmsh raises no other class
            reason = " ".join(str(error).split())[:100] or "unknown reason"
            raise ProblemFileError(
                f"gmsh can't mesh {path}: {reason}; check that it is a closed solid or a flat surface"
            ) from None
        return read_mesh(meshed)


def _shapes(model: Any, path: Path) -> list[tuple[int, int]]:
    """The solids of a .step file, or its faces if there are no solids."""
    found = model.occ.importShapes(str(path))
    model.occ.synchronize()
    dimension = max((d for d, _ in found), default=0)
    if dimension < 2:
        raise ValueError("it contains no solid and no surface")
    return [(d, tag) for d, tag in found if d == dimension]


def _surface(model: Any, gmsh: Any, path: Path) -> list[tuple[int, int]]:
    """The solid inside a closed surface of triangles."""
    gmsh.merge(str(path))
    model.mesh.classifySurfaces(_SHARP, True, True, math.pi)
    model.mesh.createGeometry()
    faces = [tag for _, tag in model.getEntities(2)]
    solid = model.geo.addVolume([model.geo.addSurfaceLoop(faces)])
    model.geo.synchronize()
    return [(3, solid)]


def _name_faces(model: Any, found: Sequence[tuple[int, int]]) -> None:
    dimension = found[0][0]
    kind = {2: "edge", 3: "face"}[dimension]
    sides = model.getBoundary(list(found), combined=True, oriented=False)
    for number, tag in enumerate(sorted({tag for _, tag in sides}), start=1):
        model.addPhysicalGroup(dimension - 1, [tag], name=f"{kind}-{number}")
    model.addPhysicalGroup(dimension, [tag for _, tag in found], name="domain")

"""Mesh files: round trips through each format, and every kind of defect."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import meshio
import numpy as np
import pytest
import skfem

from pdefreq.core.errors import MissingPackageError, ProblemFileError
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshes.mesh_files import cells_of, read_mesh, write_vtu
from pdefreq.domains.meshes.meshing import mesh_of

SQUARE = mesh_of(Box((0.0, 0.0), (1.0, 2.0)), 0.5)
MESHES: dict[str, Any] = {
    "line": mesh_of(Box((0.0,), (1.0,)), 0.3),
    "triangle": SQUARE,
    "quad": skfem.MeshQuad.init_tensor(np.linspace(0, 1, 4), np.linspace(0, 2, 3)).with_defaults(),
    "tetra": mesh_of(Box((0.0,) * 3, (1.0,) * 3), 0.6),
}
meshes = pytest.mark.parametrize("kind", MESHES)
FACETS = {"line": "vertex", "triangle": "line", "quad": "line", "tetra": "triangle"}


def in_order(mesh):
    """The mesh with counterclockwise cells, as in a file."""
    return mesh if isinstance(mesh, skfem.MeshQuad) else mesh.oriented()


def in_space(p):
    return np.concatenate([p.T, np.zeros((p.shape[1], 3 - p.shape[0]))], axis=1)


def write_msh(path, kind, version):
    """A file as gmsh writes it: facets in physical groups, cells in a separate group, and a vertex that belongs to no cell."""
    mesh = in_order(MESHES[kind])
    names = list(mesh.boundaries)
    facets = [mesh.facets[:, mesh.boundaries[name]].T + 1 for name in names]
    tags = [np.full(len(f), k + 1) for k, f in enumerate(facets)] + [np.full(mesh.nelements, 1)]
    d = mesh.dim()
    meshio.Mesh(
        in_space(np.concatenate([np.full((d, 1), 7.0), mesh.p], axis=1)),
        [(FACETS[kind], f) for f in facets] + [(kind, mesh.t.T + 1)],
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
        field_data={name: np.array([k + 1, d - 1]) for k, name in enumerate(names)} | {"inside": np.array([1, d])},
    ).write(path, file_format=version, binary=False)


def same(read, mesh):
    np.testing.assert_array_equal(read.p, mesh.p)
    np.testing.assert_array_equal(np.sort(read.t, axis=0), np.sort(mesh.t, axis=0))
    assert set(read.boundaries) == set(mesh.boundaries)
    for name, facets in mesh.boundaries.items():
        np.testing.assert_array_equal(np.sort(read.boundaries[name]), np.sort(facets))


@meshes
def test_gmsh_files_of_version_2(kind, tmp_path):
    write_msh(tmp_path / "mesh.msh", kind, "gmsh22")
    same(read_mesh(tmp_path / "mesh.msh"), MESHES[kind])


def test_gmsh_files_of_version_4():
    """Files written by gmsh itself: the shipped meshes."""
    path = Path(__file__).parents[3] / "problems" / "meshes" / "perforated-1.msh"
    assert path.read_text().startswith("$MeshFormat\n4.1 0 8\n")
    mesh = read_mesh(path)
    assert sorted(mesh.boundaries) == ["hole-1", "hole-2", "hole-3", "x-max", "x-min", "y-max", "y-min"]
    assert sum(map(len, mesh.boundaries.values())) == len(mesh.boundary_facets())


@meshes
def test_vtu_files_keep_fields_and_names(kind, tmp_path):
    mesh = MESHES[kind]
    fields = {"u": np.sin(mesh.p[0]), "gradient": np.arange(3.0 * mesh.nvertices).reshape(-1, 3)}
    write_vtu(tmp_path / "mesh.vtu", cells_of(mesh), fields)
    same(read_mesh(tmp_path / "mesh.vtu"), mesh)
    raw = meshio.read(tmp_path / "mesh.vtu")
    for name, values in fields.items():
        np.testing.assert_array_equal(raw.point_data[name], values)


@meshes
def test_xdmf_files(kind, tmp_path):
    pytest.importorskip("h5py")  # meshio requires it, even for files without HDF
    mesh = in_order(MESHES[kind])
    named = skfem.io.meshio.to_meshio(mesh)
    plain = meshio.Mesh(in_space(mesh.p), named.cells, cell_data=named.cell_data)
    plain.write(tmp_path / "mesh.xdmf", data_format="XML")
    same(read_mesh(tmp_path / "mesh.xdmf"), mesh)


@pytest.mark.parametrize("domain", [Ball((0.0, 0.0), 1.0), Ball((0.0, 0.0, 0.0), 1.0)], ids=["disk", "ball"])
def test_unordered_cells_of_scikit_fem_are_written_in_order(domain, tmp_path):
    mesh = mesh_of(domain, 0.5)
    assert len(set(mesh.orientation())) == 2
    write_vtu(tmp_path / "mesh.vtu", cells_of(mesh), {})
    same(read_mesh(tmp_path / "mesh.vtu"), mesh)


def test_xdmf_without_h5py_is_refused_with_advice(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "mesh.xdmf").write_text(
        '<Xdmf Version="3.0"><Domain><Grid><Geometry GeometryType="XY"><DataItem Dimensions="1 2" Format="XML">0 0'
        "</DataItem></Geometry></Grid></Domain></Xdmf>"
    )
    refused(tmp_path / "mesh.xdmf", r"needs h5py: install it with `pip install 'pdefreq\[mesh\]'`", MissingPackageError)


def test_a_field_of_the_wrong_length_is_refused(tmp_path):
    with pytest.raises(ValueError, match="field 'u' must have one row for each of the 15 nodes, got 3"):
        write_vtu(tmp_path / "mesh.vtu", cells_of(SQUARE), {"u": np.zeros(3)})


def test_reading_prints_nothing(tmp_path):
    """meshio prints an empty line for every gmsh file, which would corrupt JSON on standard output."""
    write_msh(tmp_path / "mesh.msh", "triangle", "gmsh22")
    (tmp_path / "bad.msh").write_text("nonsense")
    code = f"""
from pdefreq.domains.meshes.mesh_files import read_mesh
from pdefreq.core.errors import ProblemFileError
read_mesh({str(tmp_path / "mesh.msh")!r})
try:
    read_mesh({str(tmp_path / "bad.msh")!r})
except ProblemFileError:
    pass
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


def refused(path, message, kind=ProblemFileError):
    with pytest.raises(kind, match=message) as refusal:
        read_mesh(path)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 400
    assert str(path) in str(refusal.value)


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none.msh", "there is no mesh file")
    (tmp_path / "folder.msh").mkdir()
    refused(tmp_path / "folder.msh", "there is no mesh file")


def test_an_unknown_suffix(tmp_path):
    (tmp_path / "part.stl").write_text("solid")
    refused(tmp_path / "part.stl", r"unknown kind of mesh file '.stl'; expected .msh, .vtu, .xdmf")


@pytest.mark.parametrize("suffix", [".msh", ".vtu", ".xdmf"])
@pytest.mark.parametrize(
    "content", ["", "nonsense", "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n3\n1 0", "<VTKFile></VTKFile>", "<Xdmf/>"]
)
def test_an_unreadable_file(tmp_path, suffix, content):
    path = tmp_path / f"mesh{suffix}"
    path.write_text(content)
    refused(path, "can't read the mesh file")


def test_a_truncated_file(tmp_path):
    write_msh(tmp_path / "whole.msh", "triangle", "gmsh22")
    text = (tmp_path / "whole.msh").read_text()
    (tmp_path / "half.msh").write_text(text[: len(text) // 2])
    refused(tmp_path / "half.msh", "can't read the mesh file")


def write_cells(path, points, cells):
    meshio.Mesh(np.asarray(points, dtype=float), [(k, np.array(c)) for k, c in cells]).write(path, file_format="vtu")


CORNERS = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0], [2, 1, 0]]
TWO = [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize(
    ("points", "cells", "message"),
    [
        (CORNERS, [("vertex", [[0], [1]])], "has no cells"),
        (CORNERS, [("triangle", TWO), ("quad", [[1, 4, 5, 2]])], "mixes quad and triangle cells"),
        (CORNERS, [("triangle6", [[0, 4, 5, 1, 2, 3]])], "has triangle6 cells; expected line, triangle, quad, tetra"),
        (CORNERS, [("triangle", [*TWO, [1, 2, 3]])], "cells overlap at 2 of 6 facets"),  # across the diagonal of the square
        (CORNERS, [("triangle", [*TWO, [0, 2, 4]])], "cells overlap at 1 of 7 facets"),  # three cells at one facet
        (CORNERS, [("quad", [[0, 1, 2, 3], [1, 2, 3, 4]])], "1 of 2 cells are not convex"),
        (CORNERS, [("quad", [[0, 1, 3, 2]])], "1 of 1 cells are not convex, or cross themselves"),  # self-intersecting
        (CORNERS, [("triangle", [*TWO, [0, 1, 4]])], "1 of 3 cells have no area"),
        ([*CORNERS[:3], [0, 1, 0.5]], [("triangle", TWO)], "cells of dimension 2 that do not lie in the x-y plane"),
        (CORNERS, [("line", [[0, 1], [1, 2]])], "cells of dimension 1 that do not lie on the x axis"),
        ([*CORNERS[:3], [0, np.nan, 0]], [("triangle", TWO)], "not finite"),
    ],
)
def test_bad_cells(tmp_path, points, cells, message):
    write_cells(tmp_path / "mesh.vtu", points, cells)
    refused(tmp_path / "mesh.vtu", message)


@meshes
def test_cells_may_be_numbered_in_either_orientation(kind, tmp_path):
    """Corners of simplices in any order; corners of quadrilaterals from any start, in either direction."""
    mesh, stream = MESHES[kind], np.random.default_rng(0)
    names = {name: np.sort(facets) for name, facets in mesh.boundaries.items()}

    def renumbered(cell):
        if kind != "quad":
            return stream.permutation(cell)
        return np.roll(cell, stream.integers(4))[:: stream.choice([-1, 1])]

    cells = np.array([renumbered(cell) for cell in mesh.t.T])
    facets = [np.sort(mesh.facets[:, found].T, axis=1) for found in names.values()]
    tags = [np.full(len(f), k + 1) for k, f in enumerate(facets)] + [np.zeros(len(cells), dtype=int)]
    raw = meshio.Mesh(
        in_space(mesh.p),
        [(FACETS[kind], f) for f in facets] + [(kind, cells)],
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
        field_data={name: np.array([k + 1, mesh.dim() - 1]) for k, name in enumerate(names)},
    )
    raw.write(tmp_path / "mesh.msh", file_format="gmsh22", binary=False)
    same(read_mesh(tmp_path / "mesh.msh"), mesh)
    assert MeshDomain.read(tmp_path / "mesh.msh").measure == pytest.approx(np.prod(np.ptp(mesh.p, axis=1)), rel=1e-14)


@pytest.mark.parametrize("kind", ["triangle", "tetra"])
def test_a_vertex_moved_across_a_neighboring_cell_is_detected(kind, tmp_path):
    """The cells around it overlap, although each of them is valid."""
    mesh = MESHES[kind]
    inner = np.setdiff1d(np.arange(mesh.nvertices), np.unique(mesh.facets[:, mesh.boundary_facets()]))
    points = mesh.p.T.copy()
    points[inner[0]] += 0.93 * np.ptp(points, axis=0)
    write_cells(tmp_path / "mesh.vtu", in_space(points.T), [(kind, mesh.t.T)])
    refused(tmp_path / "mesh.vtu", r"cells overlap at \d+ of \d+ facets; repair the mesh")


def test_unnamed_groups_are_named_by_their_number(tmp_path):
    ball = mesh_of(Ball((0.0, 0.0), 1.0), 0.5)
    edge = ball.facets[:, ball.boundary_facets()].T
    tags = [np.arange(len(edge)) % 3 * 5, np.zeros(ball.nelements, dtype=int)]
    raw = meshio.Mesh(
        in_space(ball.p),
        [("line", edge), ("triangle", ball.oriented().t.T)],
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
    )
    raw.write(tmp_path / "mesh.msh", file_format="gmsh22", binary=False)
    assert sorted(read_mesh(tmp_path / "mesh.msh").boundaries) == ["10", "5"]  # group 0 means no group

"""Solids in .step and .stl files, meshed by gmsh. The files are written here: by gmsh, or as text."""

import itertools
import sys

import numpy as np
import pytest

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshes.cad_files import mesh_of_cad
from pdefreq.problem.files import problem_from_text

REST = '[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n'


def cube_stl(path):
    """The surface of the unit cube: two triangles on each face."""
    lines = ["solid cube"]
    for axis, end in itertools.product(range(3), (0, 1)):
        square = np.insert(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float), axis, end, axis=1)
        for corners in (square[[0, 1, 2]], square[[0, 2, 3]]):
            inward = (axis + end) % 2 == 0
            rows = "".join(f"vertex {' '.join(map(str, row))}\n" for row in (corners[::-1] if inward else corners))
            lines.append(f"facet normal 0 0 0\nouter loop\n{rows}endloop\nendfacet")
    path.write_text("\n".join([*lines, "endsolid cube", ""]))


def test_without_gmsh_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gmsh", None)
    cube_stl(tmp_path / "cube.stl")
    text = f'[domain]\nkind = "mesh"\nfile = "cube.stl"\n{REST}'
    with pytest.raises(IncompatibleError, match=r"meshing a .step or .stl file needs gmsh: install it with `pip install"):
        problem_from_text(text, locate=tmp_path.joinpath)


def test_a_size_belongs_to_solids(tmp_path):
    (tmp_path / "a.msh").write_text("")
    with pytest.raises(ProblemFileError, match=r"size belongs to \.step, \.stp, \.stl files, but a\.msh is a mesh"):
        problem_from_text(f'[domain]\nkind = "mesh"\nfile = "a.msh"\nsize = 0.1\n{REST}', locate=tmp_path.joinpath)


def test_a_missing_solid_is_refused(tmp_path):
    with pytest.raises(ProblemFileError, match="there is no mesh file"):
        mesh_of_cad(tmp_path / "none.step")


def test_a_surface_of_triangles_is_filled(tmp_path):
    pytest.importorskip("gmsh")
    cube_stl(tmp_path / "cube.stl")
    text = f'[domain]\nkind = "mesh"\nfile = "cube.stl"\nsize = 0.5\n{REST}'
    domain = problem_from_text(text, locate=tmp_path.joinpath).domain
    assert isinstance(domain, MeshDomain) and domain.dimension == 3
    assert domain.measure == pytest.approx(1, abs=1e-9)
    assert domain.part_names == tuple(f"face-{k}" for k in range(1, 1 + len(domain.part_names)))
    assert len(domain.part_names) >= 6  # gmsh divides some faces further
    assert float(domain.boundary(600).weights.sum()) == pytest.approx(6, abs=1e-9)
    for part in domain.part_names:
        assert np.ptp(domain.vertices(part), axis=0).min() < 1e-9  # in one side of the cube


@pytest.mark.parametrize(("dimension", "kind"), [(3, "face"), (2, "edge")])
def test_a_step_file_is_meshed(tmp_path, dimension, kind):
    gmsh = pytest.importorskip("gmsh")
    gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        if dimension == 3:
            gmsh.model.occ.addBox(0, 0, 0, 2, 1, 1)
        else:
            gmsh.model.occ.addRectangle(0, 0, 0, 2, 1)
        gmsh.model.occ.synchronize()
        gmsh.write(str(tmp_path / "solid.step"))
    finally:
        gmsh.finalize()
    domain = MeshDomain(mesh_of_cad(tmp_path / "solid.step", 0.5))
    assert domain.dimension == dimension and domain.measure == pytest.approx(2, abs=1e-9)
    assert domain.part_names == tuple(f"{kind}-{k}" for k in range(1, 2 * dimension + 1))


def test_a_damaged_solid_is_refused_in_one_sentence(tmp_path):
    pytest.importorskip("gmsh")
    (tmp_path / "bad.step").write_text("nothing")
    with pytest.raises(ProblemFileError, match=r"gmsh can't mesh .*bad\.step") as refused:
        mesh_of_cad(tmp_path / "bad.step")
    assert "\n" not in str(refused.value)

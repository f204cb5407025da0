"""Meshes of domains with a CAD form by gmsh, an optional dependency."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.spatial import KDTree

from pdefreq.core.errors import MissingPackageError
from pdefreq.domains.meshes.mesh_files import read_mesh

if TYPE_CHECKING:
    from skfem import Mesh

    from pdefreq.domains.samples import Samples

_AROUND = {2: 16, 3: 8}  # in space, 16 would require thousands of cells around the smallest sphere


class HasCadForm(Protocol):
    """The interface of domains that gmsh can mesh; see `Domain`."""

    @property
    def dimension(self) -> int: ...

    @property
    def part_names(self) -> tuple[str, ...]: ...

    def boundary(self, n: int) -> Samples: ...

    def cad(self, occ: Any) -> list[tuple[int, int]]: ...


def gmsh_mesh(domain: HasCadForm, h: float) -> Mesh:
    """A mesh of a domain with edges of at most about `h`; arguments and errors are those of `write_gmsh`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domain.msh"
        write_gmsh(path, domain, h)
        return read_mesh(path)


def write_gmsh(path: str | Path, domain: HasCadForm, h: float, *, around: int | None = None) -> None:
    """Mesh a two- or three-dimensional domain and write it as ``.msh`` 4.1, with its parts as physical groups.

    Args:
        path: The file to write; its name must end in ``.msh``.
        domain: A domain with a CAD form.
        h: Length of the longest edges.
        around: The least number of edges on a full circle of any radius; by default 16 in the plane and 8 in space.

    Raises:
        MissingPackageError: If gmsh is not installed.
        IncompatibleError: If the domain has no CAD form.
    """
    with session("meshing this domain") as gmsh:
        gmsh.option.setNumber("Mesh.MeshSizeMax", h)
        gmsh.option.setNumber("Mesh.MeshSizeFromCurvature", around or _AROUND[domain.dimension])
        domain.cad(gmsh.model.occ)
        gmsh.model.occ.synchronize()
        _name_parts(gmsh.model, domain)
        gmsh.model.mesh.generate(domain.dimension)
        gmsh.write(str(path))


@contextmanager
def session(purpose: str) -> Iterator[Any]:
    """The module gmsh with an empty model, which is removed at the end.

    Args:
        purpose: What needs gmsh, for the message if it is missing.

    Raises:
        IncompatibleError: If gmsh is not installed.
    """
    try:
        gmsh = importlib.import_module("gmsh")
    except (ImportError, OSError):  # OSError: a system library required by gmsh is missing
        raise MissingPackageError(
            f"{purpose} needs gmsh: install it with `pip install 'pdefreq[mesh]'`, or give a mesh file", package="gmsh"
        ) from None
    mine = not gmsh.isInitialized()
    if mine:
        gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.option.setNumber("Mesh.MshFileVersion", 4.1)
        gmsh.model.add("pdefreq")
        yield gmsh
        gmsh.model.remove()
    finally:
        if mine:
            gmsh.finalize()


def _name_parts(model: Any, domain: HasCadForm) -> None:
    """Add a physical group for each part; a curve or surface belongs to the part with the points nearest to its center."""
    d = domain.dimension
    samples = domain.boundary(1000 * len(domain.part_names))
    assert samples.parts is not None
    tree, parts = KDTree(samples.x.numpy()), samples.parts.numpy()
    groups: dict[int, list[int]] = {}
    for _, tag in model.getEntities(d - 1):
        low, high = model.getParametrizationBounds(d - 1, tag)
        middle = np.array(model.getValue(d - 1, tag, (np.asarray(low) + np.asarray(high)) / 2))[:d]
        groups.setdefault(int(parts[tree.query(middle)[1]]), []).append(tag)
    for part, tags in sorted(groups.items()):
        model.addPhysicalGroup(d - 1, tags, name=domain.part_names[part])
    model.addPhysicalGroup(d, [tag for _, tag in model.getEntities(d)], name="domain")

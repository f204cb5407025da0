"""The mesh on which a finite element method works, from a number of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skfem import MeshHex, MeshLine, MeshQuad, MeshTet, MeshTri

from pdefreq.domains.box import Box
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.meshing import mesh_of

if TYPE_CHECKING:
    from skfem import Mesh

    from pdefreq.domains.domain import Domain

CELLS = {1: 1000, 2: 128, 3: 24}
"""Cells along each axis unless another number is asked for, by dimension."""


def mesh_for(domain: Domain, cells: int | None = None, *, simplices: bool = True) -> Mesh:
    """A mesh of a domain in one to three dimensions.

    Args:
        domain: On a box the mesh is structured: its sides are divided evenly.
        cells: Along each axis of a box; elsewhere the mesh width is that of a cube of the same measure divided so. By default
            `CELLS`, and the mesh of a mesh domain is taken as it is.
        simplices: Whether boxes are cut into triangles and tetrahedra, or into quadrilaterals and hexahedra.

    Raises:
        OptionError: If there would be more cells than a computer holds.
        IncompatibleError: If the domain needs a mesh generator that is not installed.
    """
    d = domain.dimension
    if isinstance(domain, Box):
        kind = ((MeshLine, MeshTri, MeshTet) if simplices else (MeshLine, MeshQuad, MeshHex))[d - 1]
        sides = zip(domain.lower, domain.upper, strict=True)
        return kind.init_tensor(*(np.linspace(a, b, (cells or CELLS[d]) + 1) for a, b in sides))
    if isinstance(domain, MeshDomain) and cells is None:
        return domain.mesh
    return mesh_of(domain, domain.measure ** (1 / d) / (cells or CELLS[d]))

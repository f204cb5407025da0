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


def mesh_for(domain: Domain, cells: int | None, *, simplices: bool = True) -> Mesh:
    """A mesh of a domain in one to three dimensions.

    Args:
        domain: On a box the mesh is structured: its sides are divided evenly.
        cells: Along each axis of a box; elsewhere the mesh width is that of a cube of the same measure divided so. None
            takes the mesh of a mesh domain as it is.
        simplices: Whether boxes are cut into triangles and tetrahedra, or into quadrilaterals and hexahedra.

    Raises:
        OptionError: If there would be more cells than a computer holds.
        IncompatibleError: If the domain needs a mesh generator that is not installed.
    """
    d = domain.dimension
    if cells is None:
        assert isinstance(domain, MeshDomain)
        return domain.mesh
    if isinstance(domain, Box):
        kind = ((MeshLine, MeshTri, MeshTet) if simplices else (MeshLine, MeshQuad, MeshHex))[d - 1]
        sides = zip(domain.lower, domain.upper, strict=True)
        return kind.init_tensor(*(np.linspace(a, b, cells + 1) for a, b in sides))
    return mesh_of(domain, domain.measure ** (1 / d) / cells)

"""The mesh on which a finite element method works, from a number of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.domains.mesh_domain import MeshDomain

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
    if cells is None:
        assert isinstance(domain, MeshDomain)
        return domain.mesh
    return domain.divided(cells, simplices=simplices)

"""A structured mesh of a ring in the plane."""

from __future__ import annotations

import math

import numpy as np
from skfem import Mesh, MeshTri

from pdefreq.domains.meshes.mesh_files import facets_of


def ring_mesh(midpoint: tuple[float, ...], inner: float, outer: float, h: float) -> Mesh:
    """The conformal image of a rectangle under the complex exponential; cells grow outward up to `h`."""
    around = max(6, math.ceil(2 * math.pi * outer / h))
    across = max(1, round(around * math.log(outer / inner) / (2 * math.pi)))
    radii = np.geomspace(inner, outer, across + 1)
    angles = 2 * np.pi * np.arange(around) / around
    x = radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    i, j = (a.ravel() for a in np.meshgrid(np.arange(across), np.arange(around), indexing="ij"))
    a, b = i * around + j, i * around + (j + 1) % around
    t = np.concatenate([np.stack([a, a + around, b]), np.stack([b, a + around, b + around])], axis=1)
    mesh = MeshTri((x.reshape(-1, 2) + midpoint).T.copy(), t.astype(np.int32))
    edge = mesh.boundary_facets()
    outside = (facets_of(mesh)[:, edge] >= around * across).all(axis=0)
    return mesh.with_boundaries({"inner": edge[~outside], "outer": edge[outside]})

"""Mesh files of domains, made by gmsh, which is optional."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.domain import Domain
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.ring import Ring
from pdefreq.errors import IncompatibleError

_AROUND = {2: 16, 3: 8}  # in space 16 would put thousands of cells around the smallest sphere


def write_gmsh(path: str | Path, domain: Domain, h: float, *, around: int | None = None) -> None:
    """Mesh a domain of two or three dimensions and write it as ``.msh`` 4.1, its parts as physical groups.

    Args:
        path: The file to write; it ends in ``.msh``.
        domain: A box, ball, ring or ellipse, with or without holes.
        h: Longest edges.
        around: Edges on a full circle, however small; None is 16 in the plane and 8 in space.

    Raises:
        IncompatibleError: If gmsh is not installed, or the domain is of another kind.
    """
    gmsh = _gmsh()
    mine = not gmsh.isInitialized()
    if mine:
        gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        gmsh.model.add("pdefreq")
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.option.setNumber("Mesh.MeshSizeMax", h)
        gmsh.option.setNumber("Mesh.MeshSizeFromCurvature", around or _AROUND[domain.dimension])
        gmsh.option.setNumber("Mesh.MshFileVersion", 4.1)
        _add(gmsh.model.occ, domain)
        gmsh.model.occ.synchronize()
        _name_parts(gmsh.model, domain)
        gmsh.model.mesh.generate(domain.dimension)
        gmsh.write(str(path))
        gmsh.model.remove()
    finally:
        if mine:
            gmsh.finalize()


def _gmsh() -> Any:
    try:
        return importlib.import_module("gmsh")
    except (ImportError, OSError):  # OSError: a system library that gmsh needs is missing
        raise IncompatibleError(
            "meshing this domain needs gmsh: install it with `pip install 'pdefreq[mesh]'`, or give a mesh file"
        ) from None


def _add(occ: Any, domain: Domain) -> list[tuple[int, int]]:
    """Add a solid to the model; its (dimension, tag) pairs."""
    d = domain.dimension
    match domain:
        case WithHoles(base, holes):
            solid = _add(occ, base)
            return occ.cut(solid, [tag for hole in holes for tag in _add(occ, hole)])[0] if holes else solid
        case Ring(midpoint, inner, outer):
            return occ.cut(_add(occ, Ball(midpoint, outer)), _add(occ, Ball(midpoint, inner)))[0]
        case Box(lower) if d == 2:
            return [(2, occ.addRectangle(*lower, 0, *domain.lengths))]
        case Box(lower) if d == 3:
            return [(3, occ.addBox(*lower, *domain.lengths))]
        case Ball(midpoint, radius) if d == 2:
            return [(2, occ.addDisk(*midpoint, 0, radius, radius))]
        case Ball(midpoint, radius) if d == 3:
            return [(3, occ.addSphere(*midpoint, radius))]
        case Ellipse(midpoint, (a, b)):  # gmsh wants the long half axis first
            axis = {} if a >= b else {"zAxis": [0, 0, 1], "xAxis": [0, 1, 0]}
            return [(2, occ.addDisk(*midpoint, 0, max(a, b), min(a, b), **axis))]
        case _:
            raise IncompatibleError(
                f"no mesh of a {type(domain).__name__.lower()} of dimension {d} can be made here: give a mesh file"
            )


def _name_parts(model: Any, domain: Domain) -> None:
    """Physical groups: each curve or surface belongs to the part whose points are nearest to its middle."""
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

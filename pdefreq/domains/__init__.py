"""Domains by their kind in a problem file. Importing this loads no numerics."""

from __future__ import annotations

from pdefreq.core.registry import Registry

DOMAINS = Registry(
    "kind of domain",
    "pdefreq.domains",
    {
        "box": "pdefreq.domains.box:Box",
        "ball": "pdefreq.domains.ball:Ball",
        "ring": "pdefreq.domains.ring:Ring",
        "ellipse": "pdefreq.domains.ellipse:Ellipse",
        "polygon": "pdefreq.domains.polygon:Polygon",
        "mesh": "pdefreq.domains.mesh_domain:MeshDomain",
    },
)
"""Name -> a subclass of `Domain`, which knows its mesh, its normals, its CAD form and its keys in a problem file."""

"""Domains by their kind in a problem file. Importing this module does not load numerical libraries."""

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
"""Names and their subclass of `Domain`, which defines the mesh, normals, CAD form and keys of the kind in a problem file."""

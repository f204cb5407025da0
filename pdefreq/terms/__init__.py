"""The terms of an equation by name. Importing this loads no torch."""

from __future__ import annotations

from pdefreq.registry import Registry

TERMS = Registry(
    "term",
    "pdefreq.terms",
    {
        "diffusion": "pdefreq.terms.diffusion:Diffusion",
        "convection": "pdefreq.terms.convection:Convection",
        "reaction": "pdefreq.terms.reaction:Reaction",
        "nonlinear": "pdefreq.terms.nonlinear:Nonlinear",
    },
)
"""Name -> a class of terms. The name is the key of the [equation] table that holds the coefficient of the term."""

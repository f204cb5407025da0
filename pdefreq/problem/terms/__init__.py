"""The registry of the terms of an equation. Importing this module does not load torch."""

from __future__ import annotations

from pdefreq.core.registry import Registry

TERMS = Registry(
    "term",
    "pdefreq.terms",
    {
        "diffusion": "pdefreq.problem.terms.diffusion:Diffusion",
        "convection": "pdefreq.problem.terms.convection:Convection",
        "reaction": "pdefreq.problem.terms.reaction:Reaction",
        "nonlinear": "pdefreq.problem.terms.nonlinear:Nonlinear",
    },
)
"""Name -> class of the term. The name is the key of the [equation] table with the coefficient of the term."""

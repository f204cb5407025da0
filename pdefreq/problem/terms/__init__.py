"""The terms of an equation by name. Importing this loads no torch."""

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
"""Name -> a class of terms. The name is the key of the [equation] table that holds the coefficient of the term."""

"""Checks of `pdefreq diagnose` by name: reasons why a run fails. Importing this module does not load torch."""

from __future__ import annotations

from pdefreq.core.registry import Registry

CHECKS = Registry(
    "check",
    "pdefreq.checks",
    {
        "step size": "pdefreq.studies.checks.step_size:step_size",
        "dead units": "pdefreq.studies.checks.dead_units:dead_units",
        "aliasing": "pdefreq.studies.checks.spacing:aliasing",
        "narrow features": "pdefreq.studies.checks.spacing:narrow_features",
        "overfitted quadrature": "pdefreq.studies.checks.overfitting:overfitting",
        "penalty floor": "pdefreq.studies.checks.boundary:floor_of_penalty",
        "boundary imbalance": "pdefreq.studies.checks.boundary:imbalance",
        "noise floor": "pdefreq.studies.checks.noise_floor:noise_floor",
        "kernel condition": "pdefreq.studies.checks.kernel_condition:kernel_condition",
        "budget": "pdefreq.studies.checks.budget:budget",
        "seed spread": "pdefreq.studies.checks.seed_spread:seed_spread",
    },
)

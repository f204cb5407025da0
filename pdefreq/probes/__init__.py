"""Probes by name: what is measured along a run. Importing this loads no torch."""

from __future__ import annotations

from pdefreq.core.registry import Registry

PROBES = Registry(
    "probe",
    "pdefreq.probes",
    {
        "error": "pdefreq.probes.error:ErrorProbe",
        "spectral": "pdefreq.probes.spectral:SpectralProbe",
        "holdout": "pdefreq.probes.holdout:HoldoutProbe",
        "filter": "pdefreq.probes.filter:FilterProbe",
        "ntk": "pdefreq.probes.ntk:NtkProbe",
    },
)


DEFAULT_PROBES = ("error", "spectral", "holdout")
"""What every run measures unless the user says otherwise: the errors, the spectrum, and the misfit at data held out."""

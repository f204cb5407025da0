"""Probes by name: measurements along a run. Importing this module does not load torch."""

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
        "snapshots": "pdefreq.probes.snapshots:SnapshotsProbe",
        "ntk": "pdefreq.probes.ntk:NtkProbe",
        "sharpness": "pdefreq.probes.sharpness:SharpnessProbe",
    },
    unlisted={  # of published experiments, named so that their runs can be written into run folders
        "mean-square-error": "pdefreq.experiments.training:MeanSquareError",
        "tones": "pdefreq.experiments.tones:ToneProbe",
    },
)


DEFAULT_PROBES = ("error", "spectral", "holdout")
"""The default probes: the errors, the spectrum, and the misfit at held-out data."""

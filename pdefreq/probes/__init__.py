"""Probes by name: what is measured along a run. Importing this loads no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.registry import Registry

if TYPE_CHECKING:
    from pdefreq.probes.probe import Probe

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


def default_probes() -> tuple[Probe, ...]:
    """What every run measures unless the user says otherwise: the errors, the spectrum, and the misfit at data held out."""
    return tuple(PROBES.load(name)() for name in ("error", "spectral", "holdout"))

"""Probes by name: what is measured along a run. Importing this loads no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError
from pdefreq.core.options import build, split_options
from pdefreq.core.registry import Registry

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


DEFAULT_PROBES = ("error", "spectral", "holdout")
"""What every run measures unless the user says otherwise: the errors, the spectrum, and the misfit at data held out."""


def make_probe(name: str) -> Probe:
    """A probe by name, or ``path/to/file.py:Name``; options may stand behind it, ``"ntk:number=50"``.

    Raises:
        UnknownNameError: If the probe or an option does not exist.
        OptionError: If a value lies outside its range, or what the name stands for makes no probe.
    """
    from pdefreq.probes.probe import Probe

    name, options = split_options(name)
    probe = build("probe", name, PROBES.load(name), options)
    if not isinstance(probe, Probe):
        raise OptionError(f"'{name}' must be a Probe or a function that returns one, got {type(probe).__name__}")
    return probe


def default_probes() -> tuple[Probe, ...]:
    """Those named in `DEFAULT_PROBES`."""
    return tuple(make_probe(name) for name in DEFAULT_PROBES)

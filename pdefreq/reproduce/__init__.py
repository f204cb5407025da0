"""Published experiments, each run again by one command: ``pdefreq reproduce NAME``. Importing this loads no torch."""

from pdefreq.registry import Registry

REPRODUCTIONS = Registry(
    "reproduction",
    "pdefreq.reproductions",
    {
        "hybrid": "pdefreq.reproduce.hybrid:hybrid",
        "limit": "pdefreq.reproduce.limit:limit",
        "mscale-6pi": "pdefreq.reproduce.mscale_6pi:mscale_6pi",
        "multiscale-2d": "pdefreq.reproduce.multiscale_2d:multiscale_2d",
        "scales": "pdefreq.reproduce.scales:scales",
    },
)
"""Name -> function that runs the experiment and returns a `pdefreq.reproduce.report.Report`; its options are keywords."""

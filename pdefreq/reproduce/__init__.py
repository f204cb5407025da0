"""Published experiments, each run again by one command: ``pdefreq reproduce NAME``. Importing this loads no torch."""

from pdefreq.registry import Registry

REPRODUCTIONS = Registry(
    "reproduction",
    "pdefreq.reproductions",
    {
        "limit": "pdefreq.reproduce.limit:limit",
        "prediction": "pdefreq.reproduce.prediction:prediction",
        "relaxation": "pdefreq.reproduce.relaxation:relaxation",
        "multiscale-2d": "pdefreq.reproduce.multiscale_2d:multiscale_2d",
    },
)
"""Name -> function without arguments that runs the experiment and returns a `pdefreq.reproduce.report.Report`."""

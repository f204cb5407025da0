"""Published experiments, each run again by one command: ``pdefreq reproduce NAME``. Importing this loads no torch."""

from pdefreq.registry import Registry

REPRODUCTIONS = Registry(
    "reproduction",
    "pdefreq.reproductions",
    {
        "gradient-loss": "pdefreq.reproduce.gradient_loss:gradient_loss",
        "limit": "pdefreq.reproduce.limit:limit",
        "multiscale-2d": "pdefreq.reproduce.multiscale_2d:multiscale_2d",
    },
)
"""Name -> function without arguments that runs the experiment and returns a `pdefreq.reproduce.report.Report`."""

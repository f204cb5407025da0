"""Published experiments, each run again by one command: ``pdefreq reproduce NAME``. Importing this loads no torch."""

from pdefreq.registry import Registry

REPRODUCTIONS = Registry(
    "reproduction",
    "pdefreq.reproductions",
    {
        "five-dimensions": "pdefreq.reproduce.five_dimensions:five_dimensions",
        "limit": "pdefreq.reproduce.limit:limit",
        "mscale-2d": "pdefreq.reproduce.mscale_2d:mscale_2d",
        "multiscale-2d": "pdefreq.reproduce.multiscale_2d:multiscale_2d",
        "p-laplacian": "pdefreq.reproduce.p_laplacian:p_laplacian",
    },
)
"""Name -> function without arguments that runs the experiment and returns a `pdefreq.reproduce.report.Report`."""

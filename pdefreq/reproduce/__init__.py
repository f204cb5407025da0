"""Published experiments, each run again by one command: ``pdefreq reproduce NAME``. Importing this loads no torch."""

from pdefreq.registry import Registry

REPRODUCTIONS = Registry(
    "reproduction",
    "pdefreq.reproductions",
    {
        "f-principle": "pdefreq.reproduce.f_principle:f_principle",
        "five-dimensions": "pdefreq.reproduce.five_dimensions:five_dimensions",
        "gauss-newton": "pdefreq.reproduce.gauss_newton:experiment",
        "gradient-loss": "pdefreq.reproduce.gradient_loss:gradient_loss",
        "hybrid": "pdefreq.reproduce.hybrid:hybrid",
        "kernel": "pdefreq.reproduce.kernel:kernel",
        "limit": "pdefreq.reproduce.limit:limit",
        "mscale-2d": "pdefreq.reproduce.mscale_2d:mscale_2d",
        "mscale-6pi": "pdefreq.reproduce.mscale_6pi:mscale_6pi",
        "multiscale-2d": "pdefreq.reproduce.multiscale_2d:multiscale_2d",
        "p-laplacian": "pdefreq.reproduce.p_laplacian:p_laplacian",
        "phase-diagram": "pdefreq.reproduce.phase_diagram:phase_diagram",
        "prediction": "pdefreq.reproduce.prediction:prediction",
        "relaxation": "pdefreq.reproduce.relaxation:relaxation",
        "scales": "pdefreq.reproduce.scales:scales",
    },
)
"""Name -> function that runs the experiment and returns a `pdefreq.reproduce.report.Report`; its options are keywords."""

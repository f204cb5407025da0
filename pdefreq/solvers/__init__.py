"""Methods by name. Importing this module does not load torch: the table holds strings, and solvers import torch in `prepare`."""

from __future__ import annotations

from pdefreq.core.registry import Registry

SOLVERS = Registry(
    "method",
    "pdefreq.solvers",
    {
        "auto": "pdefreq.solvers.auto:Auto",
        "jacobi": "pdefreq.solvers.relaxation:jacobi",
        "damped-jacobi": "pdefreq.solvers.relaxation:damped_jacobi",
        "gauss-seidel": "pdefreq.solvers.relaxation:gauss_seidel",
        "sor": "pdefreq.solvers.relaxation:sor",
        "two-grid": "pdefreq.solvers.linear_systems:TwoGridSolver",
        "cg": "pdefreq.solvers.linear_systems:ConjugateGradientsSolver",
        "gmres": "pdefreq.solvers.linear_systems:GmresSolver",
        "multigrid": "pdefreq.solvers.linear_systems:MultigridSolver",
        "sine": "pdefreq.solvers.spectral:Sine",
        "fourier": "pdefreq.solvers.spectral:Fourier",
        "fem": "pdefreq.solvers.fem:Fem",
        "ritz-galerkin": "pdefreq.solvers.ritz_galerkin:RitzGalerkin",
        "random-features": "pdefreq.solvers.random_features:RandomFeatures",
        "deep-ritz": "pdefreq.solvers.network_methods:deep_ritz",
        "mscale": "pdefreq.solvers.network_methods:mscale",
        "pinn": "pdefreq.solvers.network_methods:pinn",
        "pinn-gradient": "pdefreq.solvers.network_methods:pinn_gradient",
        "gauss-newton": "pdefreq.solvers.network_methods:gauss_newton",
        "regression": "pdefreq.solvers.network_methods:regression",
        "regression-gradient": "pdefreq.solvers.network_methods:regression_gradient",
        "network": "pdefreq.solvers.network_methods:network",
    },
    unlisted={"chain": "pdefreq.solvers.chain:Chain"},
)

"""pdefreq demonstrates, predicts and removes frequency bias in PDE solvers.

Example:
    >>> from pdefreq import solve
    >>> solve("poisson", "fem").error() < 1e-4
    True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pdefreq.comparison import Comparison, compare
    from pdefreq.data import Data
    from pdefreq.domains.box import Box
    from pdefreq.errors import UserError
    from pdefreq.fields import Field
    from pdefreq.grids import GridField
    from pdefreq.history import History, Schedule, Status, Stop
    from pdefreq.prediction import predict
    from pdefreq.problem import BoundaryPart, Problem, Spectrum
    from pdefreq.problem_file import load_problem
    from pdefreq.record import Record
    from pdefreq.refinement.report import Refinement
    from pdefreq.refinement.run import refine
    from pdefreq.run_spec import RunSpec
    from pdefreq.runs import load_run, rerun, resume, run
    from pdefreq.setup import Given
    from pdefreq.solution import Solution
    from pdefreq.solvers import SOLVERS, make_solver
    from pdefreq.solvers.chain import Chain
    from pdefreq.solvers.galerkin import Fem, RitzGalerkin
    from pdefreq.solvers.network_solver import NetworkSolver
    from pdefreq.solvers.networks import (
        deep_ritz,
        gauss_newton,
        mscale,
        network,
        pinn,
        pinn_gradient,
        regression,
        regression_gradient,
    )
    from pdefreq.solvers.relaxation import damped_jacobi, gauss_seidel, jacobi, sor
    from pdefreq.solvers.spectral import Sine
    from pdefreq.solving import solve

_PLACES = {  # the public names; each is imported at its first use, so that importing pdefreq costs nothing
    "Comparison": "comparison",
    "compare": "comparison",
    "Box": "domains.box",
    "UserError": "errors",
    "Field": "fields",
    "GridField": "grids",
    "History": "history",
    "Schedule": "history",
    "Status": "history",
    "Stop": "history",
    "BoundaryPart": "problem",
    "Data": "data",
    "Problem": "problem",
    "Spectrum": "problem",
    "load_problem": "problem_file",
    "Refinement": "refinement.report",
    "refine": "refinement.run",
    "predict": "prediction",
    "Given": "setup",
    "Record": "record",
    "RunSpec": "run_spec",
    "load_run": "runs",
    "rerun": "runs",
    "resume": "runs",
    "run": "runs",
    "Solution": "solution",
    "solve": "solving",
    "SOLVERS": "solvers",
    "make_solver": "solvers",
    "Chain": "solvers.chain",
    "Fem": "solvers.galerkin",
    "RitzGalerkin": "solvers.galerkin",
    "NetworkSolver": "solvers.network_solver",
    "deep_ritz": "solvers.networks",
    "gauss_newton": "solvers.networks",
    "mscale": "solvers.networks",
    "network": "solvers.networks",
    "pinn": "solvers.networks",
    "pinn_gradient": "solvers.networks",
    "regression": "solvers.networks",
    "regression_gradient": "solvers.networks",
    "damped_jacobi": "solvers.relaxation",
    "gauss_seidel": "solvers.relaxation",
    "jacobi": "solvers.relaxation",
    "sor": "solvers.relaxation",
    "Sine": "solvers.spectral",
}

__all__ = [
    "SOLVERS",
    "BoundaryPart",
    "Box",
    "Chain",
    "Comparison",
    "Data",
    "Fem",
    "Field",
    "Given",
    "GridField",
    "History",
    "NetworkSolver",
    "Problem",
    "Record",
    "Refinement",
    "RitzGalerkin",
    "RunSpec",
    "Schedule",
    "Sine",
    "Solution",
    "Spectrum",
    "Status",
    "Stop",
    "UserError",
    "compare",
    "damped_jacobi",
    "deep_ritz",
    "gauss_newton",
    "gauss_seidel",
    "jacobi",
    "load_problem",
    "load_run",
    "make_solver",
    "mscale",
    "network",
    "pinn",
    "pinn_gradient",
    "predict",
    "refine",
    "regression",
    "regression_gradient",
    "rerun",
    "resume",
    "run",
    "solve",
    "sor",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'pdefreq' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"pdefreq.{_PLACES[name]}"), name)
    globals()[name] = value
    return value

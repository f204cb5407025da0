"""pdefreq demonstrates, predicts and removes frequency bias in PDE solvers.

Example:
    >>> from pdefreq import solve
    >>> solve("poisson", "fem").error() < 1e-4
    True
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as `typing` has it, whose import takes longer than all else here

__version__ = "0.1.0"

if TYPE_CHECKING:
    from typing import Any

    from pdefreq.core.errors import (
        DataError,
        DomainError,
        FormulaError,
        IncompatibleError,
        InconsistentProblemError,
        MissingPackageError,
        NotConvergedError,
        NotPredictedError,
        OptionError,
        ProblemFileError,
        RunFolderError,
        SingularProblemError,
        TooLargeError,
        UnknownNameError,
        UntrustedCodeError,
        UserError,
    )
    from pdefreq.core.fields import Field
    from pdefreq.core.history import History, Schedule, Status, Stop
    from pdefreq.domains.ball import Ball
    from pdefreq.domains.box import Box
    from pdefreq.domains.ellipse import Ellipse
    from pdefreq.domains.holes import WithHoles
    from pdefreq.domains.polygon import Polygon
    from pdefreq.domains.ring import Ring
    from pdefreq.problem.boundary_conditions import BoundaryPart
    from pdefreq.problem.data import Data
    from pdefreq.problem.files import load_problem
    from pdefreq.problem.grid_field import GridField
    from pdefreq.problem.problem import Problem
    from pdefreq.problem.spectrum import Spectrum
    from pdefreq.reports.document import report
    from pdefreq.runs.lifecycle import load_run, rerun, resume, run
    from pdefreq.runs.load_record import load_record
    from pdefreq.runs.monitor import Monitor
    from pdefreq.runs.prepared_run import Given
    from pdefreq.runs.record import Record
    from pdefreq.runs.snapshot_file import measure
    from pdefreq.runs.solution import Solution
    from pdefreq.runs.solve import solve
    from pdefreq.runs.spec import RunSpec
    from pdefreq.solvers import SOLVERS
    from pdefreq.solvers.chain import Chain
    from pdefreq.solvers.fem import Fem
    from pdefreq.solvers.names import make_solver
    from pdefreq.solvers.network_methods import (
        deep_ritz,
        gauss_newton,
        mscale,
        network,
        pinn,
        pinn_gradient,
        regression,
        regression_gradient,
    )
    from pdefreq.solvers.network_solver import NetworkSolver
    from pdefreq.solvers.relaxation import damped_jacobi, gauss_seidel, jacobi, sor
    from pdefreq.solvers.ritz_galerkin import RitzGalerkin
    from pdefreq.solvers.spectral import Sine
    from pdefreq.studies.activation_spectra import activations
    from pdefreq.studies.benchmark import benchmark
    from pdefreq.studies.benchmark_changes import compare_benchmarks
    from pdefreq.studies.benchmark_result import Benchmark, load_benchmark
    from pdefreq.studies.comparison import Comparison, compare
    from pdefreq.studies.diagnose import diagnose
    from pdefreq.studies.film import film
    from pdefreq.studies.lfp import lfp
    from pdefreq.studies.prediction import predict
    from pdefreq.studies.refine import refine
    from pdefreq.studies.refinement import Refinement
    from pdefreq.studies.search_space import Range
    from pdefreq.studies.sweep import Sweep, sweep
    from pdefreq.studies.tangent_kernel import TangentKernel, tangent_kernel

_PLACES = {  # the public names; each is imported at its first use, so that importing pdefreq is fast
    "Benchmark": "studies.benchmark_result",
    "benchmark": "studies.benchmark",
    "compare_benchmarks": "studies.benchmark_changes",
    "load_benchmark": "studies.benchmark_result",
    "Comparison": "studies.comparison",
    "compare": "studies.comparison",
    "Ball": "domains.ball",
    "Box": "domains.box",
    "Ellipse": "domains.ellipse",
    "Polygon": "domains.polygon",
    "Ring": "domains.ring",
    "WithHoles": "domains.holes",
    "DataError": "core.errors",
    "DomainError": "core.errors",
    "FormulaError": "core.errors",
    "IncompatibleError": "core.errors",
    "InconsistentProblemError": "core.errors",
    "MissingPackageError": "core.errors",
    "NotConvergedError": "core.errors",
    "NotPredictedError": "core.errors",
    "OptionError": "core.errors",
    "ProblemFileError": "core.errors",
    "RunFolderError": "core.errors",
    "SingularProblemError": "core.errors",
    "TooLargeError": "core.errors",
    "UnknownNameError": "core.errors",
    "UntrustedCodeError": "core.errors",
    "UserError": "core.errors",
    "Field": "core.fields",
    "GridField": "problem.grid_field",
    "History": "core.history",
    "Schedule": "core.history",
    "Status": "core.history",
    "Stop": "core.history",
    "BoundaryPart": "problem.boundary_conditions",
    "Data": "problem.data",
    "Problem": "problem.problem",
    "Spectrum": "problem.spectrum",
    "load_problem": "problem.files",
    "Refinement": "studies.refinement",
    "TangentKernel": "studies.tangent_kernel",
    "tangent_kernel": "studies.tangent_kernel",
    "refine": "studies.refine",
    "report": "reports.document",
    "Range": "studies.search_space",
    "Sweep": "studies.sweep",
    "sweep": "studies.sweep",
    "predict": "studies.prediction",
    "activations": "studies.activation_spectra",
    "diagnose": "studies.diagnose",
    "film": "studies.film",
    "lfp": "studies.lfp",
    "Given": "runs.prepared_run",
    "Monitor": "runs.monitor",
    "measure": "runs.snapshot_file",
    "Record": "runs.record",
    "RunSpec": "runs.spec",
    "load_record": "runs.load_record",
    "load_run": "runs.lifecycle",
    "rerun": "runs.lifecycle",
    "resume": "runs.lifecycle",
    "run": "runs.lifecycle",
    "Solution": "runs.solution",
    "solve": "runs.solve",
    "SOLVERS": "solvers",
    "make_solver": "solvers.names",
    "Chain": "solvers.chain",
    "Fem": "solvers.fem",
    "RitzGalerkin": "solvers.ritz_galerkin",
    "NetworkSolver": "solvers.network_solver",
    "deep_ritz": "solvers.network_methods",
    "gauss_newton": "solvers.network_methods",
    "mscale": "solvers.network_methods",
    "network": "solvers.network_methods",
    "pinn": "solvers.network_methods",
    "pinn_gradient": "solvers.network_methods",
    "regression": "solvers.network_methods",
    "regression_gradient": "solvers.network_methods",
    "damped_jacobi": "solvers.relaxation",
    "gauss_seidel": "solvers.relaxation",
    "jacobi": "solvers.relaxation",
    "sor": "solvers.relaxation",
    "Sine": "solvers.spectral",
}

__all__ = [
    "SOLVERS",
    "Ball",
    "Benchmark",
    "BoundaryPart",
    "Box",
    "Chain",
    "Comparison",
    "Data",
    "DataError",
    "DomainError",
    "Ellipse",
    "Fem",
    "Field",
    "FormulaError",
    "Given",
    "GridField",
    "History",
    "IncompatibleError",
    "InconsistentProblemError",
    "MissingPackageError",
    "Monitor",
    "NetworkSolver",
    "NotConvergedError",
    "NotPredictedError",
    "OptionError",
    "Polygon",
    "Problem",
    "ProblemFileError",
    "Range",
    "Record",
    "Refinement",
    "Ring",
    "RitzGalerkin",
    "RunFolderError",
    "RunSpec",
    "Schedule",
    "Sine",
    "SingularProblemError",
    "Solution",
    "Spectrum",
    "Status",
    "Stop",
    "Sweep",
    "TangentKernel",
    "TooLargeError",
    "UnknownNameError",
    "UntrustedCodeError",
    "UserError",
    "WithHoles",
    "activations",
    "benchmark",
    "compare",
    "compare_benchmarks",
    "damped_jacobi",
    "deep_ritz",
    "diagnose",
    "film",
    "gauss_newton",
    "gauss_seidel",
    "jacobi",
    "lfp",
    "load_benchmark",
    "load_problem",
    "load_record",
    "load_run",
    "make_solver",
    "measure",
    "mscale",
    "network",
    "pinn",
    "pinn_gradient",
    "predict",
    "refine",
    "regression",
    "regression_gradient",
    "report",
    "rerun",
    "resume",
    "run",
    "solve",
    "sor",
    "sweep",
    "tangent_kernel",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'pdefreq' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"pdefreq.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

"""Methods by name. Importing this loads no torch: the table holds strings, solvers import what they need in `prepare`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.registry import Registry, build, split_options

if TYPE_CHECKING:
    from pdefreq.solvers.solver import Solver

SOLVERS = Registry(
    "method",
    "pdefreq.solvers",
    {
        "jacobi": "pdefreq.solvers.relaxation:jacobi",
        "damped-jacobi": "pdefreq.solvers.relaxation:damped_jacobi",
        "gauss-seidel": "pdefreq.solvers.relaxation:gauss_seidel",
        "sor": "pdefreq.solvers.relaxation:sor",
        "two-grid": "pdefreq.solvers.linear_systems:TwoGridSolver",
        "cg": "pdefreq.solvers.linear_systems:ConjugateGradientsSolver",
        "multigrid": "pdefreq.solvers.linear_systems:MultigridSolver",
        "sine": "pdefreq.solvers.spectral:Sine",
        "fem": "pdefreq.solvers.galerkin:Fem",
        "ritz-galerkin": "pdefreq.solvers.galerkin:RitzGalerkin",
        "deep-ritz": "pdefreq.solvers.networks:deep_ritz",
        "mscale": "pdefreq.solvers.networks:mscale",
        "pinn": "pdefreq.solvers.networks:pinn",
        "pinn-gradient": "pdefreq.solvers.networks:pinn_gradient",
        "regression": "pdefreq.solvers.networks:regression",
        "regression-gradient": "pdefreq.solvers.networks:regression_gradient",
    },
)


def make_solver(name: str, options: Mapping[str, Any] | None = None) -> Solver:
    """A solver by name, with options as values or as text; ``"a+b"`` chains two.

    Options may also stand behind the name, ``"mscale:activation=phi,number=3"``; one that is given as well in `options`
    takes its value from there. Those of the parts of a chain are written ``first.width`` and ``second.omega``.

    Raises:
        UnknownNameError: If the method or an option does not exist.
        OptionError: If a value lies outside its range.
    """
    name, written = split_options(name)
    options = {**written, **(options or {})}
    if "+" not in name:
        return build("method", name, SOLVERS.load(name), options)
    from pdefreq.solvers.chain import Chain

    first, second = name.split("+", 1)
    parts: dict[str, dict[str, Any]] = {"first": {}, "second": {}}
    for key in list(options):
        part, _, rest = key.partition(".")
        if part in parts and rest:
            parts[part][rest] = options.pop(key)
    chain = {"first": make_solver(first, parts["first"]), "second": make_solver(second, parts["second"])}
    return build("method", name, Chain, options | chain)

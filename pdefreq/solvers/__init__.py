"""Methods by name. Importing this loads no torch: the table holds strings, solvers import what they need in `prepare`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.errors import UnknownNameError
from pdefreq.registry import Registry, build, nearest, options_of, split_options

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
        "gauss-newton": "pdefreq.solvers.networks:gauss_newton",
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
    known = _option_names(name)
    for key in options:
        if key not in known:
            meant = [f"'{each}'" for each in known if each.rpartition(".")[2] == key]
            hint = f"did you mean {' or '.join(meant)}?" if meant else nearest(key, known)
            raise UnknownNameError(f"method '{name}' has no option '{key}': {hint}")
    return build("method", name, Chain, options | chain)


def _option_names(name: str) -> list[str]:
    """The options of a method by name; those of the parts of a chain with ``first.`` and ``second.`` before them."""
    name, _ = split_options(name)
    if "+" not in name:
        return [option.name for option in options_of(SOLVERS.load(name))]
    parts = zip(("first", "second"), name.split("+", 1), strict=True)
    return ["switch", *(f"{part}.{option}" for part, method in parts for option in _option_names(method))]

"""Methods by name. Importing this loads no torch: the table holds strings, solvers import what they need in `prepare`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import OptionError
from pdefreq.core.options import build, split_options
from pdefreq.core.registry import Registry

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
        "gmres": "pdefreq.solvers.linear_systems:GmresSolver",
        "multigrid": "pdefreq.solvers.linear_systems:MultigridSolver",
        "sine": "pdefreq.solvers.spectral:Sine",
        "fourier": "pdefreq.solvers.spectral:Fourier",
        "fem": "pdefreq.solvers.galerkin:Fem",
        "ritz-galerkin": "pdefreq.solvers.galerkin:RitzGalerkin",
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
_CHAIN = re.compile(r"\+(?=[A-Za-z_./~])")  # between two methods, not inside a number such as 1e+5


def make_solver(name: str, options: Mapping[str, Any] | None = None) -> Solver:
    """A solver by name, with options as values or as text; ``"a+b"`` chains two.

    An option is named by its path, ``optimizer.damping``, or by the end of it, ``damping``, where only one part has it. Options
    may also stand behind the name, ``"mscale:activation=phi,number=300"``. In a chain each method may have its own,
    ``"pinn:steps=800+jacobi:intervals=64"``; those of the chain itself stand last, ``"deep-ritz+jacobi:switch=500"``.

    Raises:
        UnknownNameError: If the method or an option does not exist.
        OptionError: If a value lies outside its range, or an option is given twice.
    """
    first, *rest = _CHAIN.split(name, maxsplit=1)
    method, written = split_options(first)
    if not rest:
        return build("method", method, SOLVERS.load(method), _both(name, written, options or {}))
    *between, last = _CHAIN.split(rest[0])
    method, written = split_options(last)
    own = {key: value for key, value in written.items() if key == "switch" or key.startswith(("first.", "second."))}
    others = ",".join(f"{key}={value}" for key, value in written.items() if key not in own)
    second = "+".join([*between, f"{method}:{others}" if others else method])
    chain = {"first": make_solver(first), "second": make_solver(second)}
    return build("method", name, SOLVERS.load("chain"), chain | _both(name, own, options or {}))


def method_names(name: str) -> list[str]:
    """The methods of a chain without their options; of another method the one.

    Example:
        >>> method_names("pinn:steps=3,widths=[5,5]+jacobi:intervals=64,steps=3")
        ['pinn', 'jacobi']
    """
    return [split_options(part)[0] for part in _CHAIN.split(name)]


def _both(name: str, written: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options behind a name and options beside it."""
    for key in written:
        if key in options:
            raise OptionError(f"`{key}` is given twice, in '{name}' and beside it: give it once")
    return {**written, **options}

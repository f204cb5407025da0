"""Methods and chains of methods, built from names and options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pdefreq.core.composition import build
from pdefreq.core.conversion import shown
from pdefreq.core.errors import OptionError
from pdefreq.core.options import split_options
from pdefreq.solvers import SOLVERS

if TYPE_CHECKING:
    from pdefreq.solvers.solver import Solver

_CHAIN = re.compile(r"\+(?=[A-Za-z_./~])")  # between two methods, not inside a number such as 1e+5
_MOST = 20  # methods of a chain


def make_solver(name: str, options: Mapping[str, Any] | None = None) -> Solver:
    """A solver by name, with options as values or as text; ``"a+b"`` chains two.

    An option is named by its path, ``optimizer.damping``, or by the end of it, ``damping``, if only one part has it. Options
    may also be appended to the name, ``"mscale:activation=phi,number=300"``. In a chain each method has its own options,
    ``"pinn:steps=800+jacobi:intervals=64"``, and options of the chain itself come last,
    ``"deep-ritz+jacobi:hand_over_step=500"``.

    Raises:
        UnknownNameError: If the method or an option does not exist.
        OptionError: If a value lies outside its range, an option is given twice, or a chain has more than 20 methods.
    """
    if not isinstance(name, str):
        raise OptionError(f"the name of a method must be text, got {shown(name)}; `pdefreq methods` lists the names")
    first, *rest = _CHAIN.split(name, maxsplit=1)
    method, written = split_options(first)
    if not rest:
        return build("method", method, SOLVERS.load(method), _both(name, written, options or {}))
    *between, last = _CHAIN.split(rest[0])
    if len(between) > _MOST - 2:
        raise OptionError(f"a chain has at most {_MOST} methods, got {len(between) + 2}: leave some out")
    method, written = split_options(last)
    own = {key: value for key, value in written.items() if key == "hand_over_step" or key.startswith(("first.", "second."))}
    others = ",".join(f"{key}={value}" for key, value in written.items() if key not in own)
    second = "+".join([*between, f"{method}:{others}" if others else method])
    chain = {"first": make_solver(first), "second": make_solver(second)}
    return build("method", name, SOLVERS.load("chain"), chain | _both(name, own, options or {}))


def method_names(name: str) -> list[str]:
    """The names of the methods of a chain, without options; one name for a single method.

    Example:
        >>> method_names("pinn:steps=3,widths=[5,5]+jacobi:intervals=64,steps=3")
        ['pinn', 'jacobi']
    """
    return [split_options(part)[0] for part in _CHAIN.split(name)]


def _both(name: str, written: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options appended to a name and the options passed separately, as one dictionary."""
    for key in written:
        if key in options:
            raise OptionError(f"`{key}` is given twice, in '{name}' and beside it: give it once")
    return {**written, **options}

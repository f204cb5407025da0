"""Templates of problem files, generated from the definitions of the keys."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pdefreq.core.errors import UnknownNameError
from pdefreq.core.number_kinds import Whole
from pdefreq.core.registry import nearest
from pdefreq.core.table_keys import Key, named
from pdefreq.domains import DOMAINS
from pdefreq.problem.files.aliases import DOMAIN_ALIASES
from pdefreq.problem.files.boundary import BOUNDARY_KEYS, PART_KEYS
from pdefreq.problem.files.coefficient_files import GRID_KEYS
from pdefreq.problem.files.data import DATA_KEYS
from pdefreq.problem.files.domains import DOMAIN_KEYS
from pdefreq.problem.files.equation import EQUATION_KEYS
from pdefreq.problem.files.reference import default_text, part_names, toml_text
from pdefreq.problem.files.run_table import RUN_KEYS
from pdefreq.problem.files.spectrum import SPECTRUM_KEYS
from pdefreq.problem.terms import TERMS

_WIDTH = 120
_COMMENTS = 26  # column of the comments behind short lines
_EXACT = "sin(pi*x) + 0.1*sin(k1*pi*x)"
_EXACT_PRODUCTS = "prod(sin(pi*xk)) + 0.1*prod(sin(k1*pi*xk))"  # for more than one coordinate

_HEAD = """\
# A problem for pdefreq:  -div( A |grad u|^(p-2) grad u ) + b . grad u + c u + N(x, u) = f
# Check it with   pdefreq check THIS_FILE   and solve it with   pdefreq solve THIS_FILE
"""
_ALTERNATIVES = """\
# Lines that begin with # and a key are alternatives or options: remove the # to use them.
# Formulas in quotes contain x, y, z or x1 ... xd, pi, parameters, + - * / **, sin, exp, sqrt, abs, min, ...,
# where(x < 0.5, 1, 2), and sum(xk**2) or prod(xk) over the coordinates.
"""
_SHORT = """\

title = "Two scales"
citation = ""

[parameters]              # names for the formulas below; change a value with  --param k1=30
k1 = 10                   # numbers, or formulas of the parameters above: "2*pi"

{domain}
[equation]                # formulas contain x, y, z or x1 ... xd, pi, parameters, + - * / **, sin, exp, sqrt, abs, min, ...,
                          # where(x < 0.5, 1, 2), and sum(xk**2) or prod(xk) over the coordinates
exponent = 2              # p > 1
diffusion = "1"           # A >= 0, or a matrix: [["1", "0"], ["0", "100"]]; or values from a file: "a.csv", "a.png";
                          # "0" defines a regression with the solution f / c
reaction = "0"            # c, of either sign
# convection = ["10"]     # b, one component for each coordinate
# nonlinear = "u**3"      # N, in the coordinates and u
exact = "{exact}"    # determines the source and the boundary data; otherwise give:
# source = "1"

# [boundary]
# value = "0"             # u = value on the boundary outside of the parts; where parts overlap, the first one applies:
# [[boundary.part]]
# name = "{side}"          # {sides}; or where = "x > 0.5"
# kind = "robin"          # A |grad u|^(p-2) du/dn + alpha u = flux;  kind = "neumann" has no alpha
# alpha = "1"
# flux = "0"

{spectrum}
[variant.hard]            # pdefreq solve THIS_FILE:hard
parameters.k1 = 50
"""
_SPECTRUM = """\
[spectrum]
modes = "sine"            # sine | cosine | fourier on a box; eigen | neumann on any domain; ray | tones along a direction
wavenumbers = ["pi", "k1*pi"]             # angular wavenumbers that are printed
"""
_OTHER_SPECTRUM = """\
# [spectrum]
# wavenumbers = [5, 10]   # angular wavenumbers that are printed
"""


def template(kind: str = "box", *, complete: bool = False) -> str:
    """A problem file that can be solved without changes.

    Args:
        kind: The kind of domain, or an alias of it.
        complete: Whether the file contains every key, with its meaning and its range; alternatives are comments that begin with
            ``#`` and a key. The domain is then two-dimensional.

    Raises:
        UnknownNameError: If there is no such kind of domain.
    """
    kind = kind.replace("-", "_") if kind not in DOMAINS else kind
    if kind not in DOMAINS and kind not in DOMAIN_ALIASES:
        raise UnknownNameError(f"unknown kind of domain '{kind}': {nearest(kind, [*DOMAINS, *DOMAIN_ALIASES])}")
    if complete:
        return "\n".join(_complete(kind)) + "\n"
    sides = part_names(_base(kind))
    interval = kind in ("box", "interval", "unit_interval")
    short = _SHORT.format(
        domain="\n".join(_short_domain(kind, interval)) + "\n",
        exact=_EXACT if interval else _EXACT_PRODUCTS,
        side="x-max" if interval else sides[-1],
        sides=_sides(kind, interval),
        spectrum=_SPECTRUM if interval else _OTHER_SPECTRUM,
    )
    return _HEAD + short


def _base(kind: str) -> str:
    return kind if kind in DOMAINS else DOMAIN_ALIASES[kind]["kind"]


def _sides(kind: str, interval: bool) -> str:
    """The names of the sides, as the words of a comment."""
    if DOMAINS.load(_base(kind)).brings_mesh:
        return "a boundary that the mesh file names"
    names = "x-min, x-max, y-min, ..." if interval else ", ".join(part_names(_base(kind)))
    return names + ", hole-1, ..." * _may_have_holes(kind)


def _may_have_holes(kind: str) -> bool:
    """Whether the short template of a kind of domain is in the plane and may have holes."""
    flat = DOMAIN_ALIASES.get(kind, {}).get("dimension", 2) == 2
    return flat and kind != "box" and not DOMAINS.load(_base(kind)).brings_mesh


def _keys_of(kind: str) -> list[Key]:
    """The keys of a kind of domain whose values its name does not imply."""
    implied = DOMAIN_ALIASES.get(kind, {})
    return [key for key in DOMAINS.load(_base(kind)).keys if isinstance(key, Key) and key not in implied]


def _short_domain(kind: str, interval: bool) -> Iterator[str]:
    yield "[domain]"
    yield from _behind(f'kind = "{kind}"', f"or {', '.join(name for name in [*DOMAINS, *DOMAIN_ALIASES] if name != kind)}")
    for key in _keys_of(kind):
        if key.is_optional:
            continue
        value = key.default if isinstance(key.kind, Whole) else _example(kind, key)
        yield from _behind(f"{key} = {toml_text(value[0] if interval and isinstance(value, list) else value)}", _comment(key))
    if _may_have_holes(kind):
        holes = next(value for value in named(DOMAIN_KEYS, "holes").examples if isinstance(value, list))
        yield from _behind(
            f"# holes = {toml_text(_inside(kind, holes))}", "sets that are removed; their boundaries are hole-1, hole-2, ..."
        )


def _example(kind: str, key: Key) -> Any:
    """A value of a key of a kind of domain; a single number for all coordinates if the domain is not two-dimensional."""
    value = key.examples[0]
    plane = DOMAIN_ALIASES.get(kind, {}).get("dimension", 2) == 2
    return value if plane or not isinstance(value, list) else value[0]


def _behind(line: str, comment: str) -> Iterator[str]:
    """A line with a comment after it, which continues on the lines below."""
    rows = textwrap.wrap(comment, _WIDTH - max(_COMMENTS, len(line) + 2))
    yield f"{line:<{_COMMENTS - 1}} # {rows[0]}"
    for row in rows[1:]:
        yield f"{'':<{_COMMENTS - 1}} # {row}"


def _comment(key: Key) -> str:
    default = default_text(key).replace("`", "")
    return f"{key.meaning} ({key.kind.words}; {'' if default == 'required' else 'default: '}{default})".replace("`", "")


def _complete(kind: str) -> Iterator[str]:
    """The lines of a complete template, table by table."""
    yield from (_HEAD + _ALTERNATIVES).splitlines()
    yield ""
    yield 'title = "Two scales"'
    yield 'citation = ""'
    yield from _section("[parameters]", "Names for the formulas below: numbers, or formulas of the parameters above.")
    yield from ("k1 = 10", '#k2 = "2*k1"')
    yield from _domain(kind)
    yield from _section("[equation]", "The terms of the equation, and its solution where it is known.")
    terms = [key for name in TERMS for key in TERMS.load(name).keys if isinstance(key, Key)]
    active = {"diffusion", "exponent", "reaction", "exact"}
    singular = [key for key in EQUATION_KEYS if key != "term"]
    yield from _entries([*terms, *GRID_KEYS, *singular], active)
    yield from _option("Each further term has a table of its own.", "[[equation.term]]", {"kind": "reaction", "reaction": "x"})
    yield from _boundary(kind)
    yield from _option("", "[data]", {"points": "uniform", "number": 20, "noise": 0.01}, DATA_KEYS)
    yield '# or points = "random", or without number: points = "sensors.csv", with a row x, y, value for each point'
    modes = {"modes": "eigen", "wavenumbers": ["pi", "k1*pi"]}
    yield from _option("", "[spectrum]", modes, SPECTRUM_KEYS)
    run = {"method": "fem", "steps": 1000, "seconds": 30, "set": {"cells": 32}}
    yield from _option("The method and the limits of `pdefreq solve THIS_FILE`.", "[run]", run, RUN_KEYS)
    yield from _section("[variant.hard]", 'Changes to the tables above, for `pdefreq solve THIS_FILE:hard`; "" removes a key.')
    yield "parameters.k1 = 50"


def _domain(kind: str) -> Iterator[str]:
    yield from _section("[domain]", "The domain. The keys of the other kinds follow below.")
    yield from _note(named(DOMAIN_KEYS, "kind"))
    yield f'kind = "{kind}"'
    keys = _keys_of(kind)
    for key in keys:
        if key != "dimension":
            yield from _note(key)
            yield f"{'#' if key.is_optional else ''}{key} = {toml_text(_example(kind, key))}"
    if any(key == "dimension" for key in keys):
        yield from _note(named(keys, "dimension"))
        yield "dimension = 2"
    if not DOMAINS.load(_base(kind)).brings_mesh:
        for key in DOMAIN_KEYS[1:]:
            yield from _note(key)
            yield from (f"#{key} = {toml_text(_inside(kind, value))}" for value in key.examples)
    for other in DOMAINS:
        if other != _base(kind):
            yield ""
            yield f'#kind = "{other}"'
            for key in _keys_of(other):
                if key != "dimension" and not key.is_optional:
                    yield from _behind(f"#{key} = {toml_text(key.examples[0])}", f"{key.meaning} ({key.kind.words})")


def _inside(kind: str, value: Any) -> Any:
    """A hole that is inside the example of a kind of domain."""
    if not isinstance(value, list):
        return value
    midpoint = {"ball": [0.5, 0], "ring": [1.5, 0], "ellipse": [0.5, 0]}.get(_base(kind), [0.5, 0.5])
    return [{**value[0], "midpoint": midpoint}]


def _boundary(kind: str) -> Iterator[str]:
    yield from _section("[boundary]", "Conditions on the boundary. If this table is missing, u has the values of `exact` there.")
    yield from _entries(BOUNDARY_KEYS[:1], set())
    yield ""
    for key in PART_KEYS:
        yield from _note(key, label=True)
    sides = part_names(_base(kind))
    yield f"# The sides of this domain are {', '.join(sides)}, then hole-1, hole-2, ..."
    parts: list[Mapping[str, Any]] = [
        {"name": sides[-1], "kind": "dirichlet", "where": "y > 0.5", "value": "0"},
        {"name": sides[-1], "kind": "robin", "alpha": "1", "flux": "0"},
        {"name": sides[-1], "kind": "neumann", "flux": "0"},
    ]
    if _base(kind) == "box":
        parts.append({"name": "x", "kind": "periodic"})
    for part in parts:
        yield from _option("", "[[boundary.part]]", part)


def _section(header: str, sentence: str) -> Iterator[str]:
    yield from ("", "", header)
    yield from _wrapped(f"# {sentence}")


def _option(sentence: str, header: str, values: Mapping[str, Any], keys: Iterable[Key] = ()) -> Iterator[str]:
    """A commented-out table, with the meanings of its keys above it."""
    yield ""
    if sentence:
        yield from _wrapped(f"# {sentence}")
    for key in keys:
        yield from _note(key, label=True)
    yield f"#{header}"
    yield from (f"#{name} = {toml_text(value)}" for name, value in values.items())


def _entries(keys: Iterable[Key], active: set[str]) -> Iterator[str]:
    """Keys with their meanings above and their examples; inactive keys and further examples are commented out."""
    for key in keys:
        yield from _note(key)
        for place, value in enumerate(key.examples):
            yield f"{'' if key in active and place == 0 else '#'}{key} = {toml_text(value)}"


def _note(key: Key, *, label: bool = False) -> Iterator[str]:
    text = _comment(key)
    yield from _wrapped(f"# {key}: {text}" if label else f"# {text[0].upper()}{text[1:]}")


def _wrapped(comment: str) -> list[str]:
    return textwrap.wrap(comment, _WIDTH, subsequent_indent="#   ", break_long_words=False, break_on_hyphens=False)

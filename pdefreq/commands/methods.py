"""`pdefreq methods`: what there is to choose from. Imports no torch."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import MISSING
from typing import Annotated, Any

import typer


def methods(
    name: Annotated[str | None, typer.Argument(help="A method whose options to list.", show_default=False)] = None,
) -> None:
    """List the methods, or the options of one."""
    from pdefreq.solvers import SOLVERS

    if name is None:
        _list({each: SOLVERS.load(each) for each in SOLVERS})
    else:
        _explain(name, SOLVERS.load(name))


def _list(factories: dict[str, Callable[..., Any]]) -> None:
    from pdefreq.commands.result import make_console, plain_table, say

    console = make_console()
    table = plain_table("method", "what it does")
    for name, factory in factories.items():
        table.add_row(name, _summary(factory))
    console.print(table)
    say(console, "Options of one: pdefreq methods NAME. Chains: NAME+NAME. Your own: my_file.py:MySolver.")


def _explain(name: str, factory: Callable[..., Any]) -> None:
    from pdefreq.commands.result import make_console, plain_table, say
    from pdefreq.composition import options_of
    from pdefreq.conversion import describe

    console = make_console()
    say(console, f"{name}: {_description(factory)}")
    table = plain_table("option", "default", "meaning")
    for option in options_of(factory):
        table.add_row(option.name, _default(option.default), f"{option.doc} ({describe(option.annotation)})")
    console.print(table)
    say(console, f"Set one with --set, for example: pdefreq solve PROBLEM --method {name} --set KEY=VALUE")


def _description(factory: Callable[..., Any]) -> str:
    """The docstring up to its first section."""
    paragraphs = []
    for paragraph in (inspect.getdoc(factory) or "").split("\n\n"):
        if paragraph.startswith(("Args:", "Returns:", "Raises:", "Source:", "Example:")):
            break
        paragraphs.append(" ".join(paragraph.split()))
    return "\n".join(paragraphs)


def _summary(factory: Callable[..., Any]) -> str:
    return _description(factory).split("\n")[0]


def _default(value: Any) -> str:
    """A default as --set takes it."""
    if value is MISSING or value is inspect.Parameter.empty:
        return "required"
    return value if isinstance(value, str) else json.dumps(value, default=str)

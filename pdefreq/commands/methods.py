"""`pdefreq methods`: the methods and their options. This module does not load torch."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import completions

if TYPE_CHECKING:
    from pdefreq.core.composition import Node


def methods(
    name: Annotated[
        str | None,
        typer.Argument(
            help="The method whose options are listed: mscale, or mscale:optimizer=lbfgs.",
            show_default=False,
            autocompletion=completions.methods,
        ),
    ] = None,
) -> None:
    """List the methods, or the options of one method and of its parts."""
    from pdefreq.core.composition import Node, option_tree
    from pdefreq.core.options import split_options
    from pdefreq.solvers import SOLVERS
    from pdefreq.solvers.names import make_solver, method_names

    if name is None:
        _list({each: SOLVERS.load(each) for each in SOLVERS})
        return
    if len(method_names(name)) > 1:
        chain = SOLVERS.load("chain")
        _explain(name, chain, Node.of_part(make_solver(name)))
        return
    method, options = split_options(name)
    factory = SOLVERS.load(method)
    _explain(name, factory, option_tree("method", method, factory, options))


def _list(factories: dict[str, Callable[..., Any]]) -> None:
    from pdefreq.commands.console import make_console, plain_table, say

    console = make_console()
    table = plain_table("method", "what it does")
    for name, factory in factories.items():
        table.add_row(name, _summary(factory))
    console.print(table)
    say(
        console,
        "To list the options of a method, run pdefreq methods NAME; with another part, run pdefreq methods NAME:optimizer=lbfgs. "
        "A chain of two methods is NAME+NAME. Your own method is my_file.py:MySolver.",
    )


def _explain(name: str, factory: Callable[..., Any], root: Node) -> None:
    from pdefreq.commands.console import make_console, plain_table, say
    from pdefreq.core.options import described

    console = make_console()
    say(console, f"{name}: {_description(factory)}")
    for path, node in _nodes(root):
        if path:
            say(console, f"{path} = {node.title}: {_summary(node.factory)}", "bold")
        if not node.options:
            say(console, "  (no options)")
            continue
        table = plain_table("option", "default", "meaning")
        for option in node.options.values():
            value = node.values.get(option.name, MISSING)
            table.add_row(option.name, _default(value), f"{option.doc} ({described(option)})")
        console.print(table)
    say(console, f"To set an option, use --set, for example: pdefreq solve PROBLEM --method {name} --set KEY=VALUE")
    if any(path for path, _ in _nodes(root)):
        say(
            console,
            "KEY is the name of an option, such as clip, or the path with its part, optimizer.clip, if several parts have it. "
            "A part may also be your own: network=my_file.py:Name.",
        )


def _nodes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """The parts of a tree with their paths, each part before its own parts."""
    from pdefreq.core.composition import Node

    yield path, node
    for name in node.options:
        if isinstance(inner := node.values.get(name), Node):
            yield from _nodes(inner, f"{path}.{name}" if path else name)


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
    """A default in the syntax of --set."""
    from pdefreq.core.composition import Node

    if isinstance(value, Node):
        return value.title
    if value is MISSING:
        return "required"
    return value if isinstance(value, str) else json.dumps(value, default=str)

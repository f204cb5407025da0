"""Options: the parameters of a class or function, read from its signature and docstring, and from the text that names it.

Importing this loads no torch.
"""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType
from typing import Any, ClassVar

from pdefreq.core.conversion import describe
from pdefreq.core.errors import OptionError
from pdefreq.core.registry import Registry

_OPTIONS = re.compile(r":(?=[\w.]+=)")  # between a name and its options, not that of file.py:Name
_NEXT = re.compile(r",(?=[\w.]+=)")  # between two options, not inside a list


class Registered:
    """Base class of classes that are found by name: all classes of one kind share a registry.

    Attributes:
        registry: The names of the kind; the base class of each kind sets it.
    """

    registry: ClassVar[Registry]


@dataclass(frozen=True)
class Option:
    """One option of a class or function: what ``--set`` takes."""

    name: str
    annotation: Any
    default: Any
    doc: str

    @property
    def kind(self) -> type[Registered] | None:
        """The kind of part that the option holds; None for a plain value."""
        return part_type(self.annotation)


def part_type(annotation: Any) -> type[Registered] | None:
    """The class of parts in an annotation such as ``Input | None``; None where it holds none."""
    candidates = typing.get_args(annotation) or (annotation,)
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, Registered)), None)


def options_of(factory: Callable[..., Any]) -> list[Option]:
    """The options of a frozen dataclass or of a function, from its signature and the Args section of its docstring."""
    return list(_options_of(factory))


@functools.cache
def _options_of(factory: Callable[..., Any]) -> tuple[Option, ...]:
    """The same, read once: type hints and docstrings take longer than to build most parts."""
    lineage = reversed(factory.__mro__) if isinstance(factory, type) else (factory,)
    docs = {name: text for each in lineage for name, text in _argument_docs(inspect.cleandoc(each.__doc__ or "")).items()}
    if is_dataclass(factory):
        hints = typing.get_type_hints(factory)  # a base class's in the module of that class
        return tuple(
            Option(f.name, hints[f.name], f.default if f.default is not MISSING else _default_of(f), docs.get(f.name, ""))
            for f in fields(factory)
            if f.init and f.metadata.get("option", True)
        )
    hints = typing.get_type_hints(factory.__init__ if isinstance(factory, type) else factory)
    parameters = inspect.signature(factory).parameters.values()
    defaults = {p.name: MISSING if p.default is p.empty else p.default for p in parameters}
    return tuple(Option(name, hints[name], default, docs.get(name, "")) for name, default in defaults.items())


def names_of(kind: type[Registered]) -> list[str]:
    """The registered names of the parts of a kind, or of a subclass of it."""
    found = []
    for name in kind.registry:
        loaded = kind.registry.load(name)
        if not isinstance(loaded, type) or issubclass(loaded, kind):
            found.append(name)
    return found


def described(option: Option) -> str:
    """The values that an option takes, in words."""
    return describe(option.annotation) if option.kind is None else _choices(option)


def _choices(option: Option) -> str:
    assert option.kind is not None
    null = " or null" if NoneType in typing.get_args(option.annotation) else ""
    return f"one of {', '.join(names_of(option.kind))}{null}"


def split_options(name: str) -> tuple[str, dict[str, str]]:
    """A name and the options that are written behind it.

    Raises:
        OptionError: If an option is given twice.

    Example:
        >>> split_options("mscale:activation=phi,scales=[1,2,4]")
        ('mscale', {'activation': 'phi', 'scales': '[1,2,4]'})
        >>> split_options("my_file.py:Mine")
        ('my_file.py:Mine', {})
    """
    method, *rest = _OPTIONS.split(name, maxsplit=1)
    found: dict[str, str] = {}
    for pair in _NEXT.split(rest[0]) if rest else []:
        key, _, value = pair.partition("=")
        if key in found:
            raise OptionError(f"`{key}` is given twice in '{name}': give it once")
        found[key] = value
    return method, found


def in_lines(name: str, width: int = 26) -> str:
    r"""A method with its options over lines of about this width, broken before an option or the second of a chain.

    Example:
        >>> in_lines("mscale:activation=phi,scales=[1,2,4]")
        'mscale:activation=phi,\nscales=[1,2,4]'
    """
    lines = [""]
    for piece in re.split(r"(?<=[:,+])(?=[A-Za-z])", name):
        if lines[-1] and len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)


def _default_of(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _argument_docs(doc: str) -> dict[str, str]:
    """The Args section of a Google-style docstring, a sentence each."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", doc, re.MULTILINE | re.DOTALL)
    if section is None:
        return {}
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section[1], re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}

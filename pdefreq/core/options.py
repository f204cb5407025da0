"""Options: the parameters of a class or function, determined from its signature and docstring, and parsed from text.

Importing this module does not load torch.
"""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType
from typing import Any, ClassVar

from pdefreq.core.conversion import describe
from pdefreq.core.errors import OptionError
from pdefreq.core.registry import Registry

_OPTIONS = re.compile(r":(?=[\w.]+=)")  # the colon between a name and its options, not the colon in file.py:Name
_NEXT = re.compile(r",(?=[\w.]+=)")  # the comma between two options, not a comma inside a list


class Registered:
    """Base class of classes with registered names. All classes of one kind share a registry.

    Attributes:
        registry: The registry of the kind, set by the base class of the kind.
        adopters: Registered names of parts that represent objects of other libraries. Such a class has the methods
            ``accepts(value)`` and ``adopt(value or name)``, and a description `adopts` of what it accepts.
    """

    registry: ClassVar[Registry]
    adopters: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def adopted(cls, value: Any, name: str | None = None) -> Any:
        """The part of this kind that represents an object of another library; None if there is no such part.

        Args:
            value: The object, or a class or function that makes it.
            name: The name ``path/to/file.py:Name`` from which it was loaded.
        """
        for each in cls.adopters:
            part: Any = cls.registry.load(each)
            if issubclass(part, cls) and part.accepts(value):  # pyright: ignore[reportAttributeAccessIssue]
                return part.adopt(value if name is None else name)  # pyright: ignore[reportAttributeAccessIssue]
        return None

    @classmethod
    def adoptable(cls) -> str:
        """A clause on the objects of other libraries that can be given in place of a part of this kind, or an empty text."""
        return "".join(f"; a {cls.registry.kind} can also be {cls.registry.load(each).adopts}" for each in cls.adopters)


@dataclass(frozen=True)
class Option:
    """An option of a class or function, as accepted by ``--set``."""

    name: str
    annotation: Any
    default: Any
    doc: str

    @property
    def kind(self) -> type[Registered] | None:
        """The kind of part that the option accepts; None for a plain value."""
        return part_type(self.annotation)


def part_type(annotation: Any) -> type[Registered] | None:
    """The class of parts in an annotation such as ``Input | None``, or None if it contains no such class."""
    candidates = typing.get_args(annotation) or (annotation,)
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, Registered)), None)


def options_of(factory: Callable[..., Any]) -> list[Option]:
    """The options of a frozen dataclass or of a function, from its signature and the Args section of its docstring."""
    return list(_options_of(factory))


@functools.cache
def _options_of(factory: Callable[..., Any]) -> tuple[Option, ...]:
    """The cached result of `options_of`: parsing type hints and docstrings takes longer than constructing most parts."""
    lineage = reversed(factory.__mro__) if isinstance(factory, type) else (factory,)
    docs = {name: text for each in lineage for name, text in _argument_docs(inspect.cleandoc(each.__doc__ or "")).items()}
    if is_dataclass(factory):
        hints = typing.get_type_hints(factory)  # hints of a base class are evaluated in its module
        return tuple(
            Option(f.name, hints[f.name], f.default if f.default is not MISSING else _default_of(f), docs.get(f.name, ""))
            for f in fields(factory)
            if f.init and f.metadata.get("option", True)
        )
    hints = typing.get_type_hints(factory.__init__ if isinstance(factory, type) else factory)
    parameters = inspect.signature(factory).parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    types = {p.name: hints.get(p.name, _implied(p.default)) for p in named}
    if missing := [name for name, each in types.items() if each is None]:
        name = getattr(factory, "__name__", str(factory))
        raise OptionError(
            f"the parameter `{missing[0]}` of '{name}' can't be an option, because it has neither a type nor a number or text as "
            f"its default: write `{_line(factory, named, types)}`, or another type"
        )
    return tuple(
        Option(p.name, types[p.name], MISSING if p.default is p.empty else p.default, docs.get(p.name, "")) for p in named
    )


def _implied(default: Any) -> Any:
    """The type that a default implies for a parameter without an annotation, or None.

    Example:
        >>> _implied(0.5), _implied([20, 20]), _implied(None)
        (<class 'float'>, tuple[int, ...], None)
    """
    if isinstance(default, (list, tuple)) and default:
        inner = {_implied(each) for each in default}
        return (tuple[float, ...] if float in inner else tuple[int, ...]) if inner <= {int, float} else None
    return next((each for each in (bool, int, float, str) if isinstance(default, each)), None)


def _line(factory: Callable[..., Any], parameters: Iterable[inspect.Parameter], types: Mapping[str, Any]) -> str:
    """The first line of a definition in which each parameter has a type, float where none is known."""
    texts = []
    for p in parameters:
        known = types[p.name]
        written = (
            ("float" if p.default is p.empty else "float | None") if known is None else getattr(known, "__name__", str(known))
        )
        texts.append(f"{p.name}: {written}" + ("" if p.default is p.empty else f" = {p.default!r}"))
    own = isinstance(factory, type)
    return f"def {'__init__' if own else getattr(factory, '__name__', 'function')}({', '.join(['self'] * own + texts)})"


def names_of(kind: type[Registered]) -> list[str]:
    """The registered names of the parts of a kind, or of a subclass of it."""
    found = []
    for name in kind.registry:
        loaded = kind.registry.load(name)
        if not isinstance(loaded, type) or issubclass(loaded, kind):
            found.append(name)
    return found


def described(option: Option) -> str:
    """The accepted values of an option in words."""
    return describe(option.annotation) if option.kind is None else _choices(option)


def _choices(option: Option) -> str:
    assert option.kind is not None
    null = " or null" if NoneType in typing.get_args(option.annotation) else ""
    return f"one of {', '.join(names_of(option.kind))}{null}"


def split_options(name: str) -> tuple[str, dict[str, str]]:
    """Split a text into a name and the options that follow it.

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


def short_labels(names: Iterable[str]) -> dict[str, str]:
    r"""Labels for methods that are shown together: of the options only those that differ between methods of one name.

    Args:
        names: Methods with their options.

    Returns:
        The label of each method; no two are equal.

    Example:
        >>> list(short_labels(["mscale:activation=phi,number=9", "mscale:activation=sin,number=9", "fem:cells=8"]).values())
        ['mscale:activation=phi', 'mscale:activation=sin', 'fem']
    """
    unchanged = {name: name for name in names}
    try:
        parsed = {name: split_options(name) for name in unchanged}
    except OptionError:  # a label of the user that is no name with options
        return unchanged
    labels = {}
    for name, (method, options) in parsed.items():
        alike = [others for other, others in parsed.values() if other == method]
        differing = [f"{key}={value}" for key, value in options.items() if any(others.get(key) != value for others in alike)]
        labels[name] = method + (f":{','.join(differing)}" if differing else "")
    return labels if len({*labels.values()}) == len(labels) else unchanged


def in_lines(name: str, width: int = 26) -> str:
    r"""A method with its options, wrapped at about this width before an option or before the second method of a chain.

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
    """The first sentence of each entry in the Args section of a Google-style docstring."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", doc, re.MULTILINE | re.DOTALL)
    if section is None:
        return {}
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section[1], re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}

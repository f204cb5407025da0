"""Objects composed of options and parts: a tree that is changed by the names of its options, and written as JSON.

A method, a part of a method and a probe are frozen dataclasses, or functions that return one. Their parameters are *options*. An
option whose annotation is a `Part` holds another such object, so that a method is a tree. An option is named by its path,
``optimizer.damping``, or by a part of its path, ``damping``, where that is unambiguous.
"""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any

from pdefreq.core.conversion import convert, shown
from pdefreq.core.errors import OptionError, RunFolderError, UnknownNameError, UserError
from pdefreq.core.options import Option, Registered, described, names_of, options_of
from pdefreq.core.registry import Registry, is_file, nearest, untrusted


class Part(Registered):
    """Base class of everything that an option can name: frozen dataclasses whose fields are options."""

    def __post_init__(self) -> None:
        """Bring the values into the types that the annotations state."""
        for option in options_of(type(self)):
            object.__setattr__(self, option.name, convert(option.name, getattr(self, option.name), option.annotation))

    @property
    def registered_names(self) -> list[str]:
        """The names under which an equal part may be found in the registry."""
        name = self.registry.name_of(type(self))
        return [] if name is None else [name]

    def with_options(self, options: Mapping[str, Any] | None = None, **more: Any) -> typing.Self:
        """The same with some options changed; keys are names or paths, values are objects or text.

        Raises:
            UnknownNameError: If there is no such option.
            OptionError: If a value has the wrong type or lies outside its range, or an option is given twice.
        """
        given = dict(options or {})
        for key in given:
            if not isinstance(key, str):
                raise OptionError(f"the name of an option must be text such as 'steps', got {key!r}")
            if key in more:
                raise OptionError(f"`{key}` is given twice: give it once")
        return _changed(Node.of_part(self), {**given, **more}, f"{self.registry.kind} '{self.title}'").make()

    @property
    def title(self) -> str:
        """What messages call the part."""
        return self.registry.name_of(type(self)) or type(self).__name__


@dataclass(eq=False)
class Node:
    """A factory with the values of its options; the value of an option that holds a part is again a node."""

    factory: Callable[..., Any]
    options: dict[str, Option]
    values: dict[str, Any]
    original: Any = None

    @property
    def title(self) -> str:
        """The registered name of the factory, else its own."""
        return _title(self.factory)

    @classmethod
    def of(cls, factory: Callable[..., Any]) -> Node:
        """A factory with its defaults; options without one are left out."""
        options = {option.name: option for option in options_of(factory)}
        return cls(factory, options, {name: _node(o.default) for name, o in options.items() if o.default is not MISSING})

    @classmethod
    def of_part(cls, part: Any) -> Node:
        """The tree of a part."""
        options = {option.name: option for option in options_of(type(part))}
        return cls(type(part), options, {name: _node(getattr(part, name)) for name in options}, part)

    def make(self) -> Any:
        """What the tree describes.

        Raises:
            OptionError: If an option without a default is missing, or a value lies outside its range.
        """
        for name, option in self.options.items():
            if option.default is MISSING and name not in self.values:
                raise OptionError(f"`{name}` is missing, and {_title(self.factory)} needs it: set `{name}`")
        made = {name: v.make() if isinstance(v, Node) else v for name, v in self.values.items()}
        return self.factory(**made) if self.original is None else replace(self.original, **made)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Node, Option]]:
        """Every option of the tree: its path, the node that has it, and the option; parents come before their parts."""
        for name, option in self.options.items():
            yield prefix + name, self, option
        for name in self.options:
            if isinstance(inner := self.values.get(name), Node):
                yield from inner.walk(f"{prefix}{name}.")


def option_tree(kind: str, name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Node:
    """What `build` would make, as a tree that can be listed."""
    return _changed(Node.of(factory), options, f"{kind} '{name}'")


def build(kind: str, name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """Call a factory with options given by name or path, as values or as text from the command line.

    A part that is replaced by name, ``optimizer="gd"``, keeps the values of the options that the old and the new part share.

    Raises:
        UnknownNameError: If an option does not exist.
        OptionError: If a value has the wrong type or lies outside its range, or an option is given twice.
    """
    return option_tree(kind, name, factory, options).make()


def _changed(root: Node, options: Mapping[str, Any], subject: str) -> Node:
    """The tree with options set: first those that hold parts, from the root on, since they decide which others there are."""
    pending, settled = dict(options), {}
    while True:
        places = {path: (node, option) for path, node, option in root.walk()}
        found = {key: path for key in pending if (path := _path(key, list(places), subject))}
        parts = [key for key in found if places[found[key]][1].kind is not None]
        if not parts:
            break
        key = min(parts, key=lambda key: found[key].count("."))
        _claim(settled, found[key], key)
        node, option = places[found[key]]
        node.values[option.name] = _part_value(key, pending.pop(key), option, node.values.get(option.name))
    for key, value in pending.items():
        if key not in found:
            raise _unknown(key, root, subject)
        _claim(settled, found[key], key)
        node, option = places[found[key]]
        value, old = convert(key, value, option.annotation), node.values.get(option.name)
        merged = {**old, **value} if isinstance(value, Mapping) and isinstance(old, Mapping) else value
        node.values[option.name] = merged
    return root


def _claim(settled: dict[str, str], path: str, key: str) -> None:
    if path in settled:
        raise OptionError(f"`{path}` is given twice, as `{settled[path]}` and as `{key}`: give it once")
    settled[path] = key


def _path(key: str, paths: list[str], subject: str) -> str | None:
    """The path that a key means: itself, or the only one with the names of the key in this order; None if there is none."""
    if key in paths:
        return key
    names = key.split(".")
    found = [path for path in paths if _in_this_order(names, path.split("."))]
    if len(found) > 1:
        raise UnknownNameError(f"{subject} has several options '{key}': write {' or '.join(found)}")
    return found[0] if found else None


def _in_this_order(names: list[str], path: list[str]) -> bool:
    """Whether the path ends with the last name and has the others before it, in their order."""
    rest = iter(path[:-1])
    return path[-1] == names[-1] and all(name in rest for name in names[:-1])


def _part_value(key: str, value: Any, option: Option, old: Any) -> Any:
    """The node of a part: an object, a name, or nothing where that is allowed."""
    kind = option.kind
    assert kind is not None
    if isinstance(value, kind):
        return Node.of_part(value)
    if value in (None, "null") and NoneType in typing.get_args(option.annotation):
        return None
    if isinstance(value, str):
        factory = kind.registry.load(value.strip().strip('"'))  # text may be quoted, as JSON is
        if not isinstance(factory, type):  # a function that returns a part: a method with defaults of its own
            return Node.of(factory)
        if issubclass(factory, kind):
            return _exchanged(old, factory)
    raise OptionError(f"option '{key}' must be {described(option)}, got {shown(value)}")


def _exchanged(old: Any, factory: type) -> Node:
    """A new part with the values of the options that it shares with the old one."""
    new = Node.of(factory)
    if isinstance(old, Node):
        kept = {name: value for name, value in old.values.items() if name in new.options}
        new.values |= {name: v for name, v in kept.items() if old.options[name].annotation == new.options[name].annotation}
    return new


def _unknown(key: str, root: Node, subject: str) -> UnknownNameError | OptionError:
    """Why there is no such option: another part would have it, or the name is misspelled."""
    last = key.rpartition(".")[2]
    for path, _, option in root.walk():
        if option.kind is not None:
            having = [n for n in names_of(option.kind) if last in {o.name for o in options_of(option.kind.registry.load(n))}]
            if having and _in_this_order(key.split("."), [*path.split("."), last]):
                names = ", ".join(having[:-1]) + " or " * (len(having) > 1) + having[-1]
                return OptionError(f"`{key}` does nothing here: it needs {path}={names}; set that, or leave `{key}` out")
    known = [path for path, *_ in root.walk()]
    short = {path.rpartition(".")[2]: path for path in known}
    hint = nearest(last, short)
    return UnknownNameError(f"{subject} has no option '{key}': {hint}")


def encode_part(part: Part) -> dict[str, Any] | None:
    """A part as its registered name and all its options, inner parts alike; None if `decode_part` would not make an equal one."""
    for name in part.registered_names:
        with contextlib.suppress(UserError, AttributeError, TypeError):
            data = {"name": name} | {o.name: _encode(getattr(part, o.name)) for o in options_of(part.registry.load(name))}
            if decode_part(part.registry, data, trust=True) == part:
                return data
    return None


def _encode(value: Any) -> Any:
    if isinstance(value, Part):
        data = encode_part(value)
        if data is None:
            raise TypeError(f"{value!r} is not registered")
        return data
    if isinstance(value, Mapping):
        return {key: _encode(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{value!r} is not JSON")


def decode_part(registry: Registry, data: Any, *, trust: bool = False) -> Any:
    """The inverse of `encode_part`: registered names are looked up, and their own options are set.

    Args:
        registry: The kind of part.
        data: What `encode_part` returned.
        trust: Whether a name may be that of a Python file, which is then executed.

    Raises:
        RunFolderError: If the data name no part, options that it does not have, or a file that is not trusted.
        UserError: If a value lies outside its range.
    """
    if not isinstance(data, Mapping) or not isinstance(name := data.get("name"), str):
        raise RunFolderError(f"a {registry.kind} must be written as its name and its options, got {str(data)[:80]}")
    if not trust and (files := code_files(data)):
        raise RunFolderError(untrusted(files))
    factory = registry.load(name)
    known, values = {option.name: option for option in options_of(factory)}, {}
    for key, value in data.items():
        if key == "name":
            continue
        if key not in known:
            raise RunFolderError(f"the {registry.kind} '{name}' has no option '{key}': {nearest(key, known)}")
        kind = known[key].kind
        if kind is None or value is None:
            values[key] = convert(key, value, known[key].annotation)
        else:
            part = decode_part(kind.registry, value, trust=trust)
            if not isinstance(part, kind):
                raise RunFolderError(f"option '{key}' of the {registry.kind} '{name}' must be {described(known[key])}")
            values[key] = part
    try:
        return factory(**values)
    except TypeError as error:  # an option without a default is missing
        raise RunFolderError(f"the {registry.kind} '{name}' is not complete: {error}") from None


def code_files(data: Any) -> list[Path]:
    """The Python files that parts written as JSON name, ``my_file.py:Name``."""
    if isinstance(data, Mapping):
        return [path for value in data.values() for path in code_files(value)]
    if isinstance(data, (list, tuple)):
        return [path for value in data for path in code_files(value)]
    return [Path(data.rpartition(":")[0])] if isinstance(data, str) and is_file(data) else []


def _node(value: Any) -> Any:
    return Node.of_part(value) if isinstance(value, Part) else value


def _title(factory: Callable[..., Any]) -> str:
    name = factory.registry.name_of(factory) if isinstance(factory, type) and issubclass(factory, Part) else None
    return name or factory.__name__

"""Objects composed of options and parts: trees whose options are changed by name, with a representation in JSON.

Methods, parts of methods and probes are frozen dataclasses, or functions that return one. Their parameters are *options*. The
value of an option whose annotation is a `Part` is another such object, so that a method is a tree. An option is named by its
path, ``optimizer.damping``, or by a piece of its path, ``damping``, if that is unambiguous.
"""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, replace
from types import NoneType
from typing import Any

from pdefreq.core.content import code_files
from pdefreq.core.conversion import convert, shown
from pdefreq.core.errors import OptionError, RunFolderError, UnknownNameError, UntrustedCodeError, UserError
from pdefreq.core.options import Option, Registered, described, names_of, options_of
from pdefreq.core.registry import Registry, is_file, nearest, trusting_only, untrusted


class Part(Registered):
    """Base class of the objects that an option can name: frozen dataclasses whose fields are options."""

    def __post_init__(self) -> None:
        """Convert the values to the annotated types."""
        for option in options_of(type(self)):
            value = getattr(self, option.name)
            if option.kind is not None:
                value = as_part(option.kind, value, option.name)
            object.__setattr__(self, option.name, convert(option.name, value, option.annotation))

    @property
    def registered_names(self) -> list[str]:
        """The registered names that may refer to an equal part."""
        name = self.registry.name_of(type(self))
        return [] if name is None else [name]

    def with_options(self, options: Mapping[str, Any] | None = None, **more: Any) -> typing.Self:
        """A copy with some options changed. Keys are names or paths of options; values are objects or text.

        Raises:
            UnknownNameError: If an option does not exist.
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
        """The name of the part in messages."""
        return self.registry.name_of(type(self)) or type(self).__name__


@dataclass(eq=False)
class Node:
    """A factory with the values of its options. The value of an option for a part is another node."""

    factory: Callable[..., Any]
    options: dict[str, Option]
    values: dict[str, Any]
    original: Any = None

    @property
    def title(self) -> str:
        """The registered name of the factory, or its Python name if it is not registered."""
        return _title(self.factory)

    @classmethod
    def of(cls, factory: Callable[..., Any]) -> Node:
        """The node of a factory with its defaults. Options without a default are left out."""
        options = {option.name: option for option in options_of(factory)}
        return cls(factory, options, {name: _node(o.default) for name, o in options.items() if o.default is not MISSING})

    @classmethod
    def of_part(cls, part: Any) -> Node:
        """The tree of a part."""
        options = {option.name: option for option in options_of(type(part))}
        return cls(type(part), options, {name: _node(getattr(part, name)) for name in options}, part)

    def make(self) -> Any:
        """Create the object described by the tree.

        Raises:
            OptionError: If an option without a default is missing, or a value lies outside its range.
        """
        for name, option in self.options.items():
            if option.default is MISSING and name not in self.values:
                raise OptionError(f"`{name}` is missing, but {_title(self.factory)} needs it: set `{name}`", option=name)
        made = {name: self._made(name, v) if isinstance(v, Node) else v for name, v in self.values.items()}
        return self.factory(**made) if self.original is None else replace(self.original, **made)

    def _made(self, name: str, node: Node) -> Any:
        """The part of an option. A function of a file may return something else, such as a module with its random parameters."""
        part, kind = node.make(), self.options[name].kind
        if kind is not None and not isinstance(part, kind):
            raise OptionError(
                f"'{node.title}' must return a part of the kind {kind.registry.kind}, got {type(part).__name__}"
                f"{kind.adoptable()}",
                option=name,
            )
        return part

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Node, Option]]:
        """All options of the tree, each with its path and its node; an option precedes the options of its part."""
        for name, option in self.options.items():
            yield prefix + name, self, option
        for name in self.options:
            if isinstance(inner := self.values.get(name), Node):
                yield from inner.walk(f"{prefix}{name}.")


def as_part(kind: type[Registered], value: Any, key: str) -> Any:
    """The part for a part, a name, or an object of another library that a part adopts; other values are returned unchanged.

    Raises:
        UnknownNameError: If the name is unknown.
        OptionError: If the part needs an option, or is of another kind.
    """
    if value is None or isinstance(value, kind):
        return value
    if isinstance(value, str):
        return _part_value(key, value, Option(key, kind, MISSING, ""), None).make()
    return kind.adopted(value) or value


def option_tree(kind: str, name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Node:
    """The tree of the object that `build` creates, for listing its options."""
    return _changed(Node.of(factory), options, f"{kind} '{name}'")


def build(kind: str, name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """Call a factory with options given by name or path, as values or as text from the command line.

    If a part is replaced by name, ``optimizer="gd"``, the options that the old and the new part share keep their values.

    Raises:
        UnknownNameError: If an option does not exist.
        OptionError: If a value has the wrong type or lies outside its range, or an option is given twice.
    """
    return option_tree(kind, name, factory, options).make()


def _changed(root: Node, options: Mapping[str, Any], subject: str) -> Node:
    """The tree with changed options. Options for parts are set first, from the root on, because they determine the others."""
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
    """The path of a key: the key itself, or the only path that contains its names in this order; None if there is no path."""
    if key in paths:
        return key
    names = key.split(".")
    found = [path for path in paths if _in_this_order(names, path.split("."))]
    if len(found) > 1:
        raise UnknownNameError(f"{subject} has several options '{key}': write {' or '.join(found)}")
    return found[0] if found else None


def _in_this_order(names: list[str], path: list[str]) -> bool:
    """Whether the path ends with the last name and contains the other names before it in their order."""
    rest = iter(path[:-1])
    return path[-1] == names[-1] and all(name in rest for name in names[:-1])


def _part_value(key: str, value: Any, option: Option, old: Any) -> Any:
    """The node of a part given as an object or by name, or None if the option allows it."""
    kind = option.kind
    assert kind is not None
    if not isinstance(value, (kind, str)):
        value = kind.adopted(value) or value
    if isinstance(value, kind):
        return Node.of_part(value)
    if (value is None or (isinstance(value, str) and value == "null")) and NoneType in typing.get_args(option.annotation):
        return None
    if isinstance(value, str):
        name = value.strip().strip('"')  # quotes as in JSON are allowed
        factory = kind.registry.load(name)
        if is_file(name) and (adopted := kind.adopted(factory, name)) is not None:
            return Node.of_part(adopted)
        if not isinstance(factory, type):  # a function that returns a part, such as a method with its own defaults
            try:
                return Node.of(factory)
            except OptionError as error:
                raise OptionError(f"{error}{kind.adoptable()}", option=key) from None
        if issubclass(factory, kind):
            return _exchanged(old, factory)
    raise OptionError(f"option '{key}' must be {described(option)}, got {shown(value)}", option=key)


def _exchanged(old: Any, factory: type) -> Node:
    """A new part that keeps the values of the options that it shares with the old part."""
    new = Node.of(factory)
    if isinstance(old, Node):
        kept = {name: value for name, value in old.values.items() if name in new.options}
        new.values |= {name: v for name, v in kept.items() if old.options[name].annotation == new.options[name].annotation}
    return new


def _unknown(key: str, root: Node, subject: str) -> UnknownNameError | OptionError:
    """The error for an unknown option: it belongs to another part, or its name is misspelled."""
    last = key.rpartition(".")[2]
    for path, _, option in root.walk():
        if option.kind is not None:
            having = [n for n in names_of(option.kind) if last in {o.name for o in options_of(option.kind.registry.load(n))}]
            if having and _in_this_order(key.split("."), [*path.split("."), last]):
                names = ", ".join(having[:-1]) + " or " * (len(having) > 1) + having[-1]
                return OptionError(
                    f"`{key}` does nothing here: it needs {path}={names}; set that, or leave `{key}` out", option=key
                )
    known = [path for path, *_ in root.walk()]
    short = {path.rpartition(".")[2]: path for path in known}
    hint = nearest(last, short)
    return UnknownNameError(f"{subject} has no option '{key}': {hint}", name=key)


def encode_part(part: Part) -> dict[str, Any] | None:
    """The registered name and all options of a part, recursively; None if `decode_part` would not return an equal part."""
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
    """The inverse of `encode_part`.

    Args:
        registry: The registry of the kind of part.
        data: The result of `encode_part`.
        trust: Whether a name may refer to a Python file, which is then executed.

    Raises:
        RunFolderError: If the data are not a part, or contain an unknown option.
        UntrustedCodeError: If they refer to a file that is not trusted.
        UserError: If a value lies outside its range.
    """
    if (files := code_files(data)) and not trust:
        raise UntrustedCodeError(untrusted(files), files=list(files))
    with trusting_only(files):  # a value can spell the name of another file with escapes
        return _decoded(registry, data, trust=trust)


def _decoded(registry: Registry, data: Any, *, trust: bool) -> Any:
    if not isinstance(data, Mapping) or not isinstance(name := data.get("name"), str):
        raise RunFolderError(f"a {registry.kind} must be written as its name and its options, got {str(data)[:80]}")
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
        raise RunFolderError(f"the {registry.kind} '{name}' is incomplete: {error}") from None


def _node(value: Any) -> Any:
    return Node.of_part(value) if isinstance(value, Part) else value


def _title(factory: Callable[..., Any]) -> str:
    name = factory.registry.name_of(factory) if isinstance(factory, type) and issubclass(factory, Part) else None
    return name or factory.__name__

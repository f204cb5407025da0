"""Tables of names: what is built in, what other packages add by entry point, and the nearest right name."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.util
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from pdefreq.conversion import convert
from pdefreq.errors import OptionError, UnknownNameError, UserError

T = TypeVar("T")
_OPTIONS = re.compile(r":(?=[\w.]+=)")  # between a name and its options, not that of file.py:Name
_NEXT = re.compile(r",(?=[\w.]+=)")  # between two options, not inside a list


def nearest(name: str, known: Iterable[str], written: Mapping[str, str] = MappingProxyType({})) -> str:
    """A clause that offers the nearest of the known names, or lists them: ``did you mean 'jacobi'?``.

    Args:
        name: What was written.
        known: What is there.
        written: How some of these are written out, as ``ricker(a)`` is for ``ricker``.
    """
    known = sorted(known)
    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{written.get(lower[close[0]], lower[close[0]])}'?"
    return f"known are {', '.join(written.get(each, each) for each in known)}." if known else "there are none."


def split_options(name: str) -> tuple[str, dict[str, str]]:
    """A name and the options that are written behind it.

    Example:
        >>> split_options("mscale:activation=phi,scales=[1,2,4]")
        ('mscale', {'activation': 'phi', 'scales': '[1,2,4]'})
        >>> split_options("my_file.py:Mine")
        ('my_file.py:Mine', {})
    """
    method, *rest = _OPTIONS.split(name, maxsplit=1)
    pairs = [pair.partition("=") for pair in _NEXT.split(rest[0])] if rest else []
    return method, {key: value for key, _, value in pairs}


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


class Registry:
    """Names to ``"module:Attribute"`` strings; nothing is imported until a name is loaded.

    A name may also be written ``path/to/file.py:Name``, which stands for what that file defines.

    Args:
        kind: What the names are, in the singular, for messages: "method", "probe".
        group: Entry-point group through which other packages add names.
        table: The built-in names.
    """

    def __init__(self, kind: str, group: str, table: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._table = dict(table)
        self._made: dict[tuple[Any, ...], Any] = {}

    def targets(self) -> dict[str, str]:
        """All names and their targets; a built-in name wins over an entry point of the same name."""
        return {point.name: point.value for point in entry_points(group=self.group)} | self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self.targets())

    def __contains__(self, name: object) -> bool:
        return name in self._table or name in self.targets()

    def load(self, name: str) -> Any:
        """The class or function behind a name, or behind ``path/to/file.py:Name``.

        Raises:
            UnknownNameError: If the name is not in the table, or the file does not define it.
            OptionError: If the file or the package that has it can't be imported, or what it defines can't be called.
        """
        if not _is_file(name) and name not in self:
            raise UnknownNameError(f"unknown {self.kind} '{name}': {nearest(name, self)}")
        found = self._target(name)
        if not callable(found):
            raise OptionError(f"'{name}' must be a class or a function, got {type(found).__name__}")
        return found

    def summaries(self) -> dict[str, str]:
        """The first line of the docstring of each entry, or why an entry of another package can't be loaded."""
        found = {}
        for name in self:
            try:
                found[name] = (inspect.getdoc(self._target(name)) or "").partition("\n")[0]
            except UserError as error:
                found[name] = str(error)
        return found

    def named(self, text: str, base: type[T]) -> T:
        """The object that a name stands for: ``tanh``, ``ricker(0.1)``, ``path/to/file.py:SWISH``, ``path/to/file.py:bump(2)``.

        The target is an object of the type `base`, or a family of them: a class or a function that makes one from the numbers
        in brackets, and checks their range. What a name stands for is made once; a file is read again when it has changed.

        Raises:
            UnknownNameError: If the name is not in the table, or the file does not define it.
            OptionError: If the numbers are missing, are none, are too many or outside their range, if the target gives no
                `base`, or if the file or the package that has it can't be imported.
        """
        name, numbers = _numbers_behind(text)
        key = (text, base, *_version(name))
        if key not in self._made:
            self._made[key] = self._make(text, name, numbers, base)
        return self._made[key]

    def _make(self, text: str, name: str, numbers: Sequence[str] | None, base: type[T]) -> T:
        if not _is_file(name) and name not in self:
            raise UnknownNameError(f"unknown {self.kind} '{name}': {nearest(name, self, self._written(base))}")
        found = self._target(name, base)
        if isinstance(found, base):
            if numbers is not None:
                raise OptionError(f"{self.kind} '{name}' takes no numbers, got '{text}': write {name}")
            return found
        wanted = f"{self.kind} '{name}' must be an object of the class {base.__name__} or a function of numbers that returns one"
        if not callable(found):
            raise OptionError(f"{wanted}, got {type(found).__name__}")
        try:
            signature = inspect.signature(found)
        except ValueError:  # functions written in C
            raise OptionError(f"{wanted}, got {type(found).__name__}") from None
        try:
            signature.bind(*(numbers or ()))
            given = [float(number) for number in numbers or ()]
        except (TypeError, ValueError):
            written = _with_numbers(name, found)
            makes = f" and returns the {base.__name__}" if _is_file(name) else ""  # or a plain function was meant to be one
            raise OptionError(f"{self.kind} '{name}' takes numbers in brackets, {written}{makes}, got '{text}'") from None
        try:
            made = found(*given)
        except ValueError as error:  # the family refuses its numbers
            raise error if isinstance(error, UserError) else OptionError(f"{self.kind} '{text}': {error}") from error
        if not isinstance(made, base):
            raise OptionError(f"{wanted}, got a function that returns {type(made).__name__}")
        return made

    def _target(self, name: str, base: type | None = None) -> Any:
        if _is_file(name):
            return load_from_file(self.kind, name, base)
        target = EntryPoint(name, self._table.get(name) or self.targets()[name], self.group)
        if name in self._table:
            return target.load()
        try:
            return target.load()
        except Exception as error:
            raise OptionError(
                f"{self.kind} '{name}', which an installed package announces as {target.value}, can't be imported: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _written(self, base: type) -> dict[str, str]:
        """How the names of families are written, with their numbers; a name that can't be loaded is written as it is."""
        written = {}
        for name in self:
            with contextlib.suppress(UserError):
                found = self._target(name)
                if not isinstance(found, base) and callable(found):
                    written[name] = _with_numbers(name, found)
        return written


def _is_file(name: str) -> bool:
    return ".py:" in name


def _version(name: str) -> tuple[Any, ...]:
    """What tells two states of the file behind ``path/to/file.py:Name`` apart; nothing for other names."""
    path = Path(name.rpartition(":")[0])
    if not _is_file(name) or not path.is_file():
        return ()
    status = path.stat()
    return path.resolve(), status.st_mtime_ns, status.st_size


def _numbers_behind(text: str) -> tuple[str, list[str] | None]:
    """A name, and what stands in brackets behind it; None without brackets.

    Example:
        >>> _numbers_behind("phase(1.5, 0)"), _numbers_behind("tanh")
        (('phase', ['1.5', ' 0']), ('tanh', None))
    """
    match = re.fullmatch(r"\s*(.*?)\s*(?:\(([^()]*)\)\s*)?", text, re.DOTALL)
    name, inside = match.groups() if match else (text, None)
    return name, None if inside is None else inside.split(",") if inside.strip() else []


def _with_numbers(name: str, family: Callable[..., Any]) -> str:
    """How a member of a family is written: ``ricker(a)``; just the name where all of its numbers have defaults."""
    try:
        parameters = inspect.signature(family).parameters.values()
    except ValueError:  # some classes of Python itself have no signature
        return name
    needed = any(parameter.default is parameter.empty for parameter in parameters)
    return f"{name}({', '.join(parameter.name for parameter in parameters)})" if needed else name


def load_from_file(kind: str, target: str, base: type | None = None) -> Any:
    """What ``path/to/file.py:Name`` stands for.

    Args:
        kind: What is looked for, for messages.
        target: The file and the name.
        base: The class of the objects that may be meant, beside the file's own classes and functions.

    Raises:
        UnknownNameError: If there is no such file, or no such name in it.
        OptionError: If the file can't be imported.
    """
    path, _, attribute = target.rpartition(":")
    module = import_file(Path(path))
    if not hasattr(module, attribute):
        own = [
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__ or (base is not None and isinstance(value, base))
        ]
        raise UnknownNameError(f"{path} defines no {kind} '{attribute}': {nearest(attribute, own)}")
    return getattr(module, attribute)


def import_file(path: Path) -> ModuleType:
    """Import a Python file by its path.

    Raises:
        UnknownNameError: If there is no such file.
        OptionError: If it can't be imported.
    """
    if not path.is_file():
        raise UnknownNameError(f"there is no file '{path}'; give the path of a Python file, then a colon and a name in it")
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    spec = importlib.util.spec_from_file_location(f"pdefreq_user_{digest}_{path.stem}", path.resolve())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and type hints look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise OptionError(f"'{path}' can't be imported: {type(error).__name__}: {error}") from error
    return module


@dataclass(frozen=True)
class Option:
    """One option of a class or preset: what `pdefreq methods NAME` prints and ``--set`` takes."""

    name: str
    annotation: Any
    default: Any
    doc: str


def options_of(factory: Callable[..., Any]) -> list[Option]:
    """The options of a frozen dataclass or of a preset function, read from its signature and its docstring's Args."""
    docs = _argument_docs(inspect.getdoc(factory) or "")
    target = factory.__init__ if isinstance(factory, type) else factory
    hints = typing.get_type_hints(target)
    if is_dataclass(factory):
        return [
            Option(f.name, hints[f.name], f.default if f.default is not MISSING else _made(f), docs.get(f.name, ""))
            for f in fields(factory)
            if f.init
        ]
    parameters = inspect.signature(factory).parameters.values()
    return [Option(p.name, hints[p.name], p.default, docs.get(p.name, "")) for p in parameters]


def preset(
    name: str,
    factory: type,
    doc: str,
    *,
    fixed: Mapping[str, Any] | None = None,
    check: Callable[[Any, Iterable[str]], None] | None = None,
    **defaults: Any,
) -> Callable[..., Any]:
    """A method that is another one's options with defaults of its own. Numbers by name are merged with those of the default.

    Args:
        name: The function's name.
        factory: A frozen dataclass of options, all by keyword.
        doc: The preset's docstring; the options are explained in it as the dataclass explains them.
        fixed: Options that the preset settles, and does not offer.
        check: Called with what was made and the names of the options that were given another value than their default.
        **defaults: Default values in place of the dataclass's.

    Returns:
        A function of the remaining options, that `options_of` can read.
    """
    settled = dict(fixed or {})
    options = [option for option in options_of(factory) if option.name not in settled]
    parameters = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(option.name, inspect.Parameter.empty if option.default is MISSING else option.default),
            annotation=option.annotation,
        )
        for option in options
    ]
    signature = inspect.Signature(parameters, return_annotation=factory)

    def make(**given: Any) -> Any:
        bound = signature.bind(**given)
        bound.apply_defaults()
        for key, value in bound.arguments.items():
            if isinstance(value, Mapping) and isinstance(own := signature.parameters[key].default, Mapping):
                bound.arguments[key] = {**own, **value}
        made = factory(**settled, **bound.arguments)
        if check is not None and given:
            plain = make()
            check(made, [key for key in given if getattr(made, key) != getattr(plain, key)])
        return made

    text, _, source = inspect.cleandoc(doc).partition("\nSource:")
    lines = [f"    {option.name}: {option.doc}" for option in options]
    make.__doc__ = "\n".join([text.rstrip(), "", "Args:", *lines, *(["", "Source:" + source] if source else [])])
    make.__name__ = make.__qualname__ = name
    make.__signature__ = signature  # type: ignore[attr-defined]
    make.__annotations__ = {option.name: option.annotation for option in options} | {"return": factory}
    return make


def _made(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _argument_docs(doc: str) -> dict[str, str]:
    """The Args section of a Google-style docstring, a sentence each."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", doc, re.MULTILINE | re.DOTALL)
    if section is None:
        return {}
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section[1], re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def build(kind: str, name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """Call a factory with options given by name, as values or as text from the command line.

    Raises:
        UnknownNameError: If an option does not exist.
        OptionError: If a value has the wrong type or lies outside its range.
    """
    known = {option.name: option for option in options_of(factory)}
    for key in options:
        if key not in known:
            raise UnknownNameError(f"{kind} '{name}' has no option '{key}': {nearest(key, known)}")
    return factory(**{key: convert(key, value, known[key].annotation) for key, value in options.items()})

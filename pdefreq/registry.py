"""Tables of names: what is built in, what other packages add by entry point, and the nearest right name."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from pdefreq.errors import OptionError, UnknownNameError

T = TypeVar("T")
_FROM_FILE = "pdefreq_user_"  # begins the names of modules that were imported by their path


def nearest(name: str, known: Iterable[str], written: Mapping[str, str] = MappingProxyType({})) -> str:
    """A clause that offers the nearest of the known names, or lists them: ``did you mean 'jacobi'?``.

    Args:
        name: What was written.
        known: What is there.
        written: How some of these are written out, as ``ricker(a)`` is for ``ricker``.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{written.get(close[0], close[0])}'?"
    return f"known are {', '.join(written.get(each, each) for each in known)}." if known else "there are none."


def named(kind: str, text: str, table: Mapping[str, T], families: Mapping[str, Callable[..., T]]) -> T:
    """What a name stands for, or a name with numbers in brackets: ``tanh``, ``ricker(0.1)``.

    Args:
        kind: What the names are, for messages: "activation".
        text: The name.
        table: What names without numbers stand for.
        families: Functions of numbers, which check their range.

    Raises:
        UnknownNameError: If the name is not there.
        OptionError: If the numbers are missing, are none, or are too many or outside their range.
    """
    if text in table:
        return table[text]
    match = re.fullmatch(r"\s*([\w-]+)\s*(?:\((.*)\))?\s*", text)
    name, inside = match.groups() if match else (text, None)
    if name not in table and name not in families:
        written = {
            each: f"{each}({', '.join(inspect.signature(family).parameters)})"
            for each, family in families.items()
            if each not in table
        }
        raise UnknownNameError(f"unknown {kind} '{name}': {nearest(name, {*table, *families}, written)}")
    if name not in families:
        raise OptionError(f"{kind} '{name}' takes no numbers, got '{text}': write {name}")
    wanted = list(inspect.signature(families[name]).parameters)
    try:
        numbers = [float(number) for number in (inside or "").split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(wanted):
        raise OptionError(f"{kind} '{name}' takes numbers in brackets, {name}({', '.join(wanted)}), got '{text}'")
    return families[name](*numbers)


class Registry:
    """Names to ``"module:Attribute"`` strings; nothing is imported until a name is loaded.

    Args:
        kind: What the names are, in the singular, for messages: "method", "probe".
        group: Entry-point group through which other packages add names.
        table: The built-in names.
        unlisted: Further built-in names, which are found but not listed.
    """

    def __init__(
        self, kind: str, group: str, table: Mapping[str, str], unlisted: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.kind = kind
        self.group = group
        self._table = dict(table)
        self._unlisted = dict(unlisted)

    def targets(self) -> dict[str, str]:
        """All names and their targets; a built-in name wins over an entry point of the same name."""
        return {point.name: point.value for point in entry_points(group=self.group)} | self._table

    def __iter__(self) -> typing.Iterator[str]:
        return iter(self.targets())

    def load(self, name: str) -> Any:
        """The class or function behind a name, or behind ``path/to/file.py:Name``.

        Raises:
            UnknownNameError: If the name is not in the table, or the file does not define it.
            OptionError: If the file can't be imported.
        """
        if ".py:" in name:
            return load_from_file(self.kind, name)
        targets = self.targets()
        if name in self._unlisted:
            targets = targets | self._unlisted
        if name not in targets:
            raise UnknownNameError(f"unknown {self.kind} '{name}': {nearest(name, targets)}")
        module, attribute = targets[name].split(":")
        return getattr(importlib.import_module(module), attribute)

    def name_of(self, found: Any) -> str | None:
        """The name under which `load` finds a class or function; None where there is none."""
        module, attribute = getattr(found, "__module__", ""), getattr(found, "__qualname__", "")
        if module.startswith(_FROM_FILE):
            return f"{sys.modules[module].__file__}:{attribute}"
        places = self._unlisted | self.targets()
        return next((name for name, target in places.items() if target == f"{module}:{attribute}"), None)


def load_from_file(kind: str, target: str) -> Any:
    """The class or function behind ``path/to/file.py:Name``.

    Raises:
        UnknownNameError: If there is no such file, or no such name in it.
        OptionError: If the file can't be imported, or what it defines can't be called.
    """
    path, _, attribute = target.rpartition(":")
    module = import_file(Path(path))
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    if not hasattr(module, attribute):
        raise UnknownNameError(f"{path} defines no {kind} '{attribute}': {nearest(attribute, own)}")
    if not callable(found := getattr(module, attribute)):
        raise OptionError(f"'{target}' must be a class or a function, got {type(found).__name__}")
    return found


def import_file(path: Path) -> ModuleType:
    """Import a Python file by its path.

    Raises:
        UnknownNameError: If there is no such file.
        OptionError: If it can't be imported.
    """
    if not path.is_file():
        raise UnknownNameError(f"there is no file '{path}'; give the path of a Python file, then a colon and a name in it")
    digest = hashlib.sha256(str(path.resolve()).encode() + path.read_bytes()).hexdigest()[:8]
    name = f"{_FROM_FILE}{digest}_{path.stem}"
    if name in sys.modules:  # the same file unchanged: its classes must stay the same objects
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and type hints look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        raise OptionError(f"'{path}' can't be imported: {type(error).__name__}: {error}") from error
    return module

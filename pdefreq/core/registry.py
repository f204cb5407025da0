"""Registries of names: built-in entries, entry points of other packages, Python files, and suggestions of near names."""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from pdefreq.core.errors import OptionError, UnknownNameError, UntrustedCodeError, UserError

T = TypeVar("T")
_FROM_FILE = "pdefreq_user_"  # prefix of the names of modules that were imported by their path
_trusted: ContextVar[frozenset[Path] | None] = ContextVar("trusted", default=None)  # None: all files


def nearest(
    name: str, known: Iterable[str], written: Mapping[str, str] = MappingProxyType({}), *, similarity: float = 0.5
) -> str:
    """A clause that suggests the nearest of the known names, or lists them: ``did you mean 'jacobi'?``.

    Args:
        name: The unknown name.
        known: The known names.
        written: The full forms of some known names, such as ``ricker(a)`` for ``ricker``.
        similarity: The least ratio of `difflib` at which a name is suggested.
    """
    known = sorted(known)
    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=similarity)
    if close:
        return f"did you mean '{written.get(lower[close[0]], lower[close[0]])}'?"
    return f"known names are {', '.join(written.get(each, each) for each in known)}." if known else "no names are defined."


class Registry:
    """A map from names to ``"module:Attribute"`` strings. Modules are imported only when a name is loaded.

    The name ``path/to/file.py:Name`` refers to an object that a Python file defines.

    Args:
        kind: The kind of the registered objects in the singular, for messages: "method", "probe".
        group: Entry-point group through which other packages add names.
        table: The built-in names.
        unlisted: Further built-in names that can be loaded but are not listed, such as former names of listed objects.
    """

    def __init__(
        self, kind: str, group: str, table: Mapping[str, str], unlisted: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.kind = kind
        self.group = group
        self._table = dict(table)
        self._unlisted = dict(unlisted)
        self._made: dict[tuple[Any, ...], Any] = {}

    def targets(self) -> dict[str, str]:
        """All names and their targets. A built-in name takes precedence over an entry point of the same name."""
        return _announced(self.group, _search_path()) | self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self.targets())

    def __contains__(self, name: object) -> bool:
        return name in self._table or name in self._unlisted or name in self.targets()

    def load(self, name: str) -> Any:
        """The class or function with a registered name, or with a name ``path/to/file.py:Name``.

        Raises:
            UnknownNameError: If the name is not registered, or the file does not define it.
            OptionError: If the file or the package can't be imported, or the object is not a class or function.
        """
        if not is_file(name) and name not in self:
            raise UnknownNameError(f"unknown {self.kind} '{name}': {nearest(name, self)}", name=name)
        found = self._target(name)
        if not callable(found):
            raise OptionError(f"'{name}' must be a class or a function, got {type(found).__name__}")
        return found

    def knows(self, text: str) -> bool:
        """Whether a name, with or without numbers in brackets, is registered; nothing is imported."""
        return _numbers_behind(text)[0] in self

    def summaries(self) -> dict[str, str]:
        """The first line of the docstring of each entry, or the reason why an entry of another package can't be loaded."""
        found = {}
        for name in self:
            try:
                found[name] = (inspect.getdoc(self._target(name)) or "").partition("\n")[0]
            except UserError as error:
                found[name] = str(error)
        return found

    def named(self, text: str, base: type[T], adopt: Callable[[Any], T] | None = None) -> T:
        """The object of a name such as ``tanh``, ``ricker(0.1)``, ``path/to/file.py:SWISH`` or ``path/to/file.py:bump(2)``.

        The target is an object of the type `base`, or a family of such objects: a class or function that creates one from the
        numbers in brackets and checks their range. Objects are cached; a file is read again if it has changed.

        Args:
            text: The name.
            base: The type of the objects.
            adopt: A conversion of other objects that a file defines, which raises `OptionError` for those that it can't convert.

        Raises:
            UnknownNameError: If the name is not registered, or the file does not define it.
            OptionError: If the numbers are missing, malformed, too many or outside their range, if the target does not yield an
                object of type `base`, or if the file or the package can't be imported.
        """
        name, numbers = _numbers_behind(text)
        key = (text, base, *_version(name))
        if key not in self._made:
            self._made[key] = self._make(text, name, numbers, base, adopt)
        return self._made[key]

    def _make(self, text: str, name: str, numbers: Sequence[str] | None, base: type[T], adopt: Callable[[Any], T] | None) -> T:
        if not is_file(name) and name not in self:
            raise UnknownNameError(f"unknown {self.kind} '{name}': {nearest(name, self, self._written(base))}", name=name)
        found = self._target(name, base)
        if isinstance(found, base):
            if numbers is not None:
                raise OptionError(f"{self.kind} '{name}' takes no numbers, got '{text}': write {name}")
            return found
        wanted = f"{self.kind} '{name}' must be an object of the class {base.__name__} or a function of numbers that returns one"
        if not callable(found):
            raise OptionError(f"{wanted}, got {type(found).__name__}")
        if adopt is not None and is_file(name) and numbers is None:
            with contextlib.suppress(OptionError):
                return adopt(found)
        try:
            signature = inspect.signature(found)
        except ValueError:  # functions written in C may have no signature
            raise OptionError(f"{wanted}, got {type(found).__name__}") from None
        try:
            signature.bind(*(numbers or ()))
            given = [float(number) for number in numbers or ()]
        except (TypeError, ValueError):
            written = _with_numbers(name, found)
            # The user may have meant the function in the file as the object itself.
            makes = f" and returns the {base.__name__}" if is_file(name) else ""
            raise OptionError(f"{self.kind} '{name}' takes numbers in brackets, {written}{makes}, got '{text}'") from None
        try:
            made = found(*given)
        except ValueError as error:  # the numbers lie outside the range of the family
            raise error if isinstance(error, UserError) else OptionError(f"{self.kind} '{text}': {error}") from error
        if not isinstance(made, base):
            raise OptionError(f"{wanted}, got a function that returns {type(made).__name__}")
        return made

    def _target(self, name: str, base: type | None = None) -> Any:
        if is_file(name):
            return load_from_file(self.kind, name, base)
        own = self._table.get(name) or self._unlisted.get(name)
        target = EntryPoint(name, own or self.targets()[name], self.group)
        if own is not None:
            return target.load()
        try:
            return target.load()
        except Exception as error:
            raise OptionError(
                f"{self.kind} '{name}', which an installed package announces as {target.value}, can't be imported: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _written(self, base: type) -> dict[str, str]:
        """The full forms of the names of families, with their numbers. A name that can't be loaded has no other form."""
        written = {}
        for name in self:
            with contextlib.suppress(UserError):
                found = self._target(name)
                if not isinstance(found, base) and callable(found):
                    written[name] = _with_numbers(name, found)
        return written

    def name_of(self, found: Any) -> str | None:
        """The name from which `load` returns a class or function, or None if there is no such name."""
        module, attribute = getattr(found, "__module__", ""), getattr(found, "__qualname__", "")
        if module.startswith(_FROM_FILE):
            return f"{sys.modules[module].__file__}:{attribute}"
        for name, target in (self._table | self.targets() | self._unlisted).items():  # built-in names first, former ones last
            if target == f"{module}:{attribute}":
                return name
        return None


@functools.lru_cache(maxsize=64)
def _announced(group: str, _path: tuple[tuple[str, int], ...]) -> dict[str, str]:
    """The entry points of a group. Reading the metadata of all installed packages takes about 10 ms, hence the cache."""
    return {point.name: point.value for point in entry_points(group=group)}


def _search_path() -> tuple[tuple[str, int], ...]:
    """The folders in which packages are found, with their modification times, which change if a package is installed."""

    def changed(folder: str) -> int:
        try:
            return os.stat(folder or ".").st_mtime_ns
        except OSError:  # not every folder of the path exists
            return -1

    return tuple((folder, changed(folder)) for folder in sys.path)


def is_file(name: str) -> bool:
    """Whether a name has the form ``path/to/file.py:Name``."""
    return ".py:" in name


def untrusted(files: Iterable[Path]) -> str:
    """The message for code in a run folder that is not loaded."""
    return (
        f"the run uses Python code from {', '.join(map(str, files))}, which is executed only if you trust it: inspect it, then "
        "use --trust (`trust=True`)"
    )


@contextlib.contextmanager
def trusting(trust: bool) -> Iterator[None]:
    """A context in which Python files are loaded only with `trust`, for names that come from a file of another person.

    A text can spell a name in more than one way, for instance with escapes of JSON, or in a key. The check is therefore made
    where a file is loaded, and not on the text.
    """
    with contextlib.nullcontext() if trust else trusting_only(()):
        yield


@contextlib.contextmanager
def trusting_only(files: Iterable[Path]) -> Iterator[None]:
    """A context in which no Python files but these are loaded."""
    outside, inside = _trusted.get(), frozenset(files)
    before = _trusted.set(inside if outside is None else inside & outside)
    try:
        yield
    finally:
        _trusted.reset(before)


def require_trust(files: Sequence[Path]) -> None:
    """Check that Python files may be loaded here.

    Raises:
        UntrustedCodeError: If there are some, and they may not.
    """
    trusted = _trusted.get()
    if trusted is not None and (others := [file for file in files if file not in trusted]):
        raise UntrustedCodeError(untrusted(others), files=others)


def _version(name: str) -> tuple[Any, ...]:
    """A key that identifies the state of the file in ``path/to/file.py:Name``; empty for other names."""
    path = Path(name.rpartition(":")[0])
    if not is_file(name) or not path.is_file():
        return ()
    status = path.stat()
    return path.resolve(), status.st_mtime_ns, status.st_size


def _numbers_behind(text: str) -> tuple[str, list[str] | None]:
    """A name, and the arguments in brackets that follow it, or None if there are no brackets.

    Example:
        >>> _numbers_behind("phase(1.5, 0)"), _numbers_behind("tanh")
        (('phase', ['1.5', ' 0']), ('tanh', None))
    """
    match = re.fullmatch(r"\s*(.*?)\s*(?:\(([^()]*)\)\s*)?", text, re.DOTALL)
    name, inside = match.groups() if match else (text, None)
    return name, None if inside is None else inside.split(",") if inside.strip() else []


def _with_numbers(name: str, family: Callable[..., Any]) -> str:
    """The form of a member of a family, ``ricker(a)``; only the name if all of its numbers have defaults."""
    try:
        parameters = inspect.signature(family).parameters.values()
    except ValueError:  # some built-in classes have no signature
        return name
    needed = any(parameter.default is parameter.empty for parameter in parameters)
    return f"{name}({', '.join(parameter.name for parameter in parameters)})" if needed else name


def load_from_file(kind: str, target: str, base: type | None = None) -> Any:
    """The object to which ``path/to/file.py:Name`` refers.

    Args:
        kind: The kind of the object, for messages.
        target: The file and the name.
        base: A class whose instances are accepted in addition to classes and functions defined in the file.

    Raises:
        UnknownNameError: If the file does not exist or does not define the name.
        OptionError: If the file can't be imported.
        UntrustedCodeError: If no Python files may be loaded here, see `trusting`.
    """
    path, _, attribute = target.rpartition(":")
    require_trust([Path(path)])
    module = import_file(Path(path))
    if not hasattr(module, attribute):
        own = [
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__ or (base is not None and isinstance(value, base))
        ]
        raise UnknownNameError(f"{path} defines no {kind} '{attribute}': {nearest(attribute, own)}", name=attribute)
    return getattr(module, attribute)


def import_file(path: Path) -> ModuleType:
    """Import a Python file by its path.

    Raises:
        UnknownNameError: If the file does not exist.
        OptionError: If the file can't be imported.
    """
    if not path.is_file():
        raise UnknownNameError(f"there is no file '{path}'; give the path of a Python file, then a colon and a name in it")
    digest = hashlib.sha256(str(path.resolve()).encode() + path.read_bytes()).hexdigest()[:8]
    name = f"{_FROM_FILE}{digest}_{path.stem}"
    if name in sys.modules:  # the file has not changed: its classes must remain the same objects
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and type hints look up their module there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        raise OptionError(f"'{path}' can't be imported: {type(error).__name__}: {error}") from error
    return module

"""Representation of objects by plain data, which identifies a problem and is stored in run folders.

A tree of content consists of numbers, text, lists, dictionaries with text keys, and numpy arrays. An object that can be rebuilt
from such data is a dictionary whose ``"type"`` is its name in `TYPES` or in a registry such as that of domains. Any other object,
for example a Python function, is a leaf `Opaque`.

Equal trees have equal digests on every machine. Values under the key ``"title"`` are for display and do not enter the digest.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeGuard

from pdefreq.core.errors import RunFolderError, UntrustedCodeError
from pdefreq.core.registry import Registry, is_file, nearest, untrusted

if TYPE_CHECKING:
    import numpy as np

TYPES = Registry(
    "type of content",
    "pdefreq.core.content",
    {
        "constant": "pdefreq.core.fields:ConstantField",
        "quotient": "pdefreq.core.fields:Quotient",
        "expression": "pdefreq.problem.expressions:ExpressionField",
        "region": "pdefreq.problem.expressions:Region",
        "nearest-value": "pdefreq.problem.data:NearestValue",
        "data": "pdefreq.problem.data:Data",
        "grid": "pdefreq.problem.grid_field:GridField",
        "with-holes": "pdefreq.domains.holes:WithHoles",
        "diffusion": "pdefreq.problem.terms.diffusion:Diffusion",
        "convection": "pdefreq.problem.terms.convection:Convection",
        "reaction": "pdefreq.problem.terms.reaction:Reaction",
        "nonlinear": "pdefreq.problem.terms.nonlinear:Nonlinear",
        "boundary-part": "pdefreq.problem.boundary_conditions:BoundaryPart",
        "spectrum": "pdefreq.problem.spectrum:Spectrum",
    },
)
"""The classes that can be rebuilt from content. Other packages add classes by entry points in ``pdefreq.core.content``."""

_MORE_TYPES = ("pdefreq.domains:DOMAINS",)
"""Further registries of content types, whose names include ``my_file.py:Name``."""


@dataclass(frozen=True)
class Opaque:
    """A Python object without a representation by plain data; None if the object has been left out."""

    value: Any = None


class Content:
    """Base class of the frozen dataclasses that can be represented by plain data and rebuilt from them."""

    content_type: ClassVar[str] = ""
    """The name of the class in `TYPES`. A subclass without its own name, in `TYPES` or in a registry, is opaque."""

    def content(self) -> Any:
        """The object as a tree of its type and its constructor arguments."""
        name = vars(type(self)).get("content_type") or _registered_name(type(self))
        if not name:
            return Opaque(self)
        return {"type": name} | {f.name: encode(getattr(self, f.name)) for f in fields(self) if f.init}  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_content(cls, arguments: dict[str, Any]) -> Self:
        """The inverse of `content`.

        Args:
            arguments: The entries except the type, with lists converted to tuples and entries with a type to objects.
        """
        return cls(**arguments)


def encode(value: Any) -> Any:
    """A value as a tree of content."""
    if isinstance(value, Content):
        return value.content()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: encode(each) for key, each in value.items()}
    return value if _is_array(value) else Opaque(value)


def decode(data: Any, *, trust: bool = False) -> Any:
    """The object represented by a tree: the inverse of `encode`.

    Args:
        data: The tree.
        trust: Whether Python files that define its types may be loaded.

    Raises:
        RunFolderError: If the tree contains an unknown type, or invalid arguments of a type.
        UntrustedCodeError: If it contains a type from a file that is not trusted.
    """
    if not trust and (files := code_files(data)):
        raise UntrustedCodeError(untrusted(files), files=list(files))
    registries = _registries()

    def make(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(make(each) for each in value)
        if not isinstance(value, Mapping):
            return value
        arguments = {key: make(each) for key, each in value.items() if key != "type"}
        if "type" not in value:
            return arguments
        name = str(value["type"])
        registry = next((each for each in registries if name in each), registries[-1] if is_file(name) else None)
        if registry is None:
            known = [known for each in registries for known in each]
            raise RunFolderError(f"the problem contains the unknown content type '{name[:60]}': {nearest(name, known)}")
        found = registry.load(name)
        if not (isinstance(found, type) and issubclass(found, Content)):
            raise RunFolderError(f"the problem contains '{name[:60]}', which is not a content type")
        try:
            return found.from_content(arguments)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
            raise RunFolderError(f"the problem contains invalid content of type '{name}': {_first_line(error)}") from None

    return make(data)


def _registries() -> list[Registry]:
    """All registries of content types: first `TYPES`, then the others."""
    return [TYPES, *(getattr(importlib.import_module(m), name) for m, name in (each.split(":") for each in _MORE_TYPES))]


def _registered_name(kind: type) -> str | None:
    return next((name for registry in _registries()[1:] if (name := registry.name_of(kind))), None)


def code_files(data: Any) -> list[Path]:
    """The Python files to which plain data refer by texts of the form ``my_file.py:Name``: types of content, and parts."""
    if isinstance(data, Mapping):
        data = [*data.values()]
    if isinstance(data, (list, tuple)):
        return [path for value in data for path in code_files(value)]
    return [Path(data.rpartition(":")[0])] if isinstance(data, str) and is_file(data) else []


def moved(data: Any, place: Callable[[Path], Path]) -> Any:
    """Plain data in which each path of a Python file is replaced by that of another file.

    Args:
        data: The data.
        place: A function from the path of a file to the path of its copy.
    """
    if isinstance(data, Mapping):
        return {key: moved(value, place) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(moved(value, place) for value in data)
    if not code_files(data):
        return data
    path, _, name = data.rpartition(":")
    return f"{place(Path(path))}:{name}"


def beside(data: Any, folder: Path) -> Any:
    """Plain data in which each Python file is replaced by its copy in a folder."""
    return moved(data, lambda path: folder / path.name)


def opaque_parts(data: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The opaque objects in a tree, each with its place, such as ``"boundary.0.value"``."""
    if isinstance(data, Opaque):
        yield place, data.value
    elif isinstance(data, (Mapping, list)):
        for key, value in data.items() if isinstance(data, Mapping) else enumerate(data):
            yield from opaque_parts(value, f"{place}.{key}" if place else str(key))


def digest(data: Any) -> str:
    """The SHA-256 digest of a tree, 64 hexadecimal digits. Integers and floats of the same value are considered equal.

    A Python file that defines a type enters the digest by its name without the folder.
    """
    return hashlib.sha256(_canonical(beside(data, Path())).encode()).hexdigest()


def pack(data: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """A tree as JSON, and its arrays by the names to which the JSON refers."""
    arrays: dict[str, np.ndarray] = {}

    def packed(value: Any) -> Any:
        if isinstance(value, Opaque):
            return {"opaque": True}
        if isinstance(value, Mapping):
            return {key: packed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [packed(each) for each in value]
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": repr(value)}
        if _is_array(value):
            name = _array_digest(value)
            arrays[name] = value
            return {"array": name}
        return value

    return packed(data), arrays


def unpack(data: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of `pack`.

    Raises:
        RunFolderError: If an array is missing or has changed.
    """

    def unpacked(value: Any) -> Any:
        if isinstance(value, list):
            return [unpacked(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        if value.keys() == {"opaque"}:
            return Opaque()
        if value.keys() == {"float"}:
            return float(value["float"])
        if value.keys() == {"array"}:
            name = str(value["array"])
            if name not in arrays or _array_digest(arrays[name]) != name:
                raise RunFolderError(f"the problem of the run is damaged: its array {name[:12]} is missing or has changed")
            return arrays[name]
        return {key: unpacked(each) for key, each in value.items()}

    return unpacked(data)


def _canonical(data: Any) -> str:
    if isinstance(data, Opaque):
        return "opaque"
    if isinstance(data, Mapping):
        entries = (f"{json.dumps(key)}:{_canonical(value)}" for key, value in sorted(data.items()) if key != "title")
        return "{" + ",".join(entries) + "}"
    if isinstance(data, list):
        return "[" + ",".join(map(_canonical, data)) + "]"
    if isinstance(data, int) and not isinstance(data, bool) and abs(data) < 2**53:
        return repr(float(data))
    if isinstance(data, float):
        return repr(data + 0.0)  # maps -0.0 to 0.0
    return f"array {_array_digest(data)}" if _is_array(data) else json.dumps(data)


def _array_digest(array: np.ndarray) -> str:
    import numpy as np

    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()[:32]


def _is_array(value: Any) -> TypeGuard[np.ndarray]:
    return hasattr(value, "__array__") and hasattr(value, "dtype") and hasattr(value, "tobytes")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]

"""JSON from strangers: strict reading, and the comparison with a schema."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

from pdefreq.core.conversion import shown

MAX_DEPTH = 60
"""The largest depth of nested lists and objects."""
_INTEGERS = range(-(2**63), 2**64)  # of 64 bits, with or without a sign
_DIGITS = 20
_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false", types.NoneType: "null"}


def parse_json(data: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        ValueError: If the text is not strict JSON: with nan or infinity, integers beyond 64 bits, a key twice in one object, more
            than `MAX_DEPTH` levels, or text that is not Unicode. The message is a clause.
    """
    try:
        value = json.loads(
            data.decode(), parse_int=_integer, parse_float=_number, parse_constant=_number, object_pairs_hook=_distinct
        )
    except RecursionError:
        raise ValueError(f"its lists and objects are nested more than {MAX_DEPTH} levels deep") from None
    _require_plain(value, MAX_DEPTH)
    return value


def _integer(text: str) -> int:
    if len(text) > _DIGITS or int(text) not in _INTEGERS:  # the conversion of many digits takes long
        raise ValueError(f"the integer {text[:30]}{'...' * (len(text) > 30)} needs more than 64 bits")
    return int(text)


def _number(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"the number {text[:30]} is not finite")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {shown(twice)} is given twice")
    return found


def _require_plain(value: Any, levels: int) -> None:
    """Check the depth, and that each text can be written as UTF-8."""
    if not levels:
        raise ValueError(f"its lists and objects are nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair raises an error, which is a `ValueError`
    elif isinstance(value, dict):
        for key, each in value.items():
            key.encode()
            _require_plain(each, levels - 1)
    elif isinstance(value, list):
        for each in value:
            _require_plain(each, levels - 1)


def require_schema(value: Any, schema: Any, place: str = "") -> None:
    """Compare a JSON value, in which lists may be tuples, with a schema.

    Args:
        value: The value.
        schema: An annotation: a plain type, ``None``, `Any`, a `Literal`, ``list[T]``, ``Mapping[str, T]``, a union, or a
            `TypedDict`, whose keys are then all that an object may have. An integer is also a `float`.
        place: The place of the value in messages, such as ``"spec.stop"``.

    Raises:
        ValueError: If the value does not fit. The message is a clause: the place, the expected and the actual value.
    """
    if typing.is_typeddict(schema):
        _require_object(value, schema, place)
        return
    origin, arguments = typing.get_origin(schema), typing.get_args(schema)
    if origin is list and isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            require_schema(each, arguments[0], f"{place}.{number}")
    elif origin is Mapping and isinstance(value, Mapping):
        for key, each in value.items():
            require_schema(each, arguments[1], f"{place}.{key}")
    elif origin in (types.UnionType, typing.Union):
        fitting = [each for each in arguments if _fits(value, each)]
        if not fitting:
            raise _unlike(value, schema, place)
        require_schema(value, fitting[0], place)
    elif not _fits(value, schema):
        raise _unlike(value, schema, place)


def _require_object(value: Any, schema: Any, place: str) -> None:
    if not isinstance(value, Mapping):
        raise _unlike(value, schema, place)
    hints = typing.get_type_hints(schema)
    if missing := sorted(_required_keys(schema) - value.keys()):
        raise ValueError(f"{_inner(place, missing[0])} is missing")
    if unknown := sorted(value.keys() - hints.keys()):
        raise ValueError(f"{_inner(place, unknown[0])} is not known")
    for key, each in value.items():
        require_schema(each, hints[key], _inner(place, key))


def _required_keys(schema: Any) -> frozenset[str]:
    """The required keys of a `TypedDict`, also if its annotations are text, whose `NotRequired` the interpreter does not see."""
    hints = typing.get_type_hints(schema, include_extras=True)
    return schema.__required_keys__ - {key for key, hint in hints.items() if typing.get_origin(hint) is typing.NotRequired}


def _inner(place: str, key: str) -> str:
    name = key if len(key) <= 40 else f"{key[:37]}..."
    return f"{place}.{name}" if place else name


def _fits(value: Any, schema: Any) -> bool:
    """Whether the outermost type of a value fits."""
    origin = typing.get_origin(schema)
    if schema is Any:
        return True
    if origin is typing.Literal:
        return any(value is each or (isinstance(each, str) and value == each) for each in typing.get_args(schema))
    if typing.is_typeddict(schema) or origin is Mapping:
        return isinstance(value, Mapping)
    if origin is list:
        return isinstance(value, (list, tuple))
    if schema is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is (types.NoneType if schema is None else schema)


def _unlike(value: Any, schema: Any, place: str) -> ValueError:
    return ValueError(f"{place or 'its content'} must be {_described(schema)}, got {shown(value)}")


def _described(schema: Any) -> str:
    origin, arguments = typing.get_origin(schema), typing.get_args(schema)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin in (types.UnionType, typing.Union):
        return " or ".join(map(_described, arguments))
    if origin is list:
        return "a list"
    return _NAMES.get(schema, "an object")

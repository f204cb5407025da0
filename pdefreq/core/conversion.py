"""Conversion of the values of options to their annotated types, and descriptions of annotations in words."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

from pdefreq.core.errors import OptionError
from pdefreq.core.printable import printable


def convert(key: str, value: Any, annotation: Any) -> Any:
    """Convert a value to its annotated type. Text is parsed as JSON if possible; arrays and lists become tuples.

    Raises:
        OptionError: If the value does not fit the annotation.
    """
    value = _plain(value)
    if isinstance(value, str):
        read = _read(value)
        if _fits(read, annotation):
            value = read
    if not _fits(value, annotation):
        wide = isinstance(value, int) and not _is_whole(value) and int in (annotation, *typing.get_args(annotation))
        limit = " of at most 64 bits" if wide and not isinstance(value, bool) else ""
        raise OptionError(f"option '{key}' must be {describe(annotation)}{limit}, got {shown(value)}", option=key)
    return _shape(value, annotation)


def _plain(value: Any) -> Any:
    """Convert arrays, tensors and their scalars to lists and Python numbers, also inside lists and mappings."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value] if isinstance(value, list) else tuple(map(_plain, value))
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return _plain(value.tolist()) if hasattr(value, "tolist") else value


def _read(text: str) -> Any:
    """Parse text as JSON, or as ``name:number,name:number``; other text is returned unchanged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # a few thousand brackets exceed the stack
        pass
    pairs = [pair.partition(":") for pair in text.split(",")]
    try:
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        return text


def describe(annotation: Any) -> str:
    """An annotation in words."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, args))
    if origin is tuple:
        if typing.get_origin(args[0]) is tuple:
            return f"a list of lists of {_plural(typing.get_args(args[0])[0])} such as [[1,2],[3,4]]"
        return f"a list of {_plural(args[0])} such as [1,2,4]"
    if origin is Mapping:
        return "numbers by name such as first:1,second:10"
    if origin is Callable:
        return "a function"
    if args:  # a union
        return " or ".join(describe(a) for a in args)
    names = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "true or false",
        list: "a list of values",
        NoneType: "null",
    }
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def shown(value: Any) -> str:
    """A value for a message, as one line of at most 80 characters."""
    return printable(repr(value), 80)


def _plural(annotation: Any) -> str:
    return describe(annotation).removeprefix("a ") + "s"


def _fits(value: Any, annotation: Any) -> bool:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return value in args
    if origin is tuple:
        return isinstance(value, (list, tuple)) and len(value) > 0 and all(_fits(v, args[0]) for v in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(k, args[0]) and _fits(v, args[1]) for k, v in value.items())
    if origin is Callable:
        return callable(value)
    if args:
        return any(_fits(value, a) for a in args)
    if annotation is float:
        return isinstance(value, float) or _is_whole(value)
    if annotation is int:
        return _is_whole(value)
    return isinstance(value, annotation)


def _is_whole(value: Any) -> bool:
    """Whether a value is an integer of at most 64 bits, as arrays, sizes and loops need."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _shape(value: Any, annotation: Any) -> Any:
    """A value that fits its annotation, with lists converted to tuples and, if floats are annotated, integers to floats."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple:
        return tuple(_shape(v, args[0]) for v in value)
    if origin is Mapping:
        return {key: float(v) for key, v in value.items()}
    if args and origin not in (typing.Literal, Callable):  # a union: the first type that fits
        return _shape(value, next(a for a in args if _fits(value, a)))
    return float(value) if annotation is float else value

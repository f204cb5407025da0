"""JSON is read strictly, and compared with schemas."""

import json
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.strict_json import MAX_DEPTH, parse_json, require_schema

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_values_are_restored(value):
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[18446744073709551616]", "64 bits"),
        ("[-9223372036854775809]", "64 bits"),
        ("1" * 10_000, "64 bits"),
        ("NaN", "not finite"),
        ("[-Infinity]", "not finite"),
        ("1e999", "not finite"),
        ('{"a": 1, "a": 1}', "'a' is given twice"),
        ("[" * 100_000, "levels"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "levels"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "levels"),
        ('"\\ud800"', "surrogates"),
        ("{", "Expecting"),
        ("", "Expecting"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_json(text.encode())


def test_bytes_that_are_not_utf_8_are_refused():
    with pytest.raises(ValueError, match="utf-8"):
        parse_json(b'"\xff"')


class Inner(TypedDict):
    steps: int | None


class Outer(TypedDict):
    seed: int
    kind: Literal["a", "b"]
    inner: Inner
    by_name: Mapping[str, float]
    items: list[Mapping[str, Any]] | None
    text: NotRequired[str]


class Postponed(TypedDict):
    """Its annotations are text, as all are in modules with ``from __future__ import annotations``."""

    step: "int"
    text: "NotRequired[str]"


GOOD = {"seed": 1, "kind": "a", "inner": {"steps": None}, "by_name": {"x": 1}, "items": [{"y": [1]}]}


@pytest.mark.parametrize("change", [{}, {"items": None}, {"text": "x"}, {"by_name": {}}, {"items": ({},)}])
def test_a_value_that_fits_its_schema(change):
    require_schema(GOOD | change, Outer)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": True}, "seed must be a whole number, got True"),
        ({"seed": 1.0}, "seed must be a whole number, got 1.0"),
        ({"seed": "1"}, "seed must be a whole number, got '1'"),
        ({"kind": "c"}, "kind must be one of a, b, got 'c'"),
        ({"kind": []}, "kind must be one of a, b"),
        ({"inner": []}, "inner must be an object"),
        ({"inner": {}}, "inner.steps is missing"),
        ({"inner": {"steps": "x"}}, "inner.steps must be a whole number or null, got 'x'"),
        ({"inner": {"steps": 1, "more": 2}}, "inner.more is not known"),
        ({"by_name": {"x": True}}, "by_name.x must be a number, got True"),
        ({"items": [{}, 3]}, "items.1 must be an object, got 3"),
        ({"items": {}}, "items must be a list or null"),
        ({"text": None}, "text must be text, got None"),
    ],
)
def test_the_message_names_the_place_the_expected_and_the_actual_value(change, reason):
    with pytest.raises(ValueError) as refusal:
        require_schema(GOOD | change, Outer)
    assert reason in str(refusal.value)


def test_keys_that_are_not_required_may_be_missing_also_if_annotations_are_text():
    """The interpreter counts such keys as required."""
    assert Postponed.__required_keys__ == {"step", "text"}
    require_schema({"step": 1}, Postponed)
    require_schema({"step": 1, "text": "x"}, Postponed)
    for value, reason in (({"text": "x"}, "step is missing"), ({"step": 1, "text": 2}, "text must be text, got 2")):
        with pytest.raises(ValueError, match=reason):
            require_schema(value, Postponed)


def test_a_repeated_key_among_many_is_found_at_once():
    """In time linear in the number of keys: a quadratic search takes three hours for these."""
    pairs = ",".join(f'"k{i}": 0' for i in range(500_000))
    with pytest.raises(ValueError, match="the key 'k0' is given twice"):
        parse_json(f'{{{pairs}, "k0": 0}}'.encode())

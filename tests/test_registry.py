from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.composition import MISSING, build, options_of
from pdefreq.errors import OptionError, UnknownNameError, UserError
from pdefreq.registry import Registry, named


@dataclass(frozen=True)
class Thing:
    """A thing.

    Args:
        size: How large,
            in metres.
        widths: Of its parts.
        kind: Which.
    """

    size: float
    widths: tuple[int, ...] = (1, 2)
    kind: Literal["round", "square"] = "round"
    limit: int | None = None
    on: bool = field(default_factory=bool)


def test_options_come_from_the_signature_and_the_docstring():
    size, widths, *_, on = options_of(Thing)
    assert (size.name, size.default, size.doc) == ("size", MISSING, "How large, in metres.")
    assert (widths.default, widths.doc) == ((1, 2), "Of its parts.")
    assert on.default is False


def test_text_is_read_as_the_annotation_wants_it():
    made = build("thing", "thing", Thing, {"size": "2", "widths": "[3, 4]", "kind": "square", "limit": "7", "on": "true"})
    assert made == Thing(2.0, (3, 4), "square", 7, True)
    assert isinstance(made.size, float)
    assert build("thing", "thing", Thing, {"size": 1e-3, "limit": "null"}).limit is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": "big"}, "option 'size' must be a number, got 'big'"),
        ({"size": "true"}, "option 'size' must be a number"),
        ({"size": 1, "widths": "3"}, "a list of whole numbers"),
        ({"size": 1, "widths": "[1.5]"}, "a list of whole numbers"),
        ({"size": 1, "widths": "[]"}, "a list of whole numbers"),
        ({"size": 1, "kind": "oval"}, "one of round, square"),
        ({"size": 1, "limit": "0.5"}, "a whole number or null"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_what_was_expected(options, sentence):
    with pytest.raises(OptionError, match=sentence.replace("[", r"\[")):
        build("thing", "thing", Thing, options)


def test_arrays_and_their_numbers_are_taken_as_pythons_own():
    made = build("thing", "thing", Thing, {"size": np.float32(0.5), "widths": np.array([3, 4]), "limit": np.int64(7)})
    assert made == Thing(0.5, (3, 4), "round", 7)
    assert {type(made.size), type(made.limit), *map(type, made.widths)} == {float, int}
    assert build("thing", "thing", Thing, {"size": 1, "widths": (np.int64(3), 4)}).widths == (3, 4)
    with pytest.raises(OptionError, match="a list of whole numbers"):
        build("thing", "thing", Thing, {"size": 1, "widths": np.array([1.5])})


def test_names_that_need_numbers_are_offered_with_them():
    def wave(a: float) -> float:
        return a

    for text, hint in (("zz", r"known are flat, wave\(a\)\."), ("wav", r"did you mean 'wave\(a\)'")):
        with pytest.raises(UnknownNameError, match=hint):
            named("shape", text, {"flat": 0.0}, {"wave": wave})


def test_an_unknown_option_gets_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'widths'"):
        build("thing", "thing", Thing, {"width": 3})


def test_an_unknown_name_gets_the_nearest_one_or_the_list():
    registry = Registry("method", "pdefreq.nobody", {"jacobi": "json:loads", "sine": "json:dumps"})
    with pytest.raises(UnknownNameError, match="unknown method 'jacoby': did you mean 'jacobi'"):
        registry.load("jacoby")
    with pytest.raises(UnknownNameError, match="known are jacobi, sine"):
        registry.load("zzz")


FAMILIES = {"normal": lambda std: ("normal", std), "phase": lambda gamma, gamma_prime: ("phase", gamma, gamma_prime)}


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", " "])
)
def test_a_name_takes_numbers_in_brackets(a, b, space):
    assert named("initialization", f"phase({a!r},{space}{b!r})", {}, FAMILIES) == ("phase", a, b)
    assert named("initialization", f"{space}normal{space}({a!r})", {}, FAMILIES) == ("normal", a)


@given(st.text(max_size=12))
def test_any_other_text_is_refused_in_one_sentence(text):
    with pytest.raises(UserError) as caught:
        named("initialization", text, {"glorot": 1}, FAMILIES)
    assert str(caught.value).startswith(("unknown initialization", "initialization"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("normal", r"initialization 'normal' takes numbers in brackets, normal\(std\), got 'normal'"),
        ("phase(1)", r"phase\(gamma, gamma_prime\), got 'phase\(1\)'"),
        ("glorot(2)", "initialization 'glorot' takes no numbers, got 'glorot\\(2\\)': write glorot"),
        ("norml(2)", "unknown initialization 'norml': did you mean 'normal\\(std\\)'"),
        ("normal(__import__)", "takes numbers in brackets"),
    ],
)
def test_wrong_numbers_are_named(text, message):
    with pytest.raises(UserError, match=message):
        named("initialization", text, {"glorot": 1}, FAMILIES)

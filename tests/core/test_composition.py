from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest

from pdefreq.core.composition import Part, build, decode_part, encode_part
from pdefreq.core.errors import OptionError, RunFolderError, UnknownNameError
from pdefreq.core.options import MISSING, options_of
from pdefreq.core.registry import Registry


@dataclass(frozen=True)
class Thing:
    """A thing.

    Args:
        size: How large,
            in meters.
        widths: Widths of its parts.
        kind: Shape of the thing.
    """

    size: float
    widths: tuple[int, ...] = (1, 2)
    kind: Literal["round", "square"] = "round"
    limit: int | None = None
    on: bool = field(default_factory=bool)


def test_options_come_from_the_signature_and_the_docstring():
    size, widths, *_, on = options_of(Thing)
    assert (size.name, size.default, size.doc) == ("size", MISSING, "How large, in meters.")
    assert (widths.default, widths.doc) == ((1, 2), "Widths of its parts.")
    assert on.default is False


def test_text_is_converted_to_the_annotated_type():
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
def test_a_value_of_the_wrong_type_is_refused_with_the_expected_type(options, sentence):
    with pytest.raises(OptionError, match=sentence.replace("[", r"\[")):
        build("thing", "thing", Thing, options)


def test_numpy_arrays_and_numbers_are_converted_to_python_types():
    made = build("thing", "thing", Thing, {"size": np.float32(0.5), "widths": np.array([3, 4]), "limit": np.int64(7)})
    assert made == Thing(0.5, (3, 4), "round", 7)
    assert {type(made.size), type(made.limit), *map(type, made.widths)} == {float, int}
    assert build("thing", "thing", Thing, {"size": 1, "widths": (np.int64(3), 4)}).widths == (3, 4)
    with pytest.raises(OptionError, match="a list of whole numbers"):
        build("thing", "thing", Thing, {"size": 1, "widths": np.array([1.5])})


def test_an_unknown_option_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'widths'"):
        build("thing", "thing", Thing, {"width": 3})


def test_a_part_without_a_registered_name_is_not_encoded():
    @dataclass(frozen=True)
    class Gear(Part):
        registry = Registry("gear", "pdefreq.nobody", {})
        teeth: int = 7

    assert encode_part(Gear()) is None
    assert Gear().with_options(teeth="9") == Gear(9)
    with pytest.raises(RunFolderError, match="a gear must be written as its name and its options"):
        decode_part(Gear.registry, [])

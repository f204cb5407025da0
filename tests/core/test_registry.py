import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError, UnknownNameError, UserError
from pdefreq.core.registry import Registry


def test_an_unknown_name_is_refused_with_the_nearest_name_or_the_list():
    registry = Registry("method", "pdefreq.nobody", {"jacobi": "json:loads", "sine": "json:dumps"})
    with pytest.raises(UnknownNameError, match="unknown method 'jacoby': did you mean 'jacobi'"):
        registry.load("jacoby")
    with pytest.raises(UnknownNameError, match="known names are jacobi, sine"):
        registry.load("zzz")


@dataclass(frozen=True)
class Shape:
    numbers: tuple[float, ...] = ()


FLAT = Shape()


def wave(a: float) -> Shape:
    if a == 7:
        raise ValueError("seven is not allowed")
    return Shape((a,))


def phase(gamma: float, gamma_prime: float) -> Shape:
    return Shape((gamma, gamma_prime))


def bump(width: float = 0.5) -> Shape:
    return Shape((width,))


@dataclass(frozen=True)
class Spike(Shape):
    """A class is a family, too: its fields are the numbers in brackets."""


SQRT = getattr


def number(a: float) -> float:
    return a


TABLE = {
    "flat": "FLAT",
    "wave": "wave",
    "phase": "phase",
    "bump": "bump",
    "spike": "Spike",
    "number": "number",
    "title": "__doc__",
    "written-in-c": "SQRT",
}
SHAPES = Registry("shape", "pdefreq.nobody", {name: f"{__name__}:{attribute}" for name, attribute in TABLE.items()})
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(FLOATS, FLOATS, st.sampled_from(["", " "]))
def test_a_name_takes_numbers_in_brackets(a, b, space):
    assert SHAPES.named(f"phase({a!r},{space}{b!r})", Shape) == Shape((a, b))
    assert SHAPES.named(f"{space}wave{space}({a!r})", Shape) == Shape((a,))


def test_a_name_is_an_object_a_family_or_a_class():
    assert SHAPES.named("flat", Shape) is FLAT
    assert SHAPES.named("bump", Shape) == SHAPES.named("bump()", Shape) == Shape((0.5,))
    assert SHAPES.named("bump(2)", Shape) == Shape((2.0,))
    assert SHAPES.named("spike", Shape) == Spike()
    assert SHAPES.named("wave(1)", Shape) is SHAPES.named("wave(1)", Shape)  # one object per name


@given(st.text(max_size=12))
def test_any_other_text_is_refused_in_one_sentence(text):
    with pytest.raises(UserError) as caught:
        SHAPES.named(text, Shape)
    assert str(caught.value).startswith(("unknown shape", "shape", "there is no file"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wave", r"shape 'wave' takes numbers in brackets, wave\(a\), got 'wave'"),
        ("phase(1)", r"phase\(gamma, gamma_prime\), got 'phase\(1\)'"),
        ("flat(2)", "shape 'flat' takes no numbers, got 'flat\\(2\\)': write flat"),
        ("wav(2)", r"unknown shape 'wav': did you mean 'wave\(a\)'"),
        ("zz", r"known names are bump, flat, number\(a\), phase\(gamma, gamma_prime\), spike, title, wave\(a\), written-in-c\."),
        ("wave(__import__)", "takes numbers in brackets"),
        ("wave(7)", r"shape 'wave\(7\)': seven is not allowed"),
        (
            "number(1)",
            "an object of the class Shape or a function of numbers that returns one, got a function that returns float",
        ),
        (
            "written-in-c",
            "an object of the class Shape or a function of numbers that returns one, got builtin_function_or_method",
        ),
        ("title", "an object of the class Shape or a function of numbers that returns one, got NoneType"),
    ],
)
def test_wrong_numbers_and_wrong_objects_are_refused_by_name(text, message):
    with pytest.raises(UserError, match=message):
        SHAPES.named(text, Shape)


FILE = f"""
from {__name__} import FLAT, Shape

MINE = Shape((1.0,))
TEXT = "text"

def tall(height):
    return Shape((height,))
"""


def test_a_file_provides_objects_and_families_and_is_reloaded_after_a_change(tmp_path):
    file = tmp_path / "dir(1)" / "shapes.py"
    file.parent.mkdir()
    file.write_text(FILE)
    assert SHAPES.named(f"{file}:MINE", Shape) == Shape((1.0,))
    assert SHAPES.named(f"{file}:MINE", Shape) is SHAPES.named(f"{file}:MINE", Shape)
    assert SHAPES.named(f"{file}:tall(3)", Shape) == Shape((3.0,))
    with pytest.raises(UnknownNameError, match=r"shapes.py defines no shape 'MINNE': did you mean 'MINE'\?"):
        SHAPES.named(f"{file}:MINNE", Shape)
    with pytest.raises(OptionError, match=r"shapes.py:TEXT' must be an object of the class Shape .*, got str"):
        SHAPES.named(f"{file}:TEXT", Shape)
    with pytest.raises(OptionError, match=r"takes numbers in brackets, .*shapes.py:tall\(height\) and returns the Shape, got"):
        SHAPES.named(f"{file}:tall", Shape)
    with pytest.raises(OptionError, match=r"shapes.py:TEXT' must be a class or a function, got str"):
        SHAPES.load(f"{file}:TEXT")
    file.write_text(FILE.replace("1.0", "12.0"))
    assert SHAPES.named(f"{file}:MINE", Shape) == Shape((12.0,))


@pytest.fixture
def announced(tmp_path, monkeypatch):
    """An installed package that announces a shape, one whose module is missing, and one with the name of a built-in shape."""
    (tmp_path / "other_shapes.py").write_text(FILE)
    meta = tmp_path / "other-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    entries = "mine = other_shapes:MINE\nlost = no_such_module:MINE\nflat = other_shapes:MINE\n"
    (meta / "entry_points.txt").write_text(f"[pdefreq.nobody]\n{entries}")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("announced")
def test_a_package_adds_names_but_replaces_no_built_in_name():
    registry = Registry("shape", "pdefreq.nobody", {"flat": f"{__name__}:FLAT"})
    assert set(registry) == {"flat", "mine", "lost"}
    assert registry.named("mine", Shape) == Shape((1.0,)) and registry.named("flat", Shape) is FLAT
    with pytest.raises(OptionError, match="shape 'lost', which an installed package announces as no_such_module:MINE, can't be"):
        registry.named("lost", Shape)
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):  # the broken entry does not interfere
        registry.named("mein", Shape)
    assert registry.summaries()["lost"].endswith("No module named 'no_such_module'")


def test_a_package_that_appears_later_is_found(tmp_path, monkeypatch):
    """The entry points are read once for each state of the search path."""
    registry = Registry("shape", "pdefreq.later", {"flat": f"{__name__}:FLAT"})
    monkeypatch.syspath_prepend(tmp_path)
    assert set(registry) == {"flat"}
    meta = tmp_path / "late-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(f"[pdefreq.later]\nround = late_shapes:MINE\nlevel = {__name__}:FLAT\n")
    os.utime(tmp_path, ns=(1, 1))  # another time of change, even if the clock of the file system is coarse
    assert set(registry) == {"flat", "round", "level"}


def test_the_name_of_an_object_is_the_built_in_one():
    assert Registry("shape", "pdefreq.nobody", {"flat": f"{__name__}:Shape"}).name_of(Shape) == "flat"

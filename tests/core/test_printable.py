"""Text from files in a form that terminals and figures can show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.core.printable import printable, without_controls

CONTROL = {"Cc", "Cs", "Zl", "Zp"}
BIDIRECTIONAL = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")  # Unicode TR 9, section 2


@given(st.text())
def test_no_control_character_remains_and_nothing_changes_twice(text):
    shown = printable(text)
    assert not {c for c in shown if unicodedata.category(c) in CONTROL or c in BIDIRECTIONAL}
    assert printable(shown) == shown
    assert " ".join(without_controls(text).split()) == shown


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S"))))
def test_letters_of_all_scripts_signs_and_brackets_are_kept(text):
    assert printable(text) == without_controls(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07\x1b[2J", ""),  # sets the title of the window, clears the screen
        ("\x1b]8;;http://example.org\x1b\\a link\x1b]8;;\x1b\\", "a link"),
        ("\x1b[1;31mred\x1b[0m and \x1bMplain", "red and plain"),
        ("\x9b2Jone byte\r\n two", "2Jone byte two"),
        ("Flow on [a,b] $x$ [/a]", "Flow on [a,b] $x$ [/a]"),
        ("\u05d0\u05d1 abc", "\u05d0\u05d1 abc"),
    ],
)
def test_escape_sequences_are_removed_as_a_whole(text, shown):
    assert printable(text) == shown


@given(st.text(), st.integers(1, 50))
def test_a_limit_bounds_the_length(text, limit):
    assert len(printable(text, limit)) <= limit


def test_messages_of_user_errors_are_printable_and_bounded():
    assert str(OptionError("got '\x1b[2J" + "x" * 10**6)).startswith("got 'xxx")
    assert len(str(OptionError("x" * 10**6))) == 2000

"""Tables on narrow terminals leave out columns; no number is cut off."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pdefreq.commands.console import plain_table

NAMES = ["wavenumber", "amplitude", "error", "halved at", "theory", "rate", "theory"]
ROW = ["3.14159", "0.0123456", "1.23e-05", "12,345", "12,346", "0.00123", "0.00124"]


def printed(width, names=NAMES, row=ROW, dropped=("theory", "rate", "amplitude")):
    table = plain_table(dropped=dropped)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(*row)
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue()


def test_all_columns_are_printed_where_there_is_room():
    text = printed(100)
    assert all(cell in text for cell in ROW) and "left out" not in text


def test_the_least_important_columns_are_left_out_first_and_named():
    text = printed(68)
    assert "12,346" in text and "0.00124" not in text  # the last of two columns with the same heading
    assert "left out, because the terminal is narrow: theory" in text
    narrow = printed(45)
    assert all(cell in narrow for cell in (ROW[0], ROW[2], ROW[3])) and "0.00123" not in narrow


@given(
    width=st.integers(12, 120),
    cells=st.lists(st.integers(-(10**11), 10**11).map(str), min_size=1, max_size=9),
)
def test_numbers_are_whole_or_absent(width, cells):
    """The first column always remains; its numbers fit into 12 characters."""
    names = [f"column{k}" for k in range(len(cells))]
    text = printed(max(width, 16), names, cells, ())
    rows = [line.split() for line in text.split("left out")[0].splitlines() if line.strip()]
    assert rows[-1] == cells[: len(rows[-1])] and rows[0] == names[: len(rows[-1])]
    assert ("left out" in text) == (len(rows[-1]) < len(cells))


@pytest.mark.parametrize("width", [30, 60, 200])
def test_texts_are_wrapped_instead(width):
    table = plain_table("name", "meaning")
    table.add_row("damped-jacobi", "a long sentence in many words that does not fit into one line of a narrow terminal")
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    text = console.file.getvalue()
    assert "damped-jacobi" in text and "left out" not in text and "terminal" in text

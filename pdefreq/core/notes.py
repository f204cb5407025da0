"""Notes for the user on a run."""

from __future__ import annotations

from typing import Self


class Note(str):
    """A sentence on a run, with a few words for the legend of a figure.

    Args:
        text: The sentence.
        brief: The same in a few words, such as "overfitted"; empty if figures do not show the note.

    Example:
        >>> Note("The network overfits its points.", "overfitted").brief
        'overfitted'
    """

    brief: str
    __slots__ = ("brief",)

    def __new__(cls, text: str, brief: str = "") -> Self:
        note = super().__new__(cls, text)
        note.brief = brief
        return note


def brief_of(note: str) -> str:
    """The words for a figure; empty for a plain string."""
    return note.brief if isinstance(note, Note) else ""

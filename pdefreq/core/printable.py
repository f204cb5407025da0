"""Text from files and arguments in a form that a terminal and a figure can show."""

from __future__ import annotations

import re
import unicodedata

_ESCAPE = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\[(][0-?]*[ -/]*[@-~]?|[@-Z\\-_])")  # ECMA-48: OSC, CSI, others
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, invisible format, surrogate, private, unassigned, separators
_KEPT = "\n\u200c\u200d"  # line breaks, and format characters that some scripts need between letters


def without_controls(text: str) -> str:
    """Text without characters that control a terminal or the direction of other text; line breaks are kept.

    Escape sequences are removed as a whole, and other characters that are not printable become spaces.
    """
    text = _ESCAPE.sub("", text)
    return "".join(c if c in _KEPT or unicodedata.category(c) not in _UNPRINTABLE else " " for c in text)


def printable(text: str, limit: int | None = None) -> str:
    r"""Text as by `without_controls`, on one line.

    Args:
        text: Any text.
        limit: The largest number of characters; longer text ends with an ellipsis.

    Example:
        >>> printable("a\x1b[31m red\n title\u202e")
        'a red title'
        >>> printable("a long title", 8)
        'a long …'
    """
    text = " ".join(without_controls(text).split())
    return text if limit is None or len(text) <= limit else f"{text[: limit - 1]}…"

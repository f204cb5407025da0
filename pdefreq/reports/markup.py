"""HTML elements as text. Every text passes through `escape`, so that names and titles can't become markup."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

from pdefreq.core.printable import without_controls


class Markup(str):
    """Text that is markup already: the result of `tag` and of functions that escape what they contain."""

    __slots__ = ()


def escape(text: Any) -> Markup:
    """Text as markup: ``<``, ``>``, ``&`` and quotes are replaced, and control characters are removed."""
    return text if isinstance(text, Markup) else Markup(html.escape(without_controls(str(text)), quote=True))


def tag(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """An element.

    Args:
        name: The name of the element.
        children: Markup, or text, which is escaped; None is left out.
        attributes: The attributes, escaped. A final underscore is removed from a name, and other underscores become hyphens. None
            and False leave an attribute out, and True writes its name only.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    if name in ("meta", "input", "br"):
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[Any], separator: str = "") -> Markup:
    """The concatenation of markup and of texts, which are escaped; None is left out."""
    return Markup(separator.join(escape(part) for part in parts if part is not None))


def data_block(name: str, value: Any) -> Markup:
    """A JSON object that a script reads by the id `name`. No text in it can end the element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return Markup(f'<script type="application/json" id="{escape(name)}">{text}</script>')


def _attribute(key: str, value: Any) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(value)}"'

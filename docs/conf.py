"""The site of these pages: ``python -m sphinx -W --keep-going docs site``.

Sphinx reads the Markdown pages as they are (MyST), so that the same files are readable on GitHub, and the reference of the
functions comes from their docstrings (autodoc). The theme is Furo. There is no sphinx-gallery: it executes Python scripts while
the site is built, and the pictures here come from commands that take minutes; `docs/gallery` stores them with their commands.
"""

from __future__ import annotations

import re
from typing import cast

from sphinx.application import Sphinx

import pdefreq

project = "pdefreq"
author = copyright = "The pdefreq authors"
version = release = pdefreq.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"pdefreq {release}"
myst_heading_anchors = 4  # links such as modes.md#named-wavenumbers, with the names that GitHub gives to headings
nitpicky = False
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True


def add_contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Let the lists of links on the first page be the table of contents as well: one part for each of its headings."""
    if page != "index":
        return
    for part in re.split(r"^## ", source[0], flags=re.MULTILINE)[1:]:
        pages = re.findall(r"\]\(([\w/.]+)\.(?:md|rst)\)", "".join(re.findall(r"^- .*\n", part, flags=re.MULTILINE)))
        if pages:
            lines = ["```{toctree}", ":hidden:", f":caption: {part.partition(chr(10))[0]}", "", *pages, "```"]
            source[0] += "\n" + "\n".join(lines) + "\n"


def plain_text(*arguments: object) -> None:
    """Keep formulas in docstrings as they are: outside code, |u| is an absolute value, and not a substitution."""
    lines = cast("list[str]", arguments[-1])
    lines[:] = [re.sub(r"(`+[^`]*`+)|\|", lambda found: found[1] or r"\|", line) for line in lines]


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("source-read", add_contents)
    app.connect("autodoc-process-docstring", plain_text)

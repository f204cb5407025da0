"""Where a problem comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Origin:
    """The problem file from which a problem was read.

    Args:
        text: The text of the file.
        files: The files that the text names: name as written -> path.
        digest: The digest of the problem that the file describes.
    """

    text: str
    files: Mapping[str, Path]
    digest: str

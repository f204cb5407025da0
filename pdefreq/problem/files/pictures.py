"""Gray values of picture files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.core.errors import DataError

if TYPE_CHECKING:
    import numpy as np

PICTURES = (".png", ".jpg", ".jpeg")
"""The suffixes of picture files."""

_MAX_PIXELS = 2**22  # each pixel may be a training point


def read_gray(path: Path) -> np.ndarray:
    """The gray values of a picture from 0 (black) to 1 (white), shape ``(columns, rows)``, with rows from bottom to top.

    Raises:
        DataError: If the file is not a picture or has too many pixels.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > _MAX_PIXELS:
                raise DataError(f"{path} has {width} x {height} pixels, more than {_MAX_PIXELS:,}: shrink it")
            deep = picture.mode.startswith("I")  # 16 bits
            pixels = np.asarray(picture if deep else picture.convert("L"), dtype=float) / (65535 if deep else 255)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # raised by Pillow for damaged files
        raise DataError(f"can't read the picture {path}: {' '.join(str(error).split())[:100]}") from None
    return pixels[::-1].T.copy()

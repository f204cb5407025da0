"""Reading of npz files that may come from strangers: nothing is executed, and sizes are checked before memory is taken.

`numpy.savez` stores each array uncompressed, after a header that states its type and shape. A file that `npz_bytes` did not write
is refused: a compressed array, which can be a thousand times larger than its file, an array of Python objects, which would be
unpickled, or a header with any other content, which numpy would evaluate.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_HEADER = re.compile(
    rb"\{'descr': '([|]b1|[|][iu]1|<[iu][248]|<f[248]|<c(?:8|16)|<U[1-9][0-9]{0,8})', "
    rb"'fortran_order': (True|False), 'shape': \((|[0-9]{1,19},|[0-9]{1,19}(?:, [0-9]{1,19}){1,7})\), \} *\n"
)
_MAGIC = b"\x93NUMPY"
_LARGEST_CHARACTER = 0x10FFFF
_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, KeyError, EOFError, OSError, RuntimeError, OverflowError)


def read_npz(data: bytes) -> dict[str, np.ndarray]:
    """The arrays by name in a file that `npz_bytes` wrote: numbers, truth values and text.

    Args:
        data: The content of the file.

    Raises:
        ValueError: If the file is damaged, or `npz_bytes` did not write it. The message is a clause such as "it is compressed".
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _require_plain(members, len(data))
            return {member.filename.removesuffix(".npy"): _array(archive.read(member), len(data)) for member in members}
    except _Refused:
        raise
    except _ERRORS as error:  # `RuntimeError` includes `NotImplementedError`, for unknown versions of the format
        raise ValueError(f"it is not an npz file: {str(error)[:80]}") from None


class _Refused(ValueError):
    """A file that is not of the form that `npz_bytes` writes."""


def _require_plain(members: list[zipfile.ZipInfo], size: int) -> None:
    if any(member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size for member in members):
        raise _Refused("it is compressed, and the files of pdefreq are not")
    declared = sum(member.file_size for member in members)  # members that overlap are counted twice and refused, too
    if declared > size:
        raise _Refused(f"it declares {declared:,} bytes of arrays, and the file has {size:,}")
    names = {member.filename for member in members}
    if len(names) < len(members):
        raise _Refused("it contains two arrays of one name")
    if any(not name.endswith(".npy") for name in names):
        raise _Refused("it contains something else than arrays")


def _array(data: bytes, size: int) -> np.ndarray:
    import numpy as np

    start = 12 if data[6:7] in (b"\x02", b"\x03") else 10  # version 1 has a length of 2 bytes, later ones of 4 bytes
    length = int.from_bytes(data[8:start], "little")
    header = _HEADER.fullmatch(data[start : start + length])
    if data[:6] != _MAGIC or header is None:
        raise _Refused("it contains an array whose header is not that of numbers or text")
    dtype, shape = np.dtype(header[1].decode()), tuple(int(n) for n in re.findall(rb"[0-9]+", header[3]))
    entries, body = math.prod(shape), data[start + length :]
    if entries * dtype.itemsize != len(body) or max(shape, default=0) > size or len(shape) > 8:
        raise _Refused(f"it declares an array of shape {shape} of {len(body):,} bytes")
    array = np.frombuffer(body, dtype).reshape(shape, order="F" if header[2] == b"True" else "C").copy("K")
    if dtype.kind == "U" and (np.frombuffer(body, "<u4") > _LARGEST_CHARACTER).any():
        raise _Refused("it contains text with invalid characters")
    return array

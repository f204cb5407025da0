"""Files of arrays are read as `numpy.savez` writes them; files that would unpickle objects or take more memory than their size are refused."""

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pdefreq.core.array_files import read_npz
from pdefreq.core.file_io import npz_bytes

TYPES = ["?", "i1", "u1", "<i2", "<i4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16", "<U3"]


@given(st.sampled_from(TYPES).flatmap(lambda kind: arrays(kind, array_shapes(min_dims=0, min_side=0, max_dims=3))), st.booleans())
def test_arrays_are_restored_bit_for_bit(array, fortran):
    array = np.asfortranarray(array) if fortran else array
    found = read_npz(npz_bytes({"a/b": array}))
    assert list(found) == ["a/b"]
    assert found["a/b"].dtype == array.dtype and found["a/b"].shape == array.shape
    assert found["a/b"].tobytes() == array.tobytes()
    assert found["a/b"].flags.writeable  # torch shares the memory


def archive(members, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return stream.getvalue()


def npy(header, body=b""):
    head = header.encode().ljust(118 - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + body


def described(descr="'<f8'", order="False", shape="(2,)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def peak(data):
    """The largest memory of a refused reading, bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            read_npz(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_compressed_file_takes_no_memory():
    """3 GiB of zeros are 3 MB when compressed; a hundredth of it shows the same."""
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.zeros(2**22))
    data = stream.getvalue()
    assert len(data) < 2**17
    assert peak(data) < 2**20  # the array has 2^25 bytes
    with pytest.raises(ValueError, match="compressed"):
        read_npz(data)


@pytest.mark.parametrize(
    "shape", ["(99999999999,)", "(3000000000, 3000000000)", "(1, 1)", "(1000000000000, 0)", "(-1,)", "(2, 2,)"]
)
def test_a_shape_must_fit_the_size(shape):
    assert peak(archive([("a.npy", npy(described(shape=shape), bytes(16)))])) < 2**20


def test_members_that_share_their_bytes_are_refused():
    """Directory entries that point to one member of 2^16 bytes declare more than the file contains."""
    data = archive([(f"{k}.npy", npy(described(shape="(8192,)"), bytes(2**16))) for k in range(2)])
    directory = data.index(b"PK\x01\x02")
    entry = data[directory : data.index(b"PK\x01\x02", directory + 1)]
    end = data[data.index(b"PK\x05\x06") :]
    entries = [entry.replace(b"0.npy", f"{k}.npy".encode()) for k in range(10)]
    size = sum(map(len, entries))
    end = end[:8] + (10).to_bytes(2, "little") * 2 + size.to_bytes(4, "little") + directory.to_bytes(4, "little") + end[20:]
    with pytest.raises(ValueError, match="declares"):
        read_npz(data[:directory] + b"".join(entries) + end)


class Pickled:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_objects_are_not_unpickled(tmp_path):
    stream = io.BytesIO()
    np.savez(stream, a=np.array([Pickled(str(tmp_path / "canary"))], dtype=object))
    with pytest.raises(ValueError, match="header"):
        read_npz(stream.getvalue())
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "descr", ["'|O'", "'>f8'", "[('x', '<f8')]", "'<f3'", "'<U0'", "'<M8[s]'", "(" * 40 + "'<f8'" + ")" * 40, "__import__('os')"]
)
def test_other_types_are_refused(descr):
    with pytest.raises(ValueError, match="header"):
        read_npz(archive([("a.npy", npy(described(descr), bytes(16)))]))


def test_text_must_be_unicode():
    body = (0x110000).to_bytes(4, "little")
    with pytest.raises(ValueError, match="characters"):
        read_npz(archive([("a.npy", npy(described("'<U1'", shape="(1,)"), body))]))


@pytest.mark.parametrize("members", [[("a.txt", b"x")], [("a.npy", b"")], [("a.npy", b"x")]])
def test_other_members_are_refused(members):
    with pytest.raises(ValueError):
        read_npz(archive(members))


def test_a_name_may_occur_once():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = archive([("a.npy", npy(described(), bytes(16)))] * 2)
    with pytest.raises(ValueError, match="one name"):
        read_npz(data)


@given(st.data())
def test_damaged_files_are_refused_or_read(chance):
    data = bytearray(npz_bytes({"a": np.arange(6.0).reshape(2, 3), "b": np.array("text")}))
    for _ in range(chance.draw(st.integers(1, 4))):
        data[chance.draw(st.integers(0, len(data) - 1))] = chance.draw(st.integers(0, 255))
    del data[chance.draw(st.integers(0, len(data))) :]
    try:
        read_npz(bytes(data))
    except ValueError as error:
        assert str(error)


def test_a_header_with_many_digits_is_refused_at_once():
    """A pattern that can split digits in several ways would take 2^60 steps."""
    forged = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1" * 60 + "x), }")
    with pytest.raises(ValueError, match="header"):
        read_npz(archive([("a.npy", forged)]))

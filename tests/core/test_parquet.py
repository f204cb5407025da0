"""Tables as Parquet files."""

import importlib.util
import sys

import pytest

from pdefreq.core.errors import MissingPackageError
from pdefreq.core.parquet import write_parquet

ROWS = [
    {"name": "a", "number": 1, "mixed": 0.5, "value": 1e-3, "done": True, "nothing": None},
    {"name": "b", "number": None, "mixed": "auto", "value": 2, "done": False, "nothing": None},
]


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow")
def test_a_table_is_read_as_it_was_written(tmp_path):
    from pyarrow import parquet

    write_parquet(tmp_path / "table.parquet", ROWS)
    table = parquet.read_table(tmp_path / "table.parquet")
    assert table.to_pylist() == [ROWS[0] | {"mixed": "0.5"}, ROWS[1] | {"value": 2.0}]
    assert [str(kind) for kind in table.schema.types] == ["string", "int64", "string", "double", "bool", "null"]


def test_without_the_package_one_sentence_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'pdefreq\[parquet\]', or use the CSV file"):
        write_parquet(tmp_path / "table.parquet", ROWS)
    assert not (tmp_path / "table.parquet").exists()

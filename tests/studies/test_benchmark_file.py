"""The file of a benchmark: what is written is read again, and a damaged file is refused."""

import json
from dataclasses import asdict

import pytest

from pdefreq.core.errors import RunFolderError
from pdefreq.studies.benchmark_file import FILE, write_json
from pdefreq.studies.benchmark_result import Benchmark, load_benchmark
from pdefreq.studies.benchmark_run import Run
from pdefreq.studies.suite import Published

MACHINE = {"processor": None, "cores": 2, "memory": None, "system": "x"}
SETUP = {"workers": 2, "threads": 1, "device": "cpu", "dtype": "float64"}
RUNS = [
    Run("poisson", "d", "jacobi", "40 steps", 0, "steps", relative_l2=0.1, half_times=[[1.0, None, None]], curve=[[0.5, 0.1]]),
    Run("tones", "e", "jacobi", "40 steps", 0, "refused", failed=True, sentence="a regression", half_times=[], curve=[]),
]


def result(**changes):
    published = [asdict(Published("a network", "poisson", 0.25, "largest error", "Somebody (2020), table 1"))]
    return Benchmark("tiny", "Tiny", RUNS, published, MACHINE, {"python": "3"}, "2026-01-31", **changes)


@pytest.mark.parametrize("setup", [{}, SETUP])
def test_a_result_is_read_as_it_was_written(tmp_path, setup):
    """Also one without a setup, which older files do not have."""
    written = result(setup=setup)
    write_json(tmp_path / FILE, written)
    for path in (tmp_path, tmp_path / FILE):
        found = load_benchmark(path)
        assert found.folder == tmp_path
        assert {**vars(found), "folder": None} == vars(written)


def test_a_damaged_result_is_refused(tmp_path):
    write_json(tmp_path / FILE, result())
    record = json.loads((tmp_path / FILE).read_text())
    for change in ({"format": 9}, {"runs": [{}]}, {"runs": [record["runs"][0] | {"relative_l2": "0.1"}]}, {"machine": None}):
        (tmp_path / FILE).write_text(json.dumps(record | change))
        with pytest.raises(RunFolderError, match="can't be used"):
            load_benchmark(tmp_path)
    with pytest.raises(RunFolderError, match="can't read"):
        load_benchmark(tmp_path / "none")

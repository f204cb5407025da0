"""Cached arrays are restored bit for bit, a bad cache never breaks a run, and the cache stays below its limit."""

import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pdefreq.cli import app
from pdefreq.core.cache import Cache
from pdefreq.core.errors import OptionError
from pdefreq.problem.files import load_problem
from pdefreq.spectrum import eigen
from pdefreq.spectrum.eigenpairs import EigenSolver
from pdefreq.spectrum.modes import ModeFamilies

ARRAYS = {"a": np.arange(5.0), "b": np.ones((2, 3)), "n": np.array(7)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PDEFREQ_CACHE", str(tmp_path / "cache"))
    return Cache.of_user()


def test_arrays_are_restored_bit_for_bit(cache):
    assert cache.read("one") is None and cache.entries() == []
    cache.write("one", ARRAYS)
    found = cache.read("one")
    assert found.keys() == ARRAYS.keys() and all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)
    (entry,) = cache.entries()
    assert entry.name == "one" and entry.size == (cache.folder / "one.npz").stat().st_size


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "empty", "pickle", "one array"])
def test_a_damaged_file_is_removed_and_computed_again(cache, damage):
    cache.write("one", ARRAYS)
    path = cache.folder / "one.npz"
    data = bytearray(path.read_bytes())
    if damage == "pickle":
        with path.open("wb") as file:
            np.savez(file, a=np.array([{"an": "object"}], dtype=object))
    elif damage == "one array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        data[len(data) // 5] ^= 0xFF
        path.write_bytes({"cut": data[: len(data) // 2], "flip": data, "text": b"not an archive", "empty": b""}[damage])
    assert cache.read("one") is None
    assert not path.exists()


def test_the_least_recently_used_entries_are_removed_first(tmp_path):
    size = len(np.zeros(1000).tobytes())
    cache = Cache(tmp_path, max_bytes=int(3.5 * size))
    for age, name in enumerate(("first", "second", "third")):
        cache.write(name, {"a": np.zeros(1000)})
        os.utime(tmp_path / f"{name}.npz", (age, age))
    cache.read("first")
    cache.write("fourth", {"a": np.zeros(1000)})
    assert [entry.name for entry in cache.entries()] == ["first", "fourth", "third"]
    assert sum(entry.size for entry in cache.entries()) <= cache.max_bytes
    cache.write("too large", {"a": np.zeros(10_000)})
    assert [entry.name for entry in cache.entries()] == ["first", "fourth", "third"]


def test_a_folder_that_cannot_be_written_is_ignored(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache")
    cache.write("one", ARRAYS)
    assert cache.read("one") is None and cache.entries() == []


def test_environment_variables_set_the_folder_and_the_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("PDEFREQ_CACHE", str(tmp_path))
    monkeypatch.setenv("PDEFREQ_CACHE_MB", "2.5")
    assert Cache.of_user() == Cache(tmp_path, 2_500_000)
    for wrong in ("many", "-1", "inf", "nan"):
        monkeypatch.setenv("PDEFREQ_CACHE_MB", wrong)
        with pytest.raises(OptionError, match="PDEFREQ_CACHE_MB must be a number of megabytes"):
            Cache.of_user()
    monkeypatch.delenv("PDEFREQ_CACHE_MB")
    monkeypatch.setenv("PDEFREQ_CACHE", "off")
    off = Cache.of_user()
    off.write("one", ARRAYS)
    assert off.folder is None and off.read("one") is None and off.entries() == []
    monkeypatch.delenv("PDEFREQ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    if os.name == "posix" and os.uname().sysname == "Linux":
        assert Cache.of_user().folder == tmp_path / "home" / "pdefreq"


def eigen_modes(monkeypatch):
    """The first modes of a ring in a process with empty memory caches, and the number of slices that were computed."""
    computed = []
    with monkeypatch.context() as patch:
        eigen._basis.cache_clear()
        patch.setattr(EigenSolver, "_next", lambda self, next=EigenSolver._next: computed.append(1) or next(self))
        modes = ModeFamilies(load_problem("ring")).modes("eigen", [1, 60])
        eigen._basis.cache_clear()
    return modes, len(computed)


def test_eigenfunctions_are_computed_once_for_all_processes(cache, monkeypatch):
    first, computed = eigen_modes(monkeypatch)
    assert computed == len(cache.entries()) > 1
    again, computed = eigen_modes(monkeypatch)
    assert computed == 0
    values = np.random.default_rng(0).standard_normal(len(first.points()))
    for modes in (first, again):
        np.testing.assert_array_equal(modes.wavenumber, first.wavenumber)
        np.testing.assert_allclose(modes.coefficients(values), first.coefficients(values), rtol=1e-13)
    (cache.folder / f"{cache.entries()[0].name}.npz").write_bytes(b"no archive")
    wrong = cache.read(cache.entries()[1].name)
    cache.write(cache.entries()[1].name, wrong | {"vectors": wrong["vectors"][1:]})
    repaired, computed = eigen_modes(monkeypatch)
    assert computed == 2
    np.testing.assert_allclose(repaired.wavenumber, first.wavenumber, rtol=1e-12)


def test_the_command_lists_and_clears_the_cache(cache):
    def run(*arguments):
        result = CliRunner().invoke(app, ["cache", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "0 entries" in run()
    cache.write("eigen-1234-00", ARRAYS)
    printed = run().replace("\n", "")
    assert "eigen-1234-00" in printed and "1 entry" in printed and str(cache.folder) in printed
    assert '"cleared": false' in run("--json")
    assert "Removed 1 entry" in run("--clear")
    assert cache.entries() == [] and Path(cache.folder).is_dir()

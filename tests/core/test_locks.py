"""A locked folder belongs to one process at a time, and to none after its process was killed."""

import errno
import os
import subprocess
import sys

import pytest

from pdefreq.core import locks
from pdefreq.core.errors import RunFolderError
from pdefreq.core.locks import is_locked, locked

HOLD = "import sys, time; from pathlib import Path; from pdefreq.core.locks import locked\nwith locked(Path(sys.argv[1])): print('locked', flush=True); time.sleep(600)"


def test_a_lock_is_held_once_and_leaves_no_file(tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(RunFolderError, match=f"another process uses the folder {tmp_path}; wait"),
        locked(tmp_path),
    ):
        pass
    assert not list(tmp_path.iterdir())
    assert not is_locked(tmp_path)
    with locked(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
        assert is_locked(tmp_path)


def test_a_killed_process_loses_its_lock(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        with pytest.raises(RunFolderError, match="another process"), locked(tmp_path):
            pass
        process.kill()
    assert (tmp_path / ".lock").exists() and not is_locked(tmp_path)
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_lock_on_a_file_that_was_removed_does_not_count(tmp_path, monkeypatch):
    """The process before removes its file after this process has opened it and before it locks it."""
    lock, calls = locks._lock, []

    def lock_late(descriptor):
        if not calls:
            (tmp_path / ".lock").unlink()
        calls.append(descriptor)
        lock(descriptor)

    monkeypatch.setattr(locks, "_lock", lock_late)
    with locked(tmp_path):
        assert len(calls) == 2
        with pytest.raises(RunFolderError, match="another process"), locked(tmp_path):
            pass


def test_without_locks_of_the_file_system_a_run_goes_on(tmp_path, monkeypatch):
    def no_locks(_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(locks, "_lock", no_locks)
    with locked(tmp_path), locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system opens links")
def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "target")
    with pytest.raises(RunFolderError, match=r"can't write .*\.lock"), locked(tmp_path / "run"):
        pass
    assert not (tmp_path / "target").exists()

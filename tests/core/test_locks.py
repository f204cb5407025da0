"""A locked folder belongs to one process at a time, and to none after its process was killed."""

import os
import subprocess
import sys
import threading

import pytest

from pdefreq.core.errors import RunFolderError
from pdefreq.core.locks import locked

HOLD = "import sys, time; from pathlib import Path; from pdefreq.core.locks import locked\nwith locked(Path(sys.argv[1])): print('locked', flush=True); time.sleep(600)"


def test_a_lock_is_held_once_and_leaves_no_file(tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(RunFolderError, match=f"another process is running the run in {tmp_path}; wait"),
        locked(tmp_path),
    ):
        pass
    assert not list(tmp_path.iterdir())
    with locked(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_killed_process_loses_its_lock(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        with pytest.raises(RunFolderError, match="another process"), locked(tmp_path):
            pass
        process.kill()
    assert (tmp_path / ".lock").exists()
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_of_many_threads_one_at_a_time_is_inside(tmp_path):
    """Each release removes the file, so that a thread may lock a file that has no name any more; such a lock does not count."""
    inside, most, entered = 0, 0, 0
    guard = threading.Lock()

    def work():
        nonlocal inside, most, entered
        for _ in range(200):
            try:
                with locked(tmp_path):
                    with guard:
                        inside += 1
                        entered += 1
                        most = max(most, inside)
                    with guard:
                        inside -= 1
            except RunFolderError:
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and entered > 0


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system opens links")
def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "target")
    with pytest.raises(RunFolderError, match=r"can't write .*\.lock"), locked(tmp_path / "run"):
        pass
    assert not (tmp_path / "target").exists()

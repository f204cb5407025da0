"""Temporary files of killed processes are removed, and nothing else."""

import os

import pytest

from pdefreq.core.file_io import remove_temporary_files, write_atomically


def test_only_temporary_files_of_our_names_are_removed(tmp_path, monkeypatch):
    """The first file is left by a process that ends before it renames the file."""
    folder, outside = tmp_path / "run", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(Killed):
            write_atomically(folder / "run.json", b"half")
    (left,) = folder.iterdir()
    kept = [folder / "run.json", folder / "notes.tmp", folder / ".hidden", folder / "a.1.tmp", folder / ".a.b.tmp"]
    for path in [*kept, outside / ".a.1.tmp"]:
        path.write_text("mine")
    (folder / ".folder.1.tmp").mkdir()
    (folder / ".link.1.tmp").symlink_to(outside / ".a.1.tmp")
    (tmp_path / "linked").symlink_to(outside)
    remove_temporary_files(folder)
    remove_temporary_files(tmp_path / "linked")
    remove_temporary_files(tmp_path / "nowhere")
    assert not left.exists()
    assert set(folder.iterdir()) == {*kept, folder / ".folder.1.tmp", folder / ".link.1.tmp"}
    assert (outside / ".a.1.tmp").exists()

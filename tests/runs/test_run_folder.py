"""Folders of strangers: links, code, edited and forged files. The mutations of `test_run_folder_laws.py` are at random, these are aimed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from pdefreq.core.content import digest, unpack
from pdefreq.core.errors import RunFolderError, UntrustedCodeError, UserError
from pdefreq.core.file_io import npz_bytes
from pdefreq.core.history import Stop
from pdefreq.core.registry import import_file
from pdefreq.problem.files import load_problem
from pdefreq.runs.lifecycle import load_run, rerun, resume
from pdefreq.runs.run_folder import RunFolder
from pdefreq.runs.run_record import MAX_BYTES, spec_id
from pdefreq.runs.seeds import seed_runs, write_seeds
from pdefreq.runs.solve import solve

READERS = (load_run, rerun, resume)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "run"
    solve("poisson", "jacobi:intervals=8", stop=Stop(steps=3), folder=folder)
    return folder


@pytest.fixture
def run(base, tmp_path):
    """A copy of a run, to be forged."""
    return shutil.copytree(base, tmp_path / "run")


def forge(folder, change):
    """Change the spec in run.json, and sign it as pdefreq would."""
    path = folder / "run.json"
    record = json.loads(path.read_text())
    change(record["spec"])
    problem = record["spec"]["problem"]
    problem["digest"] = digest(unpack(problem["content"], {}))
    path.write_text(json.dumps(record | {"id": spec_id(record["spec"])}))


def refusals(folder, readers=READERS):
    """The messages of all readers, which must be one and the same sentence."""
    messages = set()
    for read in readers:
        with pytest.raises(UserError) as refusal:
            read(folder)
        messages.add(str(refusal.value))
    (message,) = messages
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "name", ["run.json", "problem.npz", "checkpoints", "history.csv", "spectrum.npz", ".x.tmp", "solution.png"]
)
@pytest.mark.parametrize("target", ["file", "folder", "nowhere", "/dev/zero"])
def test_a_folder_with_a_link_is_refused_and_its_target_is_not_changed(base, run, tmp_path, name, target):
    outside = tmp_path / "folder"
    shutil.copytree(base / "checkpoints", outside)
    (outside / "000000000.0123456789abcdef.npz").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = {path: path.read_bytes() for path in [*outside.iterdir(), tmp_path / "file"]}
    path = run / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / target)
    assert f"{path} is a link" in refusals(run)
    assert {path: path.read_bytes() for path in [*outside.iterdir(), tmp_path / "file"]} == before


def test_a_linked_checkpoint_is_refused(run, tmp_path):
    checkpoint = max((run / "checkpoints").iterdir())
    checkpoint.rename(tmp_path / checkpoint.name)
    checkpoint.symlink_to(tmp_path / checkpoint.name)
    assert "is a link" in refusals(run, (load_run, resume))
    assert (tmp_path / checkpoint.name).exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on Windows")
@pytest.mark.parametrize("name", ["run.json", "problem.npz", "checkpoints"])
def test_a_pipe_is_refused_instead_of_read_for_ever(run, name):
    shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    assert "neither a file nor a folder" in refusals(run)


def test_the_folder_itself_may_be_a_link(run, tmp_path):
    (tmp_path / "link").symlink_to(run)
    assert load_run(tmp_path / "link").step == 3


def test_files_with_other_names_in_the_folder_of_checkpoints_are_kept(run):
    """Pruning removes checkpoints only, by the form of their names."""
    kept = [
        run / "checkpoints" / name
        for name in ("0notes.npz", "5.npz", "000000001.npz", "000000001.0123456789ABCDEF.npz", "1x.0123456789abcdef.npz")
    ]
    for path in kept:
        path.write_text("mine")
    assert resume(run, stop=Stop(steps=9)).step == 9
    assert all(path.read_text() == "mine" for path in kept)


def test_a_linked_seed_is_refused(base, tmp_path):
    """`show` writes figures into the run of the median seed."""
    folder = tmp_path / "seeds"
    shutil.copytree(base, folder / "seed-0")
    assert list(seed_runs(folder)) == [0]
    (folder / "seed-1").symlink_to(base)
    with pytest.raises(RunFolderError, match="seed-1 is a link"):
        write_seeds(folder)


def test_an_edited_spec_is_named_with_both_digests(run):
    path = run / "run.json"
    record = json.loads(path.read_text())
    record["spec"]["seed"] = 7
    path.write_text(json.dumps(record))
    message = refusals(run)
    assert f"its spec was edited: its id is {record['id']}, and the content gives {spec_id(record['spec'])}" in message


def test_another_problem_is_refused(run):
    for read in READERS:
        with pytest.raises(RunFolderError, match=r"the run solves the problem 'poisson' .* but the problem passed is 'l-shape'"):
            read(run, problem=load_problem("l-shape"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda spec: spec.update(solver={"class": "evil.py:X"}), "executed only if you trust it"),
        (lambda spec: spec.update(solver={"name": "evil.py:X"}), "executed only if you trust it"),
        (lambda spec: spec.update(solver={"name": "../evil.py:X"}), "executed only if you trust it"),
        (lambda spec: spec.update(solver={"name": "os:system"}), "unknown method"),
        (lambda spec: spec.update(probes=[{"name": "evil.py:X"}]), "executed only if you trust it"),
        (lambda spec: spec["problem"]["content"].update(domain={"type": "evil.py:X"}), "executed only if you trust it"),
        (lambda spec: spec["problem"]["content"].update(source={"type": "pathlib:Path"}), "unknown content type"),
        (lambda spec: spec["problem"]["content"]["source"].update(expression="__import__('os')"), "can't be part of an expression"),
        (lambda spec: spec["problem"]["content"]["source"].update(expression="pow(9, pow(9, pow(9, 9)))"), "finite"),
        (lambda spec: spec["problem"]["content"]["source"].update(expression="-" * 5000 + "x"), "expression"),
        (lambda spec: spec["problem"]["content"]["source"].update(expression="less(x, 0)"), "another type or shape"),
        (lambda spec: spec["problem"]["content"]["source"].update(unknowns=["u"], expression="u"), "can't be evaluated, because of its source"),
        (lambda spec: spec["problem"]["content"].update(source={"type": "quotient", "numerator": 1.0, "denominator": 2.0}), "because of its source"),
        (lambda spec: spec["problem"]["content"]["spectrum"].update(modes=3), "mode family, got 3"),
        (lambda spec: spec.update(device="meta"), "no device 'meta'"),
        (lambda spec: spec["stop"].update(steps=-1), "at least 0"),
        (lambda spec: spec["stop"].update(steps=2.5), "spec.stop.steps must be a whole number or null, got 2.5"),
        (lambda spec: spec.update(more=1), "spec.more is not known"),
        (lambda spec: spec.update(given=["probe"]), "spec.given.0 must be one of"),
        (lambda spec: spec.update(seed=2**70), "needs more than 64 bits"),
    ],
)  # fmt: skip
def test_a_forged_spec_is_refused(run, tmp_path, monkeypatch, change, reason):
    """With the right digests: they protect against accidents, not against strangers."""
    for folder in (run, tmp_path):
        (folder / "evil.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'canary')!r}).touch()\n")
    monkeypatch.chdir(run)
    forge(run, change)
    assert reason in refusals(run)
    assert not (tmp_path / "canary").exists()


def resign(folder, change):
    """Change the arrays of the checkpoint, whose name contains its digest."""
    older, path = sorted((folder / "checkpoints").iterdir())
    older.unlink()
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    data = npz_bytes(arrays)
    path.unlink()
    path.with_name(f"{path.name[:9]}.{hashlib.sha256(data).hexdigest()[:16]}.npz").write_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("coefficients"),
        lambda a: a.pop("step"),
        lambda a: a.update(step=np.array(4)),
        lambda a: a.update(step=np.array([3])),
        lambda a: a.update(seconds=np.array(np.nan)),
        lambda a: a.update(done=np.array(1)),
        lambda a: a.update(coefficients=np.array(["x"])),
        lambda a: a.update(coefficients=np.ones((7, 1))),
        lambda a: a.update({"column/step": a["column/step"][:2]}),
        lambda a: a.update({"column/step": a["column/step"][::-1]}),
        lambda a: a.update({"column/objective": np.ones((4, 2))}),
        lambda a: a.update({"column/objective": np.array(["x"] * 4)}),
        lambda a: a.update({"column/mode_error": a["column/mode_error"][:, 1:]}),
        lambda a: a.update({"column/x": np.ones(5)}),
        lambda a: a.update({"memory/x": np.array("x")}),
        lambda a: a.pop("fact/mode_wavenumber"),
        lambda a: a.update({"fact/mode_indices": a["fact/mode_indices"][:1]}),
        lambda a: a.update({"fact/mode_amplitude": np.array("x")}),
        lambda a: a.pop("fact/mode_predicted_steps"),
        lambda a: a.update({"fact/mode_predicted_steps": a["fact/mode_predicted_steps"] + 10}),
    ],
)
def test_a_forged_checkpoint_counts_as_damaged(run, change):
    resign(run, change)
    message = refusals(run, (load_run, resume))
    assert "no checkpoint in" in message and "all are damaged" in message


def test_the_memory_of_a_training_must_fit_its_network(tmp_path):
    solve("poisson", "deep-ritz:widths=[4],number=16", stop=Stop(steps=2), folder=tmp_path / "run")
    resign(tmp_path / "run", lambda arrays: arrays.update({"memory/m": arrays["memory/m"][:1]}))
    assert "was not written by the method that run.json names" in refusals(tmp_path / "run", (load_run, resume))


def test_a_large_run_json_is_refused_before_it_is_read(run):
    with (run / "run.json").open("ab") as file:
        file.truncate(MAX_BYTES + 1)  # takes no space on disk
    assert f"more than {MAX_BYTES:,}" in refusals(run)


def test_the_command_line_refuses_a_damaged_run_json_in_one_line(run):
    (run / "run.json").write_text('{"format": 5, "spec": ' + "[" * 100_000)
    for command in (["show"], ["export", "--to", str(run / "x.csv")]):
        line = [sys.executable, "-m", "pdefreq", command[0], str(run), *command[1:]]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format": 5' + "0" * 30 + "}", '{"format": 5, "format": 5}', '{"format": NaN}', "{}", "3", "\x00"]
)
def test_a_damaged_run_json_is_refused(run, text):
    (run / "run.json").write_text(text)
    assert str(run / "run.json") in refusals(run)


def test_trusted_code_is_named_before_it_is_executed(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(
        "import sys\nfrom dataclasses import dataclass\nfrom tests.toys import Geometric\n\nprint('executed', file=sys.stderr)\n\n"
        "@dataclass(frozen=True)\nclass Mine(Geometric):\n    pass\n"
    )
    solve("poisson", import_file(file).Mine(), stop=Stop(steps=2), folder=tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")  # a module that was imported from the first place is not reused
    capsys.readouterr()
    with pytest.raises(UntrustedCodeError, match="executed only if you trust it"):
        load_run(tmp_path / "moved")
    assert capsys.readouterr().err == ""
    load_run(tmp_path / "moved", trust=True)
    assert capsys.readouterr().err.splitlines() == [f"executing Python code: {tmp_path / 'moved' / 'mine.py'}", "executed"]


def test_trusted_code_lies_in_the_folder(run, tmp_path):
    """A name that leads to a file elsewhere refers to the copy in the folder."""
    (tmp_path / "evil.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'canary')!r}).touch()\n")
    forge(run, lambda spec: spec.update(solver={"name": f"{tmp_path / 'evil.py'}:X"}))
    for read in READERS:
        with pytest.raises(UserError, match="there is no file"):
            read(run, trust=True)
    (run / "evil.py").symlink_to(tmp_path / "evil.py")
    for read in READERS:
        with pytest.raises(UserError, match="is a link"):
            read(run, trust=True)
    assert not (tmp_path / "canary").exists()


def test_the_summary_is_checked_as_well(run):
    path = run / "run.json"
    record = json.loads(path.read_text())
    for summary in ({"status": 3}, {"relative_l2": "x"}, {"seconds": True}, []):
        path.write_text(json.dumps(record | {"summary": summary}))
        with pytest.raises(RunFolderError, match="summary"):
            RunFolder(run).read_summary()


@pytest.mark.parametrize("spec", ["[]", "{}", '{"problem": 5}', "3", '"x"'])
def test_a_damaged_folder_of_an_older_format_is_named_as_older(tmp_path, spec):
    (tmp_path / "run.json").write_text(f'{{"format": 2, "spec": {spec}}}')
    with pytest.raises(RunFolderError, match=r"of an older format .* repeat the run with the options that"):
        RunFolder(tmp_path).read_spec()

"""Mutated run folders: each is read or refused in one sentence, nothing outside them changes, and no code in them is executed."""

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import pdefreq.runs.lifecycle
from pdefreq.commands.runs import export, rerun, resume, show
from pdefreq.core.content import digest, pack, unpack
from pdefreq.core.errors import UserError
from pdefreq.core.history import Stop
from pdefreq.runs.lifecycle import load_run
from pdefreq.runs.run_record import spec_id
from pdefreq.runs.solve import solve

RUNS = {
    "grid": ("poisson", "jacobi:intervals=8", 3),
    "mesh": ("l-shape", "fem:cells=2", 1),
    "network": ("poisson", "deep-ritz:widths=[4],number=16", 2),
}
NUMBERS = (0, 1, -1, 3, 2**31, -(2**63), 2**64, 10**30, 0.5, -2.5, 1e308, 1e-320, float("nan"), float("inf"))
TEXTS = ("", "x", "..", "../outside", "/etc/passwd", "evil.py:X", "os:system", "\x00", "\ud800", "a" * 5000, "x^" * 40 + "9", "9^9^9^9", "((" * 500)  # fmt: skip


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    place = tmp_path_factory.mktemp("bases")
    for name, (problem, method, steps) in RUNS.items():
        solve(problem, method, stop=Stop(steps=steps), folder=place / name, predict=name == "grid")
    return place


def mutated_value(chance, value):
    kind = chance.randrange(6)
    if kind == 0:
        return chance.choice(NUMBERS)
    if kind == 1:
        return chance.choice(TEXTS)
    if kind == 2:
        return chance.choice((None, True, False, [], {}, [[]], {"name": "evil.py:X"}, {"type": "evil.py:X"}, {"array": "x"}))
    if kind == 3:
        return [value, value]
    if kind == 4:
        return {"name": value, "type": value}
    deep = value
    for _ in range(chance.choice((3, 70, 5000))):
        deep = [deep]
    return deep


def places(value):
    """All pairs of a list or an object in a JSON value and a key of it."""
    stack, found = [value], []
    while stack:
        each = stack.pop()
        for key, inner in each.items() if isinstance(each, dict) else enumerate(each):
            found.append((each, key))
            if isinstance(inner, (dict, list)):
                stack.append(inner)
    return found


def written(value):
    """JSON of any depth; `json.dumps` refuses deep lists."""
    levels = 0
    while isinstance(value, list) and len(value) == 1:
        value, levels = value[0], levels + 1
    if isinstance(value, dict):
        inside = "{" + ", ".join(f"{json.dumps(k)}: {written(v)}" for k, v in value.items()) + "}"
    elif isinstance(value, list):
        inside = "[" + ", ".join(map(written, value)) + "]"
    else:
        inside = json.dumps(value)
    return "[" * levels + inside + "]" * levels


def mutate_json(chance, folder):
    path = folder / "run.json"
    record = json.loads(path.read_text())
    for _ in range(chance.choice((1, 1, 1, 3))):
        holder, key = chance.choice(places(record["spec"] if chance.random() < 0.8 else record))
        if chance.random() < 0.2:
            del holder[key]
        elif isinstance(holder, dict) and chance.random() < 0.2:
            holder[chance.choice(TEXTS)] = holder[key]
        else:
            holder[key] = mutated_value(chance, holder[key])
    with contextlib.suppress(Exception):  # what can't be signed is left as it is
        problem = record["spec"]["problem"]
        arrays = dict(np.load(folder / "problem.npz")) if (folder / "problem.npz").exists() else {}
        if chance.random() < 0.8:
            problem["digest"] = digest(unpack(problem["content"], arrays))
        if chance.random() < 0.9:
            record["id"] = spec_id(record["spec"])
    text = written(record)
    if chance.random() < 0.1:
        text = text.replace('"seed"', '"seed": 1, "seed"', 1)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def mutate_bytes(chance, folder):
    path = chance.choice([path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in (".json", ".npz")])
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 4, 50))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)) :]
    sign(path, bytes(data))


def sign(path, data):
    """Write a file; a checkpoint under the name that contains its digest."""
    path.write_bytes(data)
    if path.parent.name == "checkpoints":
        path.rename(path.with_name(f"{path.name.split('.')[0]}.{hashlib.sha256(data).hexdigest()[:16]}.npz"))


def mutate_arrays(chance, folder):
    path = chance.choice([*sorted(folder.rglob("checkpoints/*.npz")), *folder.glob("problem.npz")])
    arrays = dict(np.load(path))
    compression, objects = zipfile.ZIP_STORED, False
    for _ in range(chance.choice((1, 1, 3))):
        name = chance.choice(sorted(arrays))
        value, kind = arrays[name], chance.randrange(10)
        if kind == 0:
            del arrays[name]
        elif kind == 1:
            arrays[name] = value.reshape(-1)
        elif kind == 2:
            arrays[name] = value[None]
        elif kind == 3 and value.dtype.kind in "biuf":
            arrays[name] = (value * chance.choice((-1, 1e300, np.nan))).astype(
                chance.choice((value.dtype.str, "f4", "i8", "c16", "?"))
            )
        elif kind == 4:
            arrays[name] = np.resize(value, chance.choice([(0,), (1,), (5,), (2, 2), (10**6, 0)]))
        elif kind == 5:
            arrays[name], objects = np.array([Pickle(folder.parent / "canary")], dtype=object), True
        elif kind == 6:
            arrays[name] = np.array(chance.choice(TEXTS[:8]))
        elif kind == 7:
            arrays[chance.choice(("../x", "memory/x", "column/x", "fact/mode_kind"))] = value
        elif kind == 8:
            compression = zipfile.ZIP_DEFLATED
        else:
            arrays[name] = value[: len(value) // 2] if value.ndim else value
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, value in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, value, allow_pickle=objects)
            data = member.getvalue()
            if chance.random() < 0.05:  # a size without data
                data = data.replace(b"'shape': (", b"'shape': (9999999999, ", 1)
            archive.writestr(f"{name}.npy", data)
    sign(path, stream.getvalue())


def mutate_problem_arrays(chance, folder):
    """Another array of the mesh, with all digests as they should be."""
    path = folder / "problem.npz"
    if not path.exists():
        return mutate_json(chance, folder)
    arrays, record = dict(np.load(path)), json.loads((folder / "run.json").read_text())
    content = unpack(record["spec"]["problem"]["content"], arrays)
    holders = [(holder, key) for holder, key in places(content) if isinstance(holder[key], np.ndarray)]
    holder, key = chance.choice(holders)
    value = holder[key].copy()
    kind = chance.randrange(4)
    if kind == 0:
        value.flat[chance.randrange(value.size)] = chance.choice((-1, 0, 7, 10**6))
    elif kind == 1:
        value = value[..., : chance.randrange(value.shape[-1])]
    elif kind == 2:
        value = value.astype(chance.choice(("f4", "i1", "c16", "?", "U3")))
    else:
        value = value * chance.choice((0, -1, 10**6))
    holder[key] = np.ascontiguousarray(value)
    packed, arrays = pack(content)
    record["spec"]["problem"] |= {"content": packed, "digest": digest(content)}
    np.savez(path, **arrays)
    (folder / "run.json").write_text(json.dumps(record | {"id": spec_id(record["spec"])}))


class Pickle:
    """An object whose pickle writes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def mutate_links(chance, folder):
    outside = folder.parent / "outside"
    name = chance.choice(("run.json", "problem.npz", "checkpoints", "history.csv", "solution.png", ".run.json.1.tmp", "evil.py"))
    path = folder / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if chance.random() < 0.3:
        os.mkfifo(path)
    else:
        path.symlink_to(chance.choice((outside / name, outside, folder / "missing", "/dev/zero", path)))


MUTATIONS = (
    mutate_json,
    mutate_json,
    mutate_json,
    mutate_arrays,
    mutate_arrays,
    mutate_problem_arrays,
    mutate_bytes,
    mutate_links,
)


def snapshot(folder):
    return {str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")}


def fuzz(bases, tmp_path, monkeypatch, numbers, capsys):
    def short(prepared, start, **options):
        """The loop for at most two more steps: mutated budgets may be long."""
        return advance(
            replace(prepared, spec=replace(prepared.spec, stop=Stop(steps=min(start.step + 2, 10**9)))), start, **options
        )

    advance = pdefreq.runs.lifecycle.advance
    monkeypatch.setattr(pdefreq.runs.lifecycle, "advance", short)
    refused = 0
    for number in numbers:
        chance = random.Random(number)
        place = tmp_path / str(number)
        name = chance.choice(sorted(RUNS))
        folder = place / "run"
        shutil.copytree(bases / name, folder)
        shutil.copytree(bases / "grid", place / "outside")
        for each in (folder, place):
            (each / "evil.py").write_text(f"import pathlib\npathlib.Path({str(place / 'canary')!r}).touch()\n")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that another type does not have
            chance.choice(MUTATIONS)(chance, folder)
        before = snapshot(place / "outside")
        read = chance.choice(("show", "resume", "rerun", "export", "load"))
        monkeypatch.chdir(place)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # e.g. of overflows in mutated numbers
                run_command(read, folder, place)
        except UserError as error:
            refused += 1
            assert str(error), number
        except Exception as error:
            raise AssertionError(f"mutant {number} of {name}, {read}: {type(error).__name__}: {error}") from error
        finally:
            capsys.readouterr()
        assert snapshot(place / "outside") == before, number
        assert not (place / "canary").exists(), number
        assert {path.name for path in place.iterdir()} <= {"run", "outside", "evil.py", "again", "to.csv"}, number
        shutil.rmtree(place)
    return refused


def run_command(read, folder, place):
    if read == "show":
        show(folder, no_figures=True)
    elif read == "resume":
        resume(folder, quiet=True, no_figures=True)
    elif read == "rerun":
        rerun(folder, out=place / "again", quiet=True, no_figures=True)
    elif read == "export":
        export(folder, place / "to.csv")
    else:
        load_run(folder).summary()


def test_50_mutated_folders_are_read_or_refused_in_one_sentence(bases, tmp_path, monkeypatch, capsys):
    refused = fuzz(bases, tmp_path, monkeypatch, range(50), capsys)
    assert 25 < refused < 50  # the mutations matter, and some reach the numerics


@pytest.mark.slow
def test_2000_mutated_folders_are_read_or_refused_in_one_sentence(bases, tmp_path, monkeypatch, capsys):
    fuzz(bases, tmp_path, monkeypatch, range(1000, 3000), capsys)

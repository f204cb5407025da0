"""The files of ``benchmarks/growth.py``."""

import json
import sys

import pytest

from benchmarks import growth


def run(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["growth.py", *arguments])
    growth.main()


@pytest.mark.parametrize("out", [[], ["--out", "mine"]])
def test_results_and_figure_are_in_the_folder_that_is_printed(out, tmp_path, monkeypatch, capsys):
    """Two rows take the place of the measurements."""
    monkeypatch.chdir(tmp_path)
    rows = [growth.Row("fem", 81, 0.08, 0.006, 1), growth.Row("fem", 289, 0.02, 0.01, 1)]
    monkeypatch.setattr(growth, "measured", lambda _: iter(rows))
    monkeypatch.setattr(growth, "draw", lambda *_: _picture())
    run(monkeypatch, "unknowns", *out)
    folder = tmp_path / (out[1] if out else "runs/growth")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {folder / "growth.json", folder / "growth-unknowns.png"}
    assert json.loads((folder / "growth.json").read_text()) == {"unknowns": [list(row) for row in rows]}
    told = capsys.readouterr().out
    for path in folder.iterdir():
        assert str(path.relative_to(tmp_path)) in told
    run(monkeypatch, "unknowns", "--from", *out)
    assert capsys.readouterr().out == told


def test_missing_results_are_refused_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as refusal:
        run(monkeypatch, "dimension", "--from")
    assert refusal.value.code == 2 and not [*tmp_path.iterdir()]
    assert "growth.json has no results of 'dimension': leave out --from" in capsys.readouterr().err


def _picture():
    from pdefreq.figures.style import Picture

    return Picture(figsize=(1, 1))

import pytest
from typer.testing import CliRunner

from pdefreq.cli import app

RUN = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "run"
    result = RUN.invoke(
        app,
        ["solve", "poisson", "--method", "jacobi", "--steps", "10", "--snapshots", "--quiet", "--no-figures", "--out", str(path)],
    )
    assert result.exit_code == 0
    return path


def test_a_film_and_still_pictures_of_a_run(folder, tmp_path):
    assert RUN.invoke(app, ["film", str(folder), "--frames", "3", "--out", str(tmp_path / "a.gif")]).exit_code == 0
    result = RUN.invoke(app, ["film", str(folder), str(folder), "--frames", "0,10", "--out", str(tmp_path / "a.png")])
    assert f"written to {tmp_path / 'a.png'}" in result.output.replace("\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.png"]


@pytest.mark.parametrize("frames", ["many", "1,x", "-3", "0,"])
def test_other_numbers_of_frames_are_refused(folder, frames):
    result = RUN.invoke(app, ["film", str(folder), f"--frames={frames}"])
    assert "--frames expects" in str(result.exception or "") + result.output


def test_a_film_without_a_name_has_the_name_of_the_run(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert RUN.invoke(app, ["film", str(folder), "--frames", "0,10"]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run-film.png"]

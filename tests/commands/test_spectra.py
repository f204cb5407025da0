import json

import pytest
from typer.testing import CliRunner

from pdefreq.cli import app

RUN = CliRunner()


def test_lfp_prints_the_distances_and_draws(tmp_path):
    result = RUN.invoke(app, ["lfp", "--initialization", "uniform(0.2,1,1)", "--out", str(tmp_path / "a.png")])
    assert result.exit_code == 0
    assert "natural cubic spline" in result.output
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_lfp_as_json(tmp_path):
    result = RUN.invoke(app, ["lfp", "five-points", "--json", "--out", str(tmp_path / "a.svg")])
    found = json.loads(result.stdout)
    assert found["distances"]["natural cubic spline"] == pytest.approx(0.015, rel=0.05)  # published
    assert found["network"] is None


def test_activations_prints_the_decay_and_the_peak(tmp_path):
    result = RUN.invoke(app, ["activations", "relu", "ricker(0.3)", "--out", str(tmp_path / "a.png")])
    assert result.exit_code == 0
    assert "k^-2" in result.output
    assert "4.71" in result.output


def test_activations_as_json(tmp_path):
    result = RUN.invoke(app, ["activations", "tanh", "--json", "--out", str(tmp_path / "a.png")])
    assert json.loads(result.stdout)["activations"] == [{"activation": "tanh", "tail": None, "peak": 0.0, "closed": True}]

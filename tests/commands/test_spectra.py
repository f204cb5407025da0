import inspect
import json

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import pdefreq
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


@pytest.mark.parametrize(("command", "function"), [("lfp", pdefreq.lfp)])
def test_a_command_has_every_option_of_its_function_with_the_same_default(command, function):
    known = {parameter.name: parameter.default for parameter in get_command(app).commands[command].params}
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.name in known
        assert parameter.default in (parameter.empty, known[parameter.name])


def test_the_options_of_the_waves_reach_the_model(tmp_path):
    """The fit is that of the Python function with the same options, which differs from the default one."""
    options = {"period": 30.0, "waves": 300, "ridge": 1e-3}
    typed = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    result = RUN.invoke(app, ["lfp", *typed, "--json", "--out", str(tmp_path / "a.png")])
    found = json.loads(result.stdout)
    assert {name: found[name] for name in options} == options
    assert found["distances"] == pdefreq.lfp("five-points", **options).distances
    assert found["distances"] != pytest.approx(pdefreq.lfp("five-points").distances, rel=1e-3)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--period", "0.5", "`period` must be finite and longer than the range of the data, 0.9, got 0.5"),
        ("--period", "inf", "`period` must be finite"),
        ("--waves", "0", "`waves` must be at least 1, got 0"),
        ("--waves", "1000000000000", "GiB of memory"),
        ("--ridge", "-1", "`ridge` must be finite and at least 0, got -1.0"),
        ("--ridge", "nan", "`ridge` must be finite and at least 0, got nan"),
        ("--width", "3", "`width` must be an even number"),
    ],
)
def test_a_bad_option_of_the_model_is_one_sentence(option, value, message, tmp_path):
    result = RUN.invoke(app, ["lfp", option, value, "--out", str(tmp_path / "a.png")])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split()) and "Traceback" not in result.output
    assert not (tmp_path / "a.png").exists()

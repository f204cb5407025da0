"""The modules of docs/examples: the same results as the built-in network, and every command works with them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from pdefreq import load_problem, network, solve
from pdefreq.cli import app
from pdefreq.core.registry import import_file
from pdefreq.core.streams import stream
from pdefreq.solvers.names import make_solver

FILE = Path(__file__).parents[1] / "docs" / "examples" / "modules.py"
MODULES = import_file(FILE)
NAMES = ("Siren", "ChebyshevKan", "Transformer")
DIMENSION = {"poisson": 1, "perforated": 2}
WAYS = [("ritz", "adam"), ("residual", "adam"), ("residual", "gauss-newton"), ("ritz", "lbfgs")]


@pytest.mark.parametrize("problem", DIMENSION)
@pytest.mark.parametrize(("loss", "optimizer"), WAYS)
def test_a_siren_written_by_hand_gives_the_results_of_the_built_in_network(problem, loss, optimizer):
    """The same weights at the start, five steps: the differences are rounding errors, which the steps may amplify to 1e-10."""
    options = {"widths": (8, 8), "activation": "sin", "initialization": "siren(4)", "scaling": "none", "number": 200}
    built_in: Any = make_solver("network", {"loss": loss, "optimizer": optimizer, **options})
    module = MODULES.Siren(DIMENSION[problem], widths=(8, 8), omega=4.0).double()
    start = built_in.network.on(load_problem(problem).domain).initialize(stream(0, "initialization"))
    nn.utils.vector_to_parameters(start, module.parameters())
    own = network(network=module, loss=built_in.loss, optimizer=built_in.optimizer).with_options(scaling="none", number=200)
    pair = [solve(problem, method, steps=5, predict=False, probes=[]) for method in (built_in, own)]
    x = pair[0].problem.domain.interior(50, stream(2, "test")).x.numpy()
    size = np.abs(np.asarray(pair[0](x))).max()
    assert not torch.equal(pair[0].state.coefficients, start)
    np.testing.assert_allclose(np.asarray(pair[1](x)), np.asarray(pair[0](x)), rtol=0, atol=1e-10 * size)


def command(*arguments):
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, f"{arguments}: {done.output}"
    return done.stdout


@pytest.mark.parametrize("name", ["Transformer", *(pytest.param(each, marks=pytest.mark.slow) for each in NAMES[:2])])
def test_every_command_works_with_a_module(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    method = f"deep-ritz:network={FILE}:{name},number=50"
    found = json.loads(command("solve", "poisson", "-m", method, "--steps", 3, "-o", "run", "--json", "--no-figures"))
    assert found["steps"] == 3 and np.isfinite(found["relative_l2"])
    assert "3 steps in" in command("show", "run", "--trust")
    assert json.loads(command("resume", "run", "--trust", "--steps", 5, "--json"))["steps"] == 5
    assert json.loads(command("rerun", "run", "--trust", "-o", "again", "--json"))["steps"] == 5
    command("export", "run", "--trust", "--to", "u.csv")
    assert (tmp_path / "u.csv").read_text().count("\n") > 100
    command("compare", "poisson", "jacobi", method, "--steps", 2, "-o", "both")
    assert (tmp_path / "both" / "comparison.png").exists()
    flow = f"{method},optimizer=gd,half_life=null,learning_rate=1e-6"
    command("predict", "poisson", "-m", flow)
    command("ntk", "poisson", "-m", method, "--steps", 2, "-o", "ntk.png")
    Path("run.toml").write_text(f'problem = "poisson"\nmethod = "{method}"\nsteps = 2\n')
    command("run", "run.toml", "--trust", "-o", "third", "--no-figures")


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("problem", ["poisson", pytest.param("perforated", marks=pytest.mark.slow)])
def test_a_module_is_trained_by_gauss_newton(problem, name):
    solution = solve(problem, make_solver("gauss-newton", {"network": f"{FILE}:{name}", "number": 60}), steps=3, predict=False)
    objective = solution.history.column("objective")
    assert objective[-1] < objective[0]

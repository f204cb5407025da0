"""Every problem with every method at its defaults: it runs, or the refusal names something that runs."""

import functools
import math
import re
import tomllib
from typing import Any

import pytest
import torch

from pdefreq.core.errors import UserError
from pdefreq.core.history import Stop
from pdefreq.problem.files import load_problem, problem_directories, problem_names
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.solver import chosen

METHODS = list(SOLVERS)
NETWORKS = ["deep-ritz", "mscale", "pinn", "pinn-gradient", "gauss-newton", "network"]
FILES = {
    name: next(d / f"{name}.toml" for d in problem_directories() if (d / f"{name}.toml").is_file()) for name, _ in problem_names()
}
VARIANTS = [f"{name}:{variant}" for name, file in FILES.items() for variant in tomllib.loads(file.read_text()).get("variant", {})]
QUICK = ["poisson", "circle", "convection-diffusion", "helmholtz", "p-laplacian", "sampled-1d", "tones", "tones-known"]
LARGE = {"auto", "random-features"}  # on cube-holes a step of random-features takes more than 11 GiB
SMALL = {"number": 64, "widths": [6, 6]}
STEPS = 2
Settings = tuple[tuple[str, Any], ...]  # options that can be hashed


def run(problem: str, method: str, options: dict[str, Any]) -> None:
    """Take two steps, without measurements, and require finite numbers."""
    _run(
        problem,
        method,
        tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(options.items())),
    )


@functools.lru_cache(maxsize=64)
def _run(problem: str, method: str, settings: Settings) -> None:
    """The same. Many refusals on one problem name the same method, which then runs once."""
    options = {name: [*value] if isinstance(value, tuple) else value for name, value in settings}
    blind = load_problem(problem).blind()
    solver = chosen(make_solver(method, options), lambda: blind).solver.resolved(blind, Stop(steps=STEPS))
    iteration = solver.prepare(blind, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    for _ in range(STEPS):
        state = state if state.done else iteration.step(state)
    assert bool(state.coefficients.isfinite().all())
    assert math.isfinite(sum(float(value) for value in iteration.objective(state).values()))


def remedies(message: str, method: str, options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The methods with options that a refusal names in its last clause, in a form that can be pasted.

    Example:
        >>> remedies("pinn takes derivatives: use `--set activation=sin` or `fem`", "pinn", {})
        [('pinn', {'activation': 'sin'}), ('fem', {})]
    """
    found = []
    for text in re.findall("`([^`]+)`", message.rpartition(": ")[2]):
        if text.startswith("--set "):
            key, _, value = text.removeprefix("--set ").partition("=")
            found.append((method, options | {key: value}))
        elif text.partition(":")[0] in SOLVERS:
            found.append((text, {}))
    return found


def require_runs_or_remedy(problem: str, method: str, options: dict[str, Any]) -> None:
    try:
        run(problem, method, options)
        return
    except UserError as refusal:
        named = remedies(str(refusal), method, options)
        assert named, refusal
    for other, given in named:
        run(problem, other, given)


def test_remedies_are_read_from_a_refusal():
    message = "sor needs something, and this: the other: use `--set omega=1.2` or another value, or `gmres`"
    assert remedies(message, "sor", {"number": 3}) == [("sor", {"number": 3, "omega": "1.2"}), ("gmres", {})]
    assert remedies("it needs gmsh: install it with `pip install gmsh`, or use `deep-ritz`", "fem", {}) == [("deep-ritz", {})]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("problem", QUICK)
def test_a_problem_on_an_interval_runs_or_is_refused_with_a_remedy_that_runs(problem, method):
    require_runs_or_remedy(problem, method, {})


@pytest.mark.parametrize("method", NETWORKS)
@pytest.mark.parametrize("problem", ["robin", "neumann", "l-shape", "ring"])
def test_networks_run_on_each_kind_of_boundary(problem, method):
    run(problem, method, SMALL if method != "mscale" else {"number": 64, "widths": [6, 6], "scales": [1.0, 2.0]})


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("problem", [name for name in [*FILES, *VARIANTS] if name not in QUICK])
def test_every_problem_runs_or_is_refused_with_a_remedy_that_runs(problem, method):
    if problem.startswith("cube-holes") and method in LARGE:
        pytest.skip("needs too much memory")
    require_runs_or_remedy(problem, method, {})

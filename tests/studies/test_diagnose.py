"""Runs that are broken on purpose: each names its cause first. Healthy runs have no severe finding."""

import re

import numpy as np
import pytest

from pdefreq import Box, Problem, Spectrum, Stop, diagnose, make_solver, solve
from pdefreq.commands.diagnose import diagnose as command
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.studies.checks import CHECKS

LAYER = Problem(domain=Box(0, 1), exact="tanh((x - 0.5)/0.002)")
WEAK = Problem(
    domain=Box(0, 1),
    exact="sin(pi*x) + 1e-15*sin(5*pi*x)",
    boundary=0,
    spectrum=Spectrum(wavenumbers=(np.pi, 5 * np.pi)),
)
RITZ = "deep-ritz:half_life=null,number=200"
BROKEN = [
    ("aliasing", "poisson", "jacobi:intervals=6", 200),
    ("narrow features", LAYER, "fem:cells=16", 1),
    ("noise floor", WEAK, "jacobi:intervals=32", 50),
    ("boundary imbalance", "poisson", "pinn:boundary=penalty,beta=0.01", 60),
    ("penalty floor", "poisson", "deep-ritz:boundary=penalty,beta=2", 60),
    ("dead units", "poisson", "deep-ritz:activation=phi,initialization=uniform(0.5,30,1)", 20),
    ("step size", "poisson", f"{RITZ},optimizer=gd,learning_rate=50", 20),
    ("step size", "poisson", f"{RITZ},optimizer=sgd,learning_rate=50", 20),
    ("step size", "poisson", f"{RITZ},learning_rate=0.1", 60),
    ("step size", "poisson", "pinn:number=200,learning_rate=0.1", 60),
    ("step size", "tones", "regression:learning_rate=0.3", 40),
    ("kernel condition", "poisson", f"{RITZ},optimizer=gd,learning_rate=1e-4", 50),
    ("kernel condition", "poisson", f"{RITZ},optimizer=sgd,learning_rate=1e-5", 50),
    ("kernel condition", "poisson", f"{RITZ},learning_rate=1e-6", 50),
    ("overfitted quadrature", "poisson", "mscale:number=20", 200),
]
HEALTHY = {"fem": 1, "jacobi:intervals=64": 2000, "sor": 500, "gauss-newton": 30, "sine": 1, "mscale:number=200": 100}


@pytest.mark.slow
@pytest.mark.parametrize(("cause", "problem", "method", "steps"), BROKEN, ids=[f"{each[0]}-{each[2]}" for each in BROKEN])
def test_a_broken_run_names_its_cause_first(cause, problem, method, steps):
    found = diagnose(solve(problem, method, steps=steps))
    assert found.severe and found.severe[0].check == cause, found
    assert not found.failed and found.severe[0].evidence
    options = [text for text in re.findall("`([^`]+)`", found.severe[0].remedy) if text.startswith("--set ")]
    assert options or cause == "noise floor"
    for option in options:  # each can be pasted
        key, _, value = option.removeprefix("--set ").partition("=")
        PlannedRun.of(problem, make_solver(method).with_options({key: value}), stop=Stop(steps=1))
    assert {each.check for each in found.findings} | {*found.inapplicable} == {*CHECKS}


def test_seeds_that_differ_are_named_first(tmp_path):
    """With two units per layer, Gauss-Newton reaches errors of 5e-5, 2e-4 and 2e-2 after 40 steps."""
    problem = Problem(domain=Box(0, 1), exact="sin(3*pi*x)", boundary=0)
    errors = []
    for seed in range(3):
        run = solve(problem, "gauss-newton:widths=[2]", steps=40, seed=seed)
        run.save(tmp_path / f"seed-{seed}")
        errors.append(run.error())
    found = diagnose(tmp_path)
    assert found.severe[0].check == "seed spread"
    assert found.severe[0].severity == pytest.approx(max(errors) / min(errors) / 10)
    assert "`--set network.widths=[4]`, or `--seeds 6`" in found.severe[0].remedy


def test_every_check_has_a_broken_run():
    assert set(CHECKS) == {*(cause for cause, *_ in BROKEN), "seed spread"}


@pytest.mark.slow
@pytest.mark.parametrize("method", HEALTHY)
def test_a_healthy_run_has_no_severe_finding(method):
    found = diagnose(solve("poisson", method, steps=HEALTHY[method]))
    assert not found.severe and not found.failed and found.findings


def test_the_wavelength_is_compared_with_half_of_it():
    """poisson has the wave sin(24 x): its wavelength is 2 pi / 24, and 64 intervals on (-1, 1) are 1/32 apart."""
    found = {each.check: each for each in diagnose(solve("poisson", "jacobi:intervals=64", steps=2)).findings}
    assert found["aliasing"].severity == pytest.approx((1 / 32) / (np.pi / 24))


@pytest.mark.parametrize(
    ("optimizer", "limit"), [("gd", 2 / 0.01), ("sgd,momentum=0.5", 3 / 0.01), ("sgd", 3.8 / 0.01), ("adam", 38 / 0.01)]
)
def test_the_evidence_has_the_limit_of_the_optimizer(optimizer, limit):
    """2 / eta; (2 + 2 beta) / eta with the momentum beta; (2 + 2 beta_1) / ((1 - beta_1) eta) for Adam (arXiv 2207.14484)."""
    run = solve("poisson", f"{RITZ},optimizer={optimizer},learning_rate=0.01", steps=1)
    found = {each.check: each for each in diagnose(run).findings}["step size"]
    assert f"with the learning rate 0.01 is stable only if it is below {limit:.3g};" in found.evidence


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("deep-ritz:optimizer=lbfgs,number=200", "no such limit for lbfgs, in which a line search"),
        ("gauss-newton:number=100", "no such limit for gauss-newton, in which a line search or a damped linear system"),
        ("deep-ritz:number=200,clip=1", "no such limit is known for adam if gradients are clipped"),
        ("deep-ritz:number=200,optimizer=soap", "no such limit is known for soap"),
        ("jacobi", "the method does not train a network"),
    ],
)
def test_optimizers_without_a_limit_say_so(method, reason):
    found = diagnose(solve("poisson", method, steps=2)).inapplicable
    for check in ("step size", "kernel condition"):
        assert reason in found[check]


@pytest.mark.parametrize("method", ["jacobi", "gauss-newton"])
def test_a_check_that_does_not_apply_says_why(method):
    """The summary of a check, its first line, is what it tests and no reason."""
    found = diagnose(solve("poisson", method, steps=1)).inapplicable
    assert found and not {*found.values()} & {*CHECKS.summaries().values()}


def test_the_kernel_of_a_small_network_has_as_many_eigenvalues_as_coefficients():
    """200 points and 31 coefficients: the other 169 eigenvalues are zero, however long the network is trained."""
    run = solve("poisson", f"{RITZ},network=mlp,widths=[10],input=null,optimizer=gd,learning_rate=1e-3", steps=20)
    assert len(run.state.coefficients) == 31
    found = {each.check: each for each in diagnose(run).findings}["kernel condition"]
    below = re.search(r"; (\d+) of 31 are below", found.evidence)
    assert below is not None, found.evidence
    assert found.severity == pytest.approx(int(below[1]) / 31 / 0.5)


def test_the_command_prints_the_option_to_try(tmp_path, capsys):
    solve("poisson", "jacobi:intervals=6", steps=50).save(tmp_path / "run")
    command(tmp_path / "run")
    out = capsys.readouterr().out
    assert "aliasing" in out.splitlines()[0] and "try: `--set intervals=" in out
    assert "  step size: the method does not train a network" in out

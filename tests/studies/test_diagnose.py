"""Runs that are broken on purpose: each names its cause first. Healthy runs have no severe finding."""

import re
import shlex

import numpy as np
import pytest
from typer.testing import CliRunner

from pdefreq import Box, Problem, Spectrum, Stop, diagnose, make_solver, solve
from pdefreq.cli import app
from pdefreq.commands.diagnose import diagnose as command
from pdefreq.core.history import Schedule
from pdefreq.runs.lifecycle import load_run
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.studies.checks import CHECKS
from tests.toys import Geometric, GeometricIteration, line_problem

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
HEALTHY = {
    "fem": 1,
    "jacobi:intervals=64": 2000,
    "sor:intervals=64": 500,
    "gauss-newton": 100,
    "sine": 1,
    "mscale:number=200,half_life=50": 400,
}
UNFINISHED = {"jacobi": 40, "jacobi:intervals=64": 500, "sor": 500, "gauss-newton": 30, "mscale:number=200": 100}


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
    assert set(CHECKS) == {*(cause for cause, *_ in BROKEN), "seed spread", "budget"}


@pytest.mark.slow
@pytest.mark.parametrize("method", HEALTHY)
def test_a_healthy_run_has_no_severe_finding(method):
    found = diagnose(solve("poisson", method, steps=HEALTHY[method]))
    assert not found.severe and not found.failed and found.findings


def test_the_gap_at_held_out_points_is_that_of_the_returned_state():
    """The network overfits 12 points, and its best state less than its last one."""
    method = "mscale:widths=[10,10],scales=[1,2,4],form=subnetworks,number=12,learning_rate=0.02"
    severity = {}
    for keep in ("best", "last"):
        run = solve("poisson", f"{method},keep={keep}", steps=60)
        found = {each.check: each for each in diagnose(run).findings}["overfitted quadrature"]
        severity[keep], own = found.severity, run.summary()["result"]
        fall = run.history.column("objective").max() - own["objective"]
        assert found.severity == pytest.approx((own["held_out_objective"] - own["objective"]) / fall / 0.05)
        assert ("keep=best" in found.remedy) == (keep == "last")
    assert severity["best"] < severity["last"]


@pytest.mark.slow
@pytest.mark.parametrize("method", UNFINISHED)
def test_a_run_that_ends_too_early_has_its_budget_as_the_only_severe_finding(method):
    found = diagnose(solve("poisson", method, steps=UNFINISHED[method]))
    assert [each.check for each in found.severe] == ["budget"] and not found.failed


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


def halvings(run):
    """The severity of the check of the budget, None if it does not apply, and its evidence with the remedy or the reason."""
    found = diagnose(run)
    assert not found.failed
    own = {each.check: each for each in found.findings}.get("budget")
    return (None, found.inapplicable["budget"]) if own is None else (own.severity, f"{own.evidence}; {own.remedy}")


@pytest.mark.parametrize("steps", [40, 400])
@pytest.mark.parametrize("times", [0.3, 1.0, 3.0])
def test_the_severity_is_the_number_of_halvings_of_a_geometric_sequence(monkeypatch, steps, times):
    """The error q^k with q^(N/2) = 2^-times has the median q^(0.95 N), so that there are 0.9 times as many halvings."""
    run = solve(line_problem(), Geometric(steps=steps), schedule=Schedule(dense=steps))
    error = 0.05 * 2 ** (-2 * times * np.arange(steps + 1) / steps)
    monkeypatch.setitem(run.history._columns, "relative_l2", [*error])
    severity, told = halvings(run)
    assert severity == pytest.approx(0.9 * times, rel=1e-9)
    assert f"`pdefreq resume RUN --steps {2 * steps}`" in told


def test_a_run_that_reached_its_floor_in_the_last_half_is_not_continued():
    """The error is 0.95^k with the interpolation error of 16 intervals, 0.0035, as its floor."""
    run = solve(line_problem(), Geometric(0.95, intervals=16, steps=200), schedule=Schedule(dense=200))
    error = run.history.column("relative_l2")
    assert error[:101].min() > 2 * error[-1] and error[170:].max() < 1.2 * error[-1]
    severity, _ = halvings(run)
    assert severity is not None and severity < 1


def test_a_slow_decrease_is_found_if_the_error_is_large():
    """The error q^k with q = 2^(-1/1000) is halved in 1000 steps."""
    run = solve(line_problem(), Geometric(2**-0.001, intervals=256, steps=200), schedule=Schedule(dense=200))
    severity, told = halvings(run)
    assert severity == 1
    steps = re.search(r"halved in ([\d,]+) more steps", told)
    assert steps is not None and int(steps[1].replace(",", "")) == pytest.approx(1000, rel=0.01)
    assert f"--steps {200 + int(steps[1].replace(',', ''))}`" in told


def test_a_decrease_that_comes_to_an_end_is_no_finding(monkeypatch):
    """The error 0.5 + 0.2 q^k decreases by 1e-3 in the last quarter, a quarter of the decrease before."""
    run = solve(line_problem(), Geometric(0.5, steps=200), schedule=Schedule(dense=200))
    q = 0.25 ** (1 / 50)
    monkeypatch.setitem(run.history._columns, "relative_l2", [*(0.5 + 0.2 * q ** np.arange(201))])
    severity, _ = halvings(run)
    assert severity is not None and severity < 0.1


def test_fluctuations_are_not_taken_for_a_decrease(monkeypatch):
    """An error that is multiplied by random numbers between 1 and 100 at each step."""
    noise = 10 ** (2 * np.random.default_rng(0).random(401))
    run = solve(line_problem(), Geometric(1.0, steps=400), schedule=Schedule(dense=400))
    monkeypatch.setitem(run.history._columns, "relative_l2", [*noise])
    severity, _ = halvings(run)
    assert severity == 0


@pytest.mark.parametrize(
    ("method", "reason"), [("fem", "did not end"), ("cg", "did not end"), ("random-features", "did not end")]
)
def test_only_runs_that_used_up_their_budget_can_be_continued(method, reason):
    severity, told = halvings(solve("poisson", method))
    assert severity is None and reason in told


def test_meshes_that_are_refined_are_no_unfinished_runs():
    severity, told = halvings(solve("poisson", "fem:refinement=uniform,cells=8", steps=2))
    assert severity is None and "more unknowns" in told


class SquaredIteration(GeometricIteration):
    """The objective is the square of the distance, an energy."""

    def objective(self, state):
        return {"energy": super().objective(state)["distance"] ** 2}


class Squared(Geometric):
    """A method whose objective decreases by the square of the factor."""

    def prepare(self, *args, **options):
        inner = super().prepare(*args, **options)
        return SquaredIteration(inner.space, inner.target, inner.start, inner.factor)


@pytest.mark.parametrize(("factor", "severe"), [(0.97, True), (0.8, False)])
def test_an_energy_without_errors_is_compared_with_its_own_decrease(factor, severe):
    """E_k = q^2k E_0 has the median q^76 at the end of 40 steps, and q^40 at their middle."""
    run = solve(line_problem(), Squared(factor, steps=40), probes=[], schedule=Schedule(dense=40))
    severity, told = halvings(run)
    assert severity == pytest.approx((factor**40 - factor**76) / (1 - factor**76) / 0.01, rel=1e-6)
    assert (severity >= 1) == severe and "of the decrease of its objective" in told


def test_a_time_that_was_used_up_is_doubled():
    run = solve(line_problem(), Geometric(0.999, steps=10**6), stop=Stop(train_seconds=1e-4))
    assert "`pdefreq resume RUN --train-seconds 1`" in halvings(run)[1]


def test_the_command_of_the_remedy_continues_the_run(tmp_path):
    folder = tmp_path / "a run"
    solve("poisson", "jacobi", steps=40, folder=folder)
    found = {each.check: each for each in diagnose(folder).findings}["budget"]
    assert found.is_severe
    words = shlex.split(found.remedy.split("`")[1])
    assert words[:2] == ["pdefreq", "resume"]
    assert CliRunner().invoke(app, [*words[1:], "--no-figures"], catch_exceptions=False).exit_code == 0
    assert load_run(folder).step == int(words[-1]) > 80


def test_the_command_prints_the_option_to_try(tmp_path, capsys):
    solve("poisson", "jacobi:intervals=6", steps=50).save(tmp_path / "run")
    command(tmp_path / "run")
    out = capsys.readouterr().out
    assert "aliasing" in out.splitlines()[0] and "try: `--set intervals=" in out
    assert "  step size: the method does not train a network" in out

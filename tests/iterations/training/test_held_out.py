"""Best states, early stopping and overfitting, for functionals with known minima."""

import numpy as np
import pytest
import torch

import pdefreq.runs.loop
from pdefreq.core.history import Status, Stop
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.ritz_energy import energy_of
from pdefreq.iterations.training.held_out import HeldOut
from pdefreq.iterations.training.steppers import GradientDescentStepper, LearningRate
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.files import load_problem
from pdefreq.runs.lifecycle import load_run, resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from tests.iterations.toys import Changing, Constant, Drawn, Numbers, Plain

RATES = {"adam": {"learning_rate": 0.03}, "gd": {"learning_rate": 2e-3}, "sgd": {"learning_rate": 5e-4}, "lbfgs": {}}
LIKE = torch.empty(0, dtype=torch.float64)


def distance(target):
    return Functional([Plain("distance", lambda c: (c - target).square().sum() / 2)])


def descend(**options):
    """Training follows a line from the initial point to 0; the held-out objective is minimal at a fifth of the initial point."""
    start = Numbers(4).initialize(torch.Generator().manual_seed(0))
    optimizer, held_out = GradientDescentStepper(LearningRate(0.01)), HeldOut(distance(start / 5), **options)
    iteration = TrainingIteration(Numbers(4), Constant(distance(0.0)), optimizer, seed=0, like=LIKE, held_out=held_out)
    iteration._space = Start(4)
    return iteration, start


class Start(Numbers):
    def initialize(self, stream):
        return super().initialize(torch.Generator().manual_seed(0))


def run(iteration, steps):
    states = [iteration.init()]
    for _ in range(steps):
        state = iteration.step(states[-1])
        states[-1] = type(state)(states[-1].space, states[-1].coefficients.clone(), states[-1].memory)
        states.append(state)
        if state.done:
            break
    return states


def test_the_best_state_is_the_evaluated_state_with_the_lowest_held_out_objective():
    """c_k = 0.99^k c_0 passes c_0 / 5 at k = log 5 / -log 0.99 = 160.1; the nearest multiple of ten is 160."""
    iteration, start = descend(keep_best=True)
    (*_, last) = run(iteration, 400)
    assert int(last.memory["held_out_best_step"]) == 160
    torch.testing.assert_close(iteration.result_state(last).coefficients, 0.99**160 * start, rtol=1e-12, atol=0)
    torch.testing.assert_close(last.coefficients, 0.99**400 * start, rtol=1e-11, atol=0)


def told(iteration, state):
    """The notes on held-out points, without the note on the change of the kernel."""
    return [note for note in iteration.notes(state) if not note.startswith("Since initialization")]


def test_patience_ends_the_run():
    iteration, _ = descend(patience=50)
    (*_, last) = run(iteration, 1000)
    assert last.done and int(last.memory["steps"]) == 160 + 50
    assert "The objective at held-out points has not decreased since step 160." in iteration.notes(last)
    assert iteration.final_status(last) is Status.EARLY


def test_by_default_the_last_state_is_returned_and_no_run_is_stopped():
    iteration, start = descend()
    (*_, last) = run(iteration, 300)
    assert not last.done and "best" not in last.memory
    torch.testing.assert_close(iteration.result_state(last).coefficients, 0.99**300 * start, rtol=1e-11, atol=0)


def test_notes_describe_the_result():
    iteration, _ = descend(keep_best=True)
    states = run(iteration, 400)
    kept = told(iteration, states[-1])
    assert len(kept) == 1 and kept[0].startswith("This is the state of step 160, with the lowest objective at held-out points: ")
    assert told(iteration, states[100]) == []  # the best state so far is the last one
    iteration, _ = descend()
    (note,) = told(iteration, run(iteration, 400)[-1])
    assert note.startswith("The network overfits its points: the objective is ") and "keep=best" in note


def test_resampled_points_cannot_be_overfitted():
    iteration, _ = descend()
    iteration._objectives = Drawn(distance(0.0))
    assert told(iteration, run(iteration, 400)[-1]) == []


def test_a_constant_objective_counts_as_not_decreasing():
    held_out, c = HeldOut(distance(0.0), patience=30), torch.ones(4, dtype=torch.float64)
    memory = held_out.memory(c)
    assert [held_out.look(c, step, memory) for step in range(10, 50, 10)] == [False, False, True, True]


@pytest.mark.parametrize("steps", [160, 400])
def test_overfitting_is_detected_from_the_gap_relative_to_the_decrease(steps):
    """The objectives |c|^2 / 2 and |c - c_0 / 5|^2 / 2 differ initially, too; the criterion is which of the two is lower."""
    iteration, _ = descend()
    (*_, last) = run(iteration, steps)
    assert bool(told(iteration, last)) == (steps == 400)


def test_an_untrained_network_is_not_overfitted():
    """Initially no objective has decreased, so that any gap between the points exceeds the decrease."""
    training, elsewhere = distance(0.0), HeldOut(distance(-0.2), patience=30)
    start = torch.ones(4, dtype=torch.float64)
    assert float(elsewhere.value(start, training.weights)) != float(training.value(start))
    for c in (start, start * (1 - 1e-4)):
        assert elsewhere.notes_on_fit(training, c, start) == []


def test_a_run_returns_the_best_state_and_resumes_from_the_last(tmp_path):
    """A network of 423 unknowns overfits 12 points, and the best state has a smaller error than the last one."""
    options = {"widths": [10, 10], "scales": [1, 2, 4], "number": 12, "learning_rate": 0.02, "form": "subnetworks"}
    best, last = (make_solver("mscale", {**options, "keep": keep}) for keep in ("best", "last"))
    stop = Stop(steps=60)
    whole, plain = solve("poisson", best, stop=stop), solve("poisson", last, stop=stop)
    solve("poisson", best, stop=stop, folder=tmp_path / "run", callback=lambda step, *_: step == 25)
    again = resume(tmp_path / "run")
    np.testing.assert_array_equal(again.state.coefficients, whole.state.coefficients)
    shown = load_run(tmp_path / "run")
    np.testing.assert_array_equal(shown.state.coefficients, whole.state.coefficients)
    assert shown.notes == again.notes == whole.notes and any("This is the state of step" in note for note in whole.notes)
    assert any("overfits its points" in note for note in plain.notes)
    held_out = whole.history.column("held_out_objective")
    assert np.isfinite(held_out).all() and held_out[-1] > held_out[::10].min()
    np.testing.assert_array_equal(held_out, plain.history.column("held_out_objective"))  # evaluation does not change the run
    fine = whole.problem.domain.quadrature(4000)
    assert energy_of(whole.problem, whole, fine) < energy_of(plain.problem, plain, fine)


class Killed(BaseException):
    """A kill, after which only the run folder remains."""


@pytest.mark.parametrize("optimizer", [pytest.param(name, marks=[pytest.mark.slow] * (name in ("gd", "sgd"))) for name in RATES])
def test_a_killed_or_saved_run_continues_from_the_last_state(optimizer, tmp_path, monkeypatch):
    """When the run ends at step 27 the best state is that of step 10 or 20; a run resumed from it would have another result."""
    options = {"widths": [10], "scales": [1, 8], "number": 10, "form": "subnetworks", "keep": "best", "optimizer": optimizer}
    solver, stop = make_solver("mscale", options | RATES[optimizer]), Stop(steps=60)
    whole, cut = (solve("poisson", solver, stop=each, probes=["error"]) for each in (stop, Stop(steps=27)))
    assert 0 < int(cut.last_state.memory["held_out_best_step"]) < 27
    assert not torch.equal(cut.state.coefficients, cut.last_state.coefficients)
    cut.save(tmp_path / "saved")

    def kill(step, *_):
        if step == 27:
            raise Killed

    monkeypatch.setattr(pdefreq.runs.loop, "_CHECKPOINT_SECONDS", 0.0)  # a checkpoint at each recorded step
    with pytest.raises(Killed):
        solve("poisson", solver, stop=stop, probes=["error"], folder=tmp_path / "killed", callback=kill)
    for folder in ("saved", "killed"):
        again = resume(tmp_path / folder, stop=stop)
        assert torch.equal(again.state.coefficients, whole.state.coefficients)
        assert torch.equal(again.last_state.coefficients, whole.last_state.coefficients)
        for name in ("objective", "held_out_objective", "relative_l2"):
            np.testing.assert_array_equal(again.history.column(name), whole.history.column(name))


def test_a_run_ended_by_patience_has_the_status_early_and_claims_no_convergence(tmp_path):
    solver = make_solver("mscale", {"widths": [10, 10], "number": 12, "learning_rate": 0.02, "patience": 20})
    solution = solve("poisson", solver, stop=Stop(steps=500), folder=tmp_path / "run")
    assert solution.status is Status.EARLY and solution.step < 500
    assert solution.status.sentence.startswith("Stopped early") and solution.status.exit_code == 0
    assert any("has not decreased since step" in note for note in solution.notes)
    assert load_run(tmp_path / "run").status is Status.EARLY
    again = resume(tmp_path / "run")
    assert (again.status, again.step) == (Status.EARLY, solution.step)


def staged(**options):
    """Like `descend`, but for the first 200 steps the objective is minimal at the initial point, and the state is constant."""
    _, start = descend()
    held_out = HeldOut(distance(start / 5), **options)
    objectives = Changing(distance(start), distance(0.0), at=200)
    iteration = TrainingIteration(
        Start(4), objectives, GradientDescentStepper(LearningRate(0.01)), seed=0, like=LIKE, held_out=held_out
    )
    return iteration, start


def test_patience_and_best_state_start_with_the_last_stage():
    """c_k = 0.99^(k - 200) c_0 passes c_0 / 5 at k = 360; until step 200 the constant objective is no reason to stop."""
    iteration, start = staged(patience=50, keep_best=True)
    states = run(iteration, 1000)
    last = states[-1]
    assert last.done and int(last.memory["steps"]) == 200 + 160 + 50
    assert int(last.memory["held_out_best_step"]) == 360
    torch.testing.assert_close(iteration.result_state(last).coefficients, 0.99**160 * start, rtol=1e-12, atol=0)
    # before, no best state exists: a run that ends there returns its last state
    assert iteration.result_state(states[150]) is states[150] and told(iteration, states[150]) == []


def test_the_best_state_belongs_to_the_last_stage():
    """Training leaves the initial point, where the held-out objective is minimal: the first state of the last stage is best."""
    objectives = Changing(distance(0.0), distance(-1.0), at=15)
    start = Start(4).initialize(None)
    held_out = HeldOut(distance(start), keep_best=True, patience=10)
    iteration = TrainingIteration(
        Start(4), objectives, GradientDescentStepper(LearningRate(0.01)), seed=0, like=LIKE, held_out=held_out
    )
    last = run(iteration, 100)[-1]
    assert (int(last.memory["held_out_best_step"]), int(last.memory["steps"]), last.done) == (16, 30, True)


def test_held_out_and_training_objectives_of_a_row_have_equal_weights():
    """With the same functional for both, the two columns agree in every stage and after every balancing."""
    options = {"widths": [6, 6], "number": 20, "boundary": "penalty", "beta": 1.0}
    for method, more in (
        ("deep-ritz", {"schedule": "staged"}),
        ("pinn", {"balance_every": 7}),
        ("pinn", {"weights": {"boundary": 3}}),
    ):
        solver = make_solver(method, options | more)
        iteration = solver.prepare(load_problem("poisson").blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
        state = iteration.init()
        for _ in range(30):
            state = iteration.step(state)
        iteration._held_out = HeldOut(iteration._objectives.at(30).weighted({"boundary": 7.0}))
        total = sum(float(term) for term in iteration.objective(state).values())
        assert float(iteration.columns(state)["held_out_objective"]) == pytest.approx(total, rel=1e-12), more

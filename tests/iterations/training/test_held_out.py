"""Best states, early stopping and overfitting, on functionals whose minima are known."""

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
    """Training goes from the start to 0 along a line; held-out points would have it stop at a fifth of the way left."""
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


def test_the_best_state_is_the_lowest_of_those_looked_at():
    """c_k = 0.99^k c_0 passes c_0 / 5 at k = log 5 / -log 0.99 = 160.1: of every tenth step the nearest is 160."""
    iteration, start = descend(keep_best=True)
    (*_, last) = run(iteration, 400)
    assert int(last.memory["held_out_best_step"]) == 160
    torch.testing.assert_close(iteration.result_state(last).coefficients, 0.99**160 * start, rtol=1e-12, atol=0)
    torch.testing.assert_close(last.coefficients, 0.99**400 * start, rtol=1e-11, atol=0)


def told(iteration, state):
    """What is said of held-out points; how far the kernel moved is another matter."""
    return [note for note in iteration.notes(state) if not note.startswith("Since the start")]


def test_patience_ends_the_run():
    iteration, _ = descend(patience=50)
    (*_, last) = run(iteration, 1000)
    assert last.done and int(last.memory["steps"]) == 160 + 50
    assert "The objective at held-out points has not fallen since step 160." in iteration.notes(last)
    assert iteration.final_status(last) is Status.EARLY


def test_by_default_nothing_is_kept_or_stopped():
    iteration, start = descend()
    (*_, last) = run(iteration, 300)
    assert not last.done and "best" not in last.memory
    torch.testing.assert_close(iteration.result_state(last).coefficients, 0.99**300 * start, rtol=1e-11, atol=0)


def test_sentences_say_what_happened():
    iteration, _ = descend(keep_best=True)
    states = run(iteration, 400)
    kept = told(iteration, states[-1])
    assert len(kept) == 1 and kept[0].startswith("This is the state of step 160, with the lowest objective at held-out points: ")
    assert told(iteration, states[100]) == []  # the best so far is the last
    iteration, _ = descend()
    (note,) = told(iteration, run(iteration, 400)[-1])
    assert note.startswith("The network has begun to fit its points: the objective is ") and "keep=best" in note


def test_where_points_are_drawn_anew_nothing_is_said_of_fitting_them():
    iteration, _ = descend()
    iteration._objectives = Drawn(distance(0.0))
    assert told(iteration, run(iteration, 400)[-1]) == []


def test_an_objective_that_stays_the_same_has_not_fallen():
    held_out, c = HeldOut(distance(0.0), patience=30), torch.ones(4, dtype=torch.float64)
    memory = held_out.memory(c)
    assert [held_out.look(c, step, memory) for step in range(10, 50, 10)] == [False, False, True, True]


@pytest.mark.parametrize("steps", [160, 400])
def test_overfitting_is_told_from_the_gap(steps):
    """Training and held-out objectives |c|^2 / 2 and |c - c_0 / 5|^2 / 2 differ from the start on; what counts is who is lower."""
    iteration, _ = descend()
    (*_, last) = run(iteration, steps)
    assert bool(told(iteration, last)) == (steps == 400)


def test_a_network_that_has_learnt_nothing_has_not_fitted_its_points():
    """At the start no objective has fallen; any gap between the points is then larger than its fall."""
    training, elsewhere = distance(0.0), HeldOut(distance(-0.2), patience=30)
    start = torch.ones(4, dtype=torch.float64)
    assert float(elsewhere.value(start, training.weights)) != float(training.value(start))
    for c in (start, start * (1 - 1e-4)):
        assert elsewhere.notes_on_fit(training, c, start) == []


def test_a_run_hands_back_the_best_state_and_resumes_from_the_last(tmp_path):
    """12 points for a network of 423 unknowns: it overfits them, and the kept state is better than the last."""
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
    assert any("has begun to fit its points" in note for note in plain.notes)
    held_out = whole.history.column("held_out_objective")
    assert np.isfinite(held_out).all() and held_out[-1] > held_out[::10].min()
    np.testing.assert_array_equal(held_out, plain.history.column("held_out_objective"))  # looking changes nothing
    fine = whole.problem.domain.quadrature(4000)
    assert energy_of(whole.problem, whole, fine) < energy_of(plain.problem, plain, fine)


class Killed(BaseException):
    """Nothing of the run lives on but its folder."""


@pytest.mark.parametrize("optimizer", list(RATES))
def test_what_is_killed_or_saved_goes_on_from_the_last_state(optimizer, tmp_path, monkeypatch):
    """The best state is of step 10 or 20, when the run is cut at 27: a run that went on from it would end elsewhere."""
    options = {"widths": [10], "scales": [1, 8], "number": 10, "form": "subnetworks", "keep": "best", "optimizer": optimizer}
    solver, stop = make_solver("mscale", options | RATES[optimizer]), Stop(steps=60)
    whole, cut = solve("poisson", solver, stop=stop), solve("poisson", solver, stop=Stop(steps=27))
    assert 0 < int(cut.last_state.memory["held_out_best_step"]) < 27
    assert not torch.equal(cut.state.coefficients, cut.last_state.coefficients)
    cut.save(tmp_path / "saved")

    def kill(step, *_):
        if step == 27:
            raise Killed

    monkeypatch.setattr(pdefreq.runs.loop, "_CHECKPOINT_SECONDS", 0.0)  # a checkpoint at each recorded step
    with pytest.raises(Killed):
        solve("poisson", solver, stop=stop, folder=tmp_path / "killed", callback=kill)
    for folder in ("saved", "killed"):
        again = resume(tmp_path / folder, stop=stop)
        assert torch.equal(again.state.coefficients, whole.state.coefficients)
        assert torch.equal(again.last_state.coefficients, whole.last_state.coefficients)
        for name in ("objective", "held_out_objective", "relative_l2"):
            np.testing.assert_array_equal(again.history.column(name), whole.history.column(name))


def test_a_run_that_patience_ends_says_so_and_does_not_claim_an_answer(tmp_path):
    solver = make_solver("mscale", {"widths": [10, 10], "number": 12, "learning_rate": 0.02, "patience": 20})
    solution = solve("poisson", solver, stop=Stop(steps=500), folder=tmp_path / "run")
    assert solution.status is Status.EARLY and solution.step < 500
    assert solution.status.sentence.startswith("Stopped early") and solution.status.exit_code == 0
    assert any("has not fallen since step" in note for note in solution.notes)
    assert load_run(tmp_path / "run").status is Status.EARLY
    again = resume(tmp_path / "run")
    assert (again.status, again.step) == (Status.EARLY, solution.step)


def staged(**options):
    """As `descend`, but for the first 200 steps training goes to the start itself, where the state then lies still."""
    _, start = descend()
    held_out = HeldOut(distance(start / 5), **options)
    objectives = Changing(distance(start), distance(0.0), at=200)
    iteration = TrainingIteration(
        Start(4), objectives, GradientDescentStepper(LearningRate(0.01)), seed=0, like=LIKE, held_out=held_out
    )
    return iteration, start


def test_patience_and_the_best_state_count_from_the_last_stage_on():
    """c_k = 0.99^(k - 200) c_0 passes c_0 / 5 at k = 360; until step 200 nothing falls, which is no reason to stop."""
    iteration, start = staged(patience=50, keep_best=True)
    states = run(iteration, 1000)
    last = states[-1]
    assert last.done and int(last.memory["steps"]) == 200 + 160 + 50
    assert int(last.memory["held_out_best_step"]) == 360
    torch.testing.assert_close(iteration.result_state(last).coefficients, 0.99**160 * start, rtol=1e-12, atol=0)
    # before, nothing is kept yet: a run that ends there hands back where it stands
    assert iteration.result_state(states[150]) is states[150] and told(iteration, states[150]) == []


def test_the_best_state_is_none_of_an_earlier_stage():
    """Training goes from the start, where held-out points are lowest, away from it: the first of the last stage is the best."""
    objectives = Changing(distance(0.0), distance(-1.0), at=15)
    start = Start(4).initialize(None)
    held_out = HeldOut(distance(start), keep_best=True, patience=10)
    iteration = TrainingIteration(
        Start(4), objectives, GradientDescentStepper(LearningRate(0.01)), seed=0, like=LIKE, held_out=held_out
    )
    last = run(iteration, 100)[-1]
    assert (int(last.memory["held_out_best_step"]), int(last.memory["steps"]), last.done) == (16, 30, True)


def test_held_out_and_training_objectives_of_a_row_are_weighted_alike():
    """With one functional at both sets of points the two columns are one, in every stage and after every balancing."""
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

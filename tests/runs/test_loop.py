"""Step count, records and stopping criteria of the loop, for a method with a closed form."""

import itertools
import math
import os
import signal
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError, OptionError, ProblemFileError
from pdefreq.core.history import Schedule, Status, Stop
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.solver import Solver
from pdefreq.spaces.grids.grid import Grid
from tests.toys import Geometric, GeometricIteration, GeometricResidual, ResidualIteration, line_problem


def run(solver=None, problem=None, **options):
    return solve(problem or line_problem(), solver or Geometric(), **options)


def test_error_and_objective_agree_with_the_closed_form():
    history = run().history
    np.testing.assert_equal(history.column("step"), np.arange(21))
    # each step rounds nodal values of size 1
    np.testing.assert_allclose(history.column("objective") / history.column("objective")[0], 0.5 ** np.arange(21), atol=1e-15)
    np.testing.assert_allclose(history.column("mode_error")[:, 0], 0.5 ** np.arange(21), atol=1e-15)


@pytest.mark.parametrize("steps", [0, 1, 7, 20])
def test_the_step_budget_is_exact_and_the_last_step_is_recorded(steps):
    solution = run(stop=Stop(steps=steps), schedule=Schedule(dense=2, per_decade=1))
    assert solution.status is Status.STEPS
    assert solution.step == solution.history.last("step") == steps


def test_a_tolerance_stops_the_run_at_the_first_recorded_step_below_it():
    solution = run(GeometricResidual(), stop=Stop(tolerance=0.1))
    assert (solution.status, solution.step) == (Status.CONVERGED, 4)  # 2^-4 <= 0.1 < 2^-3


def test_a_tolerance_is_refused_if_the_minimum_is_unknown():
    for problem, method in ((line_problem(), Geometric()), ("p-laplacian", "fem"), ("poisson", "deep-ritz:widths=[4]")):
        with pytest.raises(OptionError, match=r"the minimum of its objective, such as an energy, is unknown; use `stagnation`"):
            solve(problem, method, stop=Stop(tolerance=0.1))


def test_stagnation():
    """With factor 1 the objective is constant; with 0.5 its decrease stays above 1e-4 of the total until rounding."""
    solution = run(Geometric(factor=1.0, steps=100), stop=Stop(stagnation=10))
    assert (solution.status, solution.step) == (Status.STAGNATED, 10)
    assert run(stop=Stop(stagnation=3)).step > 10


def test_a_time_limit_ends_a_run_and_measurements_are_not_counted():
    solution = run(Geometric(steps=10**9), stop=Stop(train_seconds=0.05))
    assert solution.status is Status.SECONDS
    assert solution.seconds >= 0.05
    seconds = solution.history.column("seconds")
    assert (np.diff(seconds) > 0).all()


def test_a_limit_on_the_time_of_a_run_counts_measurements():
    """With 0.02 s for each row, 0.1 s have passed after five rows, while the steps take microseconds."""
    solution = run(Geometric(steps=10**9), stop=Stop(seconds=0.1), callback=lambda *_: time.sleep(0.02))
    assert solution.status is Status.SECONDS
    assert len(solution.history) <= 6
    assert solution.seconds < 0.1


def test_divergence_keeps_the_last_good_state_and_the_history():
    """The distance triples in each step: it exceeds a million times its initial value after 13 steps, 3^12 < 1e6 + 1 < 3^13."""
    solution = run(Geometric(factor=3.0, steps=50))
    assert solution.status is Status.DIVERGED and solution.status.exit_code == 1
    assert solution.history.last("step") == 13
    assert solution.step == solution.history.column("step")[-2]
    assert "learning rate" in solution.status.sentence


@pytest.mark.parametrize("unit", [1e-200, 1e-8, 1.0, 1e8])
@pytest.mark.parametrize(
    ("offset", "factor", "last"),
    [
        (0, 3, 7),  # a loss: 9^6 < 1e6 + 1 < 9^7
        (-2, 3, 7),  # a negative energy: the modulus of its initial value
        (-1, 3, 8),  # initially 0: relative to its value after one step, 8, and 9^7 < 8e6 + 1 < 9^8
        (-1, 0.5, 20),  # initially 0 and decreasing: the budget ends it
        (-1, 1, 20),  # always 0
    ],
)
def test_divergence_does_not_depend_on_units(unit, offset, factor, last):
    """The objective is d^2 + offset, in units of the initial distance d."""

    class Squared(GeometricIteration):
        def objective(self, state):
            square = lambda c: ((c - self.target) ** 2).sum()  # noqa: E731
            return {"energy": unit * (square(state.coefficients) / square(self.start) + offset)}

    @dataclass(frozen=True)
    class Method(Geometric):
        def prepare(self, *args, **options):
            inner = super().prepare(*args, **options)
            return Squared(inner.space, inner.target, inner.start, inner.factor)

    solution = run(Method(factor=factor))
    assert solution.history.last("step") == last
    assert solution.status is (Status.STEPS if last == 20 else Status.DIVERGED)


def test_a_nonfinite_objective_keeps_the_last_good_state():
    class Poisoned(GeometricIteration):
        def step(self, state):
            after = super().step(state)
            if int(after.memory["count"]) == 5:
                after.coefficients[3] = math.nan
            return after

    @dataclass(frozen=True)
    class Poison(Geometric):
        def prepare(self, *args, **options):
            inner = super().prepare(*args, **options)
            return Poisoned(inner.space, inner.target, inner.start, inner.factor)

    solution = run(Poison())
    assert (solution.status, solution.step) == (Status.NON_FINITE, 4)
    assert solution.state.coefficients.isfinite().all()
    assert solution.history.last("step") == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_run_between_two_steps(number):
    def press(step, *_):
        if step == 7:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    solution = run(callback=press)
    assert (solution.status, solution.step) == (Status.INTERRUPTED, 7)
    assert solution.status.exit_code == 130
    assert signal.getsignal(number) is before


class Interrupted(GeometricIteration):
    """Ctrl-C arrives during step 7."""

    def step(self, state):
        if int(state.memory["count"]) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return super().step(state)


class InterruptedMethod(Geometric):
    def prepare(self, *args, **options):
        inner = super().prepare(*args, **options)
        return Interrupted(inner.space, inner.target, inner.start, inner.factor)


def test_the_numbers_of_an_interrupted_run_are_those_of_its_last_step():
    """The distance is 0.5^7 |u*| after the last step, and 0.5^4 |u*| in the last row."""
    solution = run(InterruptedMethod(), schedule=Schedule(dense=4, per_decade=1))
    summary, start = solution.summary(), solution.history.column("objective")[0]
    assert (summary["steps"], summary["recorded_step"], summary["is_last_state"]) == (7, 4, True)
    assert summary["objective"] == pytest.approx(start * 0.5**7, rel=1e-12)  # rounding of seven steps
    assert solution.history.last("objective") == pytest.approx(start * 0.5**4, rel=1e-12)
    assert "The result is the state of step 7." in summary["notes"][-1] and "ends at step 4." in summary["notes"][-1]
    whole = run().summary()
    assert (whole["steps"], whole["recorded_step"], whole["is_last_state"]) == (20, 20, True)
    assert not any("The result is" in note for note in whole["notes"])


def test_a_callback_can_stop_the_run():
    assert run(callback=lambda step, *_: step == 5).step == 5


def test_a_solution_has_a_notebook_representation():
    page = run(method="<b>")._repr_html_()
    assert page.startswith("<p>") and "by &lt;b&gt;: " in page and "<br>20 steps, " in page
    assert "relative L2 error" in page and "<img src='data:image/png;base64," in page


def test_progress_is_monotone_and_ends_with_done():
    seen = []
    run(progress=seen.append)
    assert seen[-1].done and seen[-1].fraction == 1.0
    assert not any(p.done for p in seen[:-1])
    assert [p.step for p in seen] == sorted(p.step for p in seen)


def test_solvers_have_no_access_to_the_exact_solution():
    @dataclass(frozen=True)
    class Peek(Geometric):
        def prepare(self, problem, **options):
            assert problem.exact is None
            return super().prepare(problem, **options)

    run(Peek())


def test_without_an_exact_solution_a_reference_solution_with_an_error_estimate_is_computed():
    solution = run(problem=replace(line_problem(), exact=None))
    assert solution.reference is not None
    assert solution.reference_error < 1e-8
    # the method converges to the linear interpolant of sin(pi x), whose error is (h^2/sqrt(120)) |u''| for small h
    assert solution.error() == pytest.approx((torch.pi / 16) ** 2 / 120**0.5, rel=0.02)


def test_a_guess_is_the_initial_function():
    solution = run(guess=line_problem().exact, stop=Stop(steps=0))
    assert solution.history.column("objective")[0] == 0


def test_a_method_refuses_an_unsuitable_problem():
    from pdefreq.domains.box import Box

    with pytest.raises(IncompatibleError, match="one dimension"):
        run(problem=line_problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact=None))


@pytest.mark.parametrize(
    ("option", "sentence"), [({"dtype": "float16"}, "float32 or float64"), ({"device": "tpu"}, "available: cpu")]
)
def test_unknown_dtypes_and_devices_are_refused(option, sentence):
    with pytest.raises(OptionError, match=sentence):
        run(**option)


def test_a_solution_is_callable():
    solution = run()
    x = torch.linspace(0, 1, 17, dtype=torch.float64)[:, None]
    torch.testing.assert_close(solution(x), torch.sin(torch.pi * x[:, 0]), atol=2e-6, rtol=0)  # 2^-20 of the initial error
    torch.testing.assert_close(solution(x[:, 0]), solution(x), atol=0, rtol=0)
    with pytest.raises(ValueError, match=r"shape \(n, 1\), or \(1,\) for a single point, got \(1, 17\)"):
        solution(x.T)


@pytest.mark.parametrize("bad", [lambda x: float(x[0, 0]), lambda x: x.numpy()[:, 0], lambda x: x[:3, 0]])
def test_a_python_function_with_invalid_return_values_is_named(bad):
    with pytest.raises(ProblemFileError, match=r"must return a torch tensor of shape \(n,\)"):
        solve(line_problem(source=bad, exact=None), "jacobi")


@pytest.mark.parametrize(
    ("problem", "solver", "sentence"), [(None, "jacobi", "`problem` must be"), ("poisson", None, "`solver` must be")]
)
def test_invalid_problems_and_methods_are_refused(problem, solver, sentence):
    with pytest.raises(OptionError, match=sentence):
        solve(problem, solver)


def test_methods_can_be_given_by_name():
    for name in ("jacobi", "damped-jacobi", "fem", "deep-ritz", "mscale", "regression", "deep-ritz+jacobi"):
        assert make_solver(name).name == name


def test_a_single_sweep_determines_no_order():
    assert "No order" in solve("poisson", "jacobi", stop=Stop(steps=1)).spectrum().sentence


def test_a_direct_solution_halves_every_error_in_its_single_step():
    report = solve("poisson", "fem").spectrum()
    assert {row.halving_step for row in report.rows} == {1.0}


@dataclass(frozen=True)
class Weighted(Solver):
    """A method with prescribed values, weights and stages of two terms a and b of its objective.

    Args:
        a: Values of the unweighted term at each step.
        b: Values of the weighted term at each step.
        weights: Weights of b at each step.
        stages: Stage at each step.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    weights: tuple[float, ...]
    stages: tuple[int, ...]

    def prepare(self, problem, *, seed, device, dtype, guess=None):
        return WeightedIteration(self, Grid(problem.domain, (4,)))


class WeightedIteration(ResidualIteration):
    def __init__(self, solver, space):
        super().__init__(space, torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64), 1.0)
        self.solver = solver

    def objective(self, state):
        k, s = int(state.memory["count"]), self.solver
        return {"a": torch.tensor(s.a[k]), "b": torch.tensor(s.weights[k] * s.b[k])}

    def columns(self, state):
        k, s = int(state.memory["count"]), self.solver
        return {"weight.b": torch.tensor(s.weights[k]), "weight.a": torch.tensor(1.0), "stage": torch.tensor(s.stages[k])}

    def is_last_stage(self, state):
        return self.solver.stages[int(state.memory["count"])] == self.solver.stages[-1]


def judged(a, b, weights, stages, **limits):
    solver = Weighted(*(tuple(map(float, column)) for column in (a, b, weights)), tuple(map(int, stages)))
    solution = run(solver, stop=Stop(steps=len(a) - 1, **limits))
    return solution.status, solution.step


def test_growing_weights_do_not_count_as_growth_of_the_objective():
    """b is 1 while its weight grows by a factor of 10^9: the objective with the current weights is constant."""
    ones, n = np.ones(12), np.arange(12)
    assert judged(ones, ones, 10.0**n, 0 * n) == (Status.STEPS, 11)
    assert judged(ones, 10.0**n, ones, 0 * n)[0] is Status.DIVERGED
    assert judged(ones, ones, 1e9 ** n.clip(0, 1), n.clip(0, 1)) == (Status.STEPS, 11)  # likewise for stages


def test_a_tolerance_is_relative_to_the_first_objective_with_the_current_weights():
    """a + w b falls from 1 + w to 0.5^k (1 + w); w falls tenfold in each step, which alone would reach the tolerance at once."""
    n = np.arange(12)
    falling = 0.5**n
    assert judged(falling, falling, 10.0**-n, 0 * n, tolerance=0.1) == (Status.CONVERGED, 4)
    # in the last of two stages, from step 6 on, it is relative to the first row of that stage
    assert judged(falling, falling, 1 + n, n >= 6, tolerance=0.1) == (Status.CONVERGED, 10)


def test_stagnation_is_counted_from_the_last_stage_on():
    """The objective is constant; in earlier stages this does not end the run."""
    ones, n = np.ones(30), np.arange(30)
    assert judged(ones, ones, ones, 0 * n, stagnation=5) == (Status.STAGNATED, 5)
    assert judged(ones, ones, ones, n >= 12, stagnation=5) == (Status.STAGNATED, 17)


def test_a_solution_has_a_one_line_representation():
    assert repr(solve("poisson", "fem")) == "<fem on poisson: done at step 1, 1,001 unknowns>"


def test_the_time_left_is_that_to_the_first_limit():
    seen = []
    run(Geometric(steps=10**9), stop=Stop(steps=10**6, seconds=0.3), progress=seen.append, callback=lambda *_: time.sleep(0.01))
    assert all(later.left <= before.left for before, later in itertools.pairwise(seen[2:]))
    assert seen[2].left <= 0.3 and seen[-1].left == 0
    assert 0 < seen[2].fraction < seen[-1].fraction == 1

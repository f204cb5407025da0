import math

import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Status, Stop
from pdefreq.domains.box import Box
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.misfit import Misfit
from pdefreq.functionals.objective_schedule import SampledSchedule
from pdefreq.functionals.sampling import Sampling
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.iterations.training.held_out import HeldOut
from pdefreq.iterations.training.lbfgs import LbfgsStepper
from pdefreq.iterations.training.levenberg_marquardt import LevenbergMarquardtStepper
from pdefreq.iterations.training.soap import SoapStepper
from pdefreq.iterations.training.ssbroyden import SsBroydenStepper
from pdefreq.iterations.training.steppers import AdamStepper, GradientDescentStepper, LearningRate
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.parts import Sobol
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.theory import dynamics
from tests.iterations.toys import Breaking, Constant, Drawn, Numbers, Rows, quadratic
from tests.toys import line_problem

LIKE = torch.empty(0, dtype=torch.float64)
BOX = Box((0.0, 0.0), (1.0, 1.0))


def descend(optimizer, functional, number=6, **options):
    return TrainingIteration(Numbers(number), Constant(functional), optimizer, seed=0, like=LIKE, **options)


def run(iteration, state, steps):
    for _ in range(steps):
        state = iteration.step(state)
    return state


def test_gradient_descent_is_a_matrix_power():
    """c_k - c_inf = (I - eta A)^k (c_0 - c_inf)."""
    functional = quadratic()
    iteration = descend(GradientDescentStepper(LearningRate(0.01)), functional)
    start = iteration.init().coefficients.clone()
    limit = torch.linalg.solve(functional.matrix, functional.load)
    factor = torch.linalg.matrix_power(torch.eye(6, dtype=torch.float64) - 0.01 * functional.matrix, 50)
    found = run(iteration, iteration.init(), 50).coefficients
    torch.testing.assert_close(found, limit + factor @ (start - limit), rtol=0, atol=1e-12)  # condition number of A: about 1e3


@pytest.mark.parametrize("half_life", [None, 7.0])
def test_adam_agrees_with_torch(half_life):
    functional = quadratic()
    iteration = descend(AdamStepper(LearningRate(0.05, half_life)), functional)
    c = iteration.init().coefficients.clone().requires_grad_(True)
    reference = torch.optim.Adam([c], lr=0.05, foreach=False)
    state = iteration.init()
    for step in range(100):
        for group in reference.param_groups:
            group["lr"] = 0.05 if half_life is None else 0.05 * 2 ** (-step / half_life)
        c.grad = functional.gradient(c)  # the same sums: only the optimizers are compared
        reference.step()
        state = iteration.step(state)
        assert torch.equal(state.coefficients, c.detach()), step


def test_momentum_agrees_with_torch():
    functional = quadratic()
    iteration = descend(GradientDescentStepper(LearningRate(0.01), momentum=0.9), functional)
    c = iteration.init().coefficients.clone().requires_grad_(True)
    reference = torch.optim.SGD([c], lr=0.01, momentum=0.9, foreach=False)
    state = iteration.init()
    for step in range(50):
        c.grad = functional.gradient(c)  # the same sums: only the optimizers are compared
        reference.step()
        state = iteration.step(state)
        assert torch.equal(state.coefficients, c.detach()), step


def test_long_gradients_are_clipped_and_short_ones_are_unchanged():
    functional = quadratic()
    start = descend(GradientDescentStepper(LearningRate(1.0)), functional).init().coefficients
    gradient = functional.gradient(start)
    for clip, expected in ((0.5, gradient * (0.5 / gradient.norm())), (1e9, gradient)):
        iteration = descend(GradientDescentStepper(LearningRate(1.0), clip=clip), functional)
        torch.testing.assert_close(start - iteration.step(iteration.init()).coefficients, expected, rtol=1e-13, atol=1e-13)


RATE = LearningRate(0.05, 9.0)
OPTIMIZERS = {
    "adam": AdamStepper(RATE, clip=0.1),
    "gd": GradientDescentStepper(RATE),
    "sgd": GradientDescentStepper(RATE, momentum=0.9),
    "soap": SoapStepper(RATE, every=3),
    "lbfgs": LbfgsStepper(pairs=4),
    "ssbroyden": SsBroydenStepper(),
    "gauss-newton": LevenbergMarquardtStepper(),
}


@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_restored_run_ends_like_an_uninterrupted_run(optimizer, batch):
    """With points resampled every third step, and a stop between two samplings: equal to the last bit."""
    problem = Problem(domain=BOX, source=lambda x: x[:, 0].exp(), diffusion=0.0, reaction=1.0)
    space, sampling = MlpSpace(BOX, (8, 8)), Sampling(Sobol(number=32, resample_every=3), 8, seed=5, batch=batch)

    def make():
        objectives = SampledSchedule(
            problem.domain, problem.regular, sampling, lambda interior, *_: Misfit(problem, space, interior, like=LIKE)
        )
        held_out = HeldOut(objectives.held_out(), keep_best=True)
        return TrainingIteration(
            space, objectives, OPTIMIZERS[optimizer], seed=5, like=LIKE, held_out=held_out, balance_every=None
        )

    whole = run(make(), make().init(), 17)
    half = run(make(), make().init(), 7)
    saved = half.coefficients.clone(), {name: value.clone() for name, value in half.memory.items()}
    run(make(), half, 3)  # continues with the tensors that were saved
    for _ in range(2):  # a restored state shares no tensors with its input
        resumed = run(make(), make().restore(*saved), 10)
    assert torch.equal(resumed.coefficients, whole.coefficients)
    assert all(torch.equal(resumed.memory[name], whole.memory[name]) for name in whole.memory)
    assert set(resumed.memory) == set(whole.memory)
    assert make().objective(resumed) == make().objective(whole)
    assert torch.equal(make().result_state(resumed).coefficients, make().result_state(whole).coefficients)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_nonfinite_objective_keeps_the_last_good_state(optimizer, tmp_path):
    """The objective becomes NaN once the coefficients are small: the run ends with the preceding state."""
    problem = line_problem(diffusion=0.0, reaction=1.0)
    solution = solve(problem, Breaking(optimizer), folder=tmp_path / "run", stop=Stop(steps=50))
    assert solution.status in (Status.NON_FINITE, Status.STALLED)
    assert solution.state.coefficients.isfinite().all()
    good = solution.history.before(solution.step + 1)
    assert math.isfinite(good.last("objective"))
    assert math.isfinite(solution.error())
    if optimizer not in ("lbfgs", "ssbroyden", "gauss-newton"):  # these reject the step, and stop if no step lowers the objective
        assert solution.status is Status.NON_FINITE
        assert not math.isfinite(solution.history.last("objective"))


def test_points_are_resampled_in_the_scheduled_steps():
    objectives = Constant(quadratic())
    iteration = TrainingIteration(Numbers(6), objectives, GradientDescentStepper(LearningRate(0.01)), seed=0, like=LIKE)
    objectives.used.clear()
    state = run(iteration, iteration.init(), 3)
    iteration.objective(state)
    assert objectives.used == [0, 1, 2, 3]  # the objective uses the points of the next step


def test_only_identical_linear_steps_have_a_spectral_filter():
    plain, changed = GradientDescentStepper(LearningRate(0.01)), [AdamStepper(LearningRate(0.01)), LbfgsStepper()]
    changed += [
        GradientDescentStepper(LearningRate(0.01, 9.0)),
        *(GradientDescentStepper(LearningRate(0.01), **o) for o in ({"clip": 1.0}, {"clip": 1.0, "momentum": 0.5})),
    ]
    assert descend(plain, quadratic()).spectral_filter == dynamics.GradientDescentFilter(0.01)
    ball = GradientDescentStepper(LearningRate(0.01), momentum=0.5)
    assert descend(ball, quadratic()).spectral_filter == dynamics.HeavyBallFilter(0.01, 0.5)
    assert all(descend(optimizer, quadratic()).spectral_filter is None for optimizer in changed)
    assert descend(plain, quadratic(), balance_every=5).spectral_filter is None  # the terms are reweighted
    assert TrainingIteration(Numbers(6), Drawn(quadratic()), plain, seed=0, like=LIKE).spectral_filter is None


def test_messages_name_optimizers_without_theory_by_their_common_names():
    for optimizer, name in ((LbfgsStepper(), "L-BFGS"), (LevenbergMarquardtStepper(), "Gauss-Newton with adaptive damping")):
        with pytest.raises(IncompatibleError, match=f"no theory for {name};"):
            descend(optimizer, quadratic()).predict(None, None, cheap=True)


def test_a_large_change_of_the_parameters_invalidates_a_prediction_even_if_the_kernel_is_constant():
    """The kernel of linear rows is constant; in 100 steps at rate 0.1 the coefficients tend to 0."""
    rows = Functional([Rows("rows", torch.eye(6, dtype=torch.float64), torch.zeros(6, dtype=torch.float64))])
    iteration = descend(GradientDescentStepper(LearningRate(0.1)), rows)
    for steps, near in ((0, True), (100, False)):
        drift = iteration.drift(run(iteration, iteration.init(), steps))
        assert drift.kernel == 0 and drift.is_small == near


def test_the_seed_determines_the_initial_coefficients():
    iteration, other = (
        TrainingIteration(Numbers(6), Constant(quadratic()), AdamStepper(LearningRate(0.1)), seed=seed, like=LIKE)
        for seed in (0, 1)
    )
    first = iteration.init().coefficients.clone()
    run(iteration, iteration.init(), 2)  # changes its tensors in place
    assert torch.equal(iteration.init().coefficients, first)
    assert not torch.equal(other.init().coefficients, first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_have_the_requested_dtype(dtype):
    functional = quadratic(dtype=dtype)
    iteration = TrainingIteration(
        Numbers(6), Constant(functional), AdamStepper(LearningRate(0.1)), seed=0, like=torch.empty(0, dtype=dtype)
    )
    state = iteration.step(iteration.init())
    assert state.coefficients.dtype == state.memory["m"].dtype == state.memory["v"].dtype == dtype
    double = {name: value.double() for name, value in state.memory.items()}
    assert iteration.restore(state.coefficients.double(), double).memory["v"].dtype == dtype


def test_the_kind_of_objective_is_determined_by_the_functional():
    assert descend(AdamStepper(LearningRate(0.1)), quadratic()).objective_kind is ObjectiveKind.ENERGY
    problem = Problem(domain=BOX, source=1.0, diffusion=0.0, reaction=1.0)
    misfit = Misfit(problem, MlpSpace(BOX, (3,)), BOX.quadrature(9), like=LIKE)
    trained = TrainingIteration(MlpSpace(BOX, (3,)), Constant(misfit), AdamStepper(LearningRate(0.1)), seed=0, like=LIKE)
    assert trained.objective_kind is ObjectiveKind.RESIDUAL

"""Step controls on functions with closed forms."""

import pytest
import torch

from pdefreq.functionals.functional import Functional
from pdefreq.iterations.training.levenberg_marquardt import LevenbergMarquardtStepper
from pdefreq.iterations.training.step_controls import NielsenControl, TargetRatioControl
from pdefreq.iterations.training.training_iteration import TrainingIteration
from tests.iterations.toys import Constant, Numbers
from tests.iterations.training.test_levenberg_marquardt import LIKE, Curved, rows

CONTROLS = [NielsenControl(), TargetRatioControl(0.075), TargetRatioControl(0.15)]


def iteration(functional, number, **options):
    return TrainingIteration(Numbers(number), Constant(functional), LevenbergMarquardtStepper(**options), seed=0, like=LIKE)


@pytest.mark.parametrize("control", CONTROLS)
def test_rosenbrock_is_minimized_and_every_step_decreases_the_objective(control):
    functional = Functional([Curved()])
    lowered = iteration(functional, 10, control=control)
    state, values = lowered.init(), []
    for _ in range(300):
        values.append(float(functional.value(state.coefficients)))
        state = lowered.step(state)
        if state.done:
            break
    assert all(b < a for a, b in zip(values, values[1:], strict=False))
    torch.testing.assert_close(state.coefficients, torch.ones(10, dtype=torch.float64), rtol=0, atol=1e-10)


def test_the_target_ratio_lowers_the_damping_while_the_model_is_exact():
    """For linear rows the gain is 1: the first step already tries three smaller dampings, each a third of the last."""
    functional = Functional([rows(9, 5)])
    lowered = iteration(functional, 5, control=TargetRatioControl())
    first = lowered.step(lowered.init())
    largest = float(functional.gauss_newton_factor(first.coefficients).square().sum(dim=0).max())
    assert float(first.memory["damping"]) == pytest.approx(1e-3 * largest / 27)
    assert float(first.memory["least_damping"]) == float(first.memory["damping"])


def test_momentum_keeps_a_step_in_directions_that_the_rows_do_not_see():
    """With F = (1, 0) the second coefficient of a step is the momentum times that of the previous step."""

    block = rows(1, 2)
    block.matrix = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    lowered = iteration(Functional([block]), 2, damping=1e-2, momentum=0.5)
    state = lowered.init()
    state.memory["previous"] = torch.tensor([0.0, 1.0], dtype=torch.float64)
    start = state.coefficients.clone()
    state = lowered.step(state)
    assert float(state.coefficients[1] - start[1]) == pytest.approx(0.5, rel=1e-12)
    state = lowered.step(state)
    assert float(state.coefficients[1] - start[1]) == pytest.approx(0.75, rel=1e-12)


def test_rejected_steps_lose_their_momentum_so_that_the_objective_decreases():
    functional = Functional([Curved()])
    lowered = iteration(functional, 6, momentum=0.9)
    state = lowered.init()
    first = last = float(functional.value(state.coefficients))
    for _ in range(60):
        state = lowered.step(state)
        value = float(functional.value(state.coefficients))
        assert value <= last
        last = value
        if state.done:
            break
    assert last < 1e-2 * first

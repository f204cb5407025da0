import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.iterations.training.lbfgs import LbfgsStepper
from pdefreq.iterations.training.steppers import AdamStepper, GradientDescentStepper, LearningRate

DECAYS = ["exponential", "inverse", "cosine"]
STEPS = st.integers(0, 10_000)
RATE = LearningRate(0.05, 3)


@pytest.mark.parametrize("decay", DECAYS)
@given(half_life=st.floats(1, 1e6), step=STEPS)
def test_the_learning_rate_starts_as_given_halves_in_a_half_life_and_never_increases(decay, half_life, step):
    rate = LearningRate(0.4, half_life, decay)
    assert rate(0) == 0.4
    assert rate(step) >= rate(step + 1) >= 0
    assert LearningRate(0.4, float(max(step, 1)), decay)(max(step, 1)) == pytest.approx(0.2)


@given(STEPS)
def test_without_a_half_life_the_learning_rate_is_constant(step):
    assert LearningRate(0.4)(step) == 0.4


def test_the_published_factor_per_step_corresponds_to_a_half_life():
    """2007.11207: the rate is multiplied by 1 - 5e-7 in each step."""
    rate = LearningRate(1e-4, math.log(2) / -math.log1p(-5e-7))
    assert rate(5000) == pytest.approx(1e-4 * (1 - 5e-7) ** 5000, rel=1e-12)


def test_closed_forms():
    assert [LearningRate(0.4, 10.0)(step) for step in (10, 20, 30)] == pytest.approx([0.2, 0.1, 0.05])
    assert [LearningRate(0.6, 10.0, "inverse")(step) for step in (10, 20, 50)] == pytest.approx([0.3, 0.2, 0.1])
    assert [LearningRate(0.4, 10.0, "cosine")(step) for step in (10, 20, 30)] == pytest.approx([0.2, 0, 0])


@pytest.mark.parametrize("stepper", [GradientDescentStepper(RATE), GradientDescentStepper(RATE, momentum=0.7), AdamStepper(RATE)])
def test_a_descent_is_the_step_that_was_taken(stepper):
    """``c <- c - rate P^-1 m``, with the learning rate of the step and the momentum in memory."""
    generator = torch.Generator().manual_seed(0)
    c = torch.randn(6, dtype=torch.float64, generator=generator)
    memory = stepper.memory(c)
    for step in range(4):
        gradient, before = torch.randn(6, dtype=torch.float64, generator=generator), c.clone()
        mean = memory.get("m", memory.get("velocity", torch.zeros_like(c))).clone()
        stepper.update(c, gradient.clone(), memory, stepper.numbers(step, memory))
        descent = stepper.descent(memory, step + 1)
        m = descent.momentum * mean + descent.weight * gradient
        expected = before - descent.rate * m / (1.0 if descent.preconditioner is None else descent.preconditioner)
        assert torch.allclose(c, expected, rtol=0, atol=1e-14)
        assert descent.rate == RATE(step)


def test_there_is_no_descent_with_clipping_and_without_a_learning_rate():
    c = torch.ones(2, dtype=torch.float64)
    for stepper in (GradientDescentStepper(RATE, 1.0), AdamStepper(RATE, 1.0), LbfgsStepper()):
        assert stepper.descent(stepper.memory(c), 1) is None

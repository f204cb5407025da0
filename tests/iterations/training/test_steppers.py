import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.iterations.training.steppers import LearningRate

DECAYS = ["exponential", "inverse", "cosine"]
STEPS = st.integers(0, 10_000)


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

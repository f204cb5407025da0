import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from pdefreq.core.errors import OptionError
from pdefreq.theory.bias_averages import relu_average, step_average

POINT = st.floats(-1, 1)


@given(POINT, POINT, st.floats(-2, 2), st.floats(2, 5))
def test_averages_over_biases_agree_with_quadrature(x, y, w, bound):
    kinks = sorted({-w * x, -w * y})
    averages = (
        (relu_average, lambda b: max(w * x + b, 0) * max(w * y + b, 0)),
        (step_average, lambda b: float(w * x + b > 0 and w * y + b > 0)),
    )
    for average, integrand in averages:
        edges = [-bound, *kinks, bound]
        whole = sum(quad(integrand, a, b)[0] for a, b in zip(edges, edges[1:], strict=False)) / (2 * bound)
        x_, y_ = (torch.tensor(v, dtype=torch.float64) for v in (x, y))
        assert average(x_, y_, w, bound).item() == pytest.approx(whole, abs=1e-10)  # the tolerance of quad is 1e-8 of at most 100


def test_the_nonsmooth_part_is_a_power_of_the_distance():
    """Third differences of |t|^3 / 12 and first differences of -|t| / 2 jump at t = 0; the rest is a cubic polynomial."""
    x, w, bound, h = torch.linspace(-0.2, 0.2, 9, dtype=torch.float64), 1.5, 2.0, 0.05
    zero = torch.zeros((), dtype=torch.float64)
    third = np.diff(relu_average(x, zero, w, bound).numpy(), 3) / h**3
    # c^3/3 - c t^2/4 + t^3/12 in x for x > 0: w^3 (1/24 - 1/8 + 1/12) x^3 = 0, for x < 0: -w^3 x^3 / 6
    np.testing.assert_allclose(third[-2:], 0, atol=1e-9)
    np.testing.assert_allclose(third[:2], -(w**3) / (2 * bound), atol=1e-9)
    first = np.diff(step_average(x, zero, w, bound).numpy()) / h
    np.testing.assert_allclose(first, [w / (2 * bound)] * 4 + [0.0] * 4, atol=1e-12)


def test_kinks_beyond_the_bound_are_refused():
    with pytest.raises(OptionError, match=r"need .* <= 1, got 1.5"):
        relu_average(torch.tensor(0.5), torch.tensor(0.1), 3.0, 1.0)

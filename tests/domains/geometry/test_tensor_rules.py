"""Composite Gauss rules on intervals."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.domains.geometry.tensor_rules import equal_panels, full_panels


@given(st.integers(1, 200))
def test_equal_panels_have_at_least_the_number_of_points_and_less_than_a_panel_more(n):
    """Panels have about 10 points, so that at most n / 10 + 1 points are added."""
    x, weights = equal_panels(-1.0, 2.0, n)
    assert n <= len(x) <= n + n / 10 + 1
    assert float(weights.sum()) == pytest.approx(3.0, rel=1e-13)  # rounding of the sum of 200 weights


@pytest.mark.parametrize("rule", [equal_panels, full_panels])
def test_polynomials_are_integrated_exactly(rule):
    """A panel with at least 8 points is exact up to the degree 15."""
    x, weights = rule(0.0, 2.0, 16)
    assert float((weights * x**15).sum()) == pytest.approx(2.0**12, rel=1e-13)


def test_equal_panels_need_fewer_points_where_the_number_is_just_above_a_multiple_of_ten():
    assert (len(equal_panels(0, 1, 21)[0]), len(full_panels(0, 1, 21)[0])) == (22, 30)


def test_equal_panels_are_refinements_of_one_rule():
    x, weights = equal_panels(0.0, 1.0, 24)
    assert torch.allclose(x[:12] + 0.5, x[12:], atol=1e-15)
    assert torch.equal(weights[:12], weights[12:])

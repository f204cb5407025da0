"""Sharpness along gradient descent with few steps."""

import numpy as np
import pytest

from pdefreq.experiments.edge_of_stability import descent, edge_of_stability
from pdefreq.experiments.flatness import flatness


def test_gradient_descent_beyond_the_limit_increases_the_loss_and_below_it_decreases_it():
    """Near the start the objective is nearly quadratic, and its sharpness is about 11."""
    calm, fast = descent(0.05, 20), descent(0.4, 20)
    assert calm.sharpness[0] == fast.sharpness[0] and 2 / 0.4 < calm.sharpness[0] < 2 / 0.05
    assert (np.diff(calm.objective) < 0).all() and (np.diff(fast.objective) > 0).any()
    np.testing.assert_allclose(calm.gauss_newton, calm.sharpness, rtol=0.2)


@pytest.mark.slow
def test_reports_are_complete():
    for report in (edge_of_stability(steps=12, rates=(0.05, 0.1)), flatness(steps=12, seeds=1, batches=(10, 20), rates=(0.02,))):
        (table,), (figure,) = report.tables.values(), report.figures.values()
        assert len(table.rows) == 2 and all(len(row) == len(table.columns) for row in table.rows)
        figure.draw_without_rendering()

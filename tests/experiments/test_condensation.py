"""Features of wide networks at small size, and the effective number of neurons."""

import numpy as np
import pytest

from pdefreq.experiments.condensation import INTERVALS, condensation, effective_number


def test_the_effective_number_of_equal_groups_is_their_number():
    centers = -180 + 360 / INTERVALS * (np.arange(INTERVALS) + 0.5)
    assert effective_number(centers, np.ones(INTERVALS)) == pytest.approx(INTERVALS)
    for groups in (1, 2, 7):
        orientation = np.repeat(centers[: 3 * groups : 3], 11)
        assert effective_number(orientation, np.full(11 * groups, 0.4)) == pytest.approx(groups)


@pytest.mark.slow
def test_features_condense_beyond_gamma_one_and_stay_before_it():
    report = condensation(widths=(1000, 2000), gammas=(0.5, 1.75))
    found = {(m, gamma): (before, after, mean) for m, gamma, before, after, _, mean in report.tables["features"].rows}
    for m in (1000, 2000):
        before, after, _ = found[m, 0.5]
        assert after > 0.8 * before
        before, after, _ = found[m, 1.75]
        assert after < 5 < 0.1 * before  # the solution of four points needs two or three orientations
        assert all(mean <= 1e-6 for *_, mean in found.values())
    report.figures["condensation"].draw_without_rendering()

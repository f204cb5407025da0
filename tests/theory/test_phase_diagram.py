import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.theory.phase_diagram import PhasePoint, Regime, critical_gamma, distance_slope


@given(st.integers(2, 10**6), st.floats(-2, 2), st.floats(-2, 2), st.floats(-1, 1))
def test_coordinates_are_the_exponents_of_the_scales(m, p, q, s):
    """alpha = m^s, beta_1 = m^-p, beta_2 = m^-q: gamma = p + q + s, gamma' = p - q."""
    point = PhasePoint.of(m, alpha=m**s, beta1=m**-p, beta2=m**-q)
    assert point.gamma == pytest.approx(p + q + s, abs=1e-10)
    assert point.gamma_prime == pytest.approx(p - q, abs=1e-10)


@given(st.floats(-3, 3), st.floats(1e-6, 3))
def test_regimes_are_on_opposite_sides_of_the_line(gamma_prime, by):
    line = critical_gamma(gamma_prime)
    assert PhasePoint(line, gamma_prime).regime is Regime.CRITICAL
    assert PhasePoint(line + by, gamma_prime).regime is Regime.CONDENSED
    assert PhasePoint(line - by, gamma_prime).regime is Regime.LINEAR
    assert PhasePoint(line - by, gamma_prime).distance == pytest.approx(-by)


def test_published_points_with_zero_gamma_prime():
    """Slopes of RD at these points: -0.506 at gamma = 0.5, 0.007 at 1, clearly positive at 1.75."""
    regimes = [PhasePoint(gamma, 0.0).regime for gamma in (0.5, 1.0, 1.75)]
    assert regimes == [Regime.LINEAR, Regime.CRITICAL, Regime.CONDENSED]


def test_the_critical_line_is_horizontal_and_then_increases():
    """gamma = 1 for gamma' <= 0, gamma' = gamma - 1 for gamma' > 0."""
    assert [critical_gamma(g) for g in (-2.0, 0.0, 0.5, 2.0)] == [1.0, 1.0, 1.5, 3.0]


@given(st.floats(-1, 4), st.floats(-2, 2))
def test_the_scaling_argument_agrees_with_the_critical_line(gamma, gamma_prime):
    """Its exponent has the sign of the distance from the line and is continuous."""
    point = PhasePoint(gamma, gamma_prime)
    assert (point.predicted_slope > 0) == (point.distance > 0) or abs(point.distance) < 1e-12
    assert PhasePoint(critical_gamma(gamma_prime), gamma_prime).predicted_slope == pytest.approx(0, abs=1e-12)
    near = PhasePoint(gamma + 1e-7, gamma_prime + 1e-7)
    assert near.predicted_slope == pytest.approx(point.predicted_slope, abs=1e-6)  # its slopes are at most 4


@given(st.floats(-2, 2), st.floats(1e-3, 1e3))
def test_the_slope_of_a_power_law_is_its_exponent(slope, factor):
    widths = [1000, 5000, 10000, 20000, 40000]
    assert distance_slope(widths, [factor * m**slope for m in widths]) == pytest.approx(slope, abs=1e-9)


@pytest.mark.parametrize(("widths", "distances"), [([100], [0.1]), ([100, 100], [0.1, 0.2]), ([100, 200], [0.1, 0.0])])
def test_a_slope_needs_two_widths_and_positive_distances(widths, distances):
    with pytest.raises(OptionError, match="positive distances at two widths"):
        distance_slope(widths, distances)

"""The length scales of formulas against closed forms."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.fields import CallableField
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.problem.expressions import parse_field
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.features import features
from pdefreq.problem.problem import Problem

UNIT, SQUARE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0))
ACCURACY = 1e-6  # of lengths: those of waves and layers are found by bisection from a point found to 1e-15 of the domain


def of(text, domain=UNIT, **parameters):
    return features([parse_field(text, Scope(domain.dimension, parameters), "f")], domain)


@settings(max_examples=25, deadline=None)
@given(st.floats(10, 1e5), st.floats(0, 2 * math.pi), st.floats(-5, 5), st.sampled_from(["sin", "cos"]))
def test_a_plane_wave_has_the_wavelength_two_pi_over_its_wavenumber_in_any_direction(k, angle, phase, name):
    text = f"{name}(a*x + b*y + c)"
    (found,) = of(text, SQUARE, a=k * math.cos(angle), b=k * math.sin(angle), c=phase)
    assert found.kind == "wave" and found.length == pytest.approx(2 * math.pi / k, rel=ACCURACY)
    assert found.spacing == pytest.approx(math.pi / k, rel=ACCURACY)  # Nyquist: two points in a wavelength


@settings(max_examples=25, deadline=None)
@given(
    st.floats(1e-5, 0.1),
    st.floats(0.2, 0.7),
    st.sampled_from(
        [
            "exp(-((x - c)/w)**2)",
            "tanh((x - c)/w)",
            "atan((x - c)/w)",
            "erf((c - x)/w)",
            "1/(1 + ((x - c)/w)**2)",
            "1 + x*exp(-((x - c)/w)**2)",
        ]
    ),
)
def test_the_length_of_a_layer_is_its_width_at_its_place(w, c, text):
    found = of(text, w=w, c=c)[0]
    assert found.kind == "layer"
    assert found.length == pytest.approx(w, rel=ACCURACY)
    assert found.x[0] == pytest.approx(c, abs=1e-6)


def test_a_boundary_layer_lies_on_the_boundary():
    (found,) = of("exp((x - 1)/0.001)")
    assert found.length == pytest.approx(1e-3, rel=ACCURACY) and found.x == (1.0,)


def test_a_chirp_is_finest_where_its_phase_is_steepest():
    """The phase 70 x^2 grows by 2 pi from x = sqrt(1 - 2 pi / 70) to 1."""
    (found,) = of("sin(70*x**2)")
    assert found.x[0] == pytest.approx(1) and found.length == pytest.approx(1 - math.sqrt(1 - 2 * math.pi / 70), rel=ACCURACY)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-6, 1e-2), st.floats(0.1, 0.8))
def test_the_length_of_a_gap_is_the_distance_of_the_interfaces(w, a):
    (found,) = of("where(x > a and x < b, 1e-6, 1)", a=a, b=a + w)
    assert found.kind == "gap" and found.length == pytest.approx(w, abs=1e-15)


@pytest.mark.parametrize("text", ["1", "x**2 + 3*x", "sqrt(x)", "abs(x)**0.6", "log(x + 1)", "x*(1 - x)"])
def test_polynomials_and_roots_have_no_length_scale(text):
    assert not [feature for feature in of(text) if feature.kind != "gap"]


@pytest.mark.parametrize(
    "text", ["sqrt(x**2 + y**2)", "(x**2 + y**2)**(1/3)", "1/sqrt((x - 0.31)**2 + (y - 0.27)**2)", "sin(2/3*atan2(y, x))"]
)
def test_a_root_inside_the_domain_has_no_length_scale(text):
    assert of(text, Ball((0.0, 0.0), 1.0)) == []


def test_lengths_scale_with_the_domain():
    (small,), (large,) = of("sin(300*x)"), of("sin(0.3*x)", Box((0.0,), (1000.0,)))
    assert large.length == pytest.approx(1000 * small.length, rel=ACCURACY)


def test_an_isotropic_peak_in_the_plane():
    (found,) = of("exp(-((x - 0.503)**2 + (y - 0.503)**2)/8e-6)", SQUARE)
    assert found.length == pytest.approx(math.sqrt(8e-6), rel=1e-3)  # the maximum is found up to the rounding of the argument
    assert found.x == pytest.approx((0.503, 0.503), abs=1e-5)


def test_features_of_a_problem_come_from_all_its_formulas_and_the_finest_is_first():
    problem = Problem(domain=UNIT, source="cos(20*x)", diffusion="2 + sin(300*x)", boundary=0.0, exact="tanh((x - 0.5)/1e-3)")
    assert [feature.text for feature in problem.features] == ["tanh((x - 0.5)/0.001)", "sin(300*x)", "cos(20*x)"]
    assert problem.features[0].sentence == "`tanh((x - 0.5)/0.001)` changes over the length 0.001 near x = 0.5"


def test_nothing_is_known_about_python_functions_and_formulas_with_unknowns():
    problem = Problem(domain=UNIT, source=CallableField(lambda x: torch.sin(300 * x[:, 0])), boundary=0.0, nonlinear="sin(300*u)")
    assert problem.features == []

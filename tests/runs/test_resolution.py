"""What the points of a method do not resolve is said before the run and at its end, and errors are true in any case."""

import math

import pytest
import torch

from pdefreq import solve
from pdefreq.core.announcements import listening
from pdefreq.core.history import Stop
from pdefreq.domains.box import Box
from pdefreq.problem.files import problem_from_text
from pdefreq.problem.problem import Problem

UNIT = Box((0.0,), (1.0,))
ALIAS = Problem(domain=UNIT, exact="sin(pi*x) + sin(2000*pi*x)")
THIN_LAYER = Problem(domain=UNIT, diffusion="where(abs(x-0.4)<1e-5,1e-6,1)", source=1.0, boundary=0.0)
TWO_MATERIALS = """
[parameters]
top = 400
bottom = 1.38
[domain]
kind = "box"
dimension = 2
lower = 0
upper = [1, 2]
[equation]
diffusion = "where(y < 1, bottom, top)"
source = "0"
exact = "293.15 + 200*where(y < 1, y/bottom, 1/bottom + (y - 1)/top)"
[[boundary.part]]
name = "y-min"
value = "293.15"
[[boundary.part]]
name = "y-max"
kind = "robin"
flux = "200"
[[boundary.part]]
kind = "robin"
"""


def unresolved(solution):
    return [note for note in solution.notes if "not resolve" in note]


def test_the_error_of_an_unresolved_wave_is_its_share_of_the_solution():
    """P1 elements with nodes at the zeros of sin(2000 pi x) find sin(pi x): the relative error is sqrt(1/2)."""
    solution = solve(ALIAS, "fem")
    assert solution.error() == pytest.approx(math.sqrt(1 / 2), rel=0.01)  # sampling, see tests/probes/test_target.py
    assert solution.history.last("relative_l2") == pytest.approx(math.sqrt(1 / 2), rel=0.05)  # at 500 points
    (note,) = unresolved(solution)
    assert note.startswith("`sin(2000*pi*x)` has the wavelength 0.001, which this method does not resolve")
    assert "its points are 0.001 apart there: use at least 3 times as many" in note


@pytest.mark.parametrize(
    "method", ["fem:cells=2000", "sine", "jacobi:steps=1", "ritz-galerkin:number=400", "mscale:steps=1", "pinn:steps=1"]
)
def test_each_kind_of_points_is_compared_with_the_wavelength(method):
    """2000 cells have exactly two nodes in a wavelength, where the wave vanishes."""
    assert unresolved(solve(ALIAS, method, predict=False))


@pytest.mark.parametrize(
    "method", ["fem:cells=2100", "fem:cells=1100,element=P2", "fem:refinement=uniform,cells=250,levels=4", "sine:intervals=4096"]
)
def test_nothing_is_said_if_a_wave_has_more_than_two_points(method):
    assert not unresolved(solve(ALIAS, method))


def test_a_thin_layer_between_the_nodes_is_named():
    (note,) = unresolved(solve(THIN_LAYER, "jacobi:steps=1,intervals=64"))
    assert "0.39999 and 0.4 at which the formulas may jump are 1e-05 apart" in note


@pytest.mark.parametrize(("cells", "said"), [(64, True), (2000, False)])
def test_a_boundary_layer_needs_a_mesh_width_below_its_length(cells, said):
    problem = Problem(domain=UNIT, exact="exp((x - 1)/0.001)")
    assert bool(unresolved(solve(problem, f"fem:cells={cells}"))) == said


def test_quadrature_that_misses_the_source_is_named_with_a_rule_that_does_not():
    """f = exp(-((x - 0.5) / 0.004)^2) between 20 Gauss points."""
    problem = Problem(domain=UNIT, source="1 + 1000*exp(-((x - 0.5)/0.004)**2)", boundary=0.0)
    notes = unresolved(solve(problem, "deep-ritz:points.number=20,steps=1", predict=False))
    (note,) = (note for note in notes if "quadrature" in note)
    number = int(note.rpartition("about ")[2].partition(" points")[0].replace(",", ""))
    again = solve(problem, f"deep-ritz:points.number={number},steps=1", predict=False)
    assert not [note for note in unresolved(again) if "quadrature" in note]


def test_points_that_change_from_step_to_step_are_not_judged():
    assert not unresolved(solve(ALIAS, "pinn:steps=1,points=uniform", predict=False))


@pytest.mark.parametrize(
    ("problem", "method"),
    [("poisson", "fem"), ("poisson", "mscale:steps=1"), ("convection-diffusion", "fem"), ("chirp", "regression:steps=1")],
)
def test_default_points_resolve_the_included_problems(problem, method):
    assert not unresolved(solve(problem, method, predict=False))


def test_the_user_is_told_before_the_first_step():
    heard = []
    with listening(lambda _: None, heard.append):
        solve(ALIAS, "fem", progress=lambda progress: heard.append(progress.step))
    assert isinstance(heard[0], str) and "not resolve" in heard[0] and heard[1] == 0
    heard.clear()
    with listening(lambda _: None, heard.append):  # the first mesh of a sequence is coarse on purpose
        solve(ALIAS, "fem:refinement=uniform", stop=Stop(steps=2))
    assert heard == []


def test_gradients_are_not_taken_on_a_kink():
    """P1 elements with edges along the interface represent the solution, so that both errors are rounding errors.

    The condition number of the matrix times 1e-16 is about 1e-9.
    """
    solution = solve(problem_from_text(TWO_MATERIALS), "fem")
    assert solution.error("l2") < 1e-8 and solution.error("h1") < 1e-8
    assert solution.contradiction == ""


def test_the_error_of_the_reference_is_no_contradiction():
    """Waves resolve the layer of width 0.02 to 1e-9, and the gradient of the reference solution is much less accurate."""
    problem = Problem(domain=Box(0.0, 1.0), source="1", diffusion=0.02, convection=["1"], boundary=0.0)
    solution = solve(problem, "random-features")
    x = torch.linspace(0, 1, 501, dtype=torch.float64)[:, None]
    exact = x[:, 0] - (torch.exp((x[:, 0] - 1) / 0.02) - math.exp(-50)) / (1 - math.exp(-50))
    assert float((solution(x) - exact).norm() / exact.norm()) < 1e-8
    assert solution.contradiction == ""

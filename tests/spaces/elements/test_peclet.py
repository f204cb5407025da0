import numpy as np
import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.iterations.defaults import notes_of
from pdefreq.problem.files import problem_from_text
from pdefreq.problem.problem import Problem
from pdefreq.solvers.fem import Fem
from pdefreq.solvers.ritz_galerkin import RitzGalerkin
from pdefreq.spaces.elements.peclet import mesh_peclet_number, peclet_remark

UNIT, SQUARE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0))
X = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def solved(problem, solver):
    """The last state and its notes."""
    iteration = solver.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    while not state.done:
        state = iteration.step(state)
    return state, notes_of(iteration, state)


def number(h=0.1, **equation):
    return mesh_peclet_number(Problem(domain=SQUARE, source=1.0, boundary=0.0, **equation).equation, X, h)


def test_the_number_is_velocity_times_width_over_twice_the_diffusion_in_the_flow_direction():
    assert number(convection=[3.0, 4.0], diffusion=0.5) == pytest.approx(5 * 0.1 / (2 * 0.5), rel=1e-14)
    assert number(convection=[3.0, 4.0], diffusion=[[1.0, 0.0], [0.0, 0.0]]) == pytest.approx(5 * 0.1 / (2 * 0.36), rel=1e-14)
    assert number(convection=[0.0, 4.0], h=(5.0, 0.1)) == pytest.approx(4 * 0.1 / 2, rel=1e-14)  # the width across is irrelevant
    widths = np.linspace(0.01, 0.2, 50)[:, None]
    assert number(convection=[1.0, 0.0], h=widths) == pytest.approx(0.1, rel=1e-14)
    expected = float((X[:, 1] * 0.1 / 2 / (1 + X[:, 0])).max())
    assert number(convection=["y", 0.0], diffusion="1 + x") == pytest.approx(expected, rel=1e-14)


def test_the_number_is_zero_without_convection_or_for_other_exponents():
    assert number() == number(exponent=3.0, convection=[1.0, 0.0]) == number(reaction=5.0, nonlinear="u**3") == 0
    assert number(convection=[0.0, 1.0], diffusion=[[1.0, 0.0], [0.0, 0.0]]) == np.inf


LAYER = """
[domain]
dimension = 1
lower = 0
upper = 1
[equation]
diffusion = 0.01
convection = [1]
source = "1"
[[boundary.part]]
kind = "dirichlet"
"""


def test_the_note_recommends_a_mesh_without_oscillations():
    """-a u'' + u' = 1: nodal values increase up to the layer and decrease in it if and only if the number is at most 1."""
    problem = problem_from_text(LAYER)
    coarse, notes = solved(problem, Fem(cells=20))
    assert notes == ["The mesh Peclet number reaches 2.5: the discrete solution may oscillate; use at least cells=50."]
    fine, notes = solved(problem, Fem(cells=50))
    assert notes == []

    def turns(state):
        u = state.coefficients.numpy()[np.argsort(state.space.nodes[:, 0].numpy())]
        return int((np.diff(np.sign(np.diff(u))) != 0).sum())

    assert turns(coarse) > 1 and turns(fine) == 1


def test_the_notes_of_other_methods_and_meshes():
    problem = Problem(domain=SQUARE, source=1.0, boundary=0.0, diffusion=1e-2, convection=[1.0, 0.0])
    for solver, remedy in (
        (Fem(cells=10), "cells=50"),
        (Fem(cells=10, element="Q1"), "cells=50"),
        (Fem(cells=10, element="P2"), "cells=25"),  # twice the nodes
        (RitzGalerkin(basis="hat", number=9), "cells=50"),
        (Fem(refinement="adaptive", levels=2), "refine the mesh by a factor of"),
    ):
        _, (note,) = solved(problem, solver)
        assert remedy in note
    assert solved(problem, RitzGalerkin(number=6))[1] == []
    assert "add diffusion everywhere" in peclet_remark(np.inf, "cells", 8)[0]
    assert peclet_remark(1.0, "cells", 8) == []

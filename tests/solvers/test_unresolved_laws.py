"""Problems that smooth features can't resolve: the run says so, errors decrease only algebraically, and elements do better."""

import math

import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Status
from pdefreq.domains.box import Box
from pdefreq.domains.polygon import Polygon
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver

LINE = Box((0.0,), (1.0,))
L_SHAPE = Polygon(((-1, -1), (0, -1), (0, 0), (1, 0), (1, 1), (-1, 1)))
NOISE = torch.randn(4096, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def noisy(x):
    """The source of sin(pi x) with noise of a hundredth of its size, independent at 4096 points."""
    return math.pi**2 * torch.sin(math.pi * x[:, 0]) + 0.1 * NOISE[(4095 * x[:, 0]).long().clamp(0, 4095)]


def run(problem, method):
    return solve(problem, method, predict=False, probes=["error"])


@pytest.mark.parametrize("place", [0.37, 0.61])
@pytest.mark.parametrize("data", ["source", "reaction"])
def test_a_jump_in_the_data_is_reported_and_elements_are_more_accurate(data, place):
    formulas = {
        "source": {"source": f"where(x < {place}, 1, -2)"},
        "reaction": {"source": "1", "reaction": f"where(x < {place}, 1, 400)"},
    }
    problem = Problem(domain=LINE, boundary="0", **formulas[data])
    found, elements = run(problem, "random-features"), run(problem, "fem:element=P2")
    assert found.status is Status.UNRESOLVED and "singularity" in found.status.sentence
    assert elements.error() < 1e-6 < 1e-5 < found.error()


def test_noise_in_the_source_is_reported():
    problem = Problem(domain=LINE, source=noisy, boundary="0")
    found = run(problem, "random-features")
    assert found.status is Status.UNRESOLVED and "noise" in found.status.sentence
    smooth = run(Problem(domain=LINE, exact="sin(pi*x)"), "random-features")
    assert smooth.status is Status.DONE and smooth.error() < 1e-10  # the tolerance of the residual is 1e-9


def test_a_jump_of_the_diffusion_is_refused_with_its_term():
    problem = Problem(domain=LINE, source="1", diffusion="where(x < 0.37, 1, 5)", boundary="0")
    with pytest.raises(IncompatibleError, match=r"coefficient of the diffusion term .* jumps"):
        run(problem, "random-features")
    assert make_solver("auto").choice(problem.blind()).solver.name == "fem"


@pytest.mark.slow
def test_a_corner_without_its_singular_functions_is_reported():
    problem = Problem(domain=L_SHAPE, source="1", boundary="0")
    without, elements = run(problem, "random-features:singular=null"), run(problem, "fem:element=P2,cells=32")
    assert without.status is Status.UNRESOLVED and without.error() > 10 * elements.error()
    assert run(problem, "random-features").status is Status.DONE


def test_errors_at_a_jump_decrease_algebraically_and_those_of_smooth_solutions_faster_than_any_power():
    """u'' jumps, so that no space of n functions of bounded frequency has an L2 error below n^-2.5 on a fixed interval."""
    rough = Problem(domain=LINE, source="where(x < 0.37, 1, -2)", boundary="0")
    smooth = Problem(domain=LINE, exact="sin(9*x)*exp(x)", boundary="sin(9*x)*exp(x)")

    def errors(problem):
        sizes = ((60, 15.0), (240, 60.0))
        return [run(problem, f"random-features:number={n},bandwidth={width}").error() for n, width in sizes]

    (coarse, fine), (first, last) = errors(rough), errors(smooth)
    assert fine > coarse * 4.0**-4  # n^-2.5, and a factor of 8 for random points
    assert last < 1e-12 and first < 1e-8

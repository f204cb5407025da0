import math

import numpy as np
import pytest
import skfem
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box
from pdefreq.probes import PROBES, error
from pdefreq.probes.iterate import Iterate, SpaceIterate
from pdefreq.probes.probe import default_probes
from pdefreq.probes.target import Target
from pdefreq.probes.target import test_points as points_of_tests
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.trial_space import Evaluator, TrialSpace


class Scaled(TrialSpace):
    """Multiples of one function: c -> c u, with errors in closed form."""

    num_coefficients = 1
    smoothness = math.inf

    def __init__(self, u):
        self.u = u

    def at(self, x):
        return ScaledAt(self.u, x)


class ScaledAt(Evaluator):
    def __init__(self, u, x):
        self.values = u(x)

    def value(self, c):
        return c[0] * self.values

    def gradient(self, c):
        raise NotImplementedError


def scaled(u, c=1.0, dtype=torch.float64):
    return SpaceIterate(Scaled(u), torch.tensor([c], dtype=dtype))


def sine(x):
    return torch.sin(math.pi * x).prod(dim=1)


def box(dimension):
    return Box((0.0,) * dimension, (1.0,) * dimension)


def measured(problem, at, reference):
    return error.ErrorProbe().prepare(Target(problem, reference), at, discrete_solution=None, facts={})(at)


def test_test_points_are_the_documented_ones():
    targets = [Target(Problem(domain=box(d), source=1.0)) for d in (1, 2, 3)]
    one, two, three = (target.test_points for target in targets)
    assert [len(s.x) for s in (one, two, three)] == [2001, 151**2, 100_000]
    first = targets[2].recorded_points  # for the records of a run: a subset
    torch.testing.assert_close(first.x, three.x[:20_000], rtol=0, atol=0)
    assert float(first.weights.sum()) == pytest.approx(1)
    along = [target.recorded_points for target in targets[:2]]
    assert [len(s.x) for s in along] == [462, 114**2]
    assert [float(s.weights.sum()) for s in along] == pytest.approx([1, 1])
    assert [float(s.weights.sum()) for s in (one, two, three)] == pytest.approx([1, 1, 1])
    torch.testing.assert_close(three.x, points_of_tests(box(3)).x, rtol=0, atol=0)  # equal in every run
    assert one.x[:, 0].mul(2001).long().equal(torch.arange(2001))  # one point in each cell
    assert two.x.mul(151).long().equal(torch.cartesian_prod(torch.arange(151), torch.arange(151)))
    # standard deviation of the integral of g: 0.29 n^(-3/2) ||g'|| in 1-D and 0.29 n^(-2) ||grad g|| in 2-D; here six times that
    assert float(one.weights @ one.x[:, 0] ** 2) == pytest.approx(1 / 3, abs=6 * 0.29 * 2001**-1.5 * math.sqrt(4 / 3))
    assert float(two.weights @ (two.x[:, 0] * two.x[:, 1])) == pytest.approx(1 / 4, abs=6 * 0.29 * 151**-2 * math.sqrt(2 / 3))


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("c", [0.0, 0.75, 1.0, 3.0])
def test_a_multiple_of_the_solution_has_the_corresponding_relative_error(dimension, c):
    problem = Problem(domain=box(dimension), source=1.0, boundary=0.0)
    row = measured(problem, scaled(sine, c), CallableField(sine))
    assert row["relative_l2"] == pytest.approx(abs(1 - c), abs=1e-15)
    assert row["max_error"] == pytest.approx(abs(1 - c), rel=1e-2)  # random points do not contain the maximum exactly in 3-D
    assert row["boundary_error"] == pytest.approx(0, abs=1e-14)


def test_norms_against_closed_forms():
    """u = sin(pi x) + 0.1 sin(9 pi x): by orthogonality the L2 error is 0.1, the H1 error 0.1 sqrt((1 + 81 pi^2)/(1 + pi^2))."""
    problem = Problem(domain=box(1), source=1.0, boundary=0.0)
    u = CallableField(lambda x: sine(x) + 0.1 * sine(9 * x))
    reference = CallableField(sine)
    # relative standard deviation of the integral of sin^2(9 pi x) by one point in each of 2001 cells: 0.29 * 9 pi sqrt(2) 2001^-1.5
    sampling = 6 * 0.29 * 9 * math.pi * math.sqrt(2) * 2001**-1.5
    assert error.relative_error(u, Target(problem, reference), "l2") == pytest.approx(0.1, rel=sampling)
    expected = 0.1 * math.sqrt((1 + 81 * math.pi**2) / (1 + math.pi**2))
    assert error.relative_error(u, Target(problem, reference), "h1") == pytest.approx(expected, rel=sampling)
    nearest = (9 * math.pi / 2001) ** 2 / 2  # a test point is at most one cell away from a maximum
    assert error.relative_error(u, Target(problem, reference), "max") == pytest.approx(0.1, rel=nearest)


def test_norms_in_two_dimensions():
    """Twice sin(pi x) sin(pi y): every relative norm is 1, and so is the maximum."""
    problem = Problem(domain=box(2), source=1.0, boundary=0.0)
    target, nearest = Target(problem, CallableField(sine)), (math.pi / 151) ** 2  # distance of a point from the maximum, squared
    for norm in error.NORMS:
        found = error.relative_error(CallableField(lambda x: 2 * sine(x)), target, norm)
        assert found == pytest.approx(1, rel=nearest if norm == "max" else 1e-14)


@pytest.mark.parametrize(("degree", "cells"), [(1, 10), (1, 1000), (1, 9000), (2, 300), (2, 5000)])
def test_interpolation_errors_of_elements_are_no_contradiction(degree, cells):
    """||grad e|| / ||e|| is sqrt(10) / h for P1 and sqrt(42) / h for P2, about pi over the distance of the nodes."""
    u = CallableField(lambda x: torch.sin(2 * x[:, 0]) + 0.5)
    space = Lagrange(skfem.MeshLine(np.linspace(0, 1, cells + 1)), degree=degree)
    found = error.Errors(SpaceIterate(space, space.interpolate(u, torch.empty(0, dtype=torch.float64))), on_interval(u))
    assert found.contradiction(1 / (degree * cells)) is None


@pytest.mark.parametrize("k", [10.0, 1000.0])
def test_waves_that_the_points_represent_are_no_contradiction(k):
    u = CallableField(lambda x: torch.sin(2 * x[:, 0]))
    wave = CallableField(lambda x: u(x) + 1e-3 * torch.sin(k * x[:, 0]))
    assert error.Errors(Iterate.of_function(wave), on_interval(u)).contradiction() is None


@pytest.mark.parametrize("factor", [2, 0.5])
def test_a_gradient_error_that_the_values_do_not_show_is_a_contradiction(factor):
    """Values with an error of 1e-6 and gradients with one of 1e-6 times 4 pi times 2001, up to a factor."""
    u = CallableField(lambda x: torch.sin(2 * x[:, 0]))
    ratio = factor * 4 * math.pi * 2001
    wrong = CallableField(lambda x: u(x) + 1e-6, lambda x: u.gradient(x) + 1e-6 * ratio)
    found = error.Errors(Iterate.of_function(wrong), on_interval(u)).contradiction()
    assert found == (pytest.approx(ratio, rel=1e-6) if factor > 1 else None)  # 1e-10 of rounding in the values


def on_interval(u):
    return Target(Problem(domain=box(1), source=1.0, boundary=0.0), u)


@pytest.mark.parametrize("size", [1e-150, 1e-6, 1.0, 1e150])
def test_relative_errors_do_not_depend_on_the_size_of_the_solution(size):
    """1.25 u in place of u, with gradients: every relative error is 1/4, also where squares are not representable."""
    problem = Problem(domain=box(2), source=1.0, boundary=0.0)
    target = Target(problem, CallableField(lambda x: size * sine(x)))
    for norm in ("l2", "h1", "homogeneous"):
        found = error.relative_error(CallableField(lambda x: 1.25 * size * sine(x)), target, norm)
        assert found == pytest.approx(0.25, rel=1e-12)
    row = error.ErrorProbe().prepare(target, scaled(lambda x: size * sine(x), 1.25), discrete_solution=None, facts={})(
        scaled(lambda x: size * sine(x), 1.25)
    )
    assert row["relative_l2"] == pytest.approx(0.25, rel=1e-12)
    assert row["relative_l2_homogeneous"] == pytest.approx(0.25, rel=1e-12)


def test_an_offset_does_not_make_the_homogeneous_error_small():
    """u* = 1e5 + 10 x + pi sin(pi x) sin(pi y), u the lifting 1e5 + 10 x: nothing of the waves is found, at any offset."""

    def solution(x):
        return 1e5 + 10 * x[:, 0] + math.pi * sine(x)

    problem = Problem(domain=box(2), source=1.0, boundary=lambda x: 1e5 + 10 * x[:, 0])
    target = Target(problem, CallableField(solution))
    found = CallableField(lambda x: 1e5 + 10 * x[:, 0])
    assert error.relative_error(found, target, "homogeneous") == pytest.approx(1, rel=1e-9)  # 1e5 has eleven digits more
    assert error.relative_error(found, target) < 2e-5


def test_the_homogeneous_error_is_undefined_if_the_lifting_is_the_solution():
    problem = Problem(domain=box(2), source=0.0, boundary=lambda x: 3 + x[:, 0])
    target = Target(problem, CallableField(lambda x: 3 + x[:, 0]))
    assert math.isnan(error.relative_error(CallableField(lambda x: 3.1 + x[:, 0]), target, "homogeneous"))


def test_an_unknown_norm_and_a_zero_solution():
    problem = Problem(domain=box(1), source=0.0, boundary=0.0)
    with pytest.raises(OptionError, match="l2, h1, max, homogeneous, got 'l7'"):
        error.relative_error(CallableField(sine), Target(problem, CallableField(sine)), "l7")
    zero = CallableField(lambda x: 0 * x[:, 0])
    assert math.isnan(error.relative_error(CallableField(sine), Target(problem, zero), "l2"))
    found = measured(problem, scaled(sine), zero)["max_error"]  # at the points next to the maximum, at 1/2 -+ 1/922
    assert found == pytest.approx(math.cos(math.pi / 922))


def test_without_a_solution_only_the_boundary_error_is_known():
    problem = Problem(domain=Box((0.0,), (2.0,)), source=1.0, boundary=lambda x: 3 - x[:, 0])
    row = measured(problem, scaled(lambda x: x[:, 0], 2.0), None)
    assert math.isnan(row["relative_l2"]) and math.isnan(row["max_error"])
    assert row["boundary_error"] == pytest.approx(3)  # 2x compared with 3 - x: 3 on the left, 3 on the right
    row = measured(problem, scaled(lambda x: x[:, 0], 1.0), None)
    assert row["boundary_error"] == pytest.approx(3)  # on the left; 1 on the right


def test_only_dirichlet_parts_have_boundary_values():
    parts = (BoundaryPart("dirichlet", "x-max", value=CallableField(lambda x: 5 + 0 * x[:, 0])), BoundaryPart("robin"))
    problem = Problem(domain=box(2), source=1.0, boundary=parts)
    row = measured(problem, scaled(lambda x: x[:, 0], 2.0), None)
    assert row["boundary_error"] == pytest.approx(3)  # 2 compared with 5 on x = 1; the other three sides are not Dirichlet parts


@pytest.mark.parametrize("boundary", [(), (BoundaryPart("robin"),)])
def test_without_dirichlet_parts_there_is_no_boundary_error(boundary):
    problem = Problem(domain=box(1), source=1.0, boundary=boundary, diffusion=0.0 if not boundary else 1.0, reaction=1.0)
    assert math.isnan(measured(problem, scaled(sine), CallableField(sine))["boundary_error"])


@pytest.mark.parametrize(("reaction", "relative"), [(0.0, 0.0), (1.0, 2.0)])
def test_errors_ignore_the_mean_if_the_solution_is_unique_up_to_a_constant(reaction, relative):
    """u = cos(pi x) + sqrt(2): a pure Neumann problem determines u up to a constant, a problem with reaction uniquely."""
    problem = Problem(domain=box(1), source=1.0, boundary=(BoundaryPart("robin"),), reaction=reaction)
    shifted, exact = (
        (lambda x: torch.cos(math.pi * x[:, 0]) + math.sqrt(2)),
        CallableField(lambda x: torch.cos(math.pi * x[:, 0])),
    )
    row = measured(problem, scaled(shifted), exact)
    assert row["relative_l2"] == pytest.approx(relative, abs=1e-14)
    sampling = 6 * 0.29 * math.pi * math.sqrt(2) * 2001**-1.5  # as above, for the integral of cos^2(pi x)
    found = error.relative_error(CallableField(shifted), Target(problem, exact), "l2")
    assert found == pytest.approx(relative, abs=relative * sampling + 1e-14)
    assert row["max_error"] == pytest.approx(math.sqrt(2) if reaction else 0, abs=1e-14)


def test_single_precision_iterates_are_measured_in_double_precision():
    problem = Problem(domain=box(1), source=1.0, boundary=0.0)
    row = measured(problem, scaled(sine, 1.5, torch.float32), CallableField(sine))
    assert row["relative_l2"] == pytest.approx(0.5, rel=1e-6)
    assert all(isinstance(value, float) for value in row.values())


def test_the_table_lists_the_probes_and_the_default_probes():
    assert set(PROBES) >= {"error", "spectral"}
    assert [type(probe) for probe in default_probes()] == [PROBES.load(name) for name in ("error", "spectral", "holdout")]
    assert np.isfinite(len(default_probes()))


@pytest.mark.parametrize("amplitude", [1e-150, 1.0, 1e150])
def test_small_errors_of_very_small_and_very_large_functions_are_resolved(amplitude):
    """u = (1 + 1e-12) u*: the squares of the errors are 1e-324 of the smallest and 1e276 of the largest function."""
    exact = CallableField(lambda x: amplitude * torch.sin(math.pi * x[:, 0]))
    problem = Problem(domain=Box((0.0,), (1.0,)), source=1.0, boundary=0.0, exact=exact)
    u = CallableField(lambda x: (1 + 1e-12) * amplitude * torch.sin(math.pi * x[:, 0]))
    for norm in ("l2", "h1"):
        assert error.relative_error(u, Target(problem, exact), norm) == pytest.approx(1e-12, rel=1e-3)  # rounding of 1 + 1e-12

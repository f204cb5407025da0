"""Jumps are detected and kinks are not mistaken for jumps, on all domains and for inaccurate quadrature."""

import pytest
import torch

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.core.fields import CallableField
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.problem.files import load_problem, problem_from_text
from pdefreq.problem.jumps import jumps
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import deep_ritz, gauss_newton, pinn, pinn_gradient

DOMAINS = [
    Box((0.0,), (1.0,)),
    Box((-1.0, 0.0), (1.0, 1.0)),
    Box((-1.0,) * 3, (1.0,) * 3),
    Box((0.0,) * 5, (1.0,) * 5),
    Ball((0.2, 0.1), 0.9),
]


def seen(field, domain):
    return jumps(field, domain)


def first(x):
    return x[:, 0] - 0.4


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.title)
def test_jumps_are_detected_and_kinks_are_not(domain):
    for size in (0.01, 0.5, 1000.0):
        assert seen(CallableField(lambda x, size=size: torch.where(first(x) < 0, 1.0, 1.0 + size) + 0 * x[:, 0]), domain)
    for smooth in (
        lambda x: 1 + first(x).abs(),
        lambda x: first(x).clamp_min(0),
        lambda x: torch.sin(20 * x[:, 0]) + 2,
        lambda x: 1 / (2 + torch.cos(600 * first(x))),
        lambda x: torch.tanh(1e6 * first(x)),  # steep but continuous
        lambda x: first(x).abs().sqrt(),  # infinite slope
        lambda x: torch.sin(7 * x[:, 0]).square() + torch.cos(7 * x[:, 0]).square(),  # 1 up to rounding
        lambda x: torch.nan * x[:, 0],
        lambda x: 0 * x[:, 0] + 3,
    ):
        assert not seen(CallableField(smooth), domain)


def test_a_jump_across_a_sphere_is_detected():
    inside = CallableField(lambda x: torch.where(x.norm(dim=1) < 0.7, 1.0, 80.0) + 0 * x[:, 0])
    assert seen(inside, DOMAINS[2])


@pytest.mark.parametrize("core", ["0.05", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"])
def test_a_source_that_quadrature_does_not_resolve_is_not_mistaken_for_a_jump(core):
    """A charge in a small ball: the relative errors of the sums are of size 1 and differ from rule to rule."""
    assert load_problem("dielectric-sphere", core=core).exact is not None


def test_a_branch_cut_outside_the_domain_is_not_a_jump():
    """The angle of `l-shape` jumps in the quadrant that does not belong to the domain."""
    problem = load_problem("l-shape")
    assert problem.exact is not None and not seen(problem.exact, problem.domain)
    assert seen(CallableField(lambda x: torch.atan2(x[:, 1], x[:, 0])), problem.domain)


def test_a_discontinuous_solution_is_refused():
    text = """
        [domain]
        kind = "box"
        lower = 0
        upper = 1
        [equation]
        source = "1"
        exact = "where(x < 0.5, x*(1 - x)/2, x*(1 - x)/2 + 1)"
    """
    with pytest.raises(ProblemFileError, match="exact is discontinuous"):
        problem_from_text(text, name="jump", parameters={})


LAYERED = """
    [domain]
    kind = "box"
    lower = 0
    upper = 1
    [equation]
    diffusion = "DIFFUSION"
    source = "1"
    [boundary]
    value = "0"
"""


@pytest.mark.parametrize("method", [pinn, pinn_gradient, gauss_newton])
def test_strong_residuals_refuse_a_discontinuous_diffusion(method):
    """They would converge to the u with a continuous slope instead of a continuous flux: an error of 90 per cent for 1 and 10."""
    problem = problem_from_text(LAYERED.replace("DIFFUSION", "where(x < 0.5, 1, 10)"), name="layers", parameters={})
    small = {"widths": (6,), "number": 40, "steps": 1}
    with pytest.raises(IncompatibleError, match="flux is continuous"):
        solve(problem, method().with_options(small), probes=())
    solve(problem, deep_ritz().with_options(small), probes=())
    if method is gauss_newton:
        solve(problem, method().with_options(small, loss="ritz"), probes=())
    kink = problem_from_text(LAYERED.replace("DIFFUSION", "1 + abs(x - 0.5)"), name="kink", parameters={})
    solve(kink, method().with_options(small), probes=())


@pytest.mark.parametrize("text", ["atan(1/(x - 0.1))", "atan2(y, x - 2)", "(x - 0.1)/abs(x - 0.1)"])
def test_formulas_without_abs_or_where_jump(text):
    """atan(1/t) jumps by pi at t = 0, atan2 by 2 pi across the negative x axis, t/|t| by 2."""
    box = Box((-1.0, -1.0), (1.0, 1.0))
    assert Problem(domain=box, diffusion=f"4 + {text}", source=0, boundary="0").discontinuous is not None


@pytest.mark.parametrize("exact", ["atan(1/(x - 0.1))", "sqrt((x - 0.1)**2)"])
def test_an_exact_solution_that_jumps_or_whose_flux_jumps_is_refused(exact):
    with pytest.raises(ProblemFileError, match=r"discontinuous|flux jumps"):
        problem_from_text(f'[domain]\nkind = "box"\nlower = -1\nupper = 1\n[equation]\nexact = "{exact}"')


@pytest.mark.parametrize("exact", ["abs(x - 0.1)**1.1", "abs(x - 0.1)**1.5", "(x + 1)**0.6", "1/(2 + x)"])
def test_a_steep_but_continuous_flux_is_not_mistaken_for_a_jump(exact):
    """The flux of |t|^1.1 is 1.1 sign(t) |t|^0.1, which is continuous, although quadrature of its divergence is inaccurate."""
    assert problem_from_text(f'[domain]\nkind = "box"\nlower = -1\nupper = 1\n[equation]\nexact = "{exact}"').exact is not None

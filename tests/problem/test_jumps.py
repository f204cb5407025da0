"""Jumps are seen, kinks are not taken for jumps, whatever the domain and however poor the quadrature."""

import pytest
import torch

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.core.fields import CallableField
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.problem.files import load_problem, problem_from_text
from pdefreq.problem.jumps import jumps
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
def test_jumps_are_seen_and_kinks_are_none(domain):
    for size in (0.01, 0.5, 1000.0):
        assert seen(CallableField(lambda x, size=size: torch.where(first(x) < 0, 1.0, 1.0 + size) + 0 * x[:, 0]), domain)
    for smooth in (
        lambda x: 1 + first(x).abs(),
        lambda x: first(x).clamp_min(0),
        lambda x: torch.sin(20 * x[:, 0]) + 2,
        lambda x: 1 / (2 + torch.cos(600 * first(x))),
        lambda x: torch.tanh(1e6 * first(x)),  # steep, and no jump
        lambda x: first(x).abs().sqrt(),  # of infinite slope
        lambda x: torch.sin(7 * x[:, 0]).square() + torch.cos(7 * x[:, 0]).square(),  # 1, but for rounding
        lambda x: torch.nan * x[:, 0],
        lambda x: 0 * x[:, 0] + 3,
    ):
        assert not seen(CallableField(smooth), domain)


def test_a_jump_on_a_sphere_is_seen():
    inside = CallableField(lambda x: torch.where(x.norm(dim=1) < 0.7, 1.0, 80.0) + 0 * x[:, 0])
    assert seen(inside, DOMAINS[2])


@pytest.mark.parametrize("core", ["0.05", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"])
def test_a_source_that_quadrature_does_not_resolve_is_taken_for_no_jump(core):
    """The charge within a small ball: the sums are off by their own size, and by another one with every rule."""
    assert load_problem("dielectric-sphere", core=core).exact is not None


def test_a_cut_outside_the_domain_is_none():
    """The angle of `l-shape` jumps in the quarter that is no part of it."""
    problem = load_problem("l-shape")
    assert problem.exact is not None and not seen(problem.exact, problem.domain)
    assert seen(CallableField(lambda x: torch.atan2(x[:, 1], x[:, 0])), problem.domain)


def test_a_solution_that_jumps_is_refused():
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
def test_no_residual_at_points_meets_a_diffusion_that_jumps(method):
    """It would tend to the u whose slope, and not whose flux, is continuous: 90 per cent off for 1 and 10."""
    problem = problem_from_text(LAYERED.replace("DIFFUSION", "where(x < 0.5, 1, 10)"), name="layers", parameters={})
    small = {"widths": (6,), "number": 40, "steps": 1}
    with pytest.raises(IncompatibleError, match="flux is continuous"):
        solve(problem, method().with_options(small), probes=())
    solve(problem, deep_ritz().with_options(small), probes=())
    if method is gauss_newton:
        solve(problem, method().with_options(small, loss="ritz"), probes=())
    kink = problem_from_text(LAYERED.replace("DIFFUSION", "1 + abs(x - 0.5)"), name="kink", parameters={})
    solve(kink, method().with_options(small), probes=())

import math

import pytest
import torch

from pdefreq.core.fields import ConstantField
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.ring import Ring
from pdefreq.problem.problem import Problem
from pdefreq.spaces.features.multipoles import HIGHEST_ORDER, image_wavenumber, multipoles


def problem(domain, **more):
    return Problem(domain=domain, source=ConstantField(0.0), boundary=0.0, **more)


def test_the_functions_of_a_disc_are_the_logarithm_and_the_multipoles():
    (family,) = multipoles(problem(Ring((0.5, 0.0), 0.4, 1.0)), order=3)
    r, theta = torch.rand(2, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    r, theta = 0.4 + 0.6 * r, 2 * math.pi * theta
    x = torch.stack([0.5 + r * theta.cos(), r * theta.sin()], dim=1)
    expected = [(r / 0.4).log()]
    for k in (1, 2, 3):
        expected += [(0.4 / r) ** k * (k * theta).cos(), -((0.4 / r) ** k) * (k * theta).sin()]
    # entries of about one, a handful of operations each
    torch.testing.assert_close(family.value(x), torch.stack(expected, dim=1), rtol=1e-12, atol=1e-13)
    assert not family.laplacian(x).any()


def test_distant_small_holes_need_lower_orders():
    """(r0 / 2 R)^k = 1e-14: 7 for r0 / R = 0.02, and the cap for r0 / R = 0.5."""
    far, near = (WithHoles(Box((-1, -1), (1, 1)), (Ball((0.0, 0.0), radius),)) for radius in (0.02, 0.5))
    assert multipoles(problem(far))[0].size == 1 + 2 * 7
    assert multipoles(problem(near))[0].size == 1 + 2 * HIGHEST_ORDER


def test_many_holes_share_a_number_of_functions():
    holes = tuple(Ball((i + 0.5, j + 0.5), 0.3) for i in range(12) for j in range(12))
    families = multipoles(problem(WithHoles(Box((0, 0), (12, 12)), holes)))
    assert len(families) == 144
    assert sum(family.size for family in families) <= 1500


def test_holes_in_space_have_solid_harmonics_and_intervals_have_none():
    box = Box((-1, -1, -1), (1, 1, 1))
    (family,) = multipoles(problem(WithHoles(box, (Ball((0.1, 0, 0), 0.3),))), order=2)
    assert family.size == 9
    assert multipoles(problem(Box((0,), (1,)))) == ()


@pytest.mark.parametrize("order", [4, 8])
def test_the_dirichlet_problem_between_eccentric_circles_converges_with_the_order(order):
    """Between |x| = 1 and |x - 0.3| = 0.3, u = 0 and 1: multipoles with polynomials of the same degree, about (1/2)^(2 k)."""
    domain = WithHoles(Ball((0.0, 0.0), 1.0), (Ball((0.3, 0.0), 0.3),))
    (family,) = multipoles(problem(domain), order=order)

    def functions(x):
        powers = torch.complex(*x.T)[:, None] ** torch.arange(2 * order + 1)
        return torch.cat([powers.real, powers[:, 1:].imag, family.value(x)], dim=1)

    edge, check = (domain.boundary(n) for n in (400, 1001))
    values = [(samples.parts == 1).double() for samples in (edge, check)]
    c = torch.linalg.lstsq(functions(edge.x), values[0][:, None], driver="gelsd").solution[:, 0]
    assert (functions(check.x) @ c - values[1]).abs().max() < 0.3**order  # measured about half of it


@pytest.mark.parametrize("reaction", [7.0, -7.0])
def test_a_constant_reaction_gives_solutions_of_its_equation(reaction):
    domain = Ring((0.5, 0.0), 0.4, 1.0)
    (family,) = multipoles(problem(domain, reaction=2 * reaction, diffusion=2.0), order=4)
    x = domain.interior(30, torch.Generator().manual_seed(0)).x
    assert family.size == 9
    torch.testing.assert_close(family.laplacian(x), reaction * family.value(x))


def test_varying_reactions_and_further_terms_have_powers():
    domain = Ring((0.5, 0.0), 0.4, 1.0)
    for more in ({"reaction": lambda x: 1 + x[:, 0] ** 2}, {"reaction": 1.0, "convection": [1.0, 0.0]}):
        assert not multipoles(problem(domain, **more))[0].laplacian(domain.quadrature(10).x).any()


def test_narrow_gaps_need_higher_wavenumbers():
    """exp(-2 k R) = 1e-10: the wavenumber is proportional to 1 / R and zero without holes."""
    wide, narrow = (WithHoles(Box((-1, -1), (1, 1)), (Ball((1 - gap, 0.0), 0.05),)) for gap in (0.4, 0.1))
    assert image_wavenumber(problem(narrow)) == pytest.approx(4 * image_wavenumber(problem(wide)), rel=1e-4)
    assert image_wavenumber(problem(Box((-1, -1), (1, 1)))) == 0

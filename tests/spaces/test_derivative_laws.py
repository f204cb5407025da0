"""Laws of all networks: derivatives agree with those of the plain function by nested autograd and difference quotients."""

import math

import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import ConstantField
from pdefreq.domains.box import Box
from pdefreq.spaces.channels import Channels
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.spectral.legendre import Legendre
from pdefreq.spaces.spectral.sine_series import SineSeries
from tests.spaces.networks.designs import NETWORKS, case, matrices, plain
from tests.spaces.registered import ACTIVATION_NAMES, pairs

SMOOTH = [name for name in ACTIVATION_NAMES if activation_named(name).smoothness == math.inf]


def in_dimensions(cases):
    """Each case in one and two dimensions; in three with tanh, since activations act on each unit alone; the others are slow."""
    every = [(kind, activation, d) for d in (1, 2, 3, 5) for kind, activation in cases]
    slow = {case for case in every if case[2] == 5 or (case[2] == 3 and case[1] != "tanh")}
    return [pytest.param(*case, marks=pytest.mark.slow if case in slow else ()) for case in every]


def close(found, expected):
    """Required: 1e-10 of the largest entry. Rounding is some hundred times smaller, larger where derivatives of waves cancel."""
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * max(1.0, float(expected.detach().abs().max())))


def slopes(values, x):
    if not values.requires_grad:  # an outer derivative of a piecewise linear function
        return torch.zeros_like(x)
    return torch.autograd.grad(values.sum(), x, create_graph=True, materialize_grads=True)[0]


class Nested:
    """The results of an evaluator, by autograd of the plain function."""

    def __init__(self, space, c, x, order):
        self.x = x = x.clone().requires_grad_(True)
        self.value = plain(space, c, x)
        self.gradient = slopes(self.value, x)
        if order >= 2:
            self.hessian = torch.stack([slopes(g, x) for g in self.gradient.unbind(dim=1)], dim=1)
            self.laplacian = self.hessian.diagonal(dim1=1, dim2=2).sum(dim=1)
        if order >= 3:
            self.gradient_of_laplacian = slopes(self.laplacian, x)

    def second(self, matrix):
        """S : D^2 u."""
        return (matrix * self.hessian).sum(dim=(1, 2))


def weights(n, d):
    generator = torch.Generator().manual_seed(d)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((n,), (n, d), (n,))]


@pytest.mark.parametrize(("kind", "activation", "d"), in_dimensions(pairs(NETWORKS)))
def test_derivatives_agree_with_those_of_the_plain_function(kind, activation, d):
    space, c, x = case(kind, activation, d, n=3)
    c.requires_grad_(True)
    order = int(min(space.smoothness, 3))
    assert order == int(min(activation_named(activation).smoothness, 3))
    expected, evaluator = Nested(space, c, x, order), space.at(x)
    v, g, q = weights(*x.shape)
    matrix = matrices(*x.shape)
    with torch.no_grad():
        close(evaluator.value(c), expected.value)
        for found, wanted in zip(evaluator.value_and_gradient(c), (expected.value, expected.gradient), strict=True):
            close(found, wanted)
        close(evaluator.gradient_of(c, v), v[:, None] * expected.gradient)
        if order >= 2:
            second = (expected.value, expected.gradient, expected.laplacian)
            for found, wanted in zip(evaluator.second_order(c), second, strict=True):
                close(found, wanted)
            close(evaluator.second(c), expected.laplacian)
            close(evaluator.hessian(c), expected.hessian)
            bound = evaluator.with_second(matrix)
            for found, wanted in zip(bound.second_order(c), (*second[:2], expected.second(matrix)), strict=True):
                close(found, wanted)
        if order >= 3:
            close(evaluator.gradient_of_second(c), expected.gradient_of_laplacian)
            total = v[:, None] * expected.gradient + (expected.hessian @ g[:, :, None])[:, :, 0]
            close(evaluator.gradient_of(c, v, g, q), total + q[:, None] * expected.gradient_of_laplacian)
            with torch.enable_grad():
                third = slopes(expected.second(matrix), expected.x)
            close(bound.gradient_of(c, v, g, q), total + q[:, None] * third)
    first = v * expected.value + (g * expected.gradient).sum(dim=1)
    rows = [(evaluator, expected.value, {}), (evaluator, first, {"value": v, "gradient": g})]
    if order >= 2:
        rows += [(evaluator, q * expected.laplacian, {"second": q})]
        rows += [(bound, first + q * expected.second(matrix), {"value": v, "gradient": g, "second": q})]
    for at, combination, given in rows:
        wanted = [torch.autograd.grad(entry, c, retain_graph=True, materialize_grads=True)[0] for entry in combination]
        close(at.jacobian(c.detach(), **given), torch.stack(wanted))
        if at is not evaluator:
            u, pull_back = at.vjp(c, 2)
            close(u.second, expected.second(matrix))
            close(pull_back(Channels(v, g.T, q)), torch.stack(wanted).sum(dim=0))


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize(("kind", "activation"), pairs(NETWORKS, SMOOTH))
def test_derivatives_in_the_coefficients_agree_with_those_of_the_plain_function(kind, activation, d):
    """One reverse pass through all quantities of a residual and its gradient, and a second pass, as for a Hessian in c."""
    space, c, x = case(kind, activation, d, n=3)
    c.requires_grad_(True)
    evaluator, nested = space.at(x), Nested(space, c, x, 3)
    v, g, q = weights(*x.shape)

    def loss(value, gradient, laplacian, hessian, third):
        mixed = v * value**2 + (g * gradient**2).sum(dim=1) + q * laplacian**2 + (hessian**2).sum(dim=(1, 2))
        return (mixed + (third**2).sum(dim=1)).sum()

    found = loss(*evaluator.second_order(c), evaluator.hessian(c), evaluator.gradient_of_second(c))
    wanted = loss(nested.value, nested.gradient, nested.laplacian, nested.hessian, nested.gradient_of_laplacian)
    first = [torch.autograd.grad(value, c, create_graph=True)[0] for value in (found, wanted)]
    close(*first)
    along = torch.linspace(-1, 1, len(c), dtype=torch.float64)
    close(*(torch.autograd.grad(along @ slope, c)[0] for slope in first))


STEPS = torch.tensor([-4.0, -3, -2, -1, 1, 2, 3, 4], dtype=torch.float64)
QUOTIENT = torch.tensor([1 / 280, -4 / 105, 1 / 5, -4 / 5, 4 / 5, -1 / 5, 4 / 105, -1 / 280], dtype=torch.float64)
H = 1 / 512
"""Error of this quotient of order 8: h^8 / 630 = 3e-25 times a ninth derivative, at most 30^9 = 2e13 here; rounding 2e-16 / h."""


@pytest.mark.parametrize(("kind", "activation", "d"), in_dimensions(pairs(NETWORKS, SMOOTH)))
def test_derivatives_agree_with_difference_quotients(kind, activation, d):
    """Each derivative is compared with quotients of the next lower one; quotients across a kink of the activation diverge."""
    space, c, x = case(kind, activation, d, n=2)
    moved = x + H * STEPS[:, None, None, None] * torch.eye(d, dtype=torch.float64)[:, None, :]  # (8, d, n, d)
    around, here = space.at(moved.reshape(-1, d)), space.at(x)
    value, gradient, laplacian = around.second_order(c)

    def quotient(values):
        parts = torch.einsum("k,kj...->j...", QUOTIENT, values.reshape(8, d, 2, *values.shape[1:])) / H
        return parts.movedim(0, -1)

    close(here.gradient(c), quotient(value))
    close(here.hessian(c), quotient(gradient))
    close(here.second(c), quotient(gradient).diagonal(dim1=1, dim2=2).sum(dim=1))
    close(here.gradient_of_second(c), quotient(laplacian))
    along = torch.cos(torch.arange(len(c), dtype=torch.float64))
    moved = sum(w * torch.stack(unpacked(here.second_order(c + H * s * along))) for w, s in zip(QUOTIENT, STEPS, strict=True)) / H
    jacobians = [here.jacobian(c)]
    jacobians += [here.jacobian(c, gradient=e.expand(2, -1)) for e in torch.eye(d, dtype=torch.float64)]
    jacobians += [here.jacobian(c, second=torch.ones(2, dtype=torch.float64))]
    close(torch.stack(jacobians) @ along, moved)


def unpacked(second_order):
    value, gradient, laplacian = second_order
    return [value, *gradient.unbind(dim=1), laplacian]


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_factors_have_one_block_per_parameter(kind):
    space, c, x = case(kind, "tanh", 2, n=5)
    blocks = space.at(x).jacobian_factors(c, second=torch.ones(5, dtype=torch.float64))
    for (name, shape), (d, z) in zip(space.shapes.items(), blocks, strict=True):
        assert d.shape[:3] == z.shape[:3] and d.shape[2] == 5
        assert (d.shape[0], d.shape[3], z.shape[3]) == (shape if len(shape) == 3 else (1, math.prod(shape), 1)), name
        assert d.shape[1] == (4 if "weight" in name else 1), name  # value, two slopes, Laplacian; or their sum


@pytest.mark.parametrize(
    "space",
    [
        Grid(Box((0.0, 0.0), (1.0, 2.0)), (2, 3)),
        Legendre(Box((0.0, 0.0), (1.0, 2.0)), 3, 6),
        SineSeries(Box((0.0, 0.0), (1.0, 2.0)), (3, 2), ConstantField(2.0)),
    ],
    ids=lambda space: type(space).__name__,
)
def test_jacobians_of_linear_spaces_are_their_basis_functions(space):
    generator = torch.Generator().manual_seed(0)
    c, zero = (f(space.num_coefficients, dtype=torch.float64) for f in (torch.ones, torch.zeros))
    c = c * torch.randn(len(c), generator=generator, dtype=torch.float64)
    x = torch.rand(7, 2, generator=generator, dtype=torch.float64)
    evaluator, (v, g, _) = space.at(x), weights(7, 2)
    # sums of ten products of size one
    torch.testing.assert_close(evaluator.jacobian(c) @ c, evaluator.value(c) - evaluator.value(zero), rtol=0, atol=1e-13)
    both = [v * evaluator.value(a) + (g * evaluator.gradient(a)).sum(dim=1) for a in (c, zero)]
    torch.testing.assert_close(evaluator.jacobian(c, v, g) @ c, both[0] - both[1], rtol=0, atol=1e-12)
    with pytest.raises(IncompatibleError, match="needs second derivatives"):
        evaluator.jacobian(c, second=v)


@pytest.mark.parametrize("kind", NETWORKS)
def test_points_are_independent_of_each_other(kind):
    """A single point has the same results as among others, and derivatives in c add up, also for arrays of length one."""
    space, c, x = case(kind, "tanh", 2, n=4)
    c = c.clone().requires_grad_(True)
    together = list(space.at(x).second_order(c))
    alone = [torch.cat(t) for t in zip(*(space.at(point).second_order(c) for point in x.split(1)), strict=True)]
    for one, other in zip(alone, together, strict=True):
        close(one, other)
    weights = [torch.linspace(1, 2, t.numel(), dtype=t.dtype).view_as(t) for t in together]
    derivatives = [
        torch.autograd.grad(sum((w * t).sum() for w, t in zip(weights, ts, strict=True)), c)[0] for ts in (alone, together)
    ]
    close(*derivatives)

import pytest
import torch

from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.trial_space import SpaceField


def make(d, g):
    box = Box((-1.0,) * d, (2.0,) * d)
    network = MlpSpace(box, (8, 8), "tanh")
    return box, network, HardBoundary(network, box.lifting(g), box.distance())


@pytest.mark.parametrize("d", [1, 2, 3])
def test_all_functions_of_the_space_have_the_boundary_values(d):
    g = CallableField(lambda x: torch.sin(3 * x).sum(dim=1) + x.prod(dim=1) ** 2)
    box, _, space = make(d, g)
    u = SpaceField(space, 10 * space.initialize(stream(0, "test")))
    x = box.boundary(200, stream(1, "test")).x
    # transfinite interpolation sums up to 26 values of g, of size 67 for d = 3
    torch.testing.assert_close(u(x), g(x), rtol=0, atol=1e-13 * float(g(x).abs().max()))
    inside = box.quadrature(64).x
    assert (u(inside) - space.lifting(inside)).abs().min() > 0


def test_zero_boundary_values_are_exactly_zero():
    box, _, space = make(2, ConstantField(0.0))
    u = SpaceField(space, space.initialize(stream(0, "test")))
    assert (u(box.boundary(80).x) == 0).all()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_gradient_is_the_derivative(d):
    g = CallableField(lambda x: torch.cos(2 * x).prod(dim=1))
    box, _, space = make(d, g)
    c = space.initialize(stream(0, "test"))
    x = box.interior(30, stream(1, "test")).x.requires_grad_(True)
    parts = space.lifting(x) + space.distance(x) * space.network.at(x.detach()).value(c)
    (outer,) = torch.autograd.grad(parts.sum(), x)
    expected = outer + space.distance(x).detach()[:, None] * space.network.at(x).gradient(c)
    value, gradient = space.at(x.detach()).value_and_gradient(c)
    torch.testing.assert_close(value, parts.detach(), rtol=0, atol=0)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-13 * float(expected.abs().max()))
    h = 1e-5 * torch.eye(d, dtype=torch.float64)
    for k in range(d):  # difference quotient: its error is h^2 times a third derivative of size 10
        quotient = (space.at(x.detach() + h[k]).value(c) - space.at(x.detach() - h[k]).value(c)) / 2e-5
        torch.testing.assert_close(quotient, gradient[:, k], rtol=0, atol=1e-7)


def test_the_coefficients_are_those_of_the_network():
    _, network, space = make(2, ConstantField(1.0))
    assert space.shapes == network.shapes and space.smoothness == network.smoothness
    assert torch.equal(space.initialize(stream(0, "a")), network.initialize(stream(0, "a")))


def test_lifting_and_distance_are_evaluated_once_per_set_of_points():
    calls = []

    def g(x):
        calls.append(len(x))
        return x[:, 0]

    box = Box((0.0,), (1.0,))
    space = HardBoundary(MlpSpace(box, (3,)), CallableField(g), box.distance())
    evaluator = space.at(box.quadrature(10).x)
    c = space.initialize(stream(0, "a"))
    evaluator.value_and_gradient(c)
    evaluator.gradient_of_second(c)
    before = len(calls)
    for _ in range(3):
        evaluator.value_and_gradient(c)
        evaluator.gradient_of_second(c)
    assert len(calls) == before > 0

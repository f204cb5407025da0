"""Laws of all feed-forward networks, held against a plain one written out with autograd."""

import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.spaces.activations import ACTIVATIONS
from pdefreq.spaces.mlp import Mlp
from pdefreq.spaces.mscale import Mscale
from pdefreq.spaces.trial_space import SpaceField
from pdefreq.streams import stream
from tests.spaces.test_activations import PUBLISHED

SCALES = (1.0, 2.0, 5.0)


def box(d):
    return Box((-1.0,) * d, (1.0,) * d)


NETWORKS = {
    "mlp": lambda d, activation: Mlp(box(d), (7, 5, 6), activation),
    "one layer": lambda d, activation: Mlp(box(d), (9,), activation),
    "mscale-1": lambda d, activation: Mscale(box(d), SCALES, (7, 5), activation, form="first-layer"),
    "mscale-2": lambda d, activation: Mscale(box(d), SCALES, (6, 5, 4), activation),
}


def plain(space, c, x):
    """The same function, a network and a layer at a time."""
    p, total = space.unflatten(c), 0.0
    layers = len(p) // 2
    for s, scale in enumerate(space.unit_scales):
        h = PUBLISHED[space.activation]((x @ p["weight1"][s].T) * scale.T + p["bias1"][s].T)
        for layer in range(2, layers):
            h = PUBLISHED[space.activation](h @ p[f"weight{layer}"][s].T + p[f"bias{layer}"][s].T)
        total = total + h @ p[f"weight{layers}"][s].T
    return total[:, 0] + p[f"bias{layers}"]


def case(kind, activation, d):
    """A network, random coefficients (no unit dead), and points."""
    space = NETWORKS[kind](d, activation)
    generator = stream(0, "test", d)
    c = space.initialize(generator) + 0.05 * torch.randn(space.num_coefficients, generator=generator, dtype=torch.float64)
    return space, c, torch.rand(40, d, generator=generator, dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("kind", list(NETWORKS))
def test_value_and_gradient_are_those_of_the_plain_network(kind, activation, d):
    space, c, x = case(kind, activation, d)
    x.requires_grad_(True)
    expected = plain(space, c, x)
    (slope,) = torch.autograd.grad(expected.sum(), x)
    assert slope.abs().max() > 1e-3  # else there is nothing to see
    evaluator = space.at(x)
    value, gradient = evaluator.value_and_gradient(c)
    assert value.shape == (40,) and gradient.shape == (40, d)
    # relative to the largest: a sum of some ten products of order one each
    expected = expected.detach()
    torch.testing.assert_close(value, expected, rtol=0, atol=1e-13 * float(expected.abs().max()))
    torch.testing.assert_close(gradient, slope, rtol=0, atol=1e-13 * float(slope.abs().max()))
    torch.testing.assert_close(evaluator.value(c), value, rtol=0, atol=0)
    torch.testing.assert_close(evaluator.gradient(c), gradient, rtol=0, atol=0)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("kind", list(NETWORKS))
def test_derivatives_in_the_coefficients_are_those_of_the_plain_network(kind, activation, d):
    """Of a sum that mixes values and squared gradients, as the Ritz energy does."""
    space, c, x = case(kind, activation, d)
    weight = torch.linspace(-1, 2, len(x), dtype=torch.float64)
    c.requires_grad_(True)
    value, gradient = space.at(x).value_and_gradient(c)
    (found,) = torch.autograd.grad((weight * (gradient.square().sum(dim=1) - value)).sum(), c)
    x.requires_grad_(True)
    value = plain(space, c, x)
    (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    (expected,) = torch.autograd.grad((weight * (gradient.square().sum(dim=1) - value)).sum(), c)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12 * float(expected.abs().max()))


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_gradient_is_the_limit_of_difference_quotients(kind):
    space, c, x = case(kind, "sin", 2)
    gradient = space.at(x).gradient(c)
    for k in range(2):
        h = torch.zeros(2, dtype=torch.float64)
        h[k] = 1e-5
        quotient = (space.at(x + h).value(c) - space.at(x - h).value(c)) / 2e-5
        # third derivatives are of order 5^3: error 1e-10 x that / 6; rounding 1e-16 / 1e-5
        torch.testing.assert_close(quotient, gradient[:, k], rtol=0, atol=1e-8)


def test_the_vector_holds_all_parameters_once():
    space = Mlp(box(3), (7, 5), "tanh")
    assert space.shapes == {
        "weight1": (1, 7, 3),
        "bias1": (1, 7, 1),
        "weight2": (1, 5, 7),
        "bias2": (1, 5, 1),
        "weight3": (1, 1, 5),
        "bias3": (1,),
    }
    assert space.num_coefficients == 7 * 3 + 7 + 5 * 7 + 5 + 5 + 1
    c = torch.arange(space.num_coefficients)
    assert torch.equal(torch.cat([p.flatten() for p in space.unflatten(c).values()]), c)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_smoothness_is_the_activations(activation):
    assert Mlp(box(1), (4,), activation).smoothness == ACTIVATIONS[activation].smoothness


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_fix_the_precision(dtype):
    space, c, x = case("mscale-2", "tanh", 2)
    u = SpaceField(space, c)
    assert u(x.to(dtype)).dtype == dtype and u.gradient(x.to(dtype)).dtype == dtype
    # float32: eps is 1e-7, inputs are scaled by 5
    torch.testing.assert_close(u(x.to(dtype)).double(), u(x), rtol=0, atol=1e-5 if dtype == torch.float32 else 0)

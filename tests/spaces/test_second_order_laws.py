"""Theorems on S : D^2 u with a matrix S at each point; `test_derivative_laws` contains the comparison with nested autograd."""

import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import ConstantField
from pdefreq.domains.box import Box
from pdefreq.spaces.channels import Channels
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.spectral.legendre import Legendre
from pdefreq.spaces.spectral.sine_series import SineSeries
from pdefreq.spaces.trial_space import SpaceField
from tests.spaces.networks.designs import NETWORKS, case, matrices, plain
from tests.spaces.test_derivative_laws import Nested, close, slopes, weights

EACH = pytest.mark.parametrize("kind", list(NETWORKS))
DIMENSIONS = pytest.mark.parametrize("d", [1, 2, pytest.param(3, marks=pytest.mark.slow)])


def everything(evaluator, c, x):
    """All quantities that depend on the second-order channel, including the sum of several of its weights."""
    v, g, q = weights(*x.shape)
    u, pull_back = evaluator.vjp(c, 2)
    factors = [torch.einsum("sqnb,sqna->nsba", d, z).flatten(1) for d, z in evaluator.jacobian_factors(c, v, g, q)]
    return {
        "second": evaluator.second(c),
        "channels": evaluator.channels(c, 2).second,
        "of vjp": u.second,
        "vjp": pull_back(Channels(v, g.T, q)),
        "gradient": evaluator.gradient_of(c, v, g, q),
        "gradient of second": evaluator.gradient_of_second(c),
        "jacobian": evaluator.jacobian(c, v, g, q),
        "factors": torch.cat(factors, dim=1),
    }


@DIMENSIONS
@EACH
def test_the_identity_gives_the_laplacian(kind, d):
    space, c, x = case(kind, "tanh", d, n=4)
    evaluator = space.at(x)
    identity = torch.eye(d, dtype=x.dtype).expand(4, -1, -1)
    found, expected = everything(evaluator.with_second(identity), c, x), everything(evaluator, c, x)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-13 * max(1.0, float(value.abs().max())), msg=name)


@DIMENSIONS
@EACH
def test_quantities_that_depend_on_s_are_affine_in_s(kind, d):
    """f(2 S - 3 T) = 2 f(S) - 3 f(T) + 2 f(0), with separate S and T at each point."""
    space, c, x = case(kind, "tanh", d, n=4)
    evaluator = space.at(x)
    s, t = matrices(8, d).split(4)
    of_s, of_t, of_zero, of_both = (everything(evaluator.with_second(m), c, x) for m in (s, t, 0 * s, 2 * s - 3 * t))
    for name, value in of_both.items():
        close(value, 2 * of_s[name] - 3 * of_t[name] + 2 * of_zero[name])
    assert not of_zero["second"].any()


@DIMENSIONS
@pytest.mark.parametrize("kind", ["mlp", "one layer", "residual", "mscale-1", "mscale-2", "adaptive", "siren"])
def test_the_value_is_invariant_under_rotations_of_the_coordinates(kind, d):
    """With y = Q x and v(y) = u(x), the value at y with Q S Q^T is that at x with S, and gradients in x are multiplied by Q."""
    space, c, x = case(kind, "tanh", d, n=4)
    turn, _ = torch.linalg.qr(matrices(1, d)[0])
    p = {name: t.clone() for name, t in space.unflatten(c).items()}
    p["weight1"] = p["weight1"] @ turn.T
    turned = torch.cat([t.flatten() for t in p.values()])
    s = matrices(4, d)
    here, there = space.at(x).with_second(s), space.at(x @ turn.T).with_second(turn @ s @ turn.T)
    close(there.second(turned), here.second(c))
    close(there.gradient_of_second(turned), here.gradient_of_second(c) @ turn.T)


@pytest.mark.parametrize("d", [1, 2])
@EACH
def test_a_matrix_that_depends_on_the_coefficients_is_differentiated(kind, d):
    """As in a quasilinear residual: S = (1 + u^2) I + q q^T with q = grad u, differentiated twice in c."""
    space, c, x = case(kind, "tanh", d, n=3)
    c.requires_grad_(True)
    eye = torch.eye(d, dtype=x.dtype)
    nested, evaluator = Nested(space, c, x, 2), space.at(x)

    def matrix(u, q):
        return (1 + u**2)[:, None, None] * eye + q[:, :, None] * q[:, None, :]

    s = matrix(*evaluator.value_and_gradient(c))
    bound, expected = evaluator.with_second(s), nested.second(matrix(nested.value, nested.gradient))
    bound.vjp(c, 2)  # does not change the evaluator
    third = slopes(nested.second(s.detach()), nested.x)
    found = bound.second(c).square().sum() + evaluator.with_second(s.detach()).gradient_of_second(c).square().sum()
    wanted = expected.square().sum() + third.square().sum()
    first = [torch.autograd.grad(value, c, create_graph=True)[0] for value in (found, wanted)]
    close(*first)
    along = torch.linspace(-1, 1, len(c), dtype=torch.float64)
    close(*(torch.autograd.grad(along @ slope, c, retain_graph=True)[0] for slope in first))


@EACH
def test_binding_a_matrix_does_not_change_the_evaluator(kind):
    space, c, x = case(kind, "tanh", 2, n=4)
    evaluator = space.at(x)
    s, t = matrices(8, 2).split(4)
    before = everything(evaluator, c, x)
    bound = evaluator.with_second(s)
    of_s, again = everything(bound, c, x), everything(bound.with_second(t).with_second(s), c, x)
    assert all(torch.equal(of_s[name], again[name]) for name in of_s)
    assert all(torch.equal(value, before[name]) for name, value in everything(evaluator, c, x).items())
    fresh = everything(space.at(x).with_second(s), c, x)
    assert all(torch.equal(of_s[name], fresh[name]) for name in of_s)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_third_derivatives_agree_with_those_of_the_plain_function(d):
    """For a network, and for a network whose boundary values are the field of another network."""
    inner, c, x = case("mlp", "tanh", d, n=3)
    y = x.clone().requires_grad_(True)
    hessian = Nested(inner, c, y, 2)
    rows = [slopes(h, hessian.x) for h in hessian.hessian.reshape(3, -1).unbind(dim=1)]
    expected = torch.stack(rows, dim=1).reshape(3, d, d, d).detach()
    close(inner.at(x).third_derivatives(c), expected)
    close(SpaceField(inner, c).third_derivatives(x), expected)
    box = Box((-1.0,) * d, (1.0,) * d)
    network = MlpSpace(box, (3,), "sin")
    space, s = HardBoundary(network, SpaceField(inner, c), box.distance()), matrices(3, d)
    theta = network.initialize(torch.Generator().manual_seed(0))
    z = x.clone().requires_grad_(True)
    values = plain(inner, c, z) + box.distance()(z) * plain(network, theta, z)
    second = torch.stack([slopes(q, z) for q in slopes(values, z).unbind(dim=1)], dim=1)
    wanted = (s * second).sum(dim=(1, 2))
    bound = space.at(x).with_second(s)
    close(bound.second(theta), wanted.detach())
    close(bound.gradient_of_second(theta), slopes(wanted, z).detach())


@pytest.mark.parametrize(
    "space",
    [
        Grid(Box((0.0, 0.0), (1.0, 2.0)), (2, 3)),
        Legendre(Box((0.0, 0.0), (1.0, 2.0)), 3, 6),
        SineSeries(Box((0.0, 0.0), (1.0, 2.0)), (3, 2), ConstantField(2.0)),
    ],
    ids=lambda space: type(space).__name__,
)
def test_spaces_without_second_derivatives_refuse_a_matrix(space):
    with pytest.raises(IncompatibleError, match=r"needs second derivatives, .* use a network"):
        space.at(torch.ones(1, 2, dtype=torch.float64) / 3).with_second(matrices(1, 2))

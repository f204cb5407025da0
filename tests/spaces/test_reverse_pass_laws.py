"""The hand-written reverse passes of all networks agree with automatic differentiation of the same channels."""

import pytest
import torch

from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.trial_space import Evaluator
from tests.spaces.networks.designs import NETWORKS, case, matrices
from tests.spaces.registered import pairs


def weights_like(u):
    generator = torch.Generator().manual_seed(1)
    return u.map(lambda t: torch.randn(t.shape, generator=generator, dtype=t.dtype))


def close(found, expected):
    """Equality to 1e-12 of the largest entry: both are sums of the same dozens of products in another order, 1e-15 apart."""
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12 * float(expected.abs().max()))


@pytest.mark.parametrize("d", [1, 2, pytest.param(3, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("kind", "activation"), pairs(NETWORKS))
def test_the_vector_jacobian_product_agrees_with_automatic_differentiation(kind, activation, d):
    space, c, x = case(kind, activation, d, n=6)
    evaluator = space.at(x)
    for order in range(int(min(activation_named(activation).smoothness, 2)) + 1):
        at = evaluator.with_second(matrices(*x.shape)) if order == 2 else evaluator
        u, pull_back = at.vjp(c, order)
        expected, differentiated = Evaluator.vjp(at, c, order)
        for found, wanted in zip(u.present, expected.present, strict=True):
            close(found, wanted)
        weights = weights_like(u)
        kept = [t.clone() for t in weights.present]
        found = pull_back(weights)
        assert found.shape == c.shape and not found.requires_grad
        close(found, differentiated(weights))
        assert all(torch.equal(before, after) for before, after in zip(kept, weights.present, strict=True))


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_reverse_passes_do_not_change_the_evaluator_or_the_coefficients(kind):
    """The passes overwrite their own arrays: a second call, of another order, must not be affected."""
    space, c, x = case(kind, "tanh", 2, n=6)
    evaluator, before = space.at(x), c.clone()
    for order in (2, 1, 0, 1, 2):
        u, pull_back = evaluator.vjp(c, order)
        weights = weights_like(u)
        fresh_u, fresh_pull_back = space.at(x).vjp(c, order)
        assert all(torch.equal(a, b) for a, b in zip(u.present, fresh_u.present, strict=True))
        assert torch.equal(pull_back(weights), fresh_pull_back(weights))
        assert torch.equal(c, before)

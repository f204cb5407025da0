"""The layer-by-layer kernel of all networks, compared with automatic differentiation of value, gradient and Laplacian."""

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.embedding import FourierFeatures
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.theory.ntk import diagonal, kernel, operator
from tests.spaces.registered import pairs

SCALES = (1.0, 2.0, 5.0)
BOX = Box((-1.0, -1.0), (1.0, 1.0))
NETWORKS = {
    "mlp": lambda a: MlpSpace(BOX, (7, 5, 6), a),
    "wide": lambda a: MlpSpace(BOX, (60, 60), a),  # its layers use the Khatri-Rao form, small layers the Jacobian
    "one layer": lambda a: MlpSpace(BOX, (9,), a),
    "mscale-1": lambda a: MscaleSpace(BOX, SCALES, (6, 5), a, form="first-layer"),
    "mscale-2": lambda a: MscaleSpace(BOX, SCALES, (40, 40), a),
    "residual": lambda a: MlpSpace(BOX, (30, 30, 30), a, residual=True),
    "adaptive": lambda a: MlpSpace(BOX, (30, 30), a, adaptive=5.0),
    "no bias": lambda a: MlpSpace(BOX, (30, 30), a, bias="none"),
    "features": lambda a: MlpSpace(BOX, (30, 30), a, embedding=FourierFeatures(((1.0, 0.0), (2.0, -3.0)))),
}


def case(kind, activation):
    space, generator = NETWORKS[kind](activation), stream(0, "test")
    c = space.initialize(generator)
    c = c + 0.05 * torch.randn(len(c), generator=generator, dtype=torch.float64)
    draw = lambda *shape: 2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1  # noqa: E731
    return space, c, draw(30, 2), draw(8, 2), draw


def weighted(evaluator, value, gradient, second):
    """value u + gradient . grad u + second lap u as a function of c."""

    def apply(c):
        total = value * evaluator.value(c)
        if gradient is not None:
            total = total + (gradient * evaluator.gradient(c)).sum(dim=1)
        return total if second is None else total + second * evaluator.second(c)

    return apply


def by_autograd(function, c):
    c = c.detach().requires_grad_(True)
    return torch.stack([torch.autograd.grad(v, c, retain_graph=True)[0] for v in function(c)])


@pytest.mark.parametrize(("kind", "activation"), pairs(NETWORKS))
def test_kernels_of_all_networks_and_activations_are_accurate_to_1e_12(kind, activation):
    """In the metric of the highest derivatives of the activation; the Jacobian is computed by one backward pass per point."""
    space, c, x, y, draw = case(kind, activation)
    order = min(2, int(min(space.smoothness, 2)))
    rows = []
    for points in (x, y):
        n = len(points)
        weights = draw(n), draw(n, 2) if order >= 1 else None, draw(n) if order >= 2 else None
        evaluator = space.at(points)
        rows.append((evaluator.jacobian_factors(c, *weights), by_autograd(weighted(evaluator, *weights), c)))
    (left, j), (right, j2) = rows
    scale = (j @ j.T).abs().max()
    assert scale > 1e-6  # otherwise the comparison is trivial
    assert (kernel(left) - j @ j.T).abs().max() <= 1e-12 * scale
    assert (kernel(left, right) - j @ j2.T).abs().max() <= 1e-12 * scale
    assert (diagonal(left) - j.square().sum(dim=1)).abs().max() <= 1e-12 * scale
    v = draw(len(x))
    product = torch.from_numpy(operator(left).matvec(v.numpy()))
    assert (product - j @ (j.T @ v)).abs().max() <= 1e-12 * scale * len(x)


@pytest.mark.parametrize("activation", ["sin", "tanh"])
def test_operator_kernels_agree_with_spatial_differences(activation):
    """The kernel of Laplacians is the Laplacian of K in both arguments: second-order central differences of the plain kernel."""
    space, c, x, y, _ = case("mlp", activation)
    space, x, y = MlpSpace(Box((-1.0,), (1.0,)), (12, 12), activation), x[:3, :1], y[:3, :1]
    c = space.initialize(stream(0, "test"))
    one = torch.ones(3, dtype=torch.float64)
    factors = lambda p, **w: space.at(p).jacobian_factors(c, **w)  # noqa: E731
    exact = kernel(factors(x, value=0 * one, gradient=0 * x, second=one), factors(y, value=0 * one, gradient=0 * y, second=one))
    errors = []
    for h in (0.08, 0.04, 0.02):  # rounding of sums of sixteen values near 6, over h^4: at 0.02 it is 1e-7, for an error of 3e-5
        stencil = ((-h, 1), (0.0, -2), (h, 1))
        total = sum(a * b * kernel(factors(x + s), factors(y + t)) for s, a in stencil for t, b in stencil) / h**4
        errors.append(float((total - exact).abs().max()))
    orders = torch.log2(torch.tensor(errors[:-1]) / torch.tensor(errors[1:]))
    assert torch.allclose(orders, torch.full((2,), 2.0), atol=0.02)

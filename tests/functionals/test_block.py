"""Blocks of general second-order residuals: linear ones with a fixed S, and quasilinear ones with S(u, grad u)."""

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.functionals.block import ChannelLeastSquares, LinearizedLeastSquares, rows_of_jacobian
from pdefreq.spaces.channels import Channels
from tests.functionals.polynomials import Polynomials
from tests.functionals.test_laws import SPACES, close
from tests.spaces.networks.designs import matrices

X = 2 * torch.rand(15, 2, generator=stream(0, "test"), dtype=torch.float64) - 1
SCALE = 1 + X[:, 0] ** 2
C, B, F = torch.sin(3 * X[:, 0]), torch.stack([X[:, 1], torch.cos(X[:, 0])], dim=1), torch.exp(X[:, 1])
EYE = torch.eye(2, dtype=torch.float64)


class Linear(ChannelLeastSquares):
    """c u + b . grad u - S : D^2 u - f, with an indefinite S at each point."""

    order = 2
    num_rows = len(X)

    def __init__(self, space):
        super().__init__("residual", space.at(X).with_second(matrices(*X.shape)))

    def residual_of(self, u):
        return SCALE * (C * u.value + (B.T * u.gradient).sum(dim=0) - u.second - F)

    def rows(self, u):
        return [Channels(C, B.T, -torch.ones_like(C)).times(SCALE)]


class Quasilinear(LinearizedLeastSquares):
    """u^3 - S : D^2 u with S = (1 + u^2) I + q q^T, q = grad u."""

    order = 2
    num_rows = len(X)

    def __init__(self, space):
        super().__init__("residual", space.at(X))

    def second(self, u, q):
        return (1 + u**2)[:, None, None] * EYE + q[:, :, None] * q[:, None, :]

    def residual(self, c):
        u, q = self.evaluator.value_and_gradient(c)
        return SCALE * (u**3 - self.evaluator.with_second(self.second(u, q)).second(c))

    def linearized(self, c):
        u, q, laplacian = self.evaluator.second_order(c)
        at_u, at_q = 3 * u**2 - 2 * u * laplacian, -2 * self.evaluator.gradient_of(c, gradient=q)
        rows = Channels(at_u, at_q.T, -torch.ones_like(u)).times(SCALE)
        return self.evaluator.with_second(self.second(u, q)), [rows]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", [Linear, Quasilinear])
def test_a_general_residual_satisfies_the_laws_of_sums_of_squares(kind, space):
    """Gradient, Gauss-Newton factor, trace and layer factors agree with automatic differentiation of the residual."""
    space = SPACES[space]
    block, draw = kind(space), torch.randn(space.num_coefficients, generator=stream(1, "test"), dtype=torch.float64)
    c = draw / 2 if isinstance(space, Polynomials) else space.initialize(stream(1, "test"))
    expected, r = rows_of_jacobian(block.residual, c), block.residual(c)
    value, gradient = block.value_and_gradient(c)
    close(value, r.square().sum() / 2)
    close(gradient, expected.T @ r)
    close(block.gauss_newton_factor(c), expected)
    close(block.trace(c), expected.square().sum())
    (layers,) = block.layer_factors(c)
    close(torch.cat([torch.einsum("sqnb,sqna->nsba", d, z).flatten(1) for d, z in layers], dim=1), expected)

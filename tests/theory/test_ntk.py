"""Kernels from factors, compared with the Jacobian by automatic differentiation or by definition."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.theory.kernel_modes import eigenpairs
from pdefreq.theory.ntk import diagonal, kernel, operator

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))  # S, q, b, a


def random_blocks(shapes, n, seed=0):
    random = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(shape, generator=random, dtype=torch.float64)  # noqa: E731
    return [(draw(s, q, n, b), draw(s, q, n, a)) for s, q, b, a in shapes]


def dense(blocks):
    """The Jacobian by definition, one entry at a time."""
    columns = []
    for d, z in blocks:
        for s in range(d.shape[0]):
            for b in range(d.shape[3]):
                for a in range(z.shape[3]):
                    columns.append(sum(d[s, q, :, b] * z[s, q, :, a] for q in range(d.shape[1])))
    return torch.stack(columns, dim=1)


def close(found, expected, relative=1e-12):
    """Equality up to rounding of sums of a few hundred terms, relative to the largest entry: 1e-12 is required."""
    assert (found - expected).abs().max() <= relative * expected.abs().max()


@settings(max_examples=30)
@given(st.lists(SHAPES, min_size=1, max_size=3), st.integers(1, 7), st.integers(1, 5))
def test_kernels_of_layers_of_all_shapes_agree_with_their_jacobians(shapes, n, k):
    left, right = random_blocks(shapes, n), random_blocks(shapes, k, seed=1)
    j, j2 = dense(left), dense(right)
    close(kernel(left), j @ j.T)
    close(kernel(left, right), j @ j2.T)
    close(diagonal(left), j.square().sum(dim=1))
    v = np.arange(1.0, n + 1)
    close(torch.from_numpy(operator(left).matvec(v)), j @ (j.T @ torch.from_numpy(v)))


def network(widths, seed=0):
    random = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(shape, generator=random, dtype=torch.float64)  # noqa: E731
    return [(draw(b, a) / a**0.5, draw(b)) for a, b in zip(widths, widths[1:], strict=False)]


def forward(layers, x):
    for w, b in layers[:-1]:
        x = torch.tanh(x @ w.T + b)
    w, b = layers[-1]
    return (x @ w.T + b).squeeze(-1)


def network_blocks(layers, x):
    """For the weights and biases of each layer, the reverse-mode derivatives and the inputs of the layer."""
    inputs, slopes = [x], []
    for w, b in layers[:-1]:
        h = torch.tanh(inputs[-1] @ w.T + b)
        inputs.append(h)
        slopes.append(1 - h**2)
    back = [torch.ones(len(x), 1, dtype=x.dtype)]
    for (w, _), slope in zip(reversed(layers[1:]), reversed(slopes), strict=True):
        back.append((back[-1] @ w) * slope)
    one = torch.ones(1, 1, len(x), 1, dtype=x.dtype)
    pairs = [(d[None, None], z[None, None]) for d, z in zip(reversed(back), inputs, strict=True)]
    return [block for d, z in pairs for block in ((d, z), (d, one))]


@pytest.mark.parametrize("n", [40, 700])  # within one tile, and over several tiles
def test_the_kernel_of_a_network_agrees_with_automatic_differentiation(n):
    layers = network((2, 30, 30, 1))
    x = torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    jacobians = torch.func.vmap(torch.func.jacrev(forward), in_dims=(None, 0))(layers, x)
    j = torch.cat([part.reshape(n, -1) for layer in jacobians for part in layer], dim=1)
    found = kernel(network_blocks(layers, x))
    close(found, j @ j.T)
    assert torch.equal(found, found.T)


def test_the_operator_has_the_eigenpairs_of_the_matrix():
    blocks = network_blocks(network((1, 20, 20, 1)), torch.linspace(-1, 1, 300, dtype=torch.float64)[:, None])
    whole, leading = eigenpairs(kernel(blocks)), eigenpairs(operator(blocks), 6)
    # Lanczos stops at rounding of the largest eigenvalue; the six eigenvalues are separated by more than 1e-3 of it
    assert (whole.values[:6] - leading.values).abs().max() < 1e-12 * whole.values[0]
    assert ((whole.vectors[:, :6] * leading.vectors).sum(dim=0).abs() - 1).abs().max() < 1e-10


def test_a_product_with_the_operator_agrees_with_differences_of_network_values():
    """K v = J (J^T v): J^T v by central differences in every parameter, J w by central differences along w.

    With steps of 1e-5 central differences have an error of 1e-10 times third derivatives, and rounding errors of 1e-16 / 1e-5.
    """
    shapes, h = [(6, 2), (6,), (6, 6), (6,), (1, 6), (1,)], 1e-5
    random = torch.Generator().manual_seed(3)
    c = torch.cat([torch.randn(math.prod(shape), generator=random, dtype=torch.float64) for shape in shapes])
    x, v = torch.rand(50, 2, generator=random, dtype=torch.float64), torch.randn(50, generator=random, dtype=torch.float64)

    def layers(c):
        parts = [part.reshape(shape) for part, shape in zip(c.split([math.prod(s) for s in shapes]), shapes, strict=True)]
        return list(zip(parts[::2], parts[1::2], strict=True))

    w = torch.stack(
        [v @ (forward(layers(c + h * e), x) - forward(layers(c - h * e), x)) / (2 * h) for e in torch.eye(len(c)).to(c)]
    )
    along = h / float(w.norm())
    product = (forward(layers(c + along * w), x) - forward(layers(c - along * w), x)) / (2 * along)
    found = operator(network_blocks(layers(c), x)) @ v.numpy()
    np.testing.assert_allclose(found, product, atol=1e-8 * np.abs(found).max(), rtol=0)


def test_kernels_of_different_layers_are_refused():
    with pytest.raises(OptionError, match="same layers"):
        kernel(random_blocks([(1, 1, 2, 3)], 4), random_blocks([(1, 1, 3, 2)], 4))
    with pytest.raises(OptionError, match="at least one layer"):
        kernel([])

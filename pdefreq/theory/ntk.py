"""The neural tangent kernel K = J J^T of a network, from the factors of its layers, without per-sample gradients.

In a layer, the derivative of an output at point n with respect to the weight from unit a to unit b is a short sum of products,

    J[n, (s, b, a)] = sum_q D[s, q, n, b] Z[s, q, n, a],

with the backpropagated derivatives D and the inputs Z of the layer, stacked sub-networks s, and channels q (the value of a unit
and, if a functional needs derivatives in x, these derivatives). The layer's part of the kernel is then a Khatri-Rao product,

    K = sum_s sum_q,q' (D_q D_q'^T) o (Z_q Z_q'^T),

which costs N^2 (a + b) operations; the product of Jacobians costs N^2 a b. A ``Block`` is the pair (D, Z) of one layer.

Source:
    Novak, Sohl-Dickstein, Schoenholz (2022), Fast finite width neural tangent kernel, arXiv 2206.08720.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch

from pdefreq.core.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse.linalg import LinearOperator
    from torch import Tensor

Block: TypeAlias = "tuple[Tensor, Tensor]"  # D (S, q, n, b) and Z (S, q, n, a)

_TILE = 256  # points along each side: two products of 256^2 doubles take 1 MB and fit in the cache


def kernel(left: Sequence[Block], right: Sequence[Block] | None = None) -> Tensor:
    """The kernel between two sets of points, computed tile by tile.

    The memory is that of the factors, the result and a few tiles. If the product of Jacobians is cheaper than the Khatri-Rao
    product, as for layers with few units or many channels, it is used instead.

    Args:
        left: The blocks at n points.
        right: The blocks of the same parameters at n' points; those of `left` by default.

    Returns:
        K, shape ``(n, n')``; exactly symmetric if `right` is omitted.

    Raises:
        OptionError: If the blocks of both sides do not belong to the same layers.

    Example:
        >>> ones = torch.ones(1, 1, 3, 1)
        >>> kernel([(ones, ones)]).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    symmetric = right is None
    others = left if right is None else right
    _check(left, others)
    rows, columns = left[0][0].shape[2], others[0][0].shape[2]
    layers = list(_layers(left, others))
    result = left[0][0].new_empty(rows, columns)
    for i in range(0, rows, _TILE):
        for j in range(i if symmetric else 0, columns, _TILE):
            p, q = slice(i, i + _TILE), slice(j, j + _TILE)
            tile = torch.zeros_like(result[p, q], memory_format=torch.contiguous_format)
            for (d, z), (e, y) in layers:
                contract = _by_jacobian if _jacobian_is_cheaper(d, z) else _by_khatri_rao
                contract(tile, d[:, :, p], z[:, :, p], e[:, :, q], y[:, :, q])
            if not symmetric:
                result[p, q] = tile
            elif i == j:
                result[p, q] = (tile + tile.T) / 2
            else:
                result[p, q], result[q, p] = tile, tile.T
    return result


def diagonal(blocks: Sequence[Block]) -> Tensor:
    """The diagonal K(x, x), shape ``(n,)``, computed without the other entries; its sum is the trace.

    Args:
        blocks: The blocks at n points.
    """
    total = torch.zeros_like(blocks[0][0][0, 0, :, 0])
    for d, z in blocks:
        pairs = torch.einsum("sqnb,srnb->nsqr", d, d) * torch.einsum("sqna,srna->nsqr", z, z)
        total += pairs.sum(dim=(1, 2, 3))
    return total


def operator(blocks: Sequence[Block]) -> LinearOperator:
    """K as a linear operator, for ``eigsh`` on thousands of points; it needs the memory of the blocks and one gradient.

    Products are ``J (J^T v)`` without J. If K is not larger than the blocks, as for wide networks, K is formed instead.

    Args:
        blocks: The blocks at n points.
    """
    from scipy.sparse.linalg import LinearOperator

    n, like = blocks[0][0].shape[2], blocks[0][0]
    layers = [(d.mT, z.mT) for (d, z), _ in _layers(blocks, blocks)]  # points last, as in the networks, so that nothing is copied

    matrix = kernel(blocks) if n**2 <= sum(d.numel() + z.numel() for d, z in blocks) else None

    def apply(v: np.ndarray) -> np.ndarray:
        vector = torch.from_numpy(v.reshape(-1)).to(like)
        if matrix is not None:
            return (matrix @ vector).numpy(force=True)
        return sum((_push(d, z, _pull(d, z, vector)) for d, z in layers), start=torch.zeros_like(vector)).numpy(force=True)

    return LinearOperator((n, n), matvec=apply, rmatvec=apply, dtype=torch.empty(0, dtype=like.dtype).numpy().dtype)  # pyright: ignore[reportCallIssue]


def _pull(d: Tensor, z: Tensor, v: Tensor) -> Tensor:
    """J^T v, shape ``(S, b, a)``, from d ``(S, q, b, n)`` and z ``(S, q, a, n)``."""
    stacked = [torch.stack([(f * v) @ h.T for f, h in zip(e, y, strict=True)]).sum(dim=0) for e, y in zip(d, z, strict=True)]
    return torch.stack(stacked)


def _push(d: Tensor, z: Tensor, gradient: Tensor) -> Tensor:
    """J g, shape ``(n,)``."""
    pieces = [(f * (g @ h)).sum(dim=0) for e, y, g in zip(d, z, gradient, strict=True) for f, h in zip(e, y, strict=True)]
    return torch.stack(pieces).sum(dim=0)


def _jacobian_is_cheaper(d: Tensor, z: Tensor) -> bool:
    """Whether a b multiplications per pair of points are fewer than q^2 (a + b)."""
    channels, a, b = d.shape[1], z.shape[3], d.shape[3]
    return a * b <= channels**2 * (a + b)


def _jacobian(d: Tensor, z: Tensor) -> Tensor:
    """The layer's columns of J, shape ``(n, S b a)``."""
    return torch.einsum("sqnb,sqna->nsba", d, z).flatten(1)


def _by_jacobian(out: Tensor, d: Tensor, z: Tensor, e: Tensor, y: Tensor) -> None:
    out.addmm_(_jacobian(d, z), _jacobian(e, y).T)


def _by_khatri_rao(out: Tensor, d: Tensor, z: Tensor, e: Tensor, y: Tensor) -> None:
    for backward, forward, backward2, forward2 in _channel_pairs(d, z, e, y):
        out.addcmul_(backward @ backward2.T, forward @ forward2.T)


def _channel_pairs(d: Tensor, z: Tensor, e: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    for s in range(d.shape[0]):
        for q in range(d.shape[1]):
            for r in range(e.shape[1]):
                yield d[s, q], z[s, q], e[s, r], y[s, r]


def _layers(left: Sequence[Block], right: Sequence[Block]) -> Iterator[tuple[Block, Block]]:
    """Pairs of blocks, with each bias folded into the weights of its layer as one more input, 1 in the channel of values.

    Weights and bias then share one product of D, which takes a third of the work.
    """
    pairs = list(zip(left, right, strict=True))
    while pairs:
        first, *pairs = pairs
        while pairs and all(_folds(bias, weight) for bias, weight in zip(pairs[0], first, strict=True)):
            first = _folded(pairs[0][0], first[0]), _folded(pairs[0][1], first[1])
            pairs = pairs[1:]
        yield first


def _folds(bias: Block, weight: Block) -> bool:
    d, e = bias[0], weight[0][:, :1]
    return d.shape == e.shape and torch.equal(d, e)


def _folded(bias: Block, weight: Block) -> Block:
    (_, one), (d, z) = bias, weight
    channels = one.new_zeros(*z.shape[:3], one.shape[3])
    channels[:, :1] = one
    return d, torch.cat([z, channels], dim=3)


def _check(left: Sequence[Block], right: Sequence[Block]) -> None:
    if not left:
        raise OptionError("a kernel needs the factors of at least one layer, but the list is empty")
    shapes = [[(d.shape[0], d.shape[3], z.shape[3]) for d, z in blocks] for blocks in (left, right)]
    if shapes[0] != shapes[1]:
        raise OptionError(
            f"both sides of a kernel need the factors of the same layers, got (S, b, a) of {shapes[0]} and {shapes[1]}"
        )

"""Least squares by conjugate gradients with a preconditioner from a random sketch of the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import torch

from pdefreq.theory.count_sketch import count_sketch
from pdefreq.theory.least_squares import RidgeFactorization, least_ridge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

SKETCHED_ROWS = 1.5
"""The number of rows of the sketch over that of columns. The condition number of the preconditioned matrix is about 10."""
RIDGE = 1e-14
"""The default weight of the coefficients in float64, 45 times its rounding error; other types have the same multiple of theirs.

With 1e-15, the gradients stagnate because of rounding errors of products with A.
"""

_STAGES = 2
_ACCURATE = 0.05  # norm of the gradient over that of the residual, which then exceeds the smallest one by at most 0.5 %
_LEAST = 1 / (1 + SKETCHED_ROWS**-0.5)  # smallest singular value of the preconditioned matrix, in the limit of many columns
_MOST = 60  # iterations of a stage; the error decreases by a factor of about 0.8 in each


class SketchedFactorization:
    """The least-squares problems of `ridge_least_squares`, for a matrix that is given by blocks of rows.

    A random sketch S A with 1.5 rows per column is accumulated block by block and factorized with the ridge, ``T^T T = D^-1 A^T
    S^T S A D^-1 + ridge^2``, with the lengths D of its columns. The matrix ``[A; ridge D] D^-1 T^-1`` then has a condition number
    of about ``(1 + e) / (1 - e)`` with ``e = 1.5^(-1/2)``, whatever that of A, since the sketch and the rows have the same ridge.
    The solution of the sketched problem is improved by conjugate gradients in the variable ``T D c``. The residual is
    recomputed for the second of two such stages, which makes the result about as accurate as that of a direct method. The
    iterations end when the norm of the residual exceeds the smallest possible one by at most 0.5 %, or by the effect of rounding.
    A stage that does not reduce the residual is dropped, so that the result is never worse than the sketched solution.

    A factorization of A takes ``2 m n^2`` operations, that of the sketch ``3 n^3``, and each iteration ``4 m n``. The memory is
    at most that of 3.5 n^2 numbers, and that of the blocks.

    Args:
        blocks: A function that returns A ``(m, n)`` as blocks of rows, the same ones in each call. It is called once in each
            iteration, so that the blocks need not be stored.
        columns: n.
        draw: The random numbers.
        ridge: The weight of the coefficients; with None it is `RIDGE` for float64.

    Source:
        Avron, Maymounkov, Toledo (2010), Blendenpik: Supercharging LAPACK's least-squares solver, SIAM J. Sci. Comput. 32;
        Epperly, Meier, Nakatsukasa (2024), Fast randomized least-squares solvers can be just as accurate and stable as classical
        direct solvers, arXiv 2406.03468, for the two stages.
    """

    def __init__(
        self, blocks: Callable[[], Iterable[Tensor]], columns: int, draw: torch.Generator, ridge: float | None = None
    ) -> None:
        self._blocks, self._draw = blocks, draw.get_state()
        self._rows = math.ceil(SKETCHED_ROWS * columns)
        sketch = self._sketch(blocks())
        ridge = least_ridge(sketch.dtype, RIDGE) if ridge is None else ridge
        held = [sketch]
        del sketch
        self._sketched = RidgeFactorization(held.pop, ridge)  # frees the sketch as soon as it is factorized
        self._ridge = self._sketched.ridge

    @property
    def largest(self) -> float:
        """The largest length of a column of A, estimated from the sketch."""
        return self._sketched.largest

    def leading(self, data: Tensor, counts: Sequence[int]) -> list[Tensor]:
        """The coefficients for data y, ``(m,)``, of the first columns of A alone, one item ``(k,)`` for each number k of columns.

        These are the solutions of the sketched problems. Their residuals are about twice the smallest possible ones.
        """
        return self._sketched.leading(self._sketched_data(data), counts)

    def solve(self, data: Tensor) -> tuple[Tensor, Tensor]:
        """The coefficients for data y, ``(m,)`` or ``(m, k)``, and the residual y - A c, of the same shape."""
        y = data.reshape(len(data), -1)
        c = self._sketched.solve(self._sketched_data(y))[0]
        left = self._left(y, c)
        for _ in range(_STAGES):
            further = c + self._correction(c, left)
            after = self._left(y, further)
            reduced = after.norm(dim=0) <= left.norm(dim=0)  # False if the iterations lost all digits
            c, left = torch.where(reduced, further, c), torch.where(reduced, after, left)
        return c.reshape(len(c), *data.shape[1:]), left.reshape(data.shape)

    def inexactness(self, coefficients: Tensor, left: Tensor) -> float:
        """A bound on the norm of A (c - c*), for coefficients c ``(n,)``, y - A c and the minimizer c*.

        With the preconditioned matrix B it is the norm of the gradient B^T (y - A c) over the smallest singular value of B.
        """
        gradient = self._gradient(coefficients[:, None], left[:, None])
        return float(gradient.norm()) / _LEAST

    def _gradient(self, c: Tensor, left: Tensor) -> Tensor:
        """The negative gradients in the variable T D c, ``(n, k)``, for the residuals y - A c."""
        return self._whitened(sum(a.T @ part for a, part in self._with(left)) - self._ridged(c))

    def _correction(self, c: Tensor, left: Tensor) -> Tensor:
        """What a stage adds to coefficients ``(n, k)``, for the residuals y - A c, by conjugate gradients for each column."""
        gradient = self._gradient(c, left)
        goal = _ACCURATE * left.norm(dim=0)
        found, direction = torch.zeros_like(gradient), gradient
        square = gradient.square().sum(dim=0)
        for _ in range(_MOST):
            open_ = square.sqrt() > goal
            if not bool(open_.any()):
                break
            along = self._sketched.unwhitened(direction)
            image = self._whitened(sum(a.T @ (a @ along) for a in self._blocks()) + self._ridged(along))
            length = torch.where(open_, square / (direction * image).sum(dim=0), 0.0)  # a column that is done does not change
            found, gradient = found + length * direction, gradient - length * image
            before, square = square, gradient.square().sum(dim=0)
            direction = gradient + torch.where(open_, square / before, 0.0) * direction
        return self._sketched.unwhitened(found)

    def _left(self, y: Tensor, c: Tensor) -> Tensor:
        return torch.cat([part - a @ c for a, part in self._with(y)])

    def _whitened(self, gradient: Tensor) -> Tensor:
        return self._sketched.whitened(gradient)

    def _ridged(self, c: Tensor) -> Tensor:
        return (self._ridge * self._sketched.weights[:, None]) ** 2 * c

    def _with(self, data: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The blocks of A, each with its rows of data."""
        start = 0
        for a in self._blocks():
            yield a, data[start : start + len(a)]
            start += len(a)

    def _sketched_data(self, data: Tensor) -> Tensor:
        return self._sketch(data.split(self._sizes))

    def _sketch(self, blocks: Iterable[Tensor]) -> Tensor:
        """The sketch of a matrix with the rows of A, given by the same blocks."""
        draw, total, sizes = torch.Generator(), None, []
        draw.set_state(self._draw)
        for block in blocks:
            total = count_sketch(block, self._rows, draw, out=total)
            sizes.append(len(block))
        assert total is not None
        self._sizes = sizes
        return total

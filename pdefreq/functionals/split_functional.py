"""Functionals whose blocks several processes share."""

from __future__ import annotations

import functools
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import torch

from pdefreq.core.reduce import current
from pdefreq.functionals.functional import Functional, Rows

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.reduce import Reduce
    from pdefreq.core.shapes import Coefficients

_COLUMNS = 32  # of a block of `tpqrt`; 16 to 64 took the same time


def split(functional: Functional) -> Functional:
    """A functional for a step that several processes take together; in one process the functional itself."""
    over = current()
    return functional if over.size == 1 else SplitFunctional(functional, over)


class SplitFunctional(Functional):
    """A functional that several processes evaluate: each evaluates some of the blocks, and the results are added.

    All processes obtain the same bits. All methods are collective (`pdefreq.core.reduce`).

    Args:
        whole: The functional, with the same blocks in each process.
        over: The sums over the processes.

    Raises:
        RuntimeError: By each method, if the processes divide the points in different ways.
    """

    def __init__(self, whole: Functional, over: Reduce) -> None:
        super().__init__(whole.blocks)
        self.weights, self._over = whole.weights, over

    def terms(self, c: Coefficients) -> dict[str, Tensor]:
        return dict(zip(self.names, self._sum(torch.stack(list(self._own.terms(c).values()))), strict=True))

    def value_and_gradient(self, c: Coefficients) -> tuple[Tensor, Coefficients]:
        value, gradient = self._own.value_and_gradient(c)
        total = self._sum(torch.cat([value[None], gradient]))
        return total[0], total[1:]

    def traces(self, c: Coefficients) -> dict[str, Tensor]:
        return dict(zip(self.names, self._sum(torch.stack(list(self._own.traces(c).values()))), strict=True))

    def residual(self, c: Coefficients) -> Tensor | None:
        own = self._own_residual(c)
        return None if own is None else self._gathered(own)

    def gauss_newton_factor(self, c: Coefficients) -> Tensor:
        return self._gathered(self._own_factor(c))

    def partial_rows(self, c: Coefficients) -> Rows:
        if self.num_rows < len(c):
            return self.rows(c)
        self._sum(c.new_zeros(0))
        return Rows(self._own_factor(c), self._own_residual(c), over=self._over)

    def equivalent_rows(self, c: Coefficients, *columns: Tensor) -> Rows:
        """The triangular factors of the rows of each process, and of these factors together (TSQR).

        If there are fewer rows than columns, these are the rows themselves.

        Source:
            Demmel, Grigori, Hoemmen, Langou (2012), Communication-optimal parallel and sequential QR and LU factorizations, SIAM
            J. Sci. Comput. 34.
        """
        residual = self._own_residual(c)
        beside = [*([] if residual is None else [residual]), *(column[self._own_rows] for column in columns)]
        own = [torch.cat([self._own_factor(c), *(column[:, None] for column in beside)], dim=1)]
        reduced = self._gathered if self.num_rows <= own[0].shape[1] else self._triangle
        rows = reduced(own.pop())  # which frees them as soon as they are factorized
        factor, *found = rows.split([len(c), *[1] * len(beside)], dim=1)
        found = [column[:, 0] for column in found]
        return Rows(factor, None if residual is None else found.pop(0), tuple(found))

    @cached_property
    def _own_blocks(self) -> list[int]:
        """The numbers of the blocks of this process."""
        return list(range(self._over.rank, len(self.blocks), self._over.size))

    @property
    def _own(self) -> Functional:
        """The part of the functional that belongs to the blocks of this process; all terms, some of which may have no block."""
        own = Functional([self.blocks[k] for k in self._own_blocks])
        own.weights = self.weights
        return own

    @cached_property
    def _own_rows(self) -> Tensor:
        """The numbers of the rows of this process."""
        ends = list(accumulate((block.num_rows for block in self.blocks), initial=0))
        return torch.cat([torch.zeros(0, dtype=torch.long), *(torch.arange(ends[k], ends[k + 1]) for k in self._own_blocks)])

    def _own_residual(self, c: Coefficients) -> Tensor | None:
        if not self.tends_to_zero:
            return None
        with torch.no_grad():
            own = self._own.residual(c) if self._own_blocks else c.new_zeros(0)
        assert own is not None
        return own

    def _own_factor(self, c: Coefficients) -> Tensor:
        return self._own.gauss_newton_factor(c).detach() if self._own_blocks else c.new_zeros(0, len(c))

    def _sum(self, values: Tensor) -> Tensor:
        """The sum of a vector over the processes.

        Raises:
            RuntimeError: If they do not have each row once.
        """
        *_, rows = total = self._over.sum(torch.cat([values, values.new_tensor([len(self._own_rows)])]))
        if int(rows) != self.num_rows:
            raise RuntimeError(f"the processes evaluate {int(rows):,} rows of {self.num_rows:,}")
        return total[:-1]

    def _gathered(self, own: Tensor) -> Tensor:
        """The rows of all processes in the order of the blocks. The sum with zeros is exact."""
        self._sum(own.new_zeros(0))
        rows = own.new_zeros(self.num_rows, *own.shape[1:])
        rows[self._own_rows] = own
        return self._over.sum(rows)

    def _triangle(self, own: Tensor) -> Tensor:
        """The triangular factor of the rows of all processes, ``(m, m)`` for rows of length m."""
        self._sum(own.new_zeros(0))
        own, width, size, rank = _triangle(own), own.shape[1], self._over.size, self._over.rank
        counts = [sum(block.num_rows for block in self.blocks[k::size]) for k in range(size)]
        ends = list(accumulate((min(count, width) for count in counts), initial=0))
        rows = own.new_zeros(ends[-1], width)
        rows[ends[rank] : ends[rank + 1]] = own
        rows = self._over.sum(rows)
        if rows.is_cuda or len(rows) < size * width:
            return _triangle(rows)
        return functools.reduce(_joined, rows.split(width))


def _joined(one: Tensor, other: Tensor) -> Tensor:
    """The triangular factor of two triangular factors of the same size, by LAPACK's `tpqrt`.

    Unlike a factorization of all rows, it skips the zeros below the diagonals.
    """
    import numpy as np
    from scipy.linalg import get_lapack_funcs

    a, b = one.numpy(), other.numpy()
    factorize = get_lapack_funcs(("tpqrt",), (a, b))[0]
    factor, *_, info = factorize(len(a), min(_COLUMNS, len(a)), a, b)
    if info:
        raise ValueError(f"tpqrt refused its argument {-info}")
    return torch.from_numpy(np.ascontiguousarray(np.triu(factor)))


def _triangle(rows: Tensor) -> Tensor:
    """The triangular factor of rows ``(n, m)``; the rows themselves if n is below m."""
    return rows if len(rows) < rows.shape[1] else torch.linalg.qr(rows, mode="r")[1]

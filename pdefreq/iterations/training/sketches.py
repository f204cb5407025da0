"""Random sketches of the linear system of a Gauss-Newton step, with fewer rows and fewer coefficients.

A sketched step solves ``((C F S)^T C F S + lambda) y = -S^T G`` and is ``d = S y``, with a count sketch C of the rows and a
subsampled randomized cosine transform S of the coefficients. The gradient G is not sketched, so that every step is a descent
direction. A sketched residual would have an error of the size of its part outside the range of F. The number of rows of C must be
at least twice the number of columns of S. Each step draws new sketches, so that all coefficients change in the course of a run.

**Source.** Clarkson and Woodruff (2013), Low rank approximation and regression in input sparsity time, arXiv 1207.6365, for count
sketches, here with several nonzero entries in each column; Tropp (2011), Improved analysis of the subsampled randomized Hadamard
transform, arXiv 1011.1595; for Gauss-Newton Webb, Jerad, Cartis (2026), arXiv 2607.02194.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pdefreq.core.reduce import ALONE, Reduce
from pdefreq.iterations.training.damped_systems import DampedSystem, damped_system
from pdefreq.theory.count_sketch import count_sketch


@dataclass(frozen=True)
class CosineSketch:
    """The sketch S, ``(P, k)``: random signs, an orthonormal cosine transform, and k of its rows, scaled so that E S S^T = 1.

    Args:
        signs: The signs, ``(P,)``.
        kept: The indices of the rows, ``(k,)``.
    """

    signs: Tensor
    kept: Tensor

    @classmethod
    def drawn(cls, size: int, number: int, stream: torch.Generator, like: Tensor) -> CosineSketch:
        """A sketch of `number` columns for `size` coefficients."""
        signs = 2.0 * torch.randint(2, (size,), generator=stream) - 1
        return cls(signs.to(like), torch.randperm(size, generator=stream)[:number].to(like.device))

    @property
    def scale(self) -> float:
        return math.sqrt(len(self.signs) / len(self.kept))

    def of(self, factor: Tensor) -> Tensor:
        """F S for F of shape ``(rows, P)``."""
        return self.scale * _cosines(factor * self.signs)[:, self.kept]

    def lifted(self, y: Tensor) -> Tensor:
        """S y for y of shape ``(k,)``."""
        full = y.new_zeros(len(self.signs))
        full[self.kept] = y
        return self.scale * self.signs * _cosines(full[None], inverse=True)[0]


def _cosines(rows: Tensor, *, inverse: bool = False) -> Tensor:
    """The orthonormal cosine transform of the second kind of each row, or its inverse."""
    import scipy.fft

    transform = scipy.fft.idct if inverse else scipy.fft.dct
    return torch.from_numpy(transform(rows.cpu().numpy(), norm="ortho", axis=1)).to(rows)


@dataclass(frozen=True)
class SketchedSystem:
    """The damped equations of sketched rows and coefficients.

    Args:
        system: The equations for y.
        columns: S; None if the coefficients are not sketched.
    """

    system: DampedSystem
    columns: CosineSketch | None

    @property
    def largest(self) -> float:
        return self.system.largest

    @property
    def least(self) -> float:
        return self.system.least

    def step(self, damping: float) -> Tensor:
        y = self.system.step(damping)
        return y if self.columns is None else self.columns.lifted(y)


@dataclass(frozen=True)
class Sketched:
    """The linear algebra with sketches, which are drawn anew in each call.

    Args:
        rows: The number of rows of F after the sketch; None keeps all.
        columns: The number of coefficients after the sketch; None keeps all.
        stream: The random numbers.
        solve: The linear algebra of the sketched equations.
    """

    rows: int | None
    columns: int | None
    stream: torch.Generator
    solve: Callable[[Tensor, Tensor, Tensor | None, Reduce], DampedSystem] = damped_system

    def __call__(self, factor: Tensor, gradient: Tensor, residual: Tensor | None, over: Reduce = ALONE) -> DampedSystem:
        columns = None
        if self.columns is not None and self.columns < factor.shape[1]:
            columns = CosineSketch.drawn(factor.shape[1], self.columns, self.stream, factor)
            factor, gradient = columns.of(factor), columns.of(gradient[None])[0]
        if self.rows is not None and self.rows < len(factor) and residual is not None:
            factor, residual = count_sketch(factor, self.rows, self.stream), None
        return SketchedSystem(self.solve(factor, gradient, residual, over), columns)

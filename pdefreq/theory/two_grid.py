r"""Two-grid cycles for finite differences on a box: the exact error propagation of the sine modes.

For -sum_a diffusion_a d^2 u / dx_a^2 + c u on a grid of even n_a intervals along each axis, the coarse grid has every other
node. The equations are rediscretized there, corrections are interpolated linearly, and residuals are restricted by full
weighting. The modes k and n - k agree on the coarse grid up to their sign, so that a cycle couples these two along every axis and
no others. The error in a block of 2^d modes is multiplied by

    M = S^post (I - P A_c^-1 R A) S^pre,    R = (product over axes of cos^2(k pi / 2n), or -sin^2 for n - k),    P = R^T,

with diagonal A and the block S of the smoother. Modes with k = n/2 along an axis vanish at all nodes of the coarse grid, so that
they are only smoothed.

Source:
    Trottenberg, Oosterlee, Schueller (2001), Multigrid, sections 3.3 and 4.5.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from pdefreq.core.errors import OptionError
from pdefreq.theory.kernel_modes import RayleighQuotients
from pdefreq.theory.relaxation import jacobi_amplification_factor

if TYPE_CHECKING:
    from torch import Tensor

CYCLES = 200
"""The number of cycles up to which curves are computed cycle by cycle."""


@dataclass(frozen=True)
class TwoGrid:
    """A two-grid cycle.

    Args:
        intervals: Intervals of the fine grid along each axis, even.
        lengths: Side lengths of the box.
        smoother: ``damped-jacobi``, or ``red-black`` Gauss-Seidel, the nodes with an even sum of indices first.
        omega: Damping of Jacobi.
        pre: Sweeps before the correction.
        post: Sweeps after the correction.
        diffusion: A positive number for all axes, or one for each.
        reaction: The constant c >= 0.
    """

    intervals: tuple[int, ...]
    lengths: tuple[float, ...]
    smoother: Literal["damped-jacobi", "red-black"] = "damped-jacobi"
    omega: float = 2 / 3
    pre: int = 1
    post: int = 1
    diffusion: float | tuple[float, ...] = 1.0
    reaction: float = 0.0

    def __post_init__(self) -> None:
        if any(n < 2 or n % 2 for n in self.intervals):
            raise OptionError(f"a two-grid cycle needs an even number of intervals along each axis, got {list(self.intervals)}")
        if self.smoother not in ("damped-jacobi", "red-black"):
            raise OptionError(f"a two-grid smoother must be 'damped-jacobi' or 'red-black', got '{self.smoother}'")

    def blocks(self) -> list[ModeBlock]:
        """All blocks; each mode of the grid belongs to exactly one."""
        lowest = itertools.product(*(range(1, n // 2 + 1) for n in self.intervals))
        return [self._block(k) for k in lowest]

    def amplitudes(self, start: Tensor, cycles: int) -> Tensor:
        """Signed amplitudes of all modes after 0 ... `cycles` cycles.

        Args:
            start: Shape ``(n_1 - 1, ..., n_d - 1)``, entry k - 1 for mode k.
            cycles: The number of cycles.

        Returns:
            Shape ``(cycles + 1, n_1 - 1, ..., n_d - 1)``.
        """
        curves = start.new_zeros(cycles + 1, *start.shape)
        for block in self.blocks():
            where = tuple((block.indices - 1).T)
            error = start[where]
            for t in range(cycles + 1):
                curves[(t, *where)] = error
                error = block.matrix.to(start) @ error
        return curves

    def curves(self, indices: Tensor, start: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Signed amplitudes of some modes relative to their initial values, and the asymptotic factor of each.

        After `CYCLES` cycles, when most errors are far below rounding, a curve is continued with the spectral radius of its
        block.

        Args:
            indices: Mode numbers, shape ``(m, d)``; a mode that the grid does not resolve has nan.
            start: Initial amplitudes of all modes, as for `amplitudes`.
            steps: Numbers of cycles, integers, shape ``(T,)``.

        Returns:
            Curves ``(T, m)`` and the spectral radii ``(m,)`` of the modes' blocks.
        """
        early = steps.clamp(max=CYCLES).long()
        curves, radii = start.new_full((len(steps), len(indices)), torch.nan), start.new_full((len(indices),), torch.nan)
        for column, index in enumerate(indices.tolist()):
            found = self._block_of(index)
            if found is None:
                continue
            block, own = found
            error = start[tuple((block.indices - 1).T)]
            history = []
            for _ in range(int(early.max()) + 1):
                history.append(error[own])
                error = block.matrix.to(start) @ error
            radii[column] = torch.linalg.eigvals(block.matrix).abs().max()
            curve = torch.stack(history)[early] / history[0]
            curves[:, column] = curve * radii[column] ** (steps - early)
        return curves, radii

    def rayleigh_quotients(self, indices: Tensor) -> RayleighQuotients:
        """Rayleigh quotients 1 - M_kk of the modes in K = 1 - M, and their relative eigen-residuals.

        Args:
            indices: Mode numbers, shape ``(m, d)``; a mode that the grid does not resolve has nan.

        Returns:
            Shape ``(m,)``, float64.
        """
        found = torch.full((2, len(indices)), torch.nan, dtype=torch.float64)
        for column, index in enumerate(indices.tolist()):
            if (place := self._block_of(index)) is not None:
                block, own = place
                taken = 1 - block.matrix[own, own]
                others = torch.cat([block.matrix[:own, own], block.matrix[own + 1 :, own]])
                found[:, column] = torch.stack([taken, others.norm() / taken])
        return RayleighQuotients(found[0], found[1])

    def radius(self) -> float:
        """The asymptotic convergence factor of the cycle: the largest spectral radius of a block."""
        return max(float(torch.linalg.eigvals(block.matrix).abs().max()) for block in self.blocks())

    def _block_of(self, index: list[int]) -> tuple[ModeBlock, int] | None:
        """The block that contains a mode, and its index there; None for a mode that the grid does not resolve."""
        if not all(0 < k < n for k, n in zip(index, self.intervals, strict=True)):
            return None
        block = self._block(tuple(min(k, n - k) for k, n in zip(index, self.intervals, strict=True)))
        return block, block.indices.tolist().index(index)

    def _block(self, lowest: tuple[int, ...]) -> ModeBlock:
        pairs = [(k,) if 2 * k == n else (k, n - k) for k, n in zip(lowest, self.intervals, strict=True)]
        indices = torch.tensor(list(itertools.product(*pairs)))
        factor = jacobi_amplification_factor(
            indices, self.intervals, self.lengths, diffusion=self.diffusion, reaction=self.reaction
        )
        sweep = self._red_black(indices, factor) if self.smoother == "red-black" else torch.diag(1 - self.omega * (1 - factor))
        correction = torch.eye(len(indices), dtype=torch.float64)
        if all(len(pair) == 2 for pair in pairs):
            restriction = torch.ones(1, dtype=torch.float64)
            for k, n in zip(lowest, self.intervals, strict=True):
                low = math.cos(k * math.pi / (2 * n)) ** 2
                restriction = torch.kron(restriction, torch.tensor([low, low - 1], dtype=torch.float64))
            fine = self._eigenvalues(indices, self.intervals)
            coarse = self._eigenvalues(torch.tensor([lowest]), [n // 2 for n in self.intervals])
            correction -= torch.outer(restriction, restriction * fine) / coarse
        power = torch.linalg.matrix_power
        return ModeBlock(indices, power(sweep, self.post) @ correction @ power(sweep, self.pre))

    def _eigenvalues(self, indices: Tensor, intervals: Sequence[int]) -> Tensor:
        n, sides = torch.tensor(intervals, dtype=torch.float64), torch.tensor(self.lengths, dtype=torch.float64)
        sines = torch.sin(indices.double() * math.pi / (2 * n))
        a = torch.as_tensor(self.diffusion, dtype=torch.float64)
        return (a * (2 * n / sides * sines) ** 2).sum(dim=1) + self.reaction

    def _red_black(self, indices: Tensor, factor: Tensor) -> Tensor:
        """The matrix of a sweep that sets one color after the other to Jacobi's value.

        Multiplication by (-1)^(sum of indices) turns mode k into (-1)^d times mode n - k.
        """
        opposite = torch.arange(len(indices)).flip(0)  # the index of mode n - k along every axis
        identity = torch.eye(len(indices), dtype=torch.float64)
        sign = (-1) ** len(self.intervals) * identity[opposite]
        jacobi = torch.diag(factor)
        even, odd = (identity + sign) / 2, (identity - sign) / 2
        return (odd @ jacobi + even) @ (even @ jacobi + odd)


@dataclass(frozen=True)
class ModeBlock:
    """Modes that a cycle couples, and the matrix of the cycle for them.

    Args:
        indices: Mode numbers, shape ``(b, d)``.
        matrix: Maps amplitudes before a cycle to amplitudes after it, shape ``(b, b)``.
    """

    indices: Tensor
    matrix: Tensor

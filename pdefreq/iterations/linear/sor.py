"""Gauss-Seidel relaxation and successive over-relaxation on a grid: each unknown uses the newest values of its neighbors."""

from __future__ import annotations

import functools
import itertools
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import scipy.sparse as sp
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.iterations.iteration import State
from pdefreq.iterations.linear.sparse import jacobi_radius
from pdefreq.iterations.linear.stationary import StationaryIteration
from pdefreq.iterations.protocols import Prediction
from pdefreq.spectrum.box_modes import SineModes
from pdefreq.theory.relaxation import (
    jacobi_amplification_factor,
    lexicographic_symbol,
    optimal_omega,
    red_black_symbol,
    sor_radius,
)

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.problem.problem import Problem
    from pdefreq.problem.terms.constants import Constants
    from pdefreq.spaces.grids.grid import Grid
    from pdefreq.spectrum.modes import Modes

_ROUNDING = 1e-14  # smaller factors are zero: differences of 1 and a number near 1


class Sor(StationaryIteration):
    """``u_i <- (1 - omega) u_i + omega / A_ii (b_i - sum_j A_ij u_j)``, one node after the other; omega = 1 is Gauss-Seidel.

    Args:
        problem: A linear problem.
        grid: The grid of the iterate.
        omega: In (0, 2), or ``"optimal"``, for which the error finally converges fastest.
        like: A tensor with the dtype and device of the iterate.
        guess: Initial values of the unknowns; by default zero.

    Raises:
        IncompatibleError: If an entry on the diagonal is not positive, or if omega is to be computed and the matrix is not known
            to be symmetric and positive definite.
        ProblemFileError: If a field is not finite, or the diffusion is negative; if a boundary node belongs to no
            boundary part; or if the equations have no solution.

    Source:
        Saad (2003), Iterative Methods for Sparse Linear Systems, section 4.1.
    """

    def __init__(
        self, problem: Problem, grid: Grid, *, omega: float | Literal["optimal"], like: Tensor, guess: Field | None = None
    ) -> None:
        super().__init__(problem, grid, like=like, guess=guess)
        self._equations.require_positive_diagonal()
        self._omega = self._best_omega() if omega == "optimal" else omega

    def _best_omega(self) -> float:
        """The omega for which the error finally converges fastest.

        Raises:
            IncompatibleError: If the matrix is not known to be symmetric and positive definite.
        """
        constants = self._sine_constants
        known = self._equations.is_definite if constants is None else self._jacobi_radius < 1
        if not known:
            raise IncompatibleError(
                "sor computes the optimal omega for symmetric positive definite equations, which these may not be: use "
                "`--set omega=1.2` or another value, or `gmres`"
            )
        return optimal_omega(self._jacobi_radius)

    @functools.cached_property
    def _jacobi_radius(self) -> float:
        constants, grid = self._sine_constants, self._grid
        if constants is None:
            return jacobi_radius(self._equations.system())
        smoothest, lengths = [[1] * len(grid.shape)], grid.box.lengths
        numbers = {"diffusion": constants.diffusion, "reaction": constants.reaction}
        return float(jacobi_amplification_factor(smoothest, grid.intervals, lengths, **numbers))

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction | None:
        constants = self._sine_constants
        by_symbol = modes.kind == "sine" and constants is not None
        if by_symbol and not self._symbol_is_exact:
            # If reflected waves grow, they dominate the error in the end.
            by_symbol = not self.has_small_matrix and self._jacobi_radius < 1
        if not by_symbol:
            return super().predict(modes, steps, target, cheap=cheap)
        assert constants is not None
        found, known = self._symbol(torch.as_tensor(modes.indices), steps, constants), self._rayleigh_quotients(modes)
        return found if known is None else replace(found, rayleigh_quotients=known.values, eigen_residuals=known.eigen_residuals)

    _symbol_is_exact: ClassVar[bool]
    """Whether the prediction is that of the sweep on modes, or of waves on an unbounded grid."""

    @abstractmethod
    def _symbol(self, indices: Tensor, steps: Tensor, constants: Constants) -> Prediction:
        """The prediction for sine modes, if all unknowns have the same equation."""


class LexicographicSor(Sor):
    """Sweeps in C order (lexicographic), by the compiled sweep of PyAMG, on the CPU for every device."""

    _symbol_is_exact = False

    def __init__(
        self, problem: Problem, grid: Grid, *, omega: float | Literal["optimal"], like: Tensor, guess: Field | None = None
    ) -> None:
        super().__init__(problem, grid, omega=omega, like=like, guess=guess)
        system = self._equations.system()
        dtype, omega = like.numpy(force=True).dtype, self._omega
        # A sweep of SOR is one of Gauss-Seidel for (A + s D) u = b + s D u with s = 1/omega - 1. Empty rows are skipped.
        excess = (1 / omega - 1) * system.matrix.diagonal()
        self._matrix = sp.csr_array(system.matrix + sp.diags_array(excess), dtype=dtype)
        self._excess, self._load = excess.astype(dtype), system.load.astype(dtype)

    def step(self, state: State) -> State:
        from pyamg.relaxation.relaxation import gauss_seidel

        u = state.coefficients.numpy(force=True)  # shared memory on a CPU
        gauss_seidel(self._matrix, u, self._load + self._excess * u)
        return replace(state, coefficients=self._settle(torch.from_numpy(u).to(state.coefficients.device)))

    def _after(self, error: Coefficients) -> Coefficients:
        from pyamg.relaxation.relaxation import gauss_seidel

        u = error.numpy(force=True).copy()
        gauss_seidel(self._matrix.astype(u.dtype), u, self._excess * u)
        return self._settle(torch.from_numpy(u))

    def _symbol(self, indices: Tensor, steps: Tensor, constants: Constants) -> Prediction:
        where = indices, self._grid.intervals, self._grid.box.lengths
        numbers = {"diffusion": constants.diffusion, "reaction": constants.reaction, "omega": self._omega}
        factor = lexicographic_symbol(*where, **numbers)
        curves = (factor ** (2 * steps.to(factor)[:, None, None])).mean(dim=2).sqrt()
        radius = sor_radius(torch.tensor(self._jacobi_radius, dtype=torch.float64), self._omega)
        note = (
            "local Fourier analysis: the factor of the amplitude of a wave far from the boundary; waves move while they decay, "
            "so that sine modes mix and curves are approximate: an error that is reflected may be halved much earlier or "
            f"later; after many sweeps a sweep multiplies the error by {float(radius):.9g}, and the rates are at least "
            "that (Trottenberg, Oosterlee, Schueller, 2001, section 4.3; Young, 1971, section 6.2)"
        )
        return Prediction(curves, -torch.minimum(factor.amax(dim=1), radius).log(), note)


class RedBlackSor(Sor):
    """Red-black ordering: first the nodes with an even sum of indices, then the others, each color at once, in place."""

    _symbol_is_exact = True

    def __init__(
        self, problem: Problem, grid: Grid, *, omega: float | Literal["optimal"], like: Tensor, guess: Field | None = None
    ) -> None:
        super().__init__(problem, grid, omega=omega, like=like, guess=guess)
        if any(grid.intervals[axis] % 2 for axis in grid.periodic):
            raise IncompatibleError(
                "red-black order needs an even number of intervals along periodic axes, so that neighbors have different colors: "
                "change `intervals`, or use `--set ordering=lexicographic`"
            )
        self._u = self._buffer()
        self._around = self._stencil.surroundings(self._u)
        stencil, d = self._stencil, len(grid.shape)
        factor = self._omega / stencil.diagonal
        load, weights = factor * stencil.load, [factor * weight for weight in stencil.weights]
        # A color consists of 2^(d-1) lattices of twice the spacing, one for each parity along the axes.
        parities = sorted(itertools.product((0, 1), repeat=d), key=lambda parity: sum(parity) % 2)
        self._sweep = []
        for parity in parities:
            first = tuple((p - o) % 2 for p, o in zip(parity, stencil.origin, strict=True))
            lattice = [slice(f, None, 2) for f in first]

            def on(x: Tensor, lattice: list[slice] = lattice) -> Tensor:
                return x[tuple(s if size > 1 else slice(None) for s, size in zip(lattice, x.shape, strict=False))]

            values = self._around.views(first=first, step=2)
            pairs = [(on(weight), u) for weight, u in zip(weights, values, strict=True)]
            self._sweep.append((stencil.window(self._u, first=first, step=2), on(load), pairs))

    def init(self) -> State:
        return self.restore(super().init().coefficients, {})

    def step(self, state: State) -> State:
        if state.coefficients is not self._u:
            self._u.copy_(state.coefficients)
        for u, load, pairs in self._sweep:
            self._around.refresh()
            torch.add(load, u, alpha=1 - self._omega, out=u)
            for weight, values in pairs:
                u.addcmul_(weight, values)
        return State(self._grid, self._settle(self._u))

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return State(self._grid, self._u.copy_(coefficients))

    def _after(self, error: Coefficients) -> Coefficients:
        equations = self._equations
        numbers = torch.meshgrid(*(torch.arange(size) for size in self._grid.shape), indexing="ij")
        u, color = equations.padded(error), equations.window(torch.stack(numbers).sum(dim=0).reshape(-1) % 2)
        for turn in (0, 1):
            change = self._omega / equations.diagonal * equations.times(u)
            equations.window(u).sub_(change * (color == turn))
        return self._settle(u)

    def _symbol(self, indices: Tensor, steps: Tensor, constants: Constants) -> Prediction:
        where = indices, self._grid.intervals, self._grid.box.lengths
        jacobi = jacobi_amplification_factor(*where, diffusion=constants.diffusion, reaction=constants.reaction)
        jacobi = torch.where(jacobi.abs() < _ROUNDING, 0.0, jacobi)  # cos(pi / 2)
        sweep = red_black_symbol(jacobi, self._omega)
        powers = torch.stack([torch.linalg.matrix_power(sweep, int(t)) for t in steps])
        own, partner = self._start_in(indices)
        # mode n - k is (-1)^d times mode k at red nodes, and minus that at black ones
        signed = partner * (-1) ** len(self._grid.shape)
        red, black = (powers @ torch.stack([own + signed, own - signed], dim=-1)[:, :, None]).squeeze(-1).unbind(dim=-1)
        note = (
            "exact: a sweep couples mode k to n - k and to no other, and the initial error of both is known "
            "(Trottenberg, Oosterlee, Schueller, 2001, section 4.5)"
        )
        return Prediction((red + black) / 2 / own, -sor_radius(jacobi, self._omega).log(), note)

    def _start_in(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """The initial errors in mode k and in mode n - k; the latter is 0 if both modes are the same."""
        error = self._error_at_start().numpy()
        partners = torch.tensor(self._grid.intervals) - indices
        own, partner = (
            torch.from_numpy(SineModes(self._grid.box, k.numpy()).coefficients(error, self._grid)) for k in (indices, partners)
        )
        return own, partner.where((partners != indices).any(dim=1), 0)

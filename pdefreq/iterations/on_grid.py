"""What all methods for the difference equations of a grid share."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.errors import IncompatibleError
from pdefreq.iterations.galerkin_system import GalerkinSystem
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.iterations.sparse import CondensedSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.fields import Field
    from pdefreq.problem import Problem
    from pdefreq.shapes import Coefficients
    from pdefreq.spaces.grid import Grid

_LARGEST_DIRECT = 20_000  # nodes in three dimensions; on a plane a factorisation of many more takes a second


class GridIteration(Iteration):
    """An iteration for the difference equations ``A u = b`` of a linear problem on a grid.

    The objective is the relative residual ``|b - A u|_2 / |b|_2`` of the unknowns' equations, prescribed values moved to b;
    absolute where b = 0. Where the equations determine the solution up to a constant, iterates have mean zero.

    Args:
        problem: A linear problem.
        grid: Where the iterate lives.
        like: A tensor whose dtype and device the iterate takes.
        guess: Values of the unknowns to start from; zero by default.

    Raises:
        ProblemFileError: If a field is not finite, or a coefficient negative, where it is needed; if a boundary node is covered
            by no part; if the equations have no solution.
    """

    objective_kind = ObjectiveKind.RELATIVE_RESIDUAL

    def __init__(self, problem: Problem, grid: Grid, *, like: Tensor, guess: Field | None = None) -> None:
        self._problem, self._grid, self._guess = problem, grid, guess
        self._equations = grid.stencil(problem)  # in float64
        self._stencil = self._equations.to(like)
        self._norm = float(self._equations.residual(self._equations.start).norm()) or 1.0

    def init(self) -> State:
        u = self._buffer()
        if self._guess is not None:
            values = self._grid.interpolate(self._guess, u).detach()
            unknown = self._stencil.unknown
            self._stencil.window(u)[unknown] = self._stencil.window(values)[unknown]
        return State(self._grid, self._settle(u))

    def objective(self, state: State) -> dict[str, Tensor]:
        return {"residual": self._stencil.residual(state.coefficients).norm() / self._norm}

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return State(self._grid, self._buffer().copy_(coefficients))

    def discrete_solution(self, state: State) -> Coefficients:
        return self._discrete_solution.to(state.coefficients)

    def _buffer(self) -> Coefficients:
        """The prescribed values, zero at the unknowns: in memory of its own, `padded`."""
        return self._stencil.padded(self._stencil.start)

    def _settle(self, u: Coefficients) -> Coefficients:
        """Takes off the mean, in place, where the equations leave it open."""
        if self._stencil.mean is not None:
            u -= u @ self._stencil.mean.reshape(-1).to(u)
        return u

    @functools.cached_property
    def _discrete_solution(self) -> Coefficients:
        """A u = b solved directly in float64."""
        return self._by_transform() if self._stencil.is_constant else self._solve()

    def _by_transform(self) -> Coefficients:
        """By sine and Fourier transforms, for which the equations of all unknowns must be alike."""
        problem, grid = self._problem, self._grid
        a, c = problem.diffusion.constant, problem.reaction.constant
        assert a is not None
        assert c is not None
        u = self._equations.start.reshape(-1).clone()
        residual = self._equations.residual(u).numpy()
        solved = solve_by_transform(residual, grid.intervals, grid.box.lengths, a, c, periodic=grid.periodic)
        self._equations.window(u).copy_(torch.from_numpy(solved))
        return self._settle(u)

    @property
    def _own_modes(self) -> str | None:
        """The family of modes that are eigenvectors of the difference equations; None where none is known."""
        if not self._stencil.is_constant:
            return None
        return {0: "sine", len(self._grid.shape): "fourier"}.get(len(self._grid.periodic))

    def _solve(self) -> Coefficients:
        """By factorisation, for any equations; by multigrid where there are too many for it.

        Its residual, 1e-12, is a hundredth of that at which iterations stop. In three dimensions a factorisation of 48^3
        equations took 45 s.
        """
        system = self._equations.system()
        if self._stencil.mean is not None:  # any one value makes the rest unique
            system = replace(system, fixed=np.zeros(1, dtype=int), values=np.zeros(1))
        solution = None
        if self._grid.box.dimension == 3 and self._grid.num_coefficients > _LARGEST_DIRECT:
            with suppress(IncompatibleError):  # where multigrid does not converge
                solution = GalerkinSystem(system, by="amg").solve()
        solution = CondensedSystem(system).solve() if solution is None else solution
        return self._settle(torch.from_numpy(solution))


def solve_by_transform(
    load: np.ndarray,
    intervals: Sequence[int],
    lengths: Sequence[float],
    diffusion: float,
    reaction: float,
    *,
    periodic: Sequence[int] = (),
) -> np.ndarray:
    """The solution of the difference equations for -a Laplace(u) + c u = f, periodic or zero on the boundary.

    Where all axes are periodic and c = 0, it is the one of mean zero, and the load has mean zero.

    Args:
        load: f at the nodes, the prescribed ones left out: n along a periodic axis, n - 1 along another one.
        intervals: n along each axis.
        lengths: Sides of the box.
        diffusion: a > 0.
        reaction: c >= 0.
        periodic: The periodic axes.
    """
    from scipy.fft import dstn, fftn, idstn, ifftn

    halves = [np.arange(n) * np.pi / n if k in periodic else np.arange(1, n) * np.pi / (2 * n) for k, n in enumerate(intervals)]
    symbols = [
        diffusion * (2 * n / length * np.sin(half)) ** 2 for half, n, length in zip(halves, intervals, lengths, strict=True)
    ]
    eigenvalues = functools.reduce(np.add.outer, symbols) + reaction
    waves, sines = list(periodic), [k for k in range(load.ndim) if k not in periodic]
    transform = np.asarray(dstn(load, type=1, axes=sines) if sines else load)
    transform = np.asarray(fftn(transform, axes=waves)) if waves else transform
    transform = np.divide(transform, eigenvalues, out=np.zeros_like(transform), where=eigenvalues != 0)
    solution = np.asarray(ifftn(transform, axes=waves)).real if waves else transform  # pyright: ignore[reportAttributeAccessIssue]
    return np.asarray(idstn(solution, type=1, axes=sines) if sines else solution)

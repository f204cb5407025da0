"""The common base of iterations for the difference equations on a grid."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import IncompatibleError, NotConvergedError, SingularProblemError
from pdefreq.core.history import Status
from pdefreq.core.scaling import power_of_two_near
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.linear.galerkin_system import GalerkinSystem
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.problem.terms.constants import Constants, constants_of
from pdefreq.spaces.elements.peclet import mesh_peclet_number, peclet_remark

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid

_FEW = 10.0  # rounding errors that accumulate over the steps: conjugate gradients on 500 intervals had 1.7
_SOLVED = 1e-10  # a relative residual at which the equations are solved; the default tolerance
_ROUNDING = 1e-13  # eigenvalues are zero if they are smaller than this fraction of their terms
_RESTART = 100
_LARGEST_DIRECT = 20_000  # nodes in three dimensions; in two dimensions a factorization of many more takes a second


class GridIteration(Iteration):
    """An iteration for the difference equations ``A u = b`` of a linear problem on a grid.

    The objective is the relative residual ``|b - A u|_2 / |b|_2`` of the equations of the unknowns, with prescribed values moved
    to b; it is absolute if b = 0. If the solution is determined up to a constant, iterates have mean zero.

    Args:
        problem: A linear problem.
        grid: The grid of the iterate.
        like: A tensor with the dtype and device of the iterate.
        guess: Initial values of the unknowns; by default zero.

    Raises:
        ProblemFileError: If a field is not finite, or the diffusion is negative; if a boundary node belongs to no
            boundary part; or if the equations have no solution.
    """

    objective_kind = ObjectiveKind.RELATIVE_RESIDUAL

    def __init__(self, problem: Problem, grid: Grid, *, like: Tensor, guess: Field | None = None) -> None:
        self._problem, self._grid, self._guess = problem, grid, guess
        self._equations = grid.stencil(problem)  # in float64
        self._stencil = self._equations.to(like)
        load = self._equations.residual(self._equations.start)
        self._unit = power_of_two_near(load)
        self._norm = float((load / self._unit).norm()) or 1.0

    def init(self) -> State:
        u = self._buffer()
        if self._guess is not None:
            values = self._grid.interpolate(self._guess, u).detach()
            unknown = self._stencil.unknown
            self._stencil.window(u)[unknown] = self._stencil.window(values)[unknown]
        return State(self._grid, self._settle(u))

    def objective(self, state: State) -> dict[str, Tensor]:
        return {"residual": self._relative(self._stencil.residual(state.coefficients))}

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return State(self._grid, self._buffer().copy_(coefficients))

    def discrete_solution(self, state: State) -> Coefficients:
        return self._discrete_solution.to(state.coefficients)

    def _reason(self, state: State) -> Status:
        """The reason why a run ends with a state: solved, at the level of rounding, stalled, or by its budget.

        The level of rounding is ten times the residual of a change by one rounding error at each node, with signs that alternate.
        """
        u = state.coefficients
        residual = float(self.objective(state)["residual"])
        if residual <= _SOLVED:
            return Status.DONE
        if not state.done:
            return Status.STEPS
        signs = 1 - 2 * (torch.arange(len(u), device=u.device) % 2).to(u)
        changed = u * (1 + torch.finfo(u.dtype).eps * signs)
        level = float(self._relative(self._stencil.residual(changed) - self._stencil.residual(u)))
        return Status.ROUNDING if residual <= _FEW * level else Status.STALLED

    def notes(self, state: State) -> list[str]:
        """A note if the grid is too coarse for the convection."""
        grid = self._grid
        if self._stencil.symmetric:
            return []
        return peclet_remark(
            mesh_peclet_number(self._problem.equation, grid.nodes, grid.spacings), "intervals", grid.intervals[0]
        )

    def _relative(self, residual: Tensor) -> Tensor:
        """The norm of a residual relative to the right-hand side, |b| = `_norm` x `_unit`."""
        return (residual / self._unit).norm() / self._norm

    @functools.cached_property
    def _constants(self) -> Constants | None:
        """The constants of the equation if products of sines and periodic waves are eigenvectors; otherwise None."""
        found = constants_of(self._problem.equation, self._grid.box.dimension) if self._stencil.is_constant else None
        if found is None or any(b for k, b in enumerate(found.convection) if k not in self._grid.periodic):
            return None
        return found

    @property
    def _sine_constants(self) -> Constants | None:
        """The same constants if sine modes are eigenvectors."""
        return None if self._grid.periodic else self._constants

    @property
    def _fourier_constants(self) -> Constants | None:
        """The same constants if Fourier modes are eigenvectors."""
        return self._constants if len(self._grid.periodic) == len(self._grid.shape) else None

    def _buffer(self) -> Coefficients:
        """A new padded array with the prescribed values, and zero at the unknowns."""
        return self._stencil.padded(self._stencil.start)

    def _settle(self, u: Coefficients) -> Coefficients:
        """Subtract the mean, in place, if the equations do not determine it."""
        if self._stencil.mean is not None:
            u -= u @ self._stencil.mean.reshape(-1).to(u)
        return u

    @functools.cached_property
    def _discrete_solution(self) -> Coefficients:
        """The direct solution of A u = b in float64."""
        return self._solve() if self._constants is None else self._by_transform(self._constants)

    def _by_transform(self, constants: Constants) -> Coefficients:
        """The solution by sine and Fourier transforms, for equations that are the same for all unknowns."""
        grid, u = self._grid, self._equations.start.reshape(-1).clone()
        residual = self._equations.residual(u).numpy()
        a, b, c = constants
        solved = solve_by_transform(residual, grid.intervals, grid.box.lengths, a, c, convection=b, periodic=grid.periodic)
        self._equations.window(u).copy_(torch.from_numpy(solved))
        return self._settle(u)

    def _solve(self) -> Coefficients:
        """The solution of any equations by factorization; for many unknowns by multigrid, or GMRES with multigrid.

        The residual, 1e-12, is a hundredth of that at which iterations stop. In three dimensions a factorization of 48^3
        equations took 45 s.
        """
        system = self._equations.system()
        if self._stencil.mean is not None:  # one prescribed value makes the others unique
            system = replace(system, fixed=np.zeros(1, dtype=int), values=np.zeros(1))
        solution = None
        if self._grid.box.dimension == 3 and self._grid.num_coefficients > _LARGEST_DIRECT:
            with suppress(IncompatibleError, NotConvergedError):  # if multigrid does not converge
                definite = self._equations.is_definite
                solution = GalerkinSystem(system, by="amg").solve() if definite else self._by_gmres()
        solution = CondensedSystem(system).solve() if solution is None else solution
        return self._settle(torch.from_numpy(solution))

    def _by_gmres(self) -> np.ndarray:
        from pdefreq.iterations.linear.preconditioned_gmres import PreconditionedGmres

        return PreconditionedGmres(self._equations, _RESTART).solve()


def solve_by_transform(
    load: np.ndarray,
    intervals: Sequence[int],
    lengths: Sequence[float],
    diffusion: Sequence[float],
    reaction: float,
    *,
    convection: Sequence[float] = (),
    periodic: Sequence[int] = (),
) -> np.ndarray:
    """The solution of the difference equations for -sum_k a_k u_kk + b . grad u + c u = f, zero on sides that are not periodic.

    If all axes are periodic and c = 0, the mean of the solution is zero, and that of f must be zero.

    Args:
        load: f at the nodes without the prescribed ones, n_k of them along a periodic axis and n_k - 1 along another one.
        intervals: n_k, along each axis.
        lengths: Sides of the box.
        diffusion: a_k >= 0, one for each axis.
        reaction: c, of either sign.
        convection: b_k, one for each axis, 0 along axes that are not periodic; by default 0.
        periodic: The periodic axes.

    Raises:
        SingularProblemError: If an eigenvalue of the matrix is zero to rounding, other than that of the constant.
    """
    from scipy.fft import dstn, fftn, idstn, ifftn

    waves, sines = list(periodic), [k for k in range(load.ndim) if k not in periodic]
    numbers = [np.fft.fftfreq(n, 1 / n) if k in periodic else np.arange(1.0, n) for k, n in enumerate(intervals)]
    halves = [k * np.pi / (n if axis in periodic else 2 * n) for axis, (k, n) in enumerate(zip(numbers, intervals, strict=True))]
    grid = list(zip(halves, intervals, lengths, strict=True))
    symbols = [a * (2 * n / length * np.sin(half)) ** 2 for a, (half, n, length) in zip(diffusion, grid, strict=True)]
    positive = functools.reduce(np.add.outer, symbols)
    eigenvalues = positive + reaction
    if any(convection):
        drifts = [b * n / length * np.sin(2 * half) for b, (half, n, length) in zip(convection, grid, strict=True)]
        eigenvalues = eigenvalues + 1j * functools.reduce(np.add.outer, drifts)
    zero = np.abs(eigenvalues) <= _ROUNDING * (positive + abs(reaction))
    if not sines and reaction == 0:
        eigenvalues[(0,) * load.ndim], zero[(0,) * load.ndim] = np.inf, False  # the constant is excluded
    if zero.any():
        mode = ", ".join(f"{k[place]:g}" for k, place in zip(numbers, np.argwhere(zero)[0], strict=True))
        kind = "sine" if not waves else "Fourier" if not sines else "the"
        raise SingularProblemError(
            f"the difference equations are singular: their eigenvalue of {kind} mode ({mode}) is zero to rounding, as that of a "
            "Helmholtz equation at a resonance; change the reaction or the grid (`intervals`)"
        )
    transform = np.asarray(dstn(load, type=1, axes=sines) if sines else load)
    transform = np.asarray(fftn(transform, axes=waves) if waves else transform) / eigenvalues
    solution = np.asarray(ifftn(transform, axes=waves)).real if waves else transform  # pyright: ignore[reportAttributeAccessIssue]
    return np.asarray(idstn(solution, type=1, axes=sines) if sines else solution)

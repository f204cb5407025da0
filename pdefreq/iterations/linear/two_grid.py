"""Geometric two-grid cycles: damped Jacobi on a grid, and a correction from the grid of every other node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.iterations.iteration import State
from pdefreq.iterations.linear.grid_iteration import GridIteration, solve_by_transform
from pdefreq.iterations.protocols import Prediction
from pdefreq.theory.two_grid import TwoGrid

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Values
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid
    from pdefreq.spectrum.modes import Modes


class TwoGridCycle(GridIteration):
    """Two-grid cycles: sweeps, a correction from the coarse grid, and sweeps.

    Residuals are restricted by full weighting, and corrections are interpolated linearly. The coarse equations are the difference
    equations of the coarse grid, solved by sine transform.

    Args:
        problem: A symmetric linear problem with constant coefficients and prescribed values on all of the boundary.
        grid: The grid of the iterate, with an even number of intervals along each axis.
        omega: Damping factor of Jacobi.
        pre: Number of sweeps before the correction.
        post: Number of sweeps after it.
        like: A tensor with the dtype and device of the iterate.
        guess: Initial values of the unknowns; by default zero.

    Raises:
        IncompatibleError: If not all unknowns have the same equation.
        OptionError: If a number of intervals is odd.

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, section 2.4.
    """

    def __init__(
        self, problem: Problem, grid: Grid, *, omega: float, pre: int, post: int, like: Tensor, guess: Field | None = None
    ) -> None:
        super().__init__(problem, grid, like=like, guess=guess)
        if self._sine_constants is None:
            raise IncompatibleError("two-grid needs constant coefficients, and values prescribed on all sides: use `multigrid`")
        a, _, c = self._sine_constants
        lengths = tuple(grid.box.lengths)
        self._cycle = TwoGrid(grid.intervals, lengths, omega=omega, pre=pre, post=post, diffusion=a, reaction=c)

    def step(self, state: State) -> State:
        u = state.coefficients.clone()
        inside = self._stencil.window(u)
        self._smooth(u, self._cycle.pre)
        inside += self._correction(self._stencil.residual(u))
        self._smooth(u, self._cycle.post)
        return State(self._grid, u)

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction | None:
        from scipy.fft import dstn

        if modes.kind != "sine":
            return None
        error = self.init().coefficients - self._discrete_solution
        amplitudes = torch.from_numpy(np.asarray(dstn(self._stencil.window(error).double().numpy(force=True), type=1)))
        curves, radii = self._cycle.curves(torch.as_tensor(modes.indices), amplitudes, steps)
        note = (
            "exact: a cycle couples mode k to n - k along each axis and to no other "
            "(Trottenberg, Oosterlee, Schueller, 2001, section 4.5)"
        )
        quotients = self._cycle.rayleigh_quotients(torch.as_tensor(modes.indices))
        return Prediction(curves, -radii.log(), note, quotients.values, quotients.eigen_residuals)

    def _smooth(self, u: Tensor, sweeps: int) -> None:
        inside = self._stencil.window(u)
        for _ in range(sweeps):
            inside += self._cycle.omega / self._stencil.diagonal * self._stencil.residual(u)

    def _correction(self, residual: Tensor) -> Tensor:
        for axis in range(residual.ndim):
            r = residual.movedim(axis, 0)
            residual = ((r[:-2:2] + 2 * r[1:-1:2] + r[2::2]) / 4).movedim(0, axis)
        if not residual.numel():
            return residual.new_zeros(())
        assert self._sine_constants is not None
        a, _, c = self._sine_constants
        coarse = [n // 2 for n in self._cycle.intervals]
        solved = solve_by_transform(residual.numpy(force=True), coarse, self._cycle.lengths, a, c)
        correction = torch.from_numpy(solved).to(residual)
        for axis in range(correction.ndim):
            e = correction.movedim(axis, 0)
            ends = torch.zeros_like(e[:1])
            known = torch.cat([ends, e, ends])
            between = (known[1:] + known[:-1]) / 2
            fine = torch.stack([between[:-1], e], dim=1).flatten(0, 1)
            correction = torch.cat([fine, between[-1:]]).movedim(0, axis)
        return correction

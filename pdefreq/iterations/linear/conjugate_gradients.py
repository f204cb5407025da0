"""The method of conjugate gradients on a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import IncompatibleError, NotPredictedError
from pdefreq.iterations.iteration import State
from pdefreq.iterations.linear.grid_iteration import GridIteration
from pdefreq.theory.relaxation import jacobi_amplification_factor

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.history import Status
    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.iterations.protocols import Prediction
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid
    from pdefreq.spectrum.modes import Modes


class ConjugateGradients(GridIteration):
    """One iteration of Hestenes and Stiefel per step, with the residual r and the search direction p as memory.

    Both have the shape of the iterate, are zero at prescribed values and are divided by a power of two near the right-hand side,
    so that their squares neither underflow nor overflow. The residual r is updated recursively.

    Args:
        problem: A symmetric linear problem.
        grid: The grid of the iterate.
        like: A tensor with the dtype and device of the iterate.
        guess: Initial values of the unknowns; by default zero.

    Raises:
        IncompatibleError: If the reaction is negative somewhere.
        ProblemFileError: If a field is not finite, or the diffusion is negative; if a boundary node belongs to no
            boundary part; or if the equations have no solution.

    Source:
        Saad (2003), Iterative Methods for Sparse Linear Systems, algorithm 6.18.
    """

    def __init__(self, problem: Problem, grid: Grid, *, like: Tensor, guess: Field | None = None) -> None:
        super().__init__(problem, grid, like=like, guess=guess)
        if not self._equations.is_definite:
            raise IncompatibleError(
                "cg needs a positive definite equation, and the reaction is negative somewhere: use `gmres` or `fem`"
            )
        stencil = self._stencil
        self._u, self._r, self._p = (stencil.padded(stencil.start) for _ in range(3))

    def init(self) -> State:
        u = super().init().coefficients
        r = self._stencil.padded(torch.zeros_like(u))
        self._stencil.window(r).copy_(self._stencil.residual(u) / self._unit)
        return self.restore(u, {"r": r, "p": r})

    def step(self, state: State) -> State:
        if state.coefficients is not self._u:
            state = self.restore(state.coefficients, state.memory)
        if state.done:
            return state
        u, r, p, stencil = self._u, self._r, self._p, self._stencil
        product, before = stencil.times(p), self._square
        alpha = before / (stencil.window(p) * product).sum()
        u.addcmul_(alpha * self._unit, p)
        stencil.window(r).addcmul_(alpha, product, value=-1)
        if stencil.mean is not None:
            r -= r.mean()  # removes rounding errors: the mean of the residual must be zero if u is determined up to a constant
        self._square = r @ r
        p.mul_(self._square / before).add_(r)
        self._settle(u)
        return self._state()

    def final_status(self, state: State) -> Status:
        return self._reason(state)

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction:
        """Raise an error: the theory bounds the whole error, but not that of single modes.

        Raises:
            NotPredictedError: Always; the message gives the Chebyshev bound if the extreme eigenvalues are known.
        """
        constants, bound = self._sine_constants, ""
        if constants is not None:
            a, _, c = constants
            ends = [[1] * len(self._grid.intervals), [n - 1 for n in self._grid.intervals]]
            low, high = 1 - jacobi_amplification_factor(
                ends, self._grid.intervals, self._grid.box.lengths, diffusion=a, reaction=c
            )
            ratio = math.sqrt(float(high / low))
            factor = (ratio - 1) / (ratio + 1)
            bound = (
                f"; as a guide, the energy norm of the error is at most 2 * {factor:.4g}^t times its initial value (Chebyshev)"
            )
        raise NotPredictedError(f"no theory of modes for conjugate gradients, whose steps depend on all errors at once{bound}")

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        for own, given in zip((self._u, self._r, self._p), (coefficients, memory["r"], memory["p"]), strict=True):
            own.copy_(given)
        self._square = self._r @ self._r
        return self._state()

    def _state(self) -> State:
        negligible = torch.finfo(self._r.dtype).eps ** 2 * self._norm  # in the unit of r; further steps change no digit
        return State(self._grid, self._u, {"r": self._r, "p": self._p}, done=bool(self._square.sqrt() <= negligible))

"""The generalized minimal residual method on a grid, by PyAMG: for equations that are not symmetric, or indefinite."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch

from pdefreq.errors import IncompatibleError
from pdefreq.history import Status
from pdefreq.iterations.iteration import State
from pdefreq.iterations.on_grid import GridIteration
from pdefreq.iterations.sparse import CondensedSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.fields import Field
    from pdefreq.iterations.protocols import Prediction
    from pdefreq.problem import Problem
    from pdefreq.shapes import Values
    from pdefreq.spaces.grid import Grid
    from pdefreq.spectrum.modes import Modes

_FLOOR = 1e-13  # a residual below this part of the load is rounding
_SOLVED = 1e-10
_PROGRESS = 0.99  # of a cycle: a residual above this part of the last one has stopped falling, for all cycles to come are alike


class Gmres(GridIteration):
    """A cycle of restarted flexible GMRES a step, preconditioned by a V-cycle of algebraic multigrid; float64 on the CPU.

    A cycle takes the correction from a Krylov space of dimension `restart`, or of as many as it takes to a residual that is
    rounding, for which the residual is smallest. It remembers nothing of the cycles before. The multigrid hierarchy is that of
    the equation without negative reactions, upwind where convection dominates on the scale of the grid: V-cycles converge for it.

    Args:
        problem: A linear problem.
        grid: Where the iterate lives.
        restart: The dimension of the Krylov spaces.
        like: A tensor whose dtype and device the iterate takes.
        guess: Values of the unknowns to start from; zero by default.

    Raises:
        ProblemFileError: If a field is not finite, or the diffusion negative, where it is needed; if a boundary node is covered
            by no part; if the equations have no solution.

    Source:
        Saad (2003), Iterative Methods for Sparse Linear Systems, algorithm 9.6; PyAMG: Bell, Olson, Schroder, Southworth (2023),
        JOSS 8(87), 5495.
    """

    def __init__(self, problem: Problem, grid: Grid, *, restart: int, like: Tensor, guess: Field | None = None) -> None:
        import pyamg

        super().__init__(problem, grid, like=like, guess=guess)
        self._system = CondensedSystem(self._equations.system())
        self._matrix = sp.csr_array(self._system.matrix)
        self._restart = min(restart, len(self._system.free))
        positive = self._matrix
        if not self._equations.is_monotone:
            positive = sp.csr_array(CondensedSystem(self._equations.monotone().system()).matrix)
        # As for `Multigrid`: on the coarsest level constants are in the null space but for rounding, where they are on the finest.
        hierarchy = pyamg.ruge_stuben_solver(positive, coarse_solver=("pinv", {"rtol": 1e-10}))
        self._preconditioner = hierarchy.aspreconditioner()

    def step(self, state: State) -> State:
        if state.done:
            return state
        free = self._system.free
        c = state.coefficients.double().numpy(force=True)
        before = np.linalg.norm(self._system.residual(c))
        c[free] = self._cycle(c[free])
        after = np.linalg.norm(self._system.residual(c))
        done = not after <= _PROGRESS * before or after <= _FLOOR * self._norm
        return State(self._grid, self._settle(torch.from_numpy(c).to(state.coefficients)), done=bool(done))

    def ending(self, state: State) -> Status:
        return Status.DONE if float(self.objective(state)["residual"]) <= _SOLVED else Status.STAGNATED

    def notes(self, state: State) -> list[str]:
        """Also how to go on where cycles stagnate."""
        notes = super().notes(state)
        if not state.done or self.ending(state) is Status.DONE or self._restart == len(self._system.free):
            return notes
        return [*notes, f"GMRES with restart={self._restart} does not get on: use a larger `restart`, or use `fem`."]

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction:
        """A refusal: a step depends on all errors at once.

        Raises:
            IncompatibleError: Always.
        """
        raise IncompatibleError("no theory of modes for GMRES, whose steps depend on all errors at once")

    def _cycle(self, free: np.ndarray) -> np.ndarray:
        from pyamg.krylov import fgmres

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rounding in the last columns of a space that holds the solution already
            solved, _ = fgmres(
                self._matrix,
                self._system.load,
                x0=free,
                tol=_FLOOR,
                restart=self._restart,
                maxiter=1,
                M=self._preconditioner,
            )
        return np.asarray(solved)

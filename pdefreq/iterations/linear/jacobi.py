"""Jacobi relaxation on a grid, damped or not: one sweep per step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.iterations.iteration import State
from pdefreq.iterations.linear.stationary import StationaryIteration
from pdefreq.iterations.protocols import Prediction
from pdefreq.theory.relaxation import amplified_modes, jacobi_amplification_factor, jacobi_decay_rate, jacobi_fourier_symbol

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.grids.grid import Grid
    from pdefreq.spaces.grids.stencil import Surroundings
    from pdefreq.spectrum.modes import Modes

_NAMED = 6  # largest number of modes in a note
_BLOCK = 2**17  # entries of a slab, which fits into the cache of a CPU for all terms of a sweep (1.4 to 2 times faster)

Slabs: TypeAlias = "list[tuple[Tensor, Tensor, list[tuple[Tensor, Tensor]]]]"
"""For each slab of the grid: the output, the scaled load, and (weight, values) pairs to add to it."""


class Jacobi(StationaryIteration):
    """Damped Jacobi, ``u <- u + omega D^-1 (b - A u)``, for the difference equations of a grid.

    Sweeps alternate between two buffers, which states share, and allocate no memory.

    Args:
        problem: A linear problem.
        grid: The grid of the iterate.
        omega: Damping factor, in (0, 1]; 1 is plain Jacobi.
        like: A tensor with the dtype and device of the iterate.
        guess: Initial values of the unknowns; by default zero.

    Raises:
        IncompatibleError: If undamped Jacobi can't converge, or an entry on the diagonal is not positive.
        ProblemFileError: If a field is not finite, or the diffusion is negative; if a boundary node belongs to no
            boundary part; or if the equations have no solution.
    """

    def __init__(self, problem: Problem, grid: Grid, *, omega: float, like: Tensor, guess: Field | None = None) -> None:
        super().__init__(problem, grid, like=like, guess=guess)
        alternates = all(grid.intervals[axis] % 2 == 0 for axis in grid.periodic)
        if omega == 1 and self._stencil.mean is not None and alternates:
            raise IncompatibleError(
                "jacobi does not converge without prescribed values and reaction, since a sweep only changes the sign of the "
                "error that alternates from node to node: use `damped-jacobi`"
            )
        self._equations.require_positive_diagonal()
        self._omega = omega
        stencil = self._stencil
        # u_i <- omega / A_ii (f_i + sum_j w_ij u_j) + (1 - omega) u_i, the last term only with damping
        factor = omega / stencil.diagonal
        self._load = factor * stencil.load
        self._weights = [factor * weight for weight in stencil.weights]
        if omega < 1:
            self._weights.append(torch.tensor(1 - omega, dtype=torch.float64).to(like))
        # The current state and the sweep from it come first; `step` swaps each pair.
        buffers = self._buffer(), self._buffer()
        self._states = [State(grid, u) for u in buffers]
        self._sweeps = [self._sweep(*buffers), self._sweep(*reversed(buffers))]

    def init(self) -> State:
        return self.restore(super().init().coefficients, {})

    def step(self, state: State) -> State:
        if state.coefficients is not self._states[0].coefficients:
            self._states[0].coefficients.copy_(state.coefficients)
        around, slabs = self._sweeps[0]
        around.refresh()
        for new, load, ((weight, values), *rest) in slabs:
            torch.addcmul(load, weight, values, out=new)
            for weight, values in rest:
                new.addcmul_(weight, values)
        self._states.reverse()
        self._sweeps.reverse()
        self._settle(self._states[0].coefficients)
        return self._states[0]

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        self._states[0].coefficients.copy_(coefficients)
        return self._states[0]

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction | None:
        constants = {"sine": self._sine_constants, "fourier": self._fourier_constants}.get(modes.kind)
        if constants is None:
            return super().predict(modes, steps, target, cheap=cheap)
        where = torch.as_tensor(modes.indices), self._grid.intervals, self._grid.box.lengths
        numbers = {"diffusion": constants.diffusion, "reaction": constants.reaction, "omega": self._omega}
        if modes.kind == "fourier":
            factor = jacobi_fourier_symbol(*where, **numbers, convection=constants.convection)
            note = (
                "exact: Fourier modes are eigenvectors of the sweep, and the argument of the eigenvalue is the change of their "
                "phase (Trottenberg, Oosterlee, Schueller, 2001, section 4.2)"
            )
            curves = factor ** steps.to(torch.float64)[:, None]
            return Prediction(curves, -factor.abs().log(), note, 1 - factor.real, 0 * factor.real, any_start=True)
        factor, rate = jacobi_amplification_factor(*where, **numbers), jacobi_decay_rate(*where, **numbers)
        note = "exact: sine modes are eigenvectors of the sweep (Saad, 2003, section 13.2)"
        curves = factor ** steps.to(factor)[:, None]
        return Prediction(curves, rate, note, 1 - factor, 0 * factor, any_start=True)

    def notes(self, state: State) -> list[str]:
        """Notes, with the modes that a sweep amplifies according to the closed form."""
        notes, constants, grid = super().notes(state), self._sine_constants, self._grid
        if constants is None or constants.reaction >= 0:
            return notes
        modes, factors = amplified_modes(
            grid.intervals, grid.box.lengths, diffusion=constants.diffusion, reaction=constants.reaction, omega=self._omega
        )
        if not len(modes):
            return notes
        first = ", ".join(str(k[0] if len(k) == 1 else tuple(k)) for k in modes[:_NAMED].tolist())
        note = (
            f"A sweep amplifies {len(modes):,} of the {self._count:,} modes, the first of them {first}, by a factor of up to "
            f"{float(factors.abs().max()):.6g}: the equation is indefinite, and Jacobi relaxation diverges; use `gmres` or `fem`."
        )
        return [*notes, note]

    def _after(self, error: Coefficients) -> Coefficients:
        equations = self._equations
        u = equations.padded(error)
        change = self._omega / equations.diagonal * equations.times(u)
        equations.window(u).sub_(change)
        return self._settle(u)

    def _sweep(self, source: Coefficients, target: Coefficients) -> tuple[Surroundings, Slabs]:
        """One sweep from a buffer to another, as views prepared for `step`."""
        new, around = self._stencil.window(target), self._stencil.surroundings(source)
        # without a weight for undamped Jacobi
        pairs = list(zip(self._weights, [*around.views(), self._stencil.window(source)], strict=False))
        size = len(new)
        rows = max(1, _BLOCK // max(1, new[0].numel())) if new.device.type == "cpu" else size

        def slab(x: Tensor, begin: int) -> Tensor:
            return x[begin : begin + rows] if x.ndim and len(x) == size else x

        return around, [
            (slab(new, begin), slab(self._load, begin), [(slab(w, begin), slab(u, begin)) for w, u in pairs])
            for begin in range(0, size, rows)
        ]

"""Solution of a linear system in one step."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.notes import Note
from pdefreq.core.step_clock import charge
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.iterations.protocols import ObjectiveKind

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients
    from pdefreq.domains.samples import Samples
    from pdefreq.spaces.trial_space import LinearSpace, LinearSystem

_LARGE = 1e8  # condition number from which on half of the digits of float64 may be lost


class DirectSolve(Iteration):
    """Solves ``A c = b`` in one step. The objective is the relative residual ``|b - A c| / |b|`` of the free equations.

    Args:
        space: The trial space of the solution.
        system: The equations.
        like: A tensor with the dtype and device of the coefficients.
        guess: The state before the step, which does not affect the solution; by default zero.
        condense: A function from linear equations to their solver; by default a sparse factorization.
        remarks: Notes for the user at the end of a run.
        quadrature: The interior points at which the source was evaluated, with their weights; None if they are given or unknown.
    """

    objective_kind = ObjectiveKind.RESIDUAL

    def __init__(
        self,
        space: LinearSpace,
        system: LinearSystem,
        *,
        like: Tensor,
        guess: Field | None = None,
        condense: Callable[[LinearSystem], CondensedSystem] = CondensedSystem,
        remarks: Sequence[str] = (),
        quadrature: Samples | None = None,
    ) -> None:
        self._remarks, self._quadrature = remarks, quadrature
        self._space = space
        self._system = condense(system)
        self._like = like
        self._guess = guess
        self._scale = float(np.linalg.norm(self._system.load)) or 1.0  # absolute if the load vanishes

    def init(self) -> State:
        free = 0.0
        if self._guess is not None:
            free = self._space.interpolate(self._guess, self._like).double().numpy(force=True)[self._system.free]
        return State(self._space, self._tensor(self._system.extend(free)))

    def step(self, state: State) -> State:
        if "_solution" in self.__dict__:  # found before for `discrete_solution`
            charge(self._seconds)
        return replace(state, coefficients=self._tensor(self._solution).clone(), done=True)

    def objective(self, state: State) -> dict[str, Tensor]:
        residual = self._system.residual(state.coefficients.double().numpy(force=True))
        return {"residual": torch.tensor(np.linalg.norm(residual) / self._scale)}

    def notes(self, state: State) -> list[str]:
        condition = self._system.condition
        if condition is None or condition <= _LARGE:
            return [*self._remarks]
        told = (
            f"The condition number of the linear system is about {condition:.0e}: relative errors of its entries, as those of "
            f"rounding, are multiplied by up to this number in the solution, so that up to "
            f"{math.log10(condition):.0f} of 16 digits are lost. "
            "A Helmholtz equation near a resonance has such a system, and so has a very fine mesh."
        )
        return [*self._remarks, Note(told, "large condition number")]

    def quadrature(self, state: State) -> Samples | None:
        return self._quadrature

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return State(self._space, coefficients.to(self._like, copy=True), dict(memory))

    def discrete_solution(self, state: State) -> Coefficients:
        return self._tensor(self._solution)

    @functools.cached_property
    def _solution(self) -> np.ndarray:
        began = time.perf_counter()
        solution = self._system.solve()
        self._seconds = time.perf_counter() - began
        return solution

    def _tensor(self, c: np.ndarray) -> Coefficients:
        return torch.from_numpy(c).to(self._like)

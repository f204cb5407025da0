"""Newton's method for nonlinear least-squares problems in linear spaces, with continuation through easier equations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from pdefreq.core.history import Status
from pdefreq.functionals.split_functional import split
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.theory.least_squares import RIDGE, RidgeFactorization, ridge_least_squares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.spaces.trial_space import TrialSpace

_FIRST = 1e-8  # the first ridge
_LOWER = 1e-2  # factor from one ridge to the next one
_OF_RESIDUAL = 1e-7  # the ridge is at least this multiple of the relative residual
_MOST_BETWEEN = 4  # steps with an equation before the last one
_MOST = 25  # steps with one ridge
_SLOW, _PATIENCE = 0.5, 3  # a ridge ends after three steps in a row that decrease the residual by less than half
_FLAT = 0.9  # or after a step that decreases it by less than 10 %
_SHORTEST = 1e-3  # smallest damping factor
_ARMIJO = 1e-4  # least part of the predicted decrease of an energy
_BETWEEN, _MINIMAL = 1e-3, 1e-6  # predicted decreases of an energy, relative to it, that end a stage and the last of the energies
_SOLVED = 1e-9  # relative residual below which the equation is solved
_FLOOR = 1e-3  # least length of a row, relative to the longest one, that is scaled to the same length
_FINAL = 2  # steps with scaled rows
_WORSE = 10.0  # largest factor by which a step with scaled rows may increase the residual
_COARSE, _FINE = torch.logspace(-8, 8, 9, dtype=torch.float64), torch.logspace(-1, 1, 5, dtype=torch.float64)


class LeastSquaresNewton(Iteration):
    """Newton's method for ``r(c) = 0`` in the sense of least squares, one linearization per step.

    Each step solves for the new iterate, ``min |J c+ - (J c - r)|^2 + ridge^2 |D c+|^2``, and not for the correction, because
    corrections would accumulate combinations of nearly dependent basis functions that hardly change any row. The step is halved
    until the residual decreases.

    The stages of the equation, such as exponents between 2 and p, take a few steps each, from the multiple of the last iterate
    that has the smallest objective. The objectives of stages may be energies. Those of p-Laplacians are convex, so that
    damped Newton steps decrease them from any start, whereas their squared residuals have stationary points that are not
    solutions. The first ridge is 1e-8, which keeps the iterates smooth. The last stage continues with
    smaller ridges down to 1e-15, each until the residual hardly decreases.

    The last two steps scale the rows to equal length, by factors of at most 1000 relative to the longest row. Where the equation
    degenerates, as a p-Laplacian does at critical points, the rows are short, and errors there would have little weight. Scaled
    rows do not change the solution of r = 0, but in early steps they lead to stationary points that are not solutions.

    Args:
        functionals: The objective of each stage; the last one is that of the problem, a sum of squares.
        space: The trial space, whose functions depend linearly on the coefficients.
        start: The coefficients at the start, ``(P,)``, which determine dtype and device.

    Source:
        Deuflhard (2011), Newton Methods for Nonlinear Problems, chapter 4: the Gauss-Newton method for small residuals; section
        8.3: convex energies.
    """

    objective_kind = ObjectiveKind.RESIDUAL
    open_ended = False

    def __init__(self, functionals: Sequence[Functional], space: TrialSpace, start: Coefficients) -> None:
        self._whole, self._space, self._start = functionals, space, start

    def init(self) -> State:
        return self._state(self._start, stage=0)

    def last_stage(self, c: Coefficients) -> State:
        """The state at the start of the last stage, from given coefficients near the solution."""
        return self._state(c, stage=len(self._whole) - 1)

    def step(self, state: State) -> State:
        stage, final = (int(state.memory[name]) for name in ("stage", "final"))
        if final:
            return self._final_step(state, final)
        return self._last_stage(state) if self._is_last(stage) else self._early_stage(state, stage)

    def objective(self, state: State) -> dict[str, Tensor]:
        return self._functionals[int(state.memory["stage"])].terms(state.coefficients)

    def columns(self, state: State) -> Mapping[str, Tensor]:
        """The number of the equation, for runs with continuation."""
        return {"stage": state.memory["stage"]} if len(self._whole) > 1 else {}

    def is_last_stage(self, state: State) -> bool:
        return self._is_last(int(state.memory["stage"]))

    @property
    def shares_points(self) -> bool:
        return not any(functional.couples_points for functional in self._whole)

    def final_status(self, state: State) -> Status:
        functional = self._functionals[-1]
        small = float(self._residual(functional, state.coefficients).norm()) <= _SOLVED * self._size(functional)
        return Status.DONE if small else Status.STAGNATED

    def notes(self, state: State) -> list[str]:
        functional = self._functionals[-1]
        relative = float(self._residual(functional, state.coefficients).norm()) / self._size(functional)
        if not state.done or relative <= _SOLVED:
            return []
        return [
            f"Newton's method stopped at a residual of {relative:.1e} of that of u = 0. Either the space does not resolve the "
            "solution, or the iterate is not near a solution: use more functions or another seed, and compare with `fem`."
        ]

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return State(self._space, coefficients, memory, bool(memory["done"]))

    def _early_stage(self, state: State, stage: int) -> State:
        """A step with an equation before the last one, after which the next one may begin."""
        functional, steps = self._functionals[stage], int(state.memory["steps"]) + 1
        if functional.tends_to_zero:
            c, ratio = self._damped(functional, state.coefficients, _FIRST)
            continues = ratio <= _SLOW and steps < _MOST_BETWEEN
        else:
            c, decrease = self._decreased(functional, state.coefficients)
            continues = decrease > (_MINIMAL if self._is_last(stage + 1) else _BETWEEN) and steps < _MOST
        if continues:
            return self._state(c, stage=stage, steps=steps)
        following = self._functionals[stage + 1]
        same = (
            following.tends_to_zero and not functional.tends_to_zero
        )  # the equation of the energy, whose solution needs no factor
        return self._state(c if same else self._scaled(following, c), stage=stage + 1)

    def _last_stage(self, state: State) -> State:
        """A step with the equation of the problem, after which a smaller ridge or the final steps may follow."""
        stage = len(self._whole) - 1
        level, slow, steps = (int(state.memory[name]) for name in ("level", "slow", "steps"))
        ridge = max(RIDGE, _FIRST * _LOWER**level)
        c, ratio = self._damped(self._functionals[-1], state.coefficients, ridge)
        slow = slow + 1 if ratio > _SLOW else 0
        if ratio < _FLAT and slow < _PATIENCE and steps + 1 < _MOST:
            return self._state(c, stage=stage, level=level, slow=slow, steps=steps + 1)
        return self._state(c, stage=stage, level=level + 1, final=int(ridge == RIDGE))

    def _final_step(self, state: State, final: int) -> State:
        """A step with rows of about equal length, which is kept unless it increases the residual too much."""
        functional, c = self._functionals[-1], state.coefficients
        residual, matrix = self._residual(functional, c), functional.gauss_newton_factor(c)
        length = torch.linalg.vector_norm(matrix, dim=1)
        scale = length.max() / length.clamp(min=_FLOOR * float(length.max()))
        new = ridge_least_squares(scale[:, None] * matrix, scale * (matrix @ c - residual))
        kept = bool(self._residual(functional, new).norm() <= _WORSE * residual.norm())
        done = final >= _FINAL or not kept
        return self._state(new if kept else c, stage=len(self._whole) - 1, final=final + 1, done=done)

    def _damped(self, functional: Functional, c: Coefficients, ridge: float) -> tuple[Coefficients, float]:
        """The next iterate, and the norm of its residual divided by that of the last iterate.

        If no step decreases the residual, the iterate is the last one, and the ratio is 1.
        """
        residual, matrix = self._residual(functional, c), functional.gauss_newton_factor(c)
        size = float(residual.norm())
        if not (math.isfinite(size) and bool(matrix.isfinite().all())):
            return c, 1.0
        relative = min(1.0, size / self._size(functional))
        target = matrix @ c - residual
        lengths = torch.linalg.vector_norm(matrix, dim=0)
        new = ridge_least_squares(matrix, target, max(ridge, _OF_RESIDUAL * relative))  # scales the columns in place
        predicted = float((matrix @ (lengths * new) - target).norm())
        t = 1.0
        while t >= _SHORTEST:
            trial = c + t * (new - c)
            norm = float(self._residual(functional, trial).norm())
            if norm < size:
                return trial, norm / size
            if predicted > _FLAT * size:
                break
            t /= 2
        return c, 1.0

    @staticmethod
    def _decreased(energy: Functional, c: Coefficients) -> tuple[Coefficients, float]:
        """The next iterate for an energy, and its predicted decrease relative to the energy, 0 if no step decreases it."""
        value, gradient = energy.value_and_gradient(c)
        step = RidgeFactorization(energy.gauss_newton_factor(c), _FIRST).normal(-gradient)
        predicted, t = -float(gradient @ step), 1.0
        while t >= _SHORTEST:
            trial = c + t * step
            if float(energy.value(trial)) <= float(value) - _ARMIJO * t * predicted:
                return trial, predicted / max(abs(float(value)), torch.finfo(c.dtype).tiny)
            t /= 2
        return c, 0.0

    def _scaled(self, functional: Functional, c: Coefficients) -> Coefficients:
        """The multiple of an iterate with the smallest objective, since u scales like f^(1/(p-1))."""
        best = 1.0
        for multiples in (_COARSE, _FINE):
            tried = [best * float(t) for t in multiples]
            values = torch.stack([functional.value(t * c) for t in tried])
            best = tried[int(values.nan_to_num(math.inf).argmin())]
        return best * c

    def _size(self, functional: Functional) -> float:
        """The norm of the residual at zero, the unit of relative residuals."""
        return float(self._residual(functional, torch.zeros_like(self._start)).norm()) or 1.0

    @staticmethod
    def _residual(functional: Functional, c: Coefficients) -> Tensor:
        with torch.no_grad():
            residual = functional.residual(c)
        assert residual is not None
        return residual

    @property
    def _functionals(self) -> Sequence[Functional]:
        return [split(functional) for functional in self._whole]

    def _is_last(self, stage: int) -> bool:
        return stage + 1 == len(self._whole)

    def _state(
        self,
        c: Coefficients,
        *,
        stage: int,
        level: int = 0,
        slow: int = 0,
        steps: int = 0,
        final: int = 0,
        done: bool = False,
    ) -> State:
        numbers = {"stage": stage, "level": level, "slow": slow, "steps": steps, "final": final, "done": done}
        memory = {name: torch.tensor(float(value), dtype=torch.float64) for name, value in numbers.items()}
        return State(self._space, c, memory, done)

"""Newton's method for nonlinear problems, with a line search and continuation through easier equations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import IncompatibleError, NotConvergedError
from pdefreq.core.history import Status
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.spaces.trial_space import LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Coefficients
    from pdefreq.domains.samples import Samples
    from pdefreq.iterations.linear.sparse import Inverse
    from pdefreq.spaces.elements.weak_form import WeakForm

_NEAR = 0.5  # relative size of a step below which the next equation begins
_CLOSE = 1e-6  # relative size below which each step is at most half of the previous one, except for rounding
_DONE = 1e-10  # relative size of the last step, whose square is about the remaining error
_FLAT = 0.5  # a line search stops when the slope has decreased by this factor
_TRIALS = 60
_LONGEST = 2.0**40  # longest step of a line search
_FACTORS = (-40.0, 40.0)  # logarithms of the smallest and the largest multiple in the search
_HALVINGS = 12  # bisections of this interval: to 2 %
_SHORTEST = 1e-4  # smallest damping factor
_MOST = 200  # largest number of steps with one equation


class Newton(Iteration):
    """Newton's method, one Newton step per step, with continuation in the exponent of the diffusion from 2 to p.

    For a linear equation one step is exact. Each further equation begins with a multiple of the iterate. If the linearization is
    known to be symmetric and positive definite, the energy is locally convex, and a line search along Newton's direction d
    reduces the residual tested with d by half. Otherwise the damping factor t is halved until the simplified correction, computed
    with the old matrix at the new iterate, is at most 1 - t/4 times as long as d. This is the restricted natural monotonicity
    test, which does not depend on the scaling of the equations.

    The iteration ends when the relative size of a step with the last equation is below 1e-10 or no longer halves. An absolute
    test would not be meaningful, since u may scale like f^(1/(p-1)).
    The size is ``sqrt(d.H d)`` relative to that of the solution if H is
    positive definite, otherwise the Euclidean norm of the coefficients. The run fails if the damping factor drops below 1e-4,
    and if the matrix is singular or not finite; after 200 steps with one equation it ends without convergence.

    The objective is the energy of the equation of the last step, or, without an energy, the norm of the residual relative to that
    of the load. The iterate is stored in float64.

    Args:
        form: The residual, its derivative and its energy.
        condense: A function from linear equations to their solver; by default a sparse factorization.
        like: A tensor with the dtype and device of the coefficients.
        guess: The initial guess, for which the first equation is that of the problem; by default continuation begins from zero.
        remarks: Notes for the user at the end of a run.

    Source:
        Deuflhard (2011), Newton Methods for Nonlinear Problems, section 3.3: algorithm NLEQ-ERR, by halving.
    """

    def __init__(
        self,
        form: WeakForm,
        *,
        condense: Callable[[LinearSystem], CondensedSystem] = CondensedSystem,
        like: Tensor,
        guess: Field | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        self._condense, self._like, self._guess, self._remarks = condense, like, guess, remarks
        self._forms = form.stages if guess is None else [form]
        has_energy = form.equation.has_energy
        self.objective_kind = ObjectiveKind.ENERGY if has_energy else ObjectiveKind.RESIDUAL

    def init(self) -> State:
        form = self._forms[0]
        c = form.start
        if self._guess is not None:
            c = form.space.interpolate(self._guess, self._like.double()).numpy(force=True).copy()
            c[form.fixed] = form.values
        return self._state(c, stage=0, shown=0, size=math.inf, steps=0)

    def step(self, state: State) -> State:
        stage, before, steps = (int(state.memory["stage"]), float(state.memory["size"]), int(state.memory["steps"]))
        form, c = self._forms[stage], state.memory["iterate"].numpy(force=True)
        last = stage + 1 == len(self._forms)
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # inf and nan fail the test
                if stage > 0 and before == math.inf:
                    c = self._scaled(c, form)
                correction = _Correction(form, c, self._condense)
                direction, size = correction.direction, correction.size
                if form.equation.is_linear:
                    return self._next(c + direction, stage, size=0.0, done=last)
                if size <= _DONE or before / 2 <= size <= _CLOSE:
                    return self._next(c + direction, stage, size=size, done=last)
                length = correction.length()
        except _Failure:
            return self._state(c, stage=stage, shown=stage, size=before, steps=steps, failed=True)
        c = c + length * direction
        if size <= _NEAR and not last:
            return self._next(c, stage, size=size)
        return self._state(c, stage=stage, shown=stage, size=size, steps=steps + 1, failed=steps + 1 >= _MOST)

    def objective(self, state: State) -> dict[str, Tensor]:
        form, c = self._forms[int(state.memory["shown"])], state.memory["iterate"].numpy(force=True)
        if form.equation.has_energy:
            return {"energy": torch.tensor(form.energy(c))}
        residual, load = (np.linalg.norm(np.delete(b, form.fixed)) for b in (form.residual(c), form.load))
        return {"residual": torch.tensor(residual / (load or 1.0))}

    def final_status(self, state: State) -> Status:
        if bool(state.memory["failed"]):
            return Status.UNCONVERGED if int(state.memory["steps"]) >= _MOST else Status.UNSOLVED
        return Status.DONE if float(state.memory["size"]) <= _DONE else Status.ROUNDING

    def quadrature(self, state: State) -> Samples | None:
        return self._forms[-1].quadrature

    def notes(self, state: State) -> list[str]:
        size = float(state.memory["size"])
        if not state.done or self.final_status(state) is not Status.ROUNDING:
            return [*self._remarks]
        return [
            f"Newton's method ended because rounding errors keep the relative size of its steps at {size:.1g}: u has about this "
            "accuracy in the energy norm, and less in other norms if its gradient is nearly zero.",
            *self._remarks,
        ]

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        stage, shown, steps = (int(memory[name]) for name in ("stage", "shown", "steps"))
        failed = bool(memory["failed"])
        iterate = memory["iterate"].numpy(force=True)
        return self._state(iterate, stage=stage, shown=shown, size=float(memory["size"]), steps=steps, failed=failed)

    def _scaled(self, c: np.ndarray, form: WeakForm) -> np.ndarray:
        """The multiple of an iterate, apart from its boundary values, that satisfies a new equation tested with that multiple.

        Since u scales like f^(1/(p-1)), the solution for one exponent may be far too large or too small for the next.
        """
        ray = c.copy()
        ray[form.fixed] = 0
        slope = form.residual_along(c - ray, ray)
        low, high = _FACTORS
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if slope(math.exp(middle)) < 0 else (low, middle)
        return c + (math.exp((low + high) / 2) - 1) * ray

    def _next(self, c: np.ndarray, stage: int, *, size: float, done: bool = False) -> State:
        """The state at the start of the next equation, or at the end of the last one."""
        if done:
            return self._state(c, stage=stage, shown=stage, size=size, steps=0, done=True)
        return self._state(c, stage=stage + 1, shown=stage, size=math.inf, steps=0)

    def _state(
        self, c: np.ndarray, *, stage: int, shown: int, size: float, steps: int, done: bool = False, failed: bool = False
    ) -> State:
        iterate = torch.from_numpy(c).clone()
        numbers = {"stage": stage, "shown": shown, "size": size, "steps": steps, "failed": failed}
        memory = {"iterate": iterate} | {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
        return State(self._forms[0].space, iterate.to(self._like, copy=True), memory, done or failed)


class _Failure(Exception):
    """Newton's method has no correction at this iterate."""


class _Correction:
    """Newton's correction at an iterate.

    Attributes:
        direction: d, shape ``(P,)``.
        size: The length of d relative to that of the next iterate.

    Raises:
        _Failure: If the residual or the matrix is not finite, or the matrix is singular.
    """

    def __init__(self, form: WeakForm, c: np.ndarray, condense: Callable[[LinearSystem], CondensedSystem]) -> None:
        self._form, self._c = form, c
        system = form.linearization(c)
        self._is_convex = system.definite and form.equation.has_energy
        if not (np.isfinite(system.load).all() and np.isfinite(system.matrix.data).all()):
            raise _Failure
        self._system = condense(system)
        try:
            self._inverse: Inverse = self._system.inverse()
            self.direction = self._system.extend(self._inverse(self._system.load))
        except (IncompatibleError, NotConvergedError) as error:
            if self._is_convex:
                raise
            raise _Failure from error
        end = c + self.direction
        if self._is_convex:
            length = math.sqrt(max(0.0, float(system.load @ self.direction)))
            total = math.sqrt(abs(float(end @ (system.matrix @ end))))
        else:
            length, total = float(np.linalg.norm(self.direction)), float(np.linalg.norm(end))
        self.size = length / total if total > 0 else 0.0

    def length(self) -> float:
        """The length of the step along the direction.

        Raises:
            _Failure: If the damping factor is too small.
        """
        if self._is_convex:
            return _line_search(self._form.residual_along(self._c, self.direction))
        norm, t = float(np.linalg.norm(self.direction)), 1.0
        while t >= _SHORTEST:
            residual = self._form.residual(self._c + t * self.direction)[self._system.free]
            if np.isfinite(residual).all() and np.linalg.norm(self._inverse(-residual)) <= (1 - t / 4) * norm:
                return t
            t /= 2
        raise _Failure


def _line_search(slope: Callable[[float], float]) -> float:
    """A t > 0 near the minimum of a convex function: the modulus of the slope is at most half of that at 0.

    The step t = 1 is doubled until the slope is positive, and the bracket is then bisected. Slopes are used instead of values,
    whose differences are lost in rounding near the end.

    Raises:
        _Failure: If the function decreases up to the longest step, so that it has no minimum.
    """
    bound = _FLAT * abs(slope(0.0))
    low, high, t = 0.0, math.inf, 1.0
    for _ in range(_TRIALS):
        rate = slope(t)
        if abs(rate) <= bound:
            break
        if rate < 0:
            low = t
        else:  # including nan from overflow far beyond the minimum
            high = t
        t = 2 * t if high == math.inf else (low + high) / 2
        if t > _LONGEST:
            raise _Failure
    return t

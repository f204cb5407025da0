"""Newton's method for the energy of a nonlinear problem, with a line search and continuation in the exponent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.iterations.sparse import CondensedSystem
from pdefreq.spaces.trial_space import LinearSystem

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.fields import Field
    from pdefreq.shapes import Coefficients
    from pdefreq.spaces.weak_form import WeakForm

_ABOVE = (2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0)
_NEAR = 0.5  # relative decrement at which the next exponent takes over
_CLOSE = 1e-6  # relative decrement below which Newton's method halves it at least, unless rounding prevents that
_DONE = 1e-10  # relative decrement of a last step, after which the error is its square
_FLAT = 0.5  # a line search stops where the slope has fallen by this factor
_TRIALS = 60
_FACTORS = (-40.0, 40.0)  # logarithms of the factors between which a multiple is sought
_HALVINGS = 12  # of that: to 2 %


def exponents(p: float) -> tuple[float, ...]:
    """The exponents that lead from 2 to p: upwards in steps that grow with p, downwards by halving p - 1.

    Example:
        >>> exponents(5), exponents(1.2)
        ((2.0, 3.0, 4.0, 5), (2.0, 1.5, 1.25, 1.2))
    """
    if p > 2:
        return (*(q for q in _ABOVE if q < p), p)
    halvings = math.ceil(-math.log2(p - 1)) if p < 2 else 0
    return (*(1 + 2.0**-k for k in range(halvings)), p)


class Newton(Iteration):
    """One Newton step a step, for the energy with exponent 2, then with exponents nearer and nearer to the problem's own.

    For p = 2 a step is exact, whatever it starts from. Each later exponent begins with a multiple of the iterate; its steps go
    along Newton's direction d to where the energy's slope has fallen to half. The last exponent is done with when the relative
    decrement, ``sqrt(d.H d)`` over that of the solution, is below 1e-10 or no longer halves: an absolute test would never fire,
    for u scales as f^(1/(p-1)).

    The objective is the energy with the exponent of the last step. The iterate is kept in float64.

    Args:
        form: The energy, its slope and its curvature.
        p: The problem's exponent.
        condense: Makes of linear equations what solves them; by default a sparse factorisation.
        like: A tensor whose dtype and device the coefficients take.
        guess: Where to start, with the problem's exponent at once; by default from the solution with exponent 2 and the same f.
    """

    objective_kind = ObjectiveKind.ENERGY

    def __init__(
        self,
        form: WeakForm,
        p: float,
        *,
        condense: Callable[[LinearSystem], CondensedSystem] = CondensedSystem,
        like: Tensor,
        guess: Field | None = None,
    ) -> None:
        self._form, self._condense, self._like, self._guess = form, condense, like, guess
        self._exponents = exponents(p) if guess is None else (p,)

    def init(self) -> State:
        form = self._form
        c = np.zeros(form.space.num_coefficients)
        if self._guess is not None:
            c = form.space.interpolate(self._guess, self._like.double()).numpy(force=True).copy()
        c[form.fixed] = form.values
        return self._state(c, stage=0, exponent=self._exponents[0], decrement=math.inf)

    def step(self, state: State) -> State:
        stage, before = int(state.memory["stage"]), float(state.memory["decrement"])
        p, c = self._exponents[stage], state.memory["iterate"].numpy(force=True)
        if stage > 0 and before == math.inf:
            c = self._scaled(c, p)
        direction, decrement = self._direction(c, p)
        if p == 2 and stage + 1 < len(self._exponents):
            return self._state(c + direction, stage=stage + 1, exponent=p, decrement=math.inf)
        if decrement <= _DONE or before / 2 <= decrement <= _CLOSE:
            last = stage + 1 == len(self._exponents)
            return self._state(c + direction, stage=stage + (not last), exponent=p, decrement=decrement, done=last)
        c = c + _line_search(self._form.slope_along(c, direction, p)) * direction
        if decrement <= _NEAR and stage + 1 < len(self._exponents):
            stage, decrement = stage + 1, math.inf
        return self._state(c, stage=stage, exponent=p, decrement=decrement)

    def objective(self, state: State) -> dict[str, Tensor]:
        c = state.memory["iterate"].numpy(force=True)
        return {"energy": torch.tensor(self._form.energy(c, float(state.memory["exponent"])))}

    def notes(self, state: State) -> list[str]:
        decrement = float(state.memory["decrement"])
        if not state.done or decrement <= _DONE:
            return []
        return [
            f"Newton's method ended where rounding keeps its relative decrement at {decrement:.1g}: "
            "in the energy's norm u is determined to about that, in others less where its gradient is nearly zero."
        ]

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        return self._state(
            memory["iterate"].numpy(force=True),
            stage=int(memory["stage"]),
            exponent=float(memory["exponent"]),
            decrement=float(memory["decrement"]),
        )

    def _scaled(self, c: np.ndarray, p: float) -> np.ndarray:
        """The multiple of an iterate, up to its boundary values, that has the lowest energy with a new exponent.

        u scales as f^(1/(p-1)): what solves for one exponent may be far too large or too small for the next, and have an energy
        beyond all bounds.
        """
        ray = c.copy()
        ray[self._form.fixed] = 0
        slope = self._form.slope_along(c - ray, ray, p)
        low, high = _FACTORS
        with np.errstate(over="ignore", invalid="ignore"):  # inf and nan: far beyond the minimum
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                low, high = (middle, high) if slope(math.exp(middle)) < 0 else (low, middle)
        return c + (math.exp((low + high) / 2) - 1) * ray

    def _direction(self, c: np.ndarray, p: float) -> tuple[np.ndarray, float]:
        """Newton's direction, and its length over that of where it leads, in the norm of the curvature."""
        form = self._form
        curvature = form.curvature(c, p)
        slope = form.slope(c, p)
        system = LinearSystem(curvature, -slope, form.fixed, np.zeros(len(form.fixed)))
        direction = self._condense(system).solve()
        end = c + direction
        length, size = math.sqrt(max(0.0, -float(slope @ direction))), math.sqrt(abs(float(end @ (curvature @ end))))
        return direction, length / size if size > 0 else 0.0

    def _state(self, c: np.ndarray, *, stage: int, exponent: float, decrement: float, done: bool = False) -> State:
        iterate = torch.from_numpy(c).clone()
        memory = {"stage": stage, "exponent": exponent, "decrement": decrement}
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in memory.items()}
        return State(self._form.space, iterate.to(self._like, copy=True), {"iterate": iterate} | tensors, done)


def _line_search(slope: Callable[[float], float]) -> float:
    """A t > 0 at which a convex function is nearly lowest: its slope has at most half the modulus of that at 0, a negative one.

    From t = 1 doubled until the slope turns positive, then the bracket is halved. Slopes tell more than values do, whose
    differences drown in rounding near the end.
    """
    bound = _FLAT * abs(slope(0.0))
    low, high, t = 0.0, math.inf, 1.0
    for _ in range(_TRIALS):
        rate = slope(t)
        if abs(rate) <= bound:
            break
        if rate < 0:
            low = t
        else:  # or nan: overflow, far beyond the minimum
            high = t
        t = 2 * t if high == math.inf else (low + high) / 2
    return t

"""Small methods with closed-form iterates, for tests of the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Stop
from pdefreq.domains.box import Box
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.problem.problem import Problem
from pdefreq.solvers.solver import Solver
from pdefreq.spaces.grids.grid import Grid


def line_problem(**fields) -> Problem:
    """-u'' = pi^2 sin(pi x) on (0, 1): the solution is sin(pi x)."""
    return Problem(
        **{
            "domain": Box((0.0,), (1.0,)),
            "source": lambda x: torch.pi**2 * torch.sin(torch.pi * x[:, 0]),
            "boundary": 0.0,
            "exact": lambda x: torch.sin(torch.pi * x[:, 0]),
        }
        | fields
    )


class GeometricIteration(Iteration):
    """An iteration that multiplies the error by a constant in every step. It has the four required methods and no protocol."""

    def __init__(self, space: Grid, target: torch.Tensor, start: torch.Tensor, factor: float) -> None:
        self.space, self.target, self.start, self.factor = space, target, start, factor

    def init(self) -> State:
        return State(self.space, self.start.clone(), {"count": torch.tensor(0)})

    def step(self, state: State) -> State:
        c = self.target + self.factor * (state.coefficients - self.target)
        return State(self.space, c, {"count": state.memory["count"] + 1})

    def objective(self, state: State) -> dict[str, torch.Tensor]:
        return {"distance": (state.coefficients - self.target).norm()}

    def restore(self, coefficients: torch.Tensor, memory: Mapping[str, torch.Tensor]) -> State:
        return State(self.space, coefficients, dict(memory))


class ResidualIteration(GeometricIteration):
    """The same iteration with an objective that is known to tend to zero."""

    objective_kind = ObjectiveKind.RESIDUAL


@dataclass(frozen=True)
class Geometric(Solver):
    """A method that converges to the nodal values of sin(pi x).

    Args:
        factor: Error after a step over error before it.
        intervals: Cells of the grid.
        steps: Budget.
    """

    factor: float = 0.5
    intervals: int = 16
    steps: int = 20

    @property
    def budget(self) -> Stop:
        return Stop(steps=self.steps)

    def prepare(self, problem, *, seed, device, dtype, guess=None) -> GeometricIteration:
        if problem.domain.dimension != 1:
            raise IncompatibleError("geometric solves problems in one dimension")
        space = Grid(problem.domain, (self.intervals,))
        nodes = space.nodes.to(device=device, dtype=dtype)
        start = torch.zeros_like(nodes[:, 0]) if guess is None else guess(nodes)
        return GeometricIteration(space, torch.sin(torch.pi * nodes[:, 0]), start, self.factor)


@dataclass(frozen=True)
class GeometricResidual(Geometric):
    """The same method with an objective that tends to zero, so that a tolerance can end its runs."""

    def prepare(self, problem, *, seed, device, dtype, guess=None) -> ResidualIteration:
        inner = super().prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)
        return ResidualIteration(inner.space, inner.target, inner.start, inner.factor)

"""Galerkin methods: finite elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.solvers.requirements import require_box, require_linear_equation, require_memory
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem


@dataclass(frozen=True)
class Fem(Solver):
    """P1 finite elements on a uniform mesh of an interval, solved directly in one step.

    With constant diffusion and no reaction the values at the vertices are exact, up to the quadrature of the source.

    Args:
        cells: Number of cells.
        quadrature: Polynomial degree up to which integrals over a cell are exact.

    Raises:
        OptionError: If an option lies outside its range.
    """

    cells: int = 1000
    quadrature: int = 15

    def __post_init__(self) -> None:
        if self.cells < 1:
            raise OptionError(f"`cells` must be at least 1, got {self.cells}")
        if not 1 <= self.quadrature <= 60:
            raise OptionError(f"`quadrature` must be a degree from 1 to 60, got {self.quadrature}")

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        require_linear_equation(problem, "fem")
        box = require_box(problem, "fem", most=1)
        require_memory(self.cells, "cells", 8 * (100 + 20 * self.quadrature) * self.cells)

        import numpy as np
        import torch
        from skfem import MeshLine

        from pdefreq.iterations.direct import DirectSolve
        from pdefreq.spaces.lagrange import Lagrange

        vertices = np.linspace(box.lower[0], box.upper[0], self.cells + 1)
        space = Lagrange(MeshLine(vertices), self.quadrature)
        system = space.assemble(problem)
        row_sums = np.abs(system.matrix @ np.ones(space.num_coefficients))
        if not len(system.fixed) and row_sums.max() <= 1e-12 * np.abs(system.matrix.diagonal()).max():
            raise IncompatibleError(
                "fem does not solve pure Neumann problems, whose solution is unique only up to a constant: "
                "prescribe a value at one end, or give a reaction or a Robin coefficient"
            )
        return DirectSolve(space, system, like=torch.empty(0, dtype=dtype, device=device), guess=guess)

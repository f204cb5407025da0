"""Conditions at boundary points, sorted into Dirichlet and Robin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.checked import checked

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.domains.domain import Samples
    from pdefreq.problem import Problem
    from pdefreq.shapes import Points, Values


@dataclass(frozen=True)
class BoundaryConditions:
    """The conditions at n boundary points; each of them is governed by one part.

    Args:
        x: The points, in the dtype and on the device of the run.
        dirichlet: Weights where the value is prescribed, else 0, so that a weighted sum integrates over that part.
        value: g there, else 0.
        robin: Weights where the flux is prescribed, else 0.
        alpha: The Robin coefficient there, else 0.
        flux: The Robin data there, else 0.
    """

    x: Points
    dirichlet: Values
    value: Values
    robin: Values
    alpha: Values
    flux: Values

    @classmethod
    def of(cls, problem: Problem, samples: Samples, like: Tensor) -> BoundaryConditions:
        """Evaluate the boundary data of a problem, in float64, once.

        Raises:
            ProblemFileError: If a point belongs to no part, a value is not finite, or alpha is negative.
        """
        part = problem.part_of(samples)
        columns = {name: torch.zeros_like(samples.weights) for name in ("dirichlet", "value", "robin", "alpha", "flux")}
        for index, condition in enumerate(problem.boundary):
            mine = part == index
            x = samples.x[mine]
            columns[condition.kind][mine] = samples.weights[mine]
            if condition.kind == "dirichlet":
                columns["value"][mine] = checked(condition.value, "[boundary] value", x)
            else:
                columns["alpha"][mine] = checked(condition.alpha, "[boundary] alpha", x, least=0)
                columns["flux"][mine] = checked(condition.flux, "[boundary] flux", x)
        return cls(samples.x.to(like), **{name: column.to(like) for name, column in columns.items()})

    def robin_energy(self, u: Values) -> Tensor:
        """Int over the Robin part of alpha / 2 u^2 - flux u."""
        return (self.robin * (self.alpha / 2 * u - self.flux) * u).sum()

    def penalty(self, u: Values) -> Tensor:
        """Int over the Dirichlet part of (u - g)^2: the integral, without a factor 1/2."""
        return (self.dirichlet * (u - self.value).square()).sum()

"""The linear algebra of Gauss-Newton steps as a composition: factorization, variable projection, sketches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pdefreq.core.streams import stream
from pdefreq.iterations.training.damped_systems import damped_system
from pdefreq.iterations.training.sketches import Sketched
from pdefreq.iterations.training.variable_projection import Projected

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.iterations.training.damped_systems import DampedSystem


@dataclass(frozen=True)
class LinearAlgebra:
    """The linear algebra of each step.

    Args:
        refined: Whether QR factorizations are used below the level of rounding of F^T F, for sums of squares.
        projected: The number of last coefficients that are eliminated; 0 eliminates none.
        sketch_rows: The number of rows after a sketch; None keeps all.
        sketch_columns: The number of coefficients after a sketch; None keeps all.
    """

    refined: bool = False
    projected: int = 0
    sketch_rows: int | None = None
    sketch_columns: int | None = None

    def at(self, step: int) -> Callable[[Tensor, Tensor, Tensor | None], DampedSystem]:
        """The linear algebra of a step, as a function of F, G and r. Sketches depend on the number of the step alone."""
        solve: Callable[[Tensor, Tensor, Tensor | None], DampedSystem] = partial(damped_system, refined=self.refined)
        if self.projected:
            solve = Projected(self.projected, solve)
        if self.sketch_rows is None and self.sketch_columns is None:
            return solve
        return Sketched(self.sketch_rows, self.sketch_columns, stream(0, "sketch", step), solve)

"""The linear algebra of Gauss-Newton steps, composed of a factorization, variable projection and sketches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream
from pdefreq.iterations.training.damped_systems import damped_system
from pdefreq.iterations.training.sketches import Sketched
from pdefreq.iterations.training.variable_projection import Projected

if TYPE_CHECKING:
    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional, Rows
    from pdefreq.iterations.training.quadratic_model import Solve
    from pdefreq.spaces.trial_space import Network


@dataclass(frozen=True)
class LinearAlgebra:
    """The linear algebra of each step.

    Args:
        refined: Whether QR factorizations are used below the level of rounding of F^T F, for sums of squares.
        projects: Whether the coefficients of the last layer are eliminated.
        projected: The number of these coefficients, which `on` sets.
        sketch_rows: The number of rows after a sketch; None keeps all.
        sketch_columns: The number of coefficients after a sketch; None keeps all.
    """

    refined: bool = False
    projects: bool = False
    projected: int = 0
    sketch_rows: int | None = None
    sketch_columns: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether a step solves the equations of all rows for all coefficients."""
        return not self.projects and self.sketch_rows is None and self.sketch_columns is None

    def on(self, space: Network) -> LinearAlgebra:
        """The linear algebra for the coefficients of a network.

        Raises:
            OptionError: If the last layer is to be eliminated, and the network is not linear in its last coefficients.
        """
        if not self.projects:
            return self
        if not space.num_linear:
            raise OptionError("last_layer=projected needs a network whose last layer is linear: leave `last_layer` out")
        return replace(self, projected=space.num_linear)

    def rows(self, functional: Functional, c: Coefficients) -> Rows:
        """The rows of a functional in the form that the linear algebra uses, if several processes share them."""
        if self.sketch_rows is not None:  # a sketch depends on the order of the rows
            return functional.rows(c)
        return functional.equivalent_rows(c) if self.refined or self.projects else functional.partial_rows(c)

    def at(self, step: int) -> Solve:
        """The linear algebra of a step. Sketches depend on the number of the step only."""
        solve: Solve = partial(damped_system, refined=self.refined)
        if self.projected:
            solve = Projected(self.projected, solve)
        if self.sketch_rows is None and self.sketch_columns is None:
            return solve
        return Sketched(self.sketch_rows, self.sketch_columns, stream(0, "sketch", step), solve)

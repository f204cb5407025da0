"""Functions of a trial space as modules of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from pdefreq.core.shapes import Coefficients, Points, Values
    from pdefreq.spaces.trial_space import TrialSpace


class SpaceModule(nn.Module):
    """A function of a trial space, differentiable in its coefficients, and in the points if the space is a network.

    Args:
        space: The space.
        coefficients: The initial value of the parameter ``coefficients``, which is copied.
    """

    def __init__(self, space: TrialSpace, coefficients: Coefficients) -> None:
        super().__init__()
        self.space = space
        self.coefficients = nn.Parameter(coefficients.detach().clone())

    def forward(self, x: Points) -> Values:
        """The values ``(n,)`` at points ``(n, d)``."""
        return self.space.at(x).value(self.coefficients)

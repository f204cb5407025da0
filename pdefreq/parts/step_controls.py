"""How the damping of Gauss-Newton steps is chosen."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.composition import Part
from pdefreq.core.errors import OptionError
from pdefreq.parts.tables import STEP_CONTROLS

if TYPE_CHECKING:
    from pdefreq.iterations.training import step_controls


class StepControl(Part):
    """A rule for the damping of each step."""

    registry = STEP_CONTROLS

    @abstractmethod
    def rule(self) -> step_controls.StepControl:
        """The rule."""


@dataclass(frozen=True, kw_only=True)
class Nielsen(StepControl):
    """The damping follows the ratio of the actual to the predicted decrease: divided by 3 if it is 1, increased below 1/2.

    Source:
        Nielsen (1999), Damping parameter in Marquardt's method, IMM-REP-1999-05, equation 2.4.
    """

    def rule(self) -> step_controls.StepControl:
        from pdefreq.iterations.training.step_controls import NielsenControl

        return NielsenControl()


@dataclass(frozen=True, kw_only=True)
class TargetRatio(StepControl):
    """The longest of a few steps whose actual decrease is at least a part of the predicted decrease.

    Args:
        target: This part until the damping has passed its minimum, 0.075 to 0.15 in the paper; afterwards it is 0.5.

    Source:
        Webb, Jerad, Cartis (2026), arXiv 2607.02194.
    """

    target: float = 0.15

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.target < 1:
            raise OptionError(f"`target` must be between 0 and 1, got {self.target:g}")

    def rule(self) -> step_controls.StepControl:
        from pdefreq.iterations.training.step_controls import TargetRatioControl

        return TargetRatioControl(self.target)

"""Step controls, the rules for the damping of a Gauss-Newton step.

The gain of a step is the decrease of the objective over the decrease that the quadratic model predicts.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import torch

from pdefreq.core.history import Status
from pdefreq.iterations.training.steppers import Memory, ending, is_stationary

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.training.quadratic_model import QuadraticModel

START = 1e-3
"""The first damping, relative to the largest diagonal entry of F^T F."""

_FACTOR = 3.0  # between the dampings that `TargetRatio` tries
_TRIALS = 3  # number of these dampings, in addition to the first one
_PASSED = 10.0  # the damping has passed its minimum if it is larger than it by this factor
_LATE = 0.5  # target gain of `TargetRatio` from then on


@dataclass(frozen=True)
class Trial:
    """A step that was tried.

    Args:
        damping: Its damping.
        step: d, shape ``(P,)``.
        gain: The decrease of the objective over that of the model; nan if the objective is not finite.
        is_empty: Whether the decrease of the model is below rounding.
    """

    damping: float
    step: Tensor
    gain: float
    is_empty: bool = False

    @property
    def is_last(self) -> bool:
        """Whether no larger damping is tried after this step."""
        return self.is_empty or not math.isfinite(self.damping)


@dataclass
class Trials:
    """The steps that are tried from given coefficients.

    Args:
        functional: The objective.
        c: The coefficients.
        model: The model there.
        restrained: Whether a step was rejected.
    """

    functional: Functional
    c: Coefficients
    model: QuadraticModel
    restrained: bool = field(default=False)

    def __call__(self, damping: float) -> Trial:
        """The step for a damping, which is at least the smallest one that has an effect."""
        damping = max(damping, self.model.least)
        d = self.model.step(damping)
        promised = self.model.decrease(d)
        if promised <= torch.finfo(self.c.dtype).eps * abs(self.model.objective):
            return Trial(damping, d, -math.inf, is_empty=True)
        if not math.isfinite(damping):  # the undamped part predicts a decrease that rounding prevents, or F is not finite
            return Trial(damping, d, math.nan, is_empty=math.isfinite(self.model.largest))
        return Trial(damping, d, (self.model.objective - float(self.functional.value(self.c + d))) / promised)

    def until_decrease(self, damping: float, growth: float, acceleration: float) -> Trial:
        """The first step that decreases the objective, for dampings that are multiplied by growth, growth acceleration, ..."""
        while True:
            trial = self(damping)
            if trial.is_last or trial.gain > 0:  # false if the gain is nan
                return trial
            damping, growth, self.restrained = trial.damping * growth, growth * acceleration, True
            self.model = replace(self.model, start=None)  # steps with a start do not tend to zero as the damping grows

    @property
    def reason(self) -> Status:
        """The status if the model predicts no decrease."""
        if not self.model.gradient.any():
            return Status.DONE
        stationary = not self.restrained or is_stationary(self.functional, self.c, self.model.gradient)
        return Status.ROUNDING if stationary else Status.STALLED


class StepControl(ABC):
    """A rule for the damping, whose memory consists of tensors by name.

    Attributes:
        ideal: If every step has the gain 1, the damping of the first step over the one that is tried first, and the ratio of the
            dampings of successive steps.
    """

    ideal: ClassVar[tuple[float, float]]

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        """The memory before the first step: the damping, 0 before the first factor, and how the iteration has ended."""
        return {"damping": c.new_zeros(()), "end": ending(None)}

    def advance(self, c: Coefficients, functional: Functional, model: QuadraticModel, memory: Memory, *, fresh: bool) -> bool:
        """Take a step that decreases the objective, in place; see `Stepper.advance`."""
        damping = float(memory["damping"]) or START * model.largest
        trials = Trials(functional, c, model, restrained=damping > START * model.largest)
        trial = self.search(trials, damping, memory)
        if trial.is_empty:
            memory["end"] = ending(trials.reason)
            return not fresh
        if not math.isfinite(trial.damping):  # F is not finite either, which the loop detects
            c.fill_(math.nan)
            return False
        c.add_(trial.step)
        return False

    @abstractmethod
    def search(self, trials: Trials, damping: float, memory: Memory) -> Trial:
        """The step to take, or the last one that was tried if none decreases the objective.

        Args:
            trials: A function of the damping.
            damping: The damping to try first.
            memory: The memory, which is updated in place.
        """


@dataclass(frozen=True)
class NielsenControl(StepControl):
    """A rule that takes the first step that decreases the objective; its gain determines the first damping of the next step.

    Source:
        Nielsen (1999), Damping parameter in Marquardt's method, IMM-REP-1999-05, equation 2.4.
    """

    ideal = (1.0, 1 / 3)

    def search(self, trials: Trials, damping: float, memory: Memory) -> Trial:
        trial = trials.until_decrease(damping, growth=2.0, acceleration=2.0)
        if not trial.is_last:
            following = trial.damping * max(1 / 3, 1 - (2 * trial.gain - 1) ** 3)
            memory["damping"] = memory["damping"].new_tensor(following)
        return trial


@dataclass(frozen=True)
class TargetRatioControl(StepControl):
    """A rule that takes the longest step, among a few, whose gain is at least a target.

    A small target allows long early steps, so that the iteration does not converge to a poor minimum near its start. After the
    damping has passed its minimum, the target is 0.5.

    Args:
        target: The target before that.

    Source:
        Webb, Jerad, Cartis (2026), arXiv 2607.02194, with dampings in place of radii.
    """

    ideal = (_FACTOR**-_TRIALS, _FACTOR**-_TRIALS)

    target: float = 0.15

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return super().memory(c) | {"least_damping": c.new_tensor(math.inf)}

    def search(self, trials: Trials, damping: float, memory: Memory) -> Trial:
        least = float(memory["least_damping"])
        target = _LATE if least == 0 else self.target
        trial = trials.until_decrease(damping, growth=_FACTOR, acceleration=1.0)
        if trial.is_last:
            return trial
        factor = 1 / _FACTOR if trial.gain >= target else _FACTOR
        for _ in range(_TRIALS):
            other = trials(trial.damping * factor)
            if other.is_last or not other.gain >= (target if factor < 1 else trial.gain):
                break
            trial = other
            if factor > 1 and trial.gain >= target:
                break
        # 0 means that the minimum has been passed
        least = 0.0 if trial.damping > _PASSED * least else min(least, trial.damping)
        memory["least_damping"] = memory["least_damping"].new_tensor(least)
        memory["damping"] = memory["damping"].new_tensor(trial.damping)
        return trial

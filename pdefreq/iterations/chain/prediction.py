"""The predicted errors of a chain: the curves of its first part, continued by those of its second part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import IncompatibleError, NotPredictedError
from pdefreq.iterations.defaults import discrete_solution_of, is_open_ended
from pdefreq.iterations.protocols import Prediction, Predicts
from pdefreq.spaces.trial_space import SpaceField

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Values
    from pdefreq.iterations.chain.parts import ChainParts
    from pdefreq.spectrum.modes import Modes


@dataclass(frozen=True)
class ChainPrediction:
    """The protocol `Predicts` of a chain whose second part has it.

    Args:
        parts: The parts of the chain.
    """

    parts: ChainParts

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction | None:
        """The curves of both parts, or of the second alone if there is no theory of the first.

        Heuristics of the parts are not used, since their units are not steps.

        Args:
            modes: The modes.
            steps: Shape ``(T,)``, from 0.
            target: The solution at ``modes.points(space)``, where it is known.
            cheap: Not used.

        Raises:
            NotPredictedError: If the first part may end early, if there is no theory of the second part, or if its prediction
                depends on its initial error.
        """
        end = self.parts.hand_over_step
        predictor = self.parts.second.find(Predicts)
        if predictor is None:
            return None
        if not is_open_ended(self.parts.first):
            raise NotPredictedError(
                "not predicted: the first method of the chain may end before the hand-over step, which can't be predicted"
            )
        after = predictor.predict(modes, (steps - end).clamp(min=0), target, cheap=True)
        if after is None:
            return None
        if not after.any_start:
            raise NotPredictedError(
                "not predicted: the second method of the chain mixes modes, so its curves depend on the error of the first"
            )
        until = torch.cat([steps.clamp(max=end), torch.tensor([end])])
        before, handed, note = self._handed_over(modes, until, target)
        late = (steps > end)[:, None]
        if before is None or handed is None:
            curves = torch.where(late, after.curves, torch.nan)
            note = f"from the hand-over step {end:,} on, relative to the errors there: {after.note}; before it: {note}"
            return replace(after, curves=curves, note=note, any_start=False, start_step=end + 1)
        note = f"to the hand-over step {end:,}: {before.note}; after it: {after.note}"
        curves = torch.where(late, handed * after.curves, before.curves[:-1])
        return replace(before, curves=curves, rates=torch.full_like(after.rates, torch.nan), note=note, any_start=False)

    def _handed_over(self, modes: Modes, until: Tensor, target: Values | None) -> tuple[Prediction | None, Tensor | None, str]:
        """The prediction of the first part, its final errors relative to the initial ones, and the reason if there is none."""
        first, second = self.parts.first, self.parts.second
        predictor = first.find(Predicts)
        try:
            before = None if predictor is None else predictor.predict(modes, until, target, cheap=True)
        except IncompatibleError as refusal:
            return None, None, str(refusal)
        if before is None or not bool(before.curves.isfinite().any()):
            return None, None, "no theory"
        one, two = first.init(), second.init()
        if one.space == two.space:
            return before, before.curves[-1], ""
        discrete_solution = discrete_solution_of(second, two)
        if target is None or discrete_solution is None or discrete_solution_of(first, one) is not None:
            return None, None, "the result in the coarser space contains more than these modes"
        # Converts the error against the solution to that against the discrete solution of the second part, each relative to its
        # target.
        solution, discrete, start = (
            torch.from_numpy(modes.coefficients(values.detach(), space))
            for values, space in (
                (target, one.space),
                (SpaceField(two.space, discrete_solution)(modes.points(two.space)), two.space),
                (SpaceField(one.space, one.coefficients)(modes.points(one.space)) - target, one.space),
            )
        )
        left = before.curves[-1] * start + solution - discrete
        return before, (left / discrete) / (start / solution), ""

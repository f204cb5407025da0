"""How long a network is trained, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pdefreq.core.composition import Part
from pdefreq.parts.part import COUNT, NONNEGATIVE, require
from pdefreq.parts.tables import TRAININGS


@dataclass(frozen=True, kw_only=True)
class Training(Part):
    """Budget and bookkeeping of a training run.

    Args:
        steps: Budget.
        keep: What the run hands back: the last state, or the best at held-out points.
        patience: Stop once the objective at held-out points has not fallen for this many steps; null never does.
        batch: Interior points used in one step, in a new order each epoch; null is all.
        balance_every: Steps after which terms of squares are weighted anew, by the traces of their tangent kernels, on top
            of `weights`; null never does.
    """

    registry = TRAININGS

    steps: int = 4000
    keep: Literal["last", "best"] = "last"
    patience: int | None = None
    batch: int | None = None
    balance_every: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, NONNEGATIVE, "steps")
        require(self, COUNT, "patience", "batch", "balance_every")

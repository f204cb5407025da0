"""The budget of training, and the state that a run returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pdefreq.core.composition import Part
from pdefreq.parts.part import COUNT, NONNEGATIVE, require
from pdefreq.parts.tables import TRAININGS


@dataclass(frozen=True, kw_only=True)
class Training(Part):
    """Budget, stopping rule and batches of a training run.

    Args:
        steps: The step budget.
        keep: The state that the run returns: the last one, or the best one at held-out points.
        patience: Training stops if the objective at held-out points has not decreased for this many steps; null disables this.
        batch: Number of interior points per step, in a new order in each epoch; null means all.
        balance_every: Number of steps between updates of additional weights of the terms, from the traces of their tangent
            kernels; null disables this.
        scaling: The units in which the network is trained: powers of ten of the sizes of the domain and of the solution that
            the data imply (auto), or those of the problem (none).
        precision: The precision in which the network is evaluated if the run is in float64: that of the run (full), or float32
            with sums over points and Gauss-Newton steps in float64 (mixed).
        capture: Whether steps of adam, gd or sgd are recorded as a CUDA graph and replayed; this needs a GPU.
    """

    registry = TRAININGS

    steps: int = 4000
    keep: Literal["last", "best"] = "last"
    patience: int | None = None
    batch: int | None = None
    balance_every: int | None = None
    scaling: Literal["auto", "none"] = "auto"
    precision: Literal["full", "mixed"] = "full"
    capture: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, NONNEGATIVE, "steps")
        require(self, COUNT, "patience", "batch", "balance_every")

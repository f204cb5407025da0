"""The parts of network methods. Importing this module does not load torch: each part is imported at its first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdefreq.parts.boundary import Boundary, Hard, Penalty
    from pdefreq.parts.inputs import Fourier, Input, Periodic
    from pdefreq.parts.losses import Loss, Misfit, Residual, Ritz
    from pdefreq.parts.networks import FeedForwardNetwork, FormulaNetwork, Mlp, Mscale, Network, PhaseShift
    from pdefreq.parts.optimizers import Adam, GaussNewton, GradientDescent, Lbfgs, Optimizer, Sgd
    from pdefreq.parts.penalty_schedules import PenaltySchedule, Staged
    from pdefreq.parts.points import AtData, Automatic, Gauss, Points, Sobol, Uniform
    from pdefreq.parts.starts import Antisymmetric, Doubled, Start, Wide
    from pdefreq.parts.step_controls import Nielsen, StepControl, TargetRatio
    from pdefreq.parts.training import Training


_PLACES = {
    name: f"pdefreq.parts.{module}"
    for module, names in {
        "boundary": ("Boundary", "Hard", "Penalty"),
        "inputs": ("Fourier", "Input", "Periodic"),
        "losses": ("Loss", "Misfit", "Residual", "Ritz"),
        "networks": ("FeedForwardNetwork", "FormulaNetwork", "Mlp", "Mscale", "Network", "PhaseShift"),
        "optimizers": ("Adam", "GaussNewton", "GradientDescent", "Lbfgs", "Optimizer", "Sgd"),
        "points": ("AtData", "Automatic", "Gauss", "Points", "Sobol", "Uniform"),
        "penalty_schedules": ("PenaltySchedule", "Staged"),
        "step_controls": ("Nielsen", "StepControl", "TargetRatio"),
        "starts": ("Antisymmetric", "Doubled", "Start", "Wide"),
        "training": ("Training",),
    }.items()
    for name in names
}

__all__ = [
    "Adam",
    "Antisymmetric",
    "AtData",
    "Automatic",
    "Boundary",
    "Doubled",
    "FeedForwardNetwork",
    "FormulaNetwork",
    "Fourier",
    "Gauss",
    "GaussNewton",
    "GradientDescent",
    "Hard",
    "Input",
    "Lbfgs",
    "Loss",
    "Misfit",
    "Mlp",
    "Mscale",
    "Network",
    "Nielsen",
    "Optimizer",
    "Penalty",
    "PenaltySchedule",
    "Periodic",
    "PhaseShift",
    "Points",
    "Residual",
    "Ritz",
    "Sgd",
    "Sobol",
    "Staged",
    "Start",
    "StepControl",
    "TargetRatio",
    "Training",
    "Uniform",
    "Wide",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'pdefreq.parts' has no attribute '{name}'")
    return getattr(importlib.import_module(_PLACES[name]), name)

"""The parts of network methods. Importing this module does not load torch: each part is imported at its first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdefreq.parts.adaptive_points import AdaptivePoints, Rad, Rar
    from pdefreq.parts.boundary import Boundary, Hard, Penalty
    from pdefreq.parts.function_loss import FunctionLoss
    from pdefreq.parts.inputs import Fourier, Input, Periodic
    from pdefreq.parts.kan import Kan
    from pdefreq.parts.losses import Loss, Misfit, Residual, Ritz
    from pdefreq.parts.module_network import ModuleNetwork
    from pdefreq.parts.mscale import Mscale
    from pdefreq.parts.networks import FeedForwardNetwork, FormulaNetwork, Mlp, Network
    from pdefreq.parts.optimizers import Adam, GaussNewton, GradientDescent, Lbfgs, Optimizer, Sgd, Soap, SsBroyden
    from pdefreq.parts.penalty_schedules import PenaltySchedule, Staged
    from pdefreq.parts.phase_shift import PhaseShift
    from pdefreq.parts.points import AtData, Automatic, Gauss, Points, Sobol, Uniform
    from pdefreq.parts.starts import Antisymmetric, Doubled, Start, Wide
    from pdefreq.parts.step_controls import Nielsen, StepControl, TargetRatio
    from pdefreq.parts.training import Training


_PLACES = {
    name: f"pdefreq.parts.{module}"
    for module, names in {
        "adaptive_points": ("AdaptivePoints", "Rad", "Rar"),
        "boundary": ("Boundary", "Hard", "Penalty"),
        "function_loss": ("FunctionLoss",),
        "inputs": ("Fourier", "Input", "Periodic"),
        "kan": ("Kan",),
        "losses": ("Loss", "Misfit", "Residual", "Ritz"),
        "module_network": ("ModuleNetwork",),
        "mscale": ("Mscale",),
        "networks": ("FeedForwardNetwork", "FormulaNetwork", "Mlp", "Network"),
        "optimizers": ("Adam", "GaussNewton", "GradientDescent", "Lbfgs", "Optimizer", "Sgd", "Soap", "SsBroyden"),
        "phase_shift": ("PhaseShift",),
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
    "AdaptivePoints",
    "Antisymmetric",
    "AtData",
    "Automatic",
    "Boundary",
    "Doubled",
    "FeedForwardNetwork",
    "FormulaNetwork",
    "Fourier",
    "FunctionLoss",
    "Gauss",
    "GaussNewton",
    "GradientDescent",
    "Hard",
    "Input",
    "Kan",
    "Lbfgs",
    "Loss",
    "Misfit",
    "Mlp",
    "ModuleNetwork",
    "Mscale",
    "Network",
    "Nielsen",
    "Optimizer",
    "Penalty",
    "PenaltySchedule",
    "Periodic",
    "PhaseShift",
    "Points",
    "Rad",
    "Rar",
    "Residual",
    "Ritz",
    "Sgd",
    "Soap",
    "Sobol",
    "SsBroyden",
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

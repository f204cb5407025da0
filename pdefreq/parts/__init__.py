"""The parts of network methods, by kind and name. Importing this loads no torch: a part imports what it needs when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pdefreq.core.registry import Registry

if TYPE_CHECKING:
    from pdefreq.parts.boundary import Boundary, Hard, Penalty
    from pdefreq.parts.inputs import Fourier, Input, Periodic
    from pdefreq.parts.losses import Loss, Misfit, Residual, Ritz
    from pdefreq.parts.networks import FeedForwardNetwork, FormulaNetwork, Mlp, Mscale, Network, PhaseShift
    from pdefreq.parts.optimizers import Adam, GaussNewton, GradientDescent, Lbfgs, Optimizer, Sgd
    from pdefreq.parts.points import AtData, Automatic, Gauss, Points, Sobol, Uniform
    from pdefreq.parts.schedules import PenaltySchedule, Staged
    from pdefreq.parts.starts import Antisymmetric, Doubled, Start, Wide
    from pdefreq.parts.training import Training

NETWORKS = Registry(
    "network",
    "pdefreq.networks",
    {
        "mlp": "pdefreq.parts.networks:Mlp",
        "mscale": "pdefreq.parts.networks:Mscale",
        "phase-shift": "pdefreq.parts.networks:PhaseShift",
    },
)
INPUTS = Registry(
    "input",
    "pdefreq.inputs",
    {
        "fourier": "pdefreq.parts.inputs:Fourier",
        "periodic": "pdefreq.parts.inputs:Periodic",
    },
)
STARTS = Registry(
    "start",
    "pdefreq.starts",
    {
        "antisymmetric": "pdefreq.parts.starts:Antisymmetric",
        "doubled": "pdefreq.parts.starts:Doubled",
        "wide": "pdefreq.parts.starts:Wide",
    },
)
LOSSES = Registry(
    "loss",
    "pdefreq.losses",
    {
        "ritz": "pdefreq.parts.losses:Ritz",
        "residual": "pdefreq.parts.losses:Residual",
        "misfit": "pdefreq.parts.losses:Misfit",
    },
)
BOUNDARIES = Registry(
    "boundary",
    "pdefreq.boundaries",
    {
        "hard": "pdefreq.parts.boundary:Hard",
        "penalty": "pdefreq.parts.boundary:Penalty",
    },
)
SCHEDULES = Registry(
    "penalty schedule",
    "pdefreq.schedules",
    {
        "staged": "pdefreq.parts.schedules:Staged",
    },
)
POINTS = Registry(
    "point rule",
    "pdefreq.points",
    {
        "automatic": "pdefreq.parts.points:Automatic",
        "gauss": "pdefreq.parts.points:Gauss",
        "sobol": "pdefreq.parts.points:Sobol",
        "uniform": "pdefreq.parts.points:Uniform",
        "at-data": "pdefreq.parts.points:AtData",
    },
)
OPTIMIZERS = Registry(
    "optimizer",
    "pdefreq.optimizers",
    {
        "adam": "pdefreq.parts.optimizers:Adam",
        "gd": "pdefreq.parts.optimizers:GradientDescent",
        "sgd": "pdefreq.parts.optimizers:Sgd",
        "lbfgs": "pdefreq.parts.optimizers:Lbfgs",
        "gauss-newton": "pdefreq.parts.optimizers:GaussNewton",
    },
)
TRAININGS = Registry("training", "pdefreq.trainings", {"training": "pdefreq.parts.training:Training"})

KINDS = (NETWORKS, INPUTS, STARTS, LOSSES, BOUNDARIES, SCHEDULES, POINTS, OPTIMIZERS, TRAININGS)

_PLACES = {
    name: f"pdefreq.parts.{module}"
    for module, names in {
        "boundary": ("Boundary", "Hard", "Penalty"),
        "inputs": ("Fourier", "Input", "Periodic"),
        "losses": ("Loss", "Misfit", "Residual", "Ritz"),
        "networks": ("FeedForwardNetwork", "FormulaNetwork", "Mlp", "Mscale", "Network", "PhaseShift"),
        "optimizers": ("Adam", "GaussNewton", "GradientDescent", "Lbfgs", "Optimizer", "Sgd"),
        "points": ("AtData", "Automatic", "Gauss", "Points", "Sobol", "Uniform"),
        "schedules": ("PenaltySchedule", "Staged"),
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
    "Training",
    "Uniform",
    "Wide",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'pdefreq.parts' has no attribute '{name}'")
    return getattr(importlib.import_module(_PLACES[name]), name)

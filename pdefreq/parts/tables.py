"""The parts of network methods by kind and name. Importing this loads no torch: a part imports what it needs when it is used."""

from __future__ import annotations

from pdefreq.core.registry import Registry

NETWORKS = Registry(
    "network",
    "pdefreq.networks",
    {
        "mlp": "pdefreq.parts.networks:Mlp",
        "mscale": "pdefreq.parts.mscale:Mscale",
        "phase-shift": "pdefreq.parts.phase_shift:PhaseShift",
        "kan": "pdefreq.parts.kan:Kan",
        "module": "pdefreq.parts.module_network:ModuleNetwork",
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
        "auto": "pdefreq.parts.losses:Automatic",
        "ritz": "pdefreq.parts.losses:Ritz",
        "residual": "pdefreq.parts.losses:Residual",
        "misfit": "pdefreq.parts.losses:Misfit",
        "function": "pdefreq.parts.function_loss:FunctionLoss",
    },
    unlisted={"automatic": "pdefreq.parts.losses:Automatic"},  # the former name of auto, in older run folders
)
BOUNDARIES = Registry(
    "boundary",
    "pdefreq.boundaries",
    {
        "auto": "pdefreq.parts.boundary:Automatic",
        "hard": "pdefreq.parts.boundary:Hard",
        "penalty": "pdefreq.parts.boundary:Penalty",
    },
)
SCHEDULES = Registry(
    "penalty schedule",
    "pdefreq.schedules",
    {
        "staged": "pdefreq.parts.penalty_schedules:Staged",
    },
)
POINTS = Registry(
    "point rule",
    "pdefreq.points",
    {
        "auto": "pdefreq.parts.points:Automatic",
        "gauss": "pdefreq.parts.points:Gauss",
        "sobol": "pdefreq.parts.points:Sobol",
        "uniform": "pdefreq.parts.points:Uniform",
        "rad": "pdefreq.parts.adaptive_points:Rad",
        "rar": "pdefreq.parts.adaptive_points:Rar",
        "at-data": "pdefreq.parts.points:AtData",
    },
    unlisted={"automatic": "pdefreq.parts.points:Automatic"},  # the former name of auto, in older run folders
)
OPTIMIZERS = Registry(
    "optimizer",
    "pdefreq.optimizers",
    {
        "adam": "pdefreq.parts.optimizers:Adam",
        "gd": "pdefreq.parts.optimizers:GradientDescent",
        "sgd": "pdefreq.parts.optimizers:Sgd",
        "soap": "pdefreq.parts.optimizers:Soap",
        "lbfgs": "pdefreq.parts.optimizers:Lbfgs",
        "ssbroyden": "pdefreq.parts.optimizers:SsBroyden",
        "gauss-newton": "pdefreq.parts.optimizers:GaussNewton",
    },
)
FEATURES = Registry(
    "family of features",
    "pdefreq.features",
    {
        "sines": "pdefreq.parts.features:RandomSines",
    },
)
SINGULAR = Registry(
    "family of singular functions",
    "pdefreq.singular",
    {
        "singular": "pdefreq.parts.features:Singular",
    },
)
STEP_CONTROLS = Registry(
    "step control",
    "pdefreq.step_controls",
    {
        "nielsen": "pdefreq.parts.step_controls:Nielsen",
        "target-ratio": "pdefreq.parts.step_controls:TargetRatio",
    },
)
TRAININGS = Registry(
    "training",
    "pdefreq.trainings",
    {
        "training": "pdefreq.parts.training:Training",
    },
)

KINDS = (
    NETWORKS,
    INPUTS,
    STARTS,
    LOSSES,
    BOUNDARIES,
    SCHEDULES,
    POINTS,
    OPTIMIZERS,
    STEP_CONTROLS,
    TRAININGS,
    FEATURES,
    SINGULAR,
)

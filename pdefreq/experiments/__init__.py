"""Published experiments: ``pdefreq reproduce NAME``. Importing this module does not load torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pdefreq.core.composition import build
from pdefreq.core.errors import OptionError, UserError
from pdefreq.core.options import MISSING, options_of
from pdefreq.core.registry import Registry
from pdefreq.experiments.entry import Entry, entry_of

if TYPE_CHECKING:
    from pdefreq.experiments.report import Report

Experiment: TypeAlias = "Callable[..., Report]"
"""A function that runs an experiment; its options are keywords with defaults, often ``seeds`` and ``steps``."""

EXPERIMENTS = Registry(
    "experiment",
    "pdefreq.experiments",
    {
        "activations": "pdefreq.experiments.activations:experiment",
        "antisymmetric": "pdefreq.experiments.antisymmetric:experiment",
        "condensation": "pdefreq.experiments.condensation:condensation",
        "data-gap": "pdefreq.experiments.data_gap:experiment",
        "decay-limit": "pdefreq.experiments.decay_limit:experiment",
        "digits": "pdefreq.experiments.digits:experiment",
        "early-stopping": "pdefreq.experiments.early_stopping:experiment",
        "edge-of-stability": "pdefreq.experiments.edge_of_stability:edge_of_stability",
        "f-principle": "pdefreq.experiments.f_principle:f_principle",
        "five-dimensions": "pdefreq.experiments.five_dimensions:five_dimensions",
        "flatness": "pdefreq.experiments.flatness:flatness",
        "gauss-newton": "pdefreq.experiments.gauss_newton:experiment",
        "gradient-loss": "pdefreq.experiments.gradient_loss:gradient_loss",
        "half-times": "pdefreq.experiments.half_times:predicted_half_times",
        "hybrid": "pdefreq.experiments.hybrid:hybrid",
        "initialization": "pdefreq.experiments.initialization:experiment",
        "kernel": "pdefreq.experiments.kernel:kernel",
        "lfp": "pdefreq.experiments.lfp:experiment",
        "loss-exponents": "pdefreq.experiments.loss_exponents:experiment",
        "mscale-2d": "pdefreq.experiments.mscale_2d:mscale_2d",
        "mscale-6pi": "pdefreq.experiments.mscale_6pi:mscale_6pi",
        "mscale-printed": "pdefreq.experiments.mscale_printed:mscale_printed",
        "multiscale-2d": "pdefreq.experiments.multiscale_2d:multiscale_2d",
        "optimizers": "pdefreq.experiments.optimizers:experiment",
        "overparameterization": "pdefreq.experiments.overparameterization:overparameterization",
        "p-laplacian": "pdefreq.experiments.p_laplacian:p_laplacian",
        "parity": "pdefreq.experiments.parity:experiment",
        "phase-diagram": "pdefreq.experiments.phase_diagram:phase_diagram",
        "point-sources": "pdefreq.experiments.point_sources:point_sources",
        "prediction": "pdefreq.experiments.prediction:prediction",
        "relaxation": "pdefreq.experiments.relaxation:relaxation",
        "ricker": "pdefreq.experiments.ricker:ricker",
        "scales": "pdefreq.experiments.scales:scales",
        "surfaces": "pdefreq.experiments.surfaces:surfaces",
        "training-process": "pdefreq.experiments.training_process:training_process",
    },
)
"""Name -> an `Experiment`."""


def experiment_named(name: str) -> Experiment:
    """An experiment by name, or ``"path/to/file.py:Name"``.

    Raises:
        UnknownNameError: If the experiment does not exist.
        OptionError: If it has an option without a default, or one without a type that its default does not imply.
    """
    experiment = EXPERIMENTS.load(name)
    for option in options_of(experiment):
        if option.default is MISSING:
            raise OptionError(
                f"each option of experiment '{name}' must have a default, such as `{option.name}=100`, got `{option.name}`"
            )
    return experiment


def entries() -> dict[str, Entry]:
    """The entry of each experiment; an empty one for an experiment of another package that can't be loaded."""
    found = {}
    for name in EXPERIMENTS:
        try:
            found[name] = entry_of(EXPERIMENTS.load(name))
        except UserError:
            found[name] = Entry()
    return found


def run_experiment(name: str, experiment: Experiment, options: Mapping[str, Any]) -> Report:
    """Run an experiment with options, as values or as text, and return its report.

    Args:
        name: The name of the experiment, for messages.
        experiment: The function of the experiment.
        options: The options that differ from their defaults.

    Raises:
        UnknownNameError: If an option does not exist.
        OptionError: If a value lies outside its range, or the experiment returns no `Report`.
    """
    from dataclasses import replace

    from pdefreq.experiments.report import Report

    report = build("experiment", name, experiment, options)
    if not isinstance(report, Report):
        raise OptionError(f"experiment '{name}' must return a pdefreq.experiments.report.Report, got {type(report).__name__}")
    return report if (entry := entry_of(experiment)) == Entry() else replace(report, entry=entry)

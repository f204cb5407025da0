"""Activations whose spectrum has its maximum away from zero: ``pdefreq reproduce ricker``.

Networks are fitted to sin x + sin 3x + sin 5x, as in the notebooks of the lecture notes: hidden layers of 200, 200, 200 and 100
units, all parameters from N(0, 1/200), Adam with all 600 points in each step, in float32. "ASI" is the difference of two
copies of the network, in the notebooks without the factor sqrt(1/2). The notebooks print the mean square error of the training
every 1000 steps, before the step; their step 1 is the initialization, which is step 0 here. The initial parameters are those of
the notebooks, which follow from the seed 0 of PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pdefreq.core.history import Schedule, Stop
from pdefreq.experiments.data_sets import interval_regression
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.ricker_networks import notebook_network
from pdefreq.experiments.tones import ToneHistory, ToneProbe
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.figures.tone_maps import ToneMap, tone_maps_figure
from pdefreq.parts.module_network import ModuleNetwork
from pdefreq.problem.data import Data
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.theory.activation_spectra import activation_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pdefreq.core.history import History
    from pdefreq.solvers.network_solver import NetworkSolver

SOURCE = (
    "Xu (2023), Understanding deep learning (lecture notes), equation 1.8 and figure 1.1 on Ricker activations, with the "
    "losses that the notebooks beside the notes print, github.com/xuzhiqin1990/understanding_dl"
)
TONES = (1, 3, 5)
INTERVAL = 3.1415
POINTS = 600
EVERY = 1000
"""Steps between two printed losses."""


@dataclass(frozen=True)
class Row:
    """One notebook.

    Args:
        activation: The activation, as a name or a function of a tensor.
        antisymmetric: Whether the network is zero at initialization.
        learning_rate: That of Adam.
        losses: Printed mean square errors at the steps 0, 1000, 2000, ...
    """

    activation: str | Callable[[Tensor], Tensor]
    antisymmetric: bool
    learning_rate: float
    losses: tuple[float, ...]

    def solver(self, seed: int = 0) -> NetworkSolver:
        """The network and its training, with the initial parameters of a seed of PyTorch."""
        activation = activation_named(self.activation) if isinstance(self.activation, str) else self.activation
        network = notebook_network(activation, antisymmetric=self.antisymmetric, seed=seed)
        options = {"learning_rate": self.learning_rate, "half_life": None, "scaling": "none"}
        return regression().with_options(options, network=ModuleNetwork(make=network))

    def train(self, steps: int, seed: int = 0) -> History:
        """The errors of the tones and the loss, to the last printed step or for a number of steps."""
        last = min(steps, EVERY * (len(self.losses) - 1))
        options = {"stop": Stop(steps=last), "schedule": Schedule(dense=20, per_decade=60), "dtype": "float32"}
        return solve(target(), self.solver(seed), probes=[ToneProbe(TONES)], **options).history


def _sin_10(z: Tensor) -> Tensor:
    return torch.sin(10 * z)


ROWS = {
    "Ricker, a = 0.3": Row("ricker(0.3)", True, 1e-5, (1.497544, 0.241036, 0.021134, 0.001054, 1.96e-4, 6.3e-5, 2.4e-5)),
    "Ricker, a = 0.1": Row("ricker(0.1)", True, 1e-5, (1.497544, 4e-6)),
    "Ricker, a = 0.1, no ASI": Row(
        "ricker(0.1)", False, 1e-5, (1.624788, 0.051310, 0.008264, 0.001261, 3.85e-4, 1.26e-4, 3.2e-5)
    ),
    "tanh, no ASI": Row("tanh", False, 1e-4, (1.624982, 0.246860, 0.067883, 6.2e-5, 2.8e-5)),
    "sin": Row(
        "sin",
        True,
        1e-5,
        (1.497544, 0.785892, 0.785561, 0.783791, 0.323130, 0.117818, 0.031447, 0.008672, 0.003420, 8.48e-4, 1.86e-4),
    ),
    "sin 10z": Row(_sin_10, True, 1e-5, (1.497544, 4.12e-4)),
}
DRAWN = ("Ricker, a = 0.3", "Ricker, a = 0.1")
"""The rows of the figure of the notes."""


def target() -> Problem:
    """The regression of sin x + sin 3x + sin 5x at 600 uniform points of [-3.1415, 3.1415]."""
    x = torch.linspace(-INTERVAL, INTERVAL, POINTS, dtype=torch.float64)[:, None]
    data = Data(x=x, values=torch.sin(x * torch.tensor(TONES, dtype=torch.float64)).sum(dim=1))
    return interval_regression(-INTERVAL, INTERVAL, data)


def loss_near(history: History, step: int) -> float:
    """The loss at a recorded step, log-interpolated between records."""
    steps, losses = history.column("step"), history.column("objective")
    return float(np.exp(np.interp(step, steps, np.log(losses))))


@Entry(
    places=(Place(Document.THEORY, "section 1.1.1, equation 1.8, figure 1.1"),),
    shows="The order in which a network learns frequencies follows from the spectrum of its activation. The spectrum of the "
    "Ricker function with a = 0.3 decreases from wavenumber 4.7 on, and low frequencies are learned first. With a = 0.1 it "
    "increases to wavenumber 14, beyond all tones of the target, and no frequency is learned distinctly earlier than the "
    "others.",
    published=("training losses in the table below",),
    lacks="The notes state neither network nor training; both are from the notebooks beside them. The activation sin 10z of the "
    "row 'sin10' is that of the file utils.py in the folder of the notebook without antisymmetry.",
    pictures=("ricker", "ricker-losses"),
    seconds=95,
    full="`--steps 10000`, about 9 minutes on one core by extrapolation.",
)
def ricker(*, steps: int = 1000, seed: int = 0) -> Report:
    """Ricker activations, which learn low frequencies first (a = 0.3) or all at once (a = 0.1), and tanh and sin (lecture notes).

    Args:
        steps: Largest number of steps of each run; 10,000 give all printed losses.
        seed: Seed of the generator of PyTorch that draws the initial parameters; 0 in the notebooks.

    Raises:
        OptionError: If the number is below 1.
    """
    require_at_least(1, steps=steps)
    return report_of({name: row.train(steps, seed) for name, row in ROWS.items()})


def report_of(histories: Mapping[str, History]) -> Report:
    """The report on finished runs."""
    rows, worst = [], {}
    for name, history in histories.items():
        printed = {EVERY * i: loss for i, loss in enumerate(ROWS[name].losses) if EVERY * i <= history.last("step")}
        ratios = {step: loss_near(history, step) / loss for step, loss in printed.items()}
        rows += [[name, step, loss, loss_near(history, step), ratios[step]] for step, loss in printed.items()]
        later = [max(ratio, 1 / ratio) for step, ratio in ratios.items() if step]
        worst[name] = f"{name}: {max(later):.3g}" if later else f"{name}: no printed step was reached"
    tones = {name: ToneHistory.read(history) for name, history in histories.items()}
    findings = [
        "Largest factor between the losses here and the printed ones: " + "; ".join(worst.values()) + ".",
        *(_order(name, tones[name]) for name in DRAWN),
    ]
    table = Table(["network", "step", "loss, printed", "loss, here", "here / printed"], rows)
    return Report(
        "Ricker activations",
        SOURCE,
        findings,
        {"ricker-losses": table},
        {"ricker": _maps(tones), "ricker-losses": _losses(histories)},
    )


def _order(name: str, history: ToneHistory) -> str:
    halved = [history.error(i).stays_below(0.5) for i in range(len(TONES))]
    listed = ", ".join(
        f"{step} (k = {k})" if step is not None else f"never (k = {k})" for k, step in zip(TONES, halved, strict=True)
    )
    return f"{name}: first steps from which on the error of a tone stays below 0.5: {listed}."


def _maps(tones: Mapping[str, ToneHistory]) -> Figure:
    x = np.linspace(-1.0, 1.0, 801)
    wavenumbers = np.linspace(0.0, 40.0, 401)
    rows = []
    for name in DRAWN:
        activation = activation_named(ROWS[name].activation)
        values = activation(torch.from_numpy(x)).numpy()
        modulus = activation_spectrum(activation).transform(torch.from_numpy(wavenumbers)).abs().numpy()
        history = tones[name]
        rows.append(ToneMap(name, (x, values), (wavenumbers, modulus), history.steps[1:], history.errors[1:]))
    return tone_maps_figure(rows, TONES, title="Fits of sin x + sin 3x + sin 5x with Ricker activations")


def _losses(histories: Mapping[str, History]) -> Figure:
    curves: list[Curve] = []
    for name, history in histories.items():
        steps, printed = history.column("step"), np.array(ROWS[name].losses)
        places = EVERY * np.arange(len(printed))
        shown = places <= steps[-1]
        curves.append(Curve(name, [(steps, history.column("objective"))], (places[shown], printed[shown])))
    return error_curves_figure(
        {"": curves}, title="Training losses, and those that the notebooks print", xlabel="step", ylabel="mean square error"
    )


if __name__ == "__main__":
    main("ricker", ricker)

"""The features of wide ReLU networks before and after training: ``pdefreq reproduce condensation``.

The networks of `phase_diagram` at gamma' = 0 with 1000, 10,000 and 1,000,000 units. A unit a relu(w x + b) has the feature
(A, phi): the amplitude A = |a| |(w, b)| and the orientation phi, the angle of (w, b). The source states that in the linear regime
the features stay near their initial values, and that in the condensed regime the orientations of the units with large amplitudes
concentrate at a few values, so that the network has few effective neurons. The effective number of neurons is here

    N = 1 / sum_i p_i^2,    p_i the share of the sum of all amplitudes in the i-th interval of 2 degrees of the orientation,

which is 180 for amplitudes that do not depend on the orientation, and the number of orientations for equal groups of units.

Networks of a million units are trained for at most 60 steps by default, since a step takes about 0.15 s of processor time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.phase_diagram import POINTS, trained
from pdefreq.experiments.report import Report, Table, main
from pdefreq.figures.condensation import condensation_figure
from pdefreq.theory.phase_diagram import PhasePoint

SOURCE = (
    "Luo, Xu, Ma, Zhang (2021), Phase diagram for two-layer ReLU neural networks at infinite-width limit, JMLR 22(71), arXiv "
    "2007.07497, figures 1 and 4; Xu, lecture notes on phenomena of deep learning, paragraph on condensation"
)
GAMMAS = (0.5, 1.0, 1.75)
STEPS = {1000: 20_000, 10_000: 20_000, 1_000_000: 60}
INTERVALS = 180  # of the orientation
_SHOWN = 2000  # units in a figure
_GRID = 201


@dataclass(frozen=True)
class Features:
    """The features of one network, before and after training.

    Args:
        orientation: phi of each unit in degrees, (start, end), shape ``(2, m)``.
        amplitude: A, (start, end), shape ``(2, m)``.
        x: Points, shape ``(n,)``.
        u: The network at these points after training, shape ``(n,)``.
        steps: Steps of training.
        misfit: The mean square that is left.
    """

    orientation: np.ndarray
    amplitude: np.ndarray
    x: np.ndarray
    u: np.ndarray
    steps: int
    misfit: float

    @property
    def effective_neurons(self) -> tuple[float, float]:
        """N before and after training."""
        start, end = map(effective_number, self.orientation, self.amplitude)
        return start, end

    def some(self, number: int = _SHOWN) -> np.ndarray:
        """The indices of units to draw: half of them evenly from all units, half evenly from the sum of the final amplitudes."""
        order = np.argsort(self.amplitude[1])
        shares = np.cumsum(self.amplitude[1][order])
        heavy = np.searchsorted(shares, np.linspace(0, shares[-1], number // 2, endpoint=False))
        return np.union1d(order[heavy], np.linspace(0, len(order) - 1, number // 2).astype(int))


def effective_number(orientation: np.ndarray, amplitude: np.ndarray) -> float:
    """N = 1 / sum p_i^2 over intervals of the orientation.

    Args:
        orientation: Degrees in [-180, 180], shape ``(m,)``.
        amplitude: Nonnegative amplitudes, shape ``(m,)``.

    Example:
        >>> effective_number(np.array([10.0, 11.0, -90.0]), np.array([1.0, 1.0, 2.0]))
        2.0
    """
    share, _ = np.histogram(orientation, bins=INTERVALS, range=(-180, 180), weights=amplitude)
    return float(share.sum() ** 2 / (share**2).sum())


def features(gamma: float, width: int, steps: int, seed: int) -> Features:
    """Train one network, and read its features."""
    space, start, end = trained(PhasePoint(gamma, 0.0), width, seed, steps)
    both = [_of_units(space.unflatten(c)) for c in (start, end.coefficients)]
    x = np.linspace(-0.6, 0.6, _GRID)
    with torch.no_grad():
        u = space.at(torch.from_numpy(x)[:, None]).value(end.coefficients).numpy()
    orientation, amplitude = (np.stack(parts) for parts in zip(*both, strict=True))
    return Features(orientation, amplitude, x, u, int(end.memory["steps"]), float(end.memory["value"]))


def _of_units(parameters: Mapping[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """The orientations in degrees and the amplitudes of the units of both copies."""
    inner, outer, biases = (
        torch.cat([t.flatten() for name, t in parameters.items() if name.endswith(end)]).numpy()
        for end in ("weight1", "weight2", "bias1")
    )
    return np.degrees(np.arctan2(biases, inner)), np.abs(outer) * np.hypot(inner, biases)


@Entry(
    places=(Place(Document.PHENOMENA, "paragraph on condensation, figure 1.2"),),
    publication="arXiv 2007.07497, figures 1 and 4",
    shows="In the linear regime the amplitudes and orientations of the units of a two-layer ReLU network stay near their initial "
    "values. In the condensed regime the orientations concentrate, and the network has few effective neurons.",
    lacks="The source prints no number of effective neurons; its definition here is our choice.",
    full="`--steps 500` allows 500 steps with a million units, at about 0.15 s of processor time each.",
    full_pictures=False,
    seconds=31.9,
)
def condensation(
    *, seed: int = 0, steps: int = STEPS[1_000_000], gammas: Sequence[float] = GAMMAS, widths: Sequence[int] = tuple(STEPS)
) -> Report:
    """The features of two-layer ReLU networks in the linear and condensed regimes (Luo et al., 2021).

    Args:
        seed: The seed of the networks.
        steps: The largest number of steps with a million units or more.
        gammas: gamma of the networks, at gamma' = 0.
        widths: Numbers of units.
    """
    found = {(m, g): features(g, m, steps if m >= 1_000_000 else STEPS[1000], seed) for m in widths for g in gammas}
    rows = [[m, g, *of.effective_neurons, of.steps, of.misfit] for (m, g), of in found.items()]
    findings = [
        f"m = {m:,}: the effective number of neurons changes "
        + ", ".join(
            f"from {found[m, g].effective_neurons[0]:.0f} to {found[m, g].effective_neurons[1]:.3g} at gamma = {g:g}"
            for g in gammas
        )
        + "."
        for m in widths
    ]
    short = [
        f"m = {m:,}, gamma = {g:g} ({of.misfit:.1e} after {of.steps} steps)" for (m, g), of in found.items() if of.misfit > 1e-6
    ]
    findings.append(
        f"{len(found) - len(short)} of {len(found)} networks reach a mean square of 1e-6"
        + (f"; the others are {', '.join(short)}" if short else "")
        + "."
    )
    middle = min(1, len(widths) - 1)
    curves = {g: np.array([found[m, g].u for m in widths]) for g in gammas}
    kinks = {g: float(np.abs(np.diff(u[middle], 2)).max() / (np.diff(found[widths[0], g].x)[0])) for g, u in curves.items()}
    findings.append(
        f"The largest change of the slope between neighboring points of the fit with m = {widths[middle]:,}, a measure of kinks: "
        + ", ".join(f"{kink:.3g} at gamma = {g:g}" for g, kink in kinks.items())
        + "."
    )
    columns = ["m", "gamma", "N at start", "N at end", "steps", "mean square"]
    figure = condensation_figure(found, np.array(POINTS))
    return Report(
        "Condensation: features of wide ReLU networks",
        SOURCE,
        findings,
        {"features": Table(columns, rows)},
        {"condensation": figure},
    )


if __name__ == "__main__":
    main("condensation", condensation)

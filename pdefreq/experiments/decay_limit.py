"""The upper limit of the decay rate, where interpolants become spikes for alpha < d: ``pdefreq reproduce decay-limit``.

The minimizer of sum <xi>^alpha |F[h]|^2 through three points, with waves up to the integer M, is computed for increasing M. For
alpha < d its values away from the data tend to zero, like M^(alpha - d) for small alpha; for alpha > d they tend to those of a
continuous function. The paper states M = 1000 in one dimension and 100 in two, but neither the spacing of the frequencies nor the
data; here the spacing is 0.1 cycles per unit of length, and the values at x = -1/2, 0 and 1/2 are 1, -1/2 and 0.8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.figures.decay_limit import decay_limit_figure
from pdefreq.theory.decay_limit import decay_kernel

SOURCE = (
    "Luo, Ma, Wang, Xu, Zhang (2021), An upper limit of decaying rate with respect to frequency in deep neural network, arXiv "
    "2105.11675; Xu (2023), lecture notes, equation 1.33"
)
SPACING = 0.1  # cycles
PLACES, VALUES = (-0.5, 0.0, 0.5), (1.0, -0.5, 0.8)
CUTOFFS = {1: (1000, 4000, 16_000), 2: (50, 100, 200)}
RATIOS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # alpha / d
_NEAR = 0.1  # points closer to the data are excluded from the average
_LINE = 401


def on_line(dimension: int, x: Sequence[float] | np.ndarray) -> torch.Tensor:
    """Points of the first axis, shape ``(n, d)``."""
    points = torch.zeros(len(x), dimension, dtype=torch.float64)
    points[:, 0] = torch.as_tensor(np.asarray(x))
    return points


def interpolant(dimension: int, alpha: float, cutoff: int, x: np.ndarray) -> np.ndarray:
    """The minimizer through the three points, at points of the first axis."""
    kernel = decay_kernel(dimension, alpha, cutoff=cutoff, spacing=SPACING)
    return kernel.fit(on_line(dimension, PLACES), torch.tensor(VALUES, dtype=torch.float64))(on_line(dimension, x)).numpy()


def off_data(dimension: int, alpha: float, cutoff: int) -> float:
    """The root mean square of the interpolant on (-1, 1), at distances from the data of more than 0.1."""
    x = np.linspace(-1, 1, _LINE)
    away = np.abs(x[:, None] - np.array(PLACES)).min(axis=1) > _NEAR
    return float(np.sqrt(np.mean(interpolant(dimension, alpha, cutoff, x)[away] ** 2)))


def regime(dimension: int, slope: float) -> str:
    """The regime with the nearer power of M, in words: M^(-d/2) for alpha = d/2, the first example, and M^0 for a limit."""
    return "nearer to spikes" if slope < -dimension / 4 else "nearer to a limit that is not zero"


@Entry(
    places=(
        Place(Document.THEORY, "section 1.3.2, equations 1.31 to 1.34, figure 1.7"),
        Place(Document.SLIDES, "slide 'Limit of the frequency bias'"),
    ),
    publication="arXiv 2105.11675",
    shows="If the weight of a frequency grows too slowly, like |xi|^alpha with alpha < d, the interpolant of least norm is zero "
    "except at the data. A frequency bias is therefore necessary for a fit that is useful between the data points, and "
    "a stronger one is necessary in higher dimensions.",
    lacks="The source states M = 1000 and M = 100, but neither the spacing of the frequencies nor the data.",
    seconds=19.7,
)
def experiment() -> Report:
    """Interpolants of least norm become spikes if rates decrease too slowly with frequency (arXiv 2105.11675)."""
    rows, slopes = [], {}
    for d, cutoffs in CUTOFFS.items():
        for ratio in RATIOS:
            sizes = [off_data(d, ratio * d, cutoff) for cutoff in cutoffs]
            slopes[d, ratio] = float(np.polyfit(np.log(cutoffs), np.log(sizes), 1)[0])
            rows.append([d, ratio * d, *sizes, slopes[d, ratio]])
    findings = [
        f"d = 1, M = {CUTOFFS[1][0]:,} to {CUTOFFS[1][-1]:,}: the rms off the data behaves like M^{slopes[1, 0.5]:.2f} for "
        f"alpha = 0.5, {regime(1, slopes[1, 0.5])}, and like M^{slopes[1, 2.0]:.4f} for alpha = 2, {regime(1, slopes[1, 2.0])}.",
        f"d = 2, M = {CUTOFFS[2][0]:,} to {CUTOFFS[2][-1]:,}: it behaves like M^{slopes[2, 0.5]:.2f} for alpha = 1, "
        f"{regime(2, slopes[2, 0.5])}, and M^{slopes[2, 3.0]:.3f} for alpha = 6, {regime(2, slopes[2, 3.0])}.",
        f"At alpha = d the powers are M^{slopes[1, 1.0]:.2f} (d = 1) and M^{slopes[2, 1.0]:.2f} (d = 2).",
        "Theory: the limit is zero off the data for alpha < d, and a continuous function for alpha > d. The paper prints no "
        "numbers.",
    ]
    x = np.linspace(-1, 1, _LINE)
    curves = {d: {ratio * d: interpolant(d, ratio * d, CUTOFFS[d][1], x) for ratio in (0.5, 1.0, 2.0)} for d in CUTOFFS}
    figure = decay_limit_figure(x, curves, (np.array(PLACES), np.array(VALUES)), np.array(RATIOS), slopes)
    columns = ["d", "alpha", "rms, first M", "second M", "third M", "slope in M"]
    return Report("The upper limit of the decay rate", SOURCE, findings, {"sizes": Table(columns, rows)}, {"decay-limit": figure})


if __name__ == "__main__":
    main("decay-limit", experiment)

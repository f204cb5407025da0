"""Spectra of activations and the gradients of single frequencies: ``pdefreq reproduce activations``.

The experiment draws the transforms of the activations of the lecture notes, and tests Theorem 1 of the frequency principle: in a
ball of radius delta in parameter space, the fraction of points at which the gradient of a high frequency is larger in some
parameter decreases like exp(-c / delta) for tanh. For ReLU, whose spectrum decreases algebraically, the fraction does not depend
on delta. The network has one unit; the frequencies are 1 and 2, with equal amplitudes of the target. The notes print no numbers;
where they write "radius sigma", delta is meant.
"""

from __future__ import annotations

import math

import numpy as np

from pdefreq.core.streams import stream
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.activations import activations_figure
from pdefreq.studies.activation_spectra import activations
from pdefreq.theory.activation_spectra import ActivationSpectrum, activation_spectrum
from pdefreq.theory.gradient_dominance import low_frequency_share

SOURCE = (
    "Xu (2023), Understanding deep learning (lecture notes), section 1.1, equations 1.2 to 1.9 and figure 1.1; Xu, Zhang, Luo, "
    "Xiao, Ma (2020), arXiv 1901.06523, theorem 1"
)
WAVENUMBERS = (1.0, 2.0)
RADII = (2.0, 1.0, 0.7, 0.5, 0.45, 0.4, 0.35, 0.3)
_EXPONENTIAL = slice(3, 6)  # radii at which the exponent of tanh is fitted


def beyond(spectrum: ActivationSpectrum, samples: int) -> np.ndarray:
    """The fraction of points at which the high frequency has the larger gradient in some parameter, for each radius."""
    random = stream(0, "parameters")
    return np.array([1 - low_frequency_share(spectrum, WAVENUMBERS, radius, samples=samples, stream=random) for radius in RADII])


def change(before: float, after: float, samples: int) -> str:
    """Whether a fraction of random points changes, in words.

    The threshold is three standard errors of the difference, which equal fractions exceed in 0.3 % of all cases. Two points with
    different outcomes are added to each fraction, as in the interval of Agresti and Caffo (2000, The American Statistician 54),
    so that the standard error is a good approximation for few points, too, and is never zero.

    Args:
        before: The first fraction.
        after: The second fraction, of other points.
        samples: The number of points for each of them.
    """
    p, q = ((fraction * samples + 1) / (samples + 2) for fraction in (before, after))
    if abs(q - p) <= 3 * math.sqrt((p * (1 - p) + q * (1 - q)) / (samples + 2)):
        return "does not change by more than three standard errors"
    return "decreases" if q < p else "increases"


@Entry(
    places=(
        Place(Document.THEORY, "section 1.1.1, equations 1.2 to 1.9 and theorem 1; section 1.4, equations 1.36 to 1.44"),
        Place(Document.SLIDES, "slides 'Compact supported activation function'"),
    ),
    publication="arXiv 1901.06523, theorem 1; arXiv 2007.11207, section 4",
    shows="The transform of an activation decreases with the wavenumber, exponentially for tanh and like a power for ReLU, and "
    "so does its contribution to the gradient: in a small ball of parameters nearly all gradients are larger at the low "
    "frequency.",
    published=("maxima of the Ricker spectra at sqrt(2) / a: 4.71 and 14.1",),
    lacks="The notes print no measured fraction.",
    seconds=5.3,
)
def experiment(samples: int = 400_000) -> Report:
    """Fourier transforms of activations, and the share of parameters with larger gradients at low frequencies (lecture notes).

    Args:
        samples: Number of random points in parameter space for each radius.
    """
    require_at_least(1, samples=samples)
    spectra = activations()
    shares = {}
    for name in ("tanh", "relu"):
        shares[name] = np.array(RADII), beyond(activation_spectrum(spectra.found[name].activation), samples)
    radii, tanh = shares["tanh"]
    fitted = radii[_EXPONENTIAL], tanh[_EXPONENTIAL]
    if (fitted[1] > 0).all():
        exponent = -float(np.polyfit(1 / fitted[0], np.log(fitted[1]), 1)[0])
        like = f"Between 0.5 and 0.4 it behaves like exp({-exponent:.2g} / delta)."
    else:
        like = "Its exponent is not known, since at some radii k = 2 has the larger gradient at none of the random points."
    relu = shares["relu"][1]
    findings = [
        "Wavenumbers with the largest modulus: "
        + ", ".join(f"{each.peak:.3g} ({name})" for name, each in spectra.found.items() if each.peak)
        + "; closed form for Ricker: sqrt(2) / a, 4.71 and 14.1.",
        f"tanh: the share of parameters for which k = 2 has the larger gradient is {tanh[0]:.2g} at delta = 2 and "
        f"{tanh[-1]:.2g} at delta = 0.3: it {change(tanh[0], tanh[-1], samples)}. {like} The gradients themselves have a "
        f"ratio of about exp(-pi (k_2 - k_1) / (2 delta)) at |w| = delta, with the exponent {math.pi / 2:.3g}.",
        f"ReLU: the share is {relu[1:].min():.3f} to {relu[1:].max():.3f} for delta from 1 to 0.3: from {relu[1]:.4f} to "
        f"{relu[-1]:.4f} it {change(relu[1], relu[-1], samples)}.",
    ]
    rows = [[name, each.tail, each.peak] for name, each in spectra.found.items()]
    tables = {
        "activations": Table(["activation", "decay power", "wavenumber of the largest modulus"], rows),
        "shares": Table(
            ["delta", *shares], [[r, *values] for r, *values in zip(RADII, *(s[1] for s in shares.values()), strict=True)]
        ),
    }
    figure = activations_figure(spectra.found, shares)
    return Report("Spectra of activations, and gradients by frequency", SOURCE, findings, tables, {"activations": figure})


if __name__ == "__main__":
    main("activations", experiment)

"""Activations and the moduli of their Fourier transforms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.figure import Figure

from pdefreq.figures.style import METHOD_COLORS, Picture, method_style, styled

if TYPE_CHECKING:
    from pdefreq.spaces.networks.activations.activation import Activation

_SMALLEST = 1e-8  # smallest modulus that is drawn
_MONOTONE = 1 - 1e-9  # of the modulus at the smallest wavenumber: smaller differences are rounding errors


@dataclass(frozen=True, eq=False)
class DrawnActivation:
    """An activation, and the modulus of its transform.

    Args:
        activation: The activation.
        k: Wavenumbers in radians per unit, ascending, shape ``(1000,)``.
        modulus: |F(k)|, shape ``(1000,)``.
        tail: The largest power s with |F(k)| = O(k^-s); inf if it decreases faster than every power.
        closed: Whether a closed form is known; otherwise the transform is computed by quadrature.
    """

    activation: Activation
    k: np.ndarray
    modulus: np.ndarray
    tail: float
    closed: bool

    @property
    def peak(self) -> float:
        """The wavenumber with the largest modulus; 0 if the modulus is largest at the smallest wavenumber.

        Frequencies up to it are not learned in ascending order.
        """
        largest = int(self.modulus.argmax())
        return 0.0 if self.modulus[0] >= _MONOTONE * self.modulus[largest] else float(self.k[largest])


@styled
def activations_figure(
    found: Mapping[str, DrawnActivation], shares: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None
) -> Figure:
    """Panels of sigma(x) and |F(k)|, and optionally of the fraction of parameters with larger gradients at the high frequency.

    Args:
        found: Activations by name.
        shares: Radii of the ball in parameter space, and the fraction at each radius, by name of the activation.
    """
    figure = Picture(figsize=(14, 5) if shares else (12, 5))
    panels = figure.subplots(1, 3 if shares else 2)
    x = torch.linspace(-4, 4, 801, dtype=torch.float64)
    for position, (name, each) in enumerate(found.items()):
        style = method_style(position)
        panels[0].plot(x, each.activation(x), label=name, linewidth=1.6, **style)
        panels[1].plot(each.k, each.modulus, label=name, linewidth=1.6, **style)
    panels[0].set(xlabel="x", ylabel="σ(x)", title="activation", ylim=(-1.6, 3))
    panels[0].legend(fontsize=9, ncols=2, loc="upper left")
    panels[1].set(xscale="log", yscale="log", xlabel="wavenumber k", ylabel="|F(k)|", title="modulus of the Fourier transform")
    panels[1].set_ylim(_SMALLEST, 10 * max(float(each.modulus.max()) for each in found.values()))
    for (name, (radii, beyond)), color in zip((shares or {}).items(), METHOD_COLORS, strict=False):
        seen = beyond > 0
        panels[2].plot(1 / radii[seen], beyond[seen], "o-", color=color, label=name, linewidth=1.4)
    if shares:
        panels[2].set(yscale="log", xlabel="1 / δ", ylabel="1 − share of the parameters")
        panels[2].set_title("parameters for which a high frequency\nhas the larger gradient")
        panels[2].legend(fontsize=9)
    return figure

"""The spectra of activations: the reason why networks with decaying spectra learn low frequencies first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.figures.activations import DrawnActivation, activations_figure
from pdefreq.figures.notebook import Shown, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure
    from torch import Tensor


DEFAULT = ("tanh", "relu", "srelu", "phi", "sin-srelu", "ricker(0.3)", "ricker(0.1)")
_RANGE, _NUMBER = (0.1, 100.0), 1000


@dataclass(frozen=True, eq=False)
class ActivationSpectra(Shown):
    """The spectra of several activations.

    Args:
        found: Activations by name.
    """

    found: dict[str, DrawnActivation]

    def __repr__(self) -> str:
        return f"<spectra of the activations {', '.join(self.found)}>"

    def plot(self) -> Figure:
        """The activations and the moduli of their transforms."""
        return activations_figure(self.found)

    def _html(self) -> str:
        rows: list[dict[str, object]] = [
            {"activation": name, "tail": each.tail, "peak": each.peak} for name, each in self.found.items()
        ]
        return table(("activation", "tail", "peak"), rows)


def activations(*names: str | Callable[[Tensor], Tensor]) -> ActivationSpectra:
    """The Fourier transforms of activations, F(k) = int sigma(x) exp(-i k x) dx, for k from 0.1 to 100.

    Args:
        names: Names as in the option `activation`, such as ``"tanh"``, ``"ricker(0.3)"`` and ``"my_file.py:swish"``, or functions
            of a tensor; by default those of the lecture notes.

    Raises:
        UnknownNameError: If a name is unknown.
        OptionError: If an activation has no transform that is a function, such as sin.

    Example:
        >>> activations("ricker(0.1)").found["ricker(0.1)"].peak  # sqrt(2) / 0.1
        14.1...
    """
    import torch

    from pdefreq.spaces.networks.activations import activation_named
    from pdefreq.theory.activation_spectra import activation_spectrum, has_closed_form

    k = np.geomspace(*_RANGE, _NUMBER)
    found = {}
    for name in names or DEFAULT:
        activation = activation_named(name)
        spectrum = activation_spectrum(activation)
        modulus = spectrum.transform(torch.from_numpy(k)).abs().numpy()
        if not np.isfinite(modulus).all():
            raise OptionError(f"the transform of the activation '{activation.name}' is not finite")
        found[activation.name] = DrawnActivation(activation, k, modulus, spectrum.tail, has_closed_form(activation))
    return ActivationSpectra(found)

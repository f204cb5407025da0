"""The networks of the notebooks beside the lecture notes, with the initial parameters that the notebooks have.

The notebooks call ``torch.manual_seed(0)``, create all linear layers, which draws the default parameters of PyTorch, and replace
these by N(0, 1/200), layer by layer, weights first. The same calls give the same parameters: the initial losses of the networks
that do not start at zero agree with the printed ones up to 2e-6, a rounding error of single precision.

Source:
    github.com/xuzhiqin1990/understanding_dl, notebooks of the chapter on the frequency principle and their file utils.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

WIDTHS = (200, 200, 200, 100)
STD = WIDTHS[0] ** -0.5
"""The standard deviation of all parameters."""


class Layers(nn.Module):
    """A network of linear layers and an activation.

    Args:
        widths: The number of inputs, of the units of each hidden layer, and of outputs.
        activation: A function of a tensor.
    """

    def __init__(self, widths: tuple[int, ...], activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self._activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """The values at points ``(n, d)``, shape ``(n, outputs)``."""
        *hidden, last = self.layers
        for layer in hidden:
            x = self._activation(layer(x))
        return last(x)


class Difference(nn.Module):
    """N(theta_1) - N(theta_2), written as a sum in which the last layer of the second network has the opposite sign.

    Args:
        plus: The first network.
        minus: The second network; its parameters are set to those of the first one, with opposite signs in the last layer.
    """

    def __init__(self, plus: Layers, minus: Layers) -> None:
        super().__init__()
        self.plus, self.minus = plus, minus
        minus.load_state_dict(plus.state_dict())
        with torch.no_grad():
            for parameter in minus.layers[-1].parameters():
                parameter.neg_()

    def forward(self, x: Tensor) -> Tensor:
        """The values at points ``(n, d)``, shape ``(n, outputs)``."""
        return self.plus(x) + self.minus(x)


def notebook_network(activation: Callable[[Tensor], Tensor], *, antisymmetric: bool, seed: int = 0) -> nn.Module:
    """A network of one variable with hidden layers of 200, 200, 200 and 100 units and parameters from N(0, 1/200).

    Args:
        activation: A function of a tensor.
        antisymmetric: Whether it is the difference of two networks with the same initial parameters.
        seed: The seed of the generator of PyTorch; 0 in the notebooks.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = [Layers((1, *WIDTHS, 1), activation) for _ in range(1 + antisymmetric)]
        for layer in networks[0].layers:
            for parameter in layer.parameters():  # the weights, then the biases
                nn.init.normal_(parameter, std=STD)
    return Difference(*networks) if antisymmetric else networks[0]

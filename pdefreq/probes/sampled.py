"""A trial space at fixed points, evaluated in pieces that fit into the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.shapes import Coefficients, Points

_PIECE = 16384  # points at a time: a layer of 200 neurons then holds 26 MB
_PIECE_ON_CPU = 2048  # the same of a trial space on a CPU, whose layers then stay near the cache: half the time


class Sampled:
    """Members of the space of `state` at points ``(n, d)``, in its dtype and on its device."""

    def __init__(self, state: State, x: Points) -> None:
        x = x.to(state.coefficients)
        self._evaluators = [state.space.at(piece) for piece in x.split(_PIECE if x.is_cuda else _PIECE_ON_CPU)]

    def __call__(self, c: Coefficients) -> np.ndarray:
        """Values ``(n,)``, float64."""
        with torch.no_grad():
            return np.concatenate([as_array(evaluator.value(c)) for evaluator in self._evaluators])


def field_values(u: Field, x: Points) -> np.ndarray:
    """Values of a field at points ``(n, d)``, float64."""
    with torch.no_grad():
        return np.concatenate([as_array(u(piece)) for piece in x.split(_PIECE)])


def field_gradients(u: Field, x: Points) -> np.ndarray:
    """Gradients of a field at points ``(n, d)``, float64."""
    return np.concatenate([as_array(u.gradient(piece)) for piece in x.split(_PIECE)])


def as_array(values: torch.Tensor) -> np.ndarray:
    """A tensor as a float64 array."""
    return values.detach().to("cpu", torch.float64).numpy()

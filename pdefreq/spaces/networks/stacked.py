"""The interface of stacked networks that their evaluator uses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pdefreq.spaces.trial_space import Network

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.spaces.networks.embedding import FourierFeatures
    from pdefreq.spaces.networks.multiplication import Multiplication


@dataclass(frozen=True, kw_only=True)
class LayerOptions:
    """The options of the layers of any feed-forward network.

    Args:
        embedding: An input map; None for the coordinates themselves.
        residual: Whether h_(l-1) is added to h_l if both hidden layers have the same width.
        bias: Which layers have biases: ``"all"``, ``"hidden"`` (all but the last), or ``"none"``.
        adaptive: The number n of adaptive activations ``sigma(n a_l z)``, with a trainable slope a_l for each layer that is
            initially 1 / n; None for activations without slopes.
        waves: Wavevectors for initializations that use them, in radians per unit of the inputs.

    Source:
        Residual: Li, Xu, Zhang (2020), arXiv 2009.14597. Adaptive: Jagtap, Kawaguchi, Karniadakis (2020), Proc. R. Soc. A 476,
        20200334, section 2.
    """

    embedding: FourierFeatures | None = None
    residual: bool = False
    bias: Literal["all", "hidden", "none"] = "all"
    adaptive: float | None = None
    waves: tuple[tuple[float, ...], ...] = ()


class Stacked(LayerOptions, Network):
    """The sum of S feed-forward networks of equal shape, whose parameters are stacked, ``(S, out, in)``."""

    activation: str | Callable[[Tensor], Tensor]

    @property
    @abstractmethod
    def stack(self) -> int:
        """The number S of sub-networks."""

    @abstractmethod
    def weight_scales(self) -> Sequence[tuple[Tensor, float]]:
        """The fixed scales of the weights of each layer, shape ``(S or 1, out or 1, 1)``, and of its biases."""

    def modulation(self, x: Points) -> Multiplication | None:
        """The functions that multiply the S networks before they are summed, ``(S, 1, n)``; None if they are all 1."""
        return None

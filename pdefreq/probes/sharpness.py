"""The sharpness of the objective of a network along its training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream
from pdefreq.probes.probe import Measurement, Nothing, Probe
from pdefreq.spaces.trial_space import Network
from pdefreq.theory.sharpness import hessian_product, largest_eigenvalue

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.probes.iterate import Iterate
    from pdefreq.probes.target import Target

_FEWEST = 20
_ENTRIES = 2**24  # largest size of a Gauss-Newton factor that is formed at a record


@dataclass(frozen=True)
class SharpnessProbe(Probe):
    """Records ``sharpness`` and ``gauss_newton_sharpness``, the largest eigenvalues of the Hessian and of F^T F.

    Both are those of the objective at all points of the step, in the units in which the network is trained, so that gradient
    descent with the rate eta is stable below 2 / eta. They are computed by Lanczos iteration with products of the Hessian, each
    of which takes about as long as two gradients. Nothing is recorded for methods that do not train a network, and
    ``gauss_newton_sharpness`` is nan if F has more than 2^24 entries.

    Args:
        products: Largest number of products at a record, at least 20. A smaller number bounds the time of a record; if it is
            reached, the value is a lower bound.
    """

    products: int = 100

    def __post_init__(self) -> None:
        if not isinstance(self.products, int) or isinstance(self.products, bool) or self.products < _FEWEST:
            raise OptionError(f"`products` must be a whole number, at least {_FEWEST}, got {self.products!r}")

    def prepare(
        self, target: Target, iterate: Iterate, *, discrete_solution: Iterate | None, facts: Mapping[str, Any]
    ) -> Measurement:
        if iterate.functional is None or not isinstance(iterate.space, Network):
            return Nothing()
        return SharpnessMeasurement(self.products)


class SharpnessMeasurement(Measurement):
    """The sharpness of each iterate; nan for those without an objective."""

    def __init__(self, products: int) -> None:
        self._products = products

    def __call__(self, iterate: Iterate) -> Mapping[str, Any]:
        c, functional = iterate.coefficients, iterate.functional
        if c is None or functional is None:
            return {"sharpness": np.nan, "gauss_newton_sharpness": np.nan}
        start = random_start(c)
        return {
            "sharpness": largest_eigenvalue(hessian_of(functional, c), start, self._products),
            "gauss_newton_sharpness": self._of_gauss_newton(functional, c, start),
        }

    def _of_gauss_newton(self, functional: Functional, c: Tensor, start: Tensor) -> float:
        if functional.num_rows * len(c) > _ENTRIES:
            return np.nan
        factor = functional.gauss_newton_factor(c).detach()
        return largest_eigenvalue(lambda v: factor.T @ (factor @ v), start, self._products)


def random_start(c: Tensor) -> Tensor:
    """The vector ``(P,)`` with which the iterations start."""
    return torch.randn(len(c), generator=stream(0, "sharpness"), dtype=torch.float64).to(c)


def hessian_of(functional: Functional, c: Tensor) -> Callable[[Tensor], Tensor]:
    """The product of the Hessian of an objective with a vector ``(P,)``."""

    def gradient(c: Tensor) -> Tensor:
        value = torch.stack(list(functional.terms(c).values())).sum()
        return torch.autograd.grad(value, c, create_graph=True)[0]

    return hessian_product(gradient, c)

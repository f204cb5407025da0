"""A model that is linearized in its coefficients, and predictions for methods without an exact theory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import torch

from pdefreq.theory.dynamics import LinearDynamics, dynamics_from_factor

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.theory.dynamics import SpectralFilter


@dataclass(frozen=True)
class Linearization:
    """An objective that is quadratic near a start, with q watched quantities that are linear in the coefficients.

    Args:
        factor: The Gauss-Newton factor F, shape ``(rows, P)``.
        probe: The Jacobian J of the watched quantities, shape ``(q, P)``, real or complex.
        gradient: The gradient G of the objective, shape ``(P,)``.
        start: The watched errors e(0), shape ``(q,)``, of the dtype of `probe`.
    """

    factor: Tensor
    probe: Tensor
    gradient: Tensor
    start: Tensor

    def dynamics(self) -> LinearDynamics:
        """The dynamics along the eigenvectors of the kernel F F^T."""
        return dynamics_from_factor(self.factor, self.probe, self.gradient, self.start)

    def reduced(self) -> Linearization:
        """The same model with a square factor, if it has more rows than coefficients."""
        return replace(self, factor=torch.linalg.qr(self.factor, mode="r").R)


class Guide(Protocol):
    """A prediction of errors for a method without an exact theory."""

    @property
    def note(self) -> str:
        """The source and the assumptions."""
        ...

    def errors(self, model: Linearization, steps: Tensor) -> Tensor:
        """The watched errors after numbers of steps, ascending, shape ``(len(steps), q)``."""
        ...


@dataclass(frozen=True)
class FilterGuide:
    """The guide by a spectral filter whose parameters are assumed.

    Args:
        method: The filter.
        note: The source and the assumptions.
    """

    method: SpectralFilter
    note: str

    def errors(self, model: Linearization, steps: Tensor) -> Tensor:
        """See `Guide`."""
        return model.dynamics().errors(self.method, steps)

"""Phase-shift networks (PhaseDNN), which learn each band of frequencies at low frequency and shift it to its place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.feed_forward import FeedForward
from pdefreq.spaces.networks.multiplication import GivenFunction, Multiplication

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain


@dataclass(frozen=True)
class PhaseShiftSpace(FeedForward):
    """PhaseDNN with real phases: ``u = sum_m A_m(x) cos(omega_m . x) + B_m(x) sin(omega_m . x)`` with networks A_m, B_m.

    If the embedding has a frame, phases are measured from its origin.

    Args:
        domain: The domain of the inputs.
        frequencies: The angular wavevectors omega_m. For omega_m = 0 there is no B_m.
        widths: The number of units in each hidden layer of each A_m and B_m.
        activation: The name of the activation function sigma, or a function of a tensor.
        initialization: Name of the initialization of the parameters.
        initialization: How parameters are drawn.

    Raises:
        OptionError: If there is no frequency, a frequency does not have d components, or `widths` is empty.
        UnknownNameError: If the activation or the initialization is unknown.

    Source:
        Cai, Li, Liu (2020), A phase shift deep neural network for high frequency approximation and wave problems, SIAM J. Sci.
        Comput. 42(5), section 3: the coupled form.
    """

    domain: Domain
    frequencies: tuple[tuple[float, ...], ...]
    widths: tuple[int, ...]
    activation: str | Callable[[Tensor], Tensor] = "tanh"
    initialization: str = "tiled"

    def __post_init__(self) -> None:
        super().__post_init__()
        dimension = self.domain.dimension
        if not self.frequencies:
            raise OptionError("a phase-shift network needs at least one of `frequencies`, got none")
        for omega in self.frequencies:
            if len(omega) != dimension:
                raise OptionError(
                    f"each of `frequencies` must have as many components as there are coordinates, {dimension}, got {list(omega)}"
                )

    @property
    def unit_scales(self) -> Tensor:
        return torch.ones(len(self.phases[0]), self.widths[0], 1, dtype=torch.float64)

    @property
    def phases(self) -> tuple[Tensor, Tensor]:
        """The wavevectors omega, ``(S, d)``, and shifts, ``(S,)``, of the factors ``sin(omega . x + shift)`` of the networks."""
        cosines = [(omega, math.pi / 2) for omega in self.frequencies]
        sines = [(omega, 0.0) for omega in self.frequencies if any(omega)]
        omega, shift = zip(*cosines, *sines, strict=True)
        return torch.tensor(omega, dtype=torch.float64), torch.tensor(shift, dtype=torch.float64)

    def modulation(self, x: Points) -> Multiplication:
        omega, shift = self.phases
        if self.embedding is not None and self.embedding.frame is not None:
            x = x - x.new_tensor(self.embedding.frame.origin)
        return Multiplication(_Waves(omega.to(x), shift.to(x), x))

    @property
    def _last_bias(self) -> tuple[int, ...]:
        return (self.stack, 1, 1)


class _Waves(GivenFunction):
    """The functions ``sin(omega_s . x + shift_s)``, one for each of the S networks; the leading axes are (S, 1)."""

    def __init__(self, omega: Tensor, shift: Tensor, x: Points) -> None:
        self._omega = omega[:, None, :, None]  # (S, 1, d, 1)
        angle = (omega @ x.T + shift[:, None])[:, None]
        self._sine, self._cosine = torch.sin(angle), torch.cos(angle)
        self._squared = omega.square().sum(dim=1)[:, None, None]

    def value(self) -> Tensor:
        return self._sine

    def gradient(self) -> Tensor:
        return self._omega * self._cosine.unsqueeze(-2)

    def laplacian(self) -> Tensor:
        return -self._squared * self._sine

    def hessian(self) -> Tensor:
        return -self._omega.unsqueeze(-2) * self._omega.unsqueeze(-3) * self._sine[..., None, None, :]

    def gradient_of_laplacian(self) -> Tensor:
        return -self._squared.unsqueeze(-2) * self.gradient()

    def third_derivatives(self) -> Tensor:
        omega = self._omega
        return -(omega.unsqueeze(-2) * omega.unsqueeze(-3)).unsqueeze(-2) * self.gradient()[..., None, None, :, :]

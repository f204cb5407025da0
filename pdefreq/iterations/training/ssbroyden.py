"""The self-scaled Broyden method, a quasi-Newton method with a dense inverse Hessian."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from pdefreq.iterations.training.quasi_newton import QuasiNewtonStepper

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.iterations.training.steppers import Memory


@dataclass(frozen=True)
class SsBroydenStepper(QuasiNewtonStepper):
    """Updates from the Broyden family, with a scaling of the previous matrix that limits its largest eigenvalues.

    Source:
        Urban, Stefanou, Pons (2025), J. Comput. Phys. 523, 113656, arXiv 2405.04230, equations 13-23; Kiyani, Shukla, Urban,
        Darbon, Karniadakis (2025), CMAME 446, 118308, arXiv 2501.16371; parameters by Al-Baali (1998), Comput. Optim. Appl. 9.
    """

    title = "the self-scaled Broyden method"

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return super().memory(c) | {"inverse_hessian": c.new_zeros(len(c), len(c))}

    def direction(self, memory: Memory) -> Tensor:
        return -(memory["inverse_hessian"] @ memory["gradient"])

    def update(self, memory: Memory, step: Tensor, change: Tensor, load: Tensor) -> None:
        first = not memory["kept"]
        if first:  # the direction used a multiple of the identity, which the first scaling removes
            h = torch.eye(len(step), dtype=step.dtype, device=step.device) * (step.norm() / load.norm())
        else:
            h = memory["inverse_hessian"]
        memory["inverse_hessian"] = updated(h, step, change, load, first=first)
        memory["kept"] = memory["kept"] + 1


class Scaling(NamedTuple):
    """The parameters of an update.

    Args:
        tau: The divisor of the previous inverse Hessian.
        phi: The parameter of the Broyden family for the inverse: 1 for BFGS, 0 for DFP.
    """

    tau: float
    phi: float

    @classmethod
    def of(cls, b: float, h: float, number: int, *, first: bool) -> Scaling:
        """The parameters for ``b = s^T B s / s^T y`` and ``h = y^T H y / s^T y``, whose product is at least 1.

        Args:
            b: The curvature of the previous matrix over that of the objective.
            h: The same ratio for the inverse matrices.
            number: P.
            first: Whether H is a multiple of the identity, which is then scaled to the size of the inverse Hessian.
        """
        a = b * h - 1
        if a <= number * 2.0**-52:  # y is parallel to B s up to rounding: the update is the same for every phi
            return cls(h if first else min(1.0, 1 / b), 1.0)
        root = math.sqrt(a / (1 + a))
        rho_minus = min(1.0, h / ((1 + a) * (1 + root)))  # h (1 - root) without cancellation
        theta = max((rho_minus - 1) / a, min(1 / rho_minus, (1 - b) / b))
        sigma = 1 + a * theta
        if first:
            tau = h / sigma
        else:
            rho, power = min(1.0, 1 / b), sigma ** (1 / (1 - number))
            tau = min(rho * power, sigma) if theta <= 0 else rho * min(power, 1 / theta)
        return cls(tau, (1 - theta) / sigma)


def updated(h: Tensor, s: Tensor, y: Tensor, load: Tensor, *, first: bool = False) -> Tensor:
    """The next inverse Hessian H+, symmetric and positive definite with ``H+ y = s``.

    ``H+ = (H - H y y^T H / y^T H y + phi y^T H y v v^T) / tau + s s^T / s^T y`` with ``v = s / s^T y - H y / y^T H y``.

    Args:
        h: H, symmetric and positive definite, ``(P, P)``.
        s: The step, ``(P,)``.
        y: The change of the gradient, with s . y > 0, ``(P,)``.
        load: B s with the inverse B of H, ``(P,)``.
        first: Whether H is a multiple of the identity that says nothing on the size of the inverse Hessian.
    """
    curvature, hy = float(s.dot(y)), h @ y
    yhy = float(y.dot(hy))
    tau, phi = Scaling.of(float(s.dot(load)) / curvature, yhy / curvature, len(s), first=first)
    v = s / curvature - hy / yhy
    found = h / tau
    for factor, vector in ((-1 / (tau * yhy), hy), (phi * yhy / tau, v), (1 / curvature, s)):
        found += factor * torch.outer(vector, vector)  # in this order the matrix stays symmetric to the last bit
    return found

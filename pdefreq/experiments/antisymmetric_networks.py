"""The networks of the experiment on antisymmetric initialization, and their losses for a constant kernel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.probes.sampled import as_array
from pdefreq.solvers.network_methods import regression
from pdefreq.theory.dynamics import GradientDescentFilter
from pdefreq.theory.infinite_width import wide_kernels
from pdefreq.theory.ntk import kernel

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.solvers.network_solver import NetworkSolver

OUTER_STD = 10.0
"""The standard deviation of the output weights."""
POINTS = 10
_STABLE = 0.45  # of the learning rate at which the plain network of infinite width becomes unstable


def places(seed: int) -> torch.Tensor:
    """Ten random points of (-1, 1), ascending, shape ``(10,)``."""
    return (2 * torch.rand(POINTS, generator=stream(seed, "points"), dtype=torch.float64) - 1).sort().values


def wide_kernel(x: torch.Tensor, *, doubled: bool = False) -> torch.Tensor:
    """The kernel of the gradient of the mean square error at infinite width, ``(n, n)``; the last bias adds 1.

    With output weights of standard deviation s the contributions of the inner layers are s^2 times those for s = 1.

    Args:
        x: Points, shape ``(n,)``.
        doubled: Whether the last hidden layer is doubled: twice the contributions of the last two layers, none of the first.
    """
    one, two = (wide_kernels(x[:, None], hidden_layers=number) for number in (1, 2))
    first = one.tangent - one.covariance  # contributions to the argument of the second layer, whose covariance is that plus 1
    slopes = (two.tangent - two.covariance) / (one.covariance + 1 + first)
    inner = OUTER_STD**2 * slopes * (one.covariance + 1), OUTER_STD**2 * slopes * first
    kernel = 2 * (two.covariance + inner[0]) if doubled else two.covariance + sum(inner)
    return 2 / len(x) * (kernel + 1)


def learning_rate(x: torch.Tensor) -> float:
    """0.45 * 2 / kappa_1 with the largest eigenvalue of the kernel at infinite width."""
    return _STABLE * 2 / float(torch.linalg.eigvalsh(wide_kernel(x))[-1])


def mean_wide_losses(x: torch.Tensor, y: torch.Tensor, rate: float, steps: int) -> dict[str, float]:
    """The loss after gradient descent at infinite width, its mean over initial functions; plain and RND have the same."""
    initial = OUTER_STD**2 * wide_kernels(x[:, None], hidden_layers=2).covariance
    losses = {}
    for name, doubled, start in (("plain, RND", False, initial), ("ASI", False, 0 * initial), ("doubled", True, 0 * initial)):
        kappa, v = torch.linalg.eigh(wide_kernel(x, doubled=doubled))
        size = (v.T @ y).square() + torch.einsum("ij,ik,kj->j", v, start, v)
        losses[name] = float(((1 - rate * kappa) ** (2 * steps) * size).mean())
    return losses


def _linear_losses(width: int, name: str, x: torch.Tensor, y: torch.Tensor, rate: float, steps: int, seed: int) -> np.ndarray:
    """The losses of one method; see `linear_losses`."""
    factor, start = METHODS[name]
    space = solver(factor * width, start, rate).network.on(Box((-1.0,), (1.0,)))
    with torch.no_grad():
        c = space.initialize(stream(seed, "initialization"))
        at = space.at(x[:, None])
        kappa, v = torch.linalg.eigh(2 / len(x) * kernel(at.jacobian_factors(c)))
        size = (v.T @ (at.value(c) - y)).square()
        left = GradientDescentFilter(rate).residual_polynomial(kappa.clamp_min(0), torch.arange(1.0, steps + 1).double())
        return as_array((left.square() * size).mean(dim=1))


def solver(width: int, start: str, rate: float) -> NetworkSolver:
    """Gradient descent on two hidden layers of equal width in the NTK parametrization."""
    power = -math.log(OUTER_STD) / math.log(width)  # output weights m^-power = `OUTER_STD`, factor m^-1/2
    return regression().with_options(
        widths=(width, width),
        activation="relu",
        initialization=f"phase({power + 0.5!r},{power!r})",
        start=start,
        optimizer="gd",
        learning_rate=rate,
        half_life=None,
        scaling="none",
    )


METHODS = {"plain": (1, "null"), "ASI": (1, "antisymmetric"), "doubled": (1, "doubled"), "RND": (2, "null")}
"""The factor of the width, and the option `start`."""


def linear_losses(width: int, steps: int, seed: int, rate: float | None = None) -> dict[str, np.ndarray]:
    """The losses of the linearized networks of all methods after 1, ..., `steps` steps of gradient descent, each ``(steps,)``.

    With the eigenvectors v_j and eigenvalues kappa_j of the kernel at initialization, they are the mean over the n points of the
    squares of (1 - rate kappa_j)^t v_j.(h_ini(X) - y). The kernel is that of the network itself, not of infinite width. Its
    computation takes as long as a step of training.

    Args:
        width: Units of both hidden layers of the plain network.
        steps: The number of steps.
        seed: The seed of the points and of the networks.
        rate: The learning rate; by default `learning_rate`.
    """
    x = places(seed)
    rate = learning_rate(x) if rate is None else rate
    return {name: _linear_losses(width, name, x, torch.sin(4 * x), rate, steps, seed) for name in METHODS}

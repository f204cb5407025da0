"""The LFP model of data: the interpolant to which a wide two-layer ReLU network converges, and its limits."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.theory.fourier_fit import FourierFit
    from pdefreq.theory.lfp import Moments

_LINE = 800  # number of points at which functions of one variable are compared


@dataclass(frozen=True, eq=False)
class LfpModel:
    """The solution of the linear frequency principle for data.

    Args:
        x: Training points, shape ``(n, d)``.
        y: Training values, shape ``(n,)``.
        moments: E[r^3] and E[a^2 r] of the initial weights.
        fit: The solution of the ridge regression.
        ridge: epsilon of the ridge regression.
    """

    x: Tensor
    y: Tensor
    moments: Moments
    fit: FourierFit
    ridge: float

    def __call__(self, points: Tensor | np.ndarray) -> np.ndarray:
        """The LFP solution at points ``(n, d)`` or, in one dimension, ``(n,)``."""
        import torch

        points = torch.as_tensor(points, dtype=torch.float64)
        return self.fit(points[:, None] if points.ndim == 1 else points).numpy()

    @functools.cached_property
    def line(self) -> np.ndarray:
        """Uniform points between the smallest and the largest training point, in one dimension, shape ``(800,)``."""
        return np.linspace(float(self.x.min()), float(self.x.max()), _LINE)

    @functools.cached_property
    def splines(self) -> dict[str, np.ndarray]:
        """The natural cubic spline and the piecewise linear interpolant at `line`; empty in more than one dimension.

        They minimize int |h''|^2 and int |h'|^2 among the interpolants, and are the limits of the LFP solution if the first or
        the second term of gamma^2 dominates. Where points coincide, the splines have the mean of their values, as a fit of least
        squares has.
        """
        from scipy.interpolate import CubicSpline

        if self.x.shape[1] > 1:
            return {}
        x, place, count = np.unique(self.x[:, 0].numpy(), return_inverse=True, return_counts=True)
        if len(x) < 2:
            return {}
        y = np.bincount(place, weights=self.y.numpy()) / count
        return {
            "natural cubic spline": CubicSpline(x, y, bc_type="natural")(self.line),
            "linear interpolant": np.interp(self.line, x, y),
        }

    def during(self, points: Tensor | np.ndarray, steps: Sequence[float] | np.ndarray) -> np.ndarray:
        """The model during gradient descent with the rate 1 / kappa_1, h(t) = K(., X) K^-1 (I - (I - K / kappa_1)^t) y.

        Args:
            points: Shape ``(q, d)`` or, in one dimension, ``(q,)``.
            steps: t, shape ``(T,)``.

        Returns:
            Shape ``(T, q)``.
        """
        import torch

        points = torch.as_tensor(points, dtype=torch.float64)
        cross = self.fit.kernel(points[:, None] if points.ndim == 1 else points, self.x)
        values, vectors = self._eigenpairs
        left = (1 - values / values[-1]) ** torch.as_tensor(steps, dtype=torch.float64)[:, None]
        return (((1 - left) * (vectors.T @ self.y / values)) @ vectors.T @ cross.T).numpy()

    @property
    def time_constants(self) -> np.ndarray:
        """Steps kappa_1 / kappa_i after which the residual along eigenvector i has decreased by a factor e, ascending."""
        values, _ = self._eigenpairs
        return (values[-1] / values).flip(0).numpy()

    @functools.cached_property
    def _eigenpairs(self) -> tuple[Tensor, Tensor]:
        """The eigenvalues, ascending, and the eigenvectors of K + ridge at the training points."""
        import torch

        ridge = self.ridge * torch.eye(len(self.x), dtype=torch.float64)
        return torch.linalg.eigh(self.fit.kernel(self.x) + ridge)

"""The sharpness of an objective, the largest eigenvalue of its Hessian or of its Gauss-Newton matrix, by Lanczos iteration.

Gradient descent with the rate eta decreases a quadratic objective only if the sharpness is below 2 / eta; `Descent` has the
limits of methods with momentum and with a preconditioner.

Source:
    Cohen, Kaur, Li, Kolter, Talwalkar (2021), Gradient descent on neural networks typically occurs at the edge of stability,
    arXiv 2103.00065; Cohen et al. (2022), Adaptive gradient methods at the edge of stability, arXiv 2207.14484.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

_TOLERANCE = 1e-4  # relative error of an eigenvalue
_DENSE = 12  # largest size of a matrix that is formed


def largest_eigenvalue(product: Callable[[Tensor], Tensor], start: Tensor, products: int = 100) -> float:
    """The largest eigenvalue of a symmetric matrix, to a relative error of 1e-4.

    Args:
        product: The product of the matrix with a vector ``(P,)``.
        start: A random vector, ``(P,)``, with which the iteration starts, and whose dtype and device products use.
        products: Largest number of products, at least 20, after which the result is a lower bound.

    Returns:
        The eigenvalue, float64; nan if a product is not finite.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    size, finite = len(start), True

    def applied(v: np.ndarray) -> np.ndarray:
        nonlocal finite
        found = product(torch.from_numpy(v.reshape(-1).copy()).to(start)).detach().double().cpu().numpy()
        finite = finite and bool(np.isfinite(found).all())
        return np.where(np.isfinite(found), found, 0.0)

    if size <= _DENSE:
        matrix = np.stack([applied(unit) for unit in np.eye(size)], axis=1)
        return float(np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1]) if finite else float("nan")
    matrix = LinearOperator((size, size), matvec=applied, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    vectors = min(size, 20)
    restarts = max(1, (products - vectors) // (vectors - 1))
    first = start.detach().double().cpu().numpy()
    if not applied(first).any():  # the matrix is zero, or its product is not finite
        return 0.0 if finite else float("nan")
    try:
        options = {"v0": first, "ncv": vectors, "maxiter": restarts, "tol": _TOLERANCE}
        value = float(eigsh(matrix, k=1, which="LA", return_eigenvectors=False, **options)[0])  # pyright: ignore[reportArgumentType]
    except ArpackNoConvergence:
        value = _rayleigh_ritz(applied, first, vectors)
    return value if finite else float("nan")


def _rayleigh_ritz(product: Callable[[np.ndarray], np.ndarray], start: np.ndarray, vectors: int) -> float:
    """The largest eigenvalue on a Krylov space, a lower bound."""
    basis = [start / np.linalg.norm(start)]
    images = []
    for _ in range(vectors):
        images.append(product(basis[-1]))
        rest = images[-1].copy()
        for _ in range(2):  # once more, for orthogonality
            for q in basis:
                rest -= (q @ rest) * q
        if (norm := np.linalg.norm(rest)) <= 1e-14 * np.linalg.norm(images[-1]):
            break
        basis.append(rest / norm)
    q, a = np.stack(basis[: len(images)]), np.stack(images)
    projected = q @ a.T
    return float(np.linalg.eigvalsh((projected + projected.T) / 2)[-1])


def hessian_product(gradient: Callable[[Tensor], Tensor], c: Tensor) -> Callable[[Tensor], Tensor]:
    """The product of the Hessian with a vector, by one reverse pass through the gradient.

    Args:
        gradient: The gradient as a differentiable function of the coefficients.
        c: The coefficients, ``(P,)``.
    """
    c = c.detach().requires_grad_(True)
    with torch.enable_grad():
        slope = gradient(c)

    def product(v: Tensor) -> Tensor:
        if not slope.requires_grad:
            return torch.zeros_like(v)
        (found,) = torch.autograd.grad(slope, c, v, retain_graph=True, allow_unused=True)
        return torch.zeros_like(v) if found is None else found

    return product


@dataclass(frozen=True)
class Descent:
    """A method of first order while its preconditioner P is constant: ``m <- momentum m + weight g``, ``c <- c - rate P^-1 m``.

    Gradient descent has the momentum 0 and the weight 1, the heavy ball method the weight 1, and Adam the weight 1 - momentum.

    Args:
        rate: The learning rate eta.
        momentum: The momentum parameter beta in [0, 1).
        weight: The factor w of the gradient.
        preconditioner: The diagonal of P, shape ``(P,)``; None for the identity.

    Example:
        >>> Descent(rate=0.1).stable_sharpness, round(Descent(rate=0.1, momentum=0.9, weight=0.1).stable_sharpness)
        (20.0, 380)
    """

    rate: float
    momentum: float = 0.0
    weight: float = 1.0
    preconditioner: Tensor | None = None

    @property
    def stable_sharpness(self) -> float:
        """The largest eigenvalue of P^-1 H up to which a quadratic objective does not increase, (2 + 2 beta) / (w eta)."""
        return (2 + 2 * self.momentum) / (self.weight * self.rate)

    @property
    def gain(self) -> float:
        """The factor w / (1 - beta): a mode with a small eigenvalue kappa of P^-1 H decays by exp(-gain eta kappa) in a step."""
        return self.weight / (1 - self.momentum)

    def preconditioned(self, product: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The product with P^(-1/2) H P^(-1/2), which has the eigenvalues of P^-1 H, from that with H."""
        if self.preconditioner is None:
            return product
        scaling = self.preconditioner.rsqrt()
        return lambda v: scaling * product(scaling * v)

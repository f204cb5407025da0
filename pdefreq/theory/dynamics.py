r"""The exact dynamics of a linearized model: the error of each mode for a constant tangent kernel.

Let G be the gradient of the objective in the coefficients at the start, and F the factor of its Gauss-Newton matrix,
F^T F = sum_j kappa_j w_j w_j^T, so that the kappa_j are also the eigenvalues of the kernel K = F F^T. Let J be the Jacobian
of the watched quantities: u at points, or the amplitudes V^T u of modes. After t steps, every method here has changed the
coefficients by -phi_t(F^T F) G, hence

    e(t) = e(0) - sum_j phi_t(kappa_j) (J w_j) (w_j^T G) - phi_t(0) J G_0,    phi_t(kappa) = (1 - g_t(kappa)) / kappa,

where g_t is the factor by which the method has multiplied the residual along an eigenvector of the kernel, and G_0 the part of G
in the null space of F. A method is described by its g_t: (1 - eta kappa)^t for gradient descent, exp(-kappa t) for its flow,
(lambda / (kappa + lambda))^t for Gauss-Newton; with momentum it follows a recurrence of three terms.

For a least-squares loss |r|^2 / 2 the gradient is G = F^T r(0). Then G_0 = 0, w_j^T G = sqrt(kappa_j) u_j^T r(0), and
e(t) = e(0) - J F^T K^+ (I - g_t(K)) r(0). A Ritz energy whose load lies outside the range of F^T has G_0 != 0. As a sum over
quadrature points, it has no minimum, and the error eventually grows like t.

**Null spaces.** No pseudo-inverse is formed: phi_t(kappa) tends to phi_t(0) as kappa tends to 0, so eigenvalues at the rounding
level can be assigned to the null space continuously. Powers are computed from log |1 - eta kappa|, accurate for small eta kappa.

Source:
    Jacot, Gabriel, Hongler (2018), Neural tangent kernel; Lee et al. (2019), Wide neural networks of any depth evolve as linear
    models, arXiv 1902.06720.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from pdefreq.theory.rounding import above_rounding

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.theory.kernel_modes import RayleighQuotients


class SpectralFilter(ABC):
    """The action of a method on each eigenvector of the kernel, as a function of its eigenvalue.

    Source:
        Engl, Hanke, Neubauer (1996), Regularization of Inverse Problems, for filter functions; Hanke (1995), Conjugate Gradient
        Type Methods for Ill-Posed Problems, for residual polynomials.
    """

    @abstractmethod
    def log_residual_polynomial(self, kappa: Tensor) -> Tensor:
        """The logarithm of |g_(t+1) / g_t| for large t, shape ``(k,)``; -inf where g_1 = 0. It is log |g_1| without momentum."""

    @abstractmethod
    def slope(self, kappa: Tensor) -> Tensor:
        """The displacement phi_1 of one step per unit of gradient, shape ``(k,)``."""

    def first(self, kappa: Tensor) -> Tensor:
        """The relative decrease 1 - g_1 along an eigenvector in the first step, shape ``(k,)``."""
        return kappa * self.slope(kappa)

    def alternates(self, kappa: Tensor) -> Tensor:
        """Whether g_1 is negative, so that the sign of the error changes in every step."""
        return torch.zeros_like(kappa, dtype=torch.bool)

    def residual_polynomial(self, kappa: Tensor, steps: Tensor) -> Tensor:
        """The residual polynomial g_t, shape ``(len(steps), k)``.

        It is a polynomial for gradient descent, a rational function for Gauss-Newton, and an exponential for gradient flow.
        """
        size = torch.exp(self._log_residual_polynomial(kappa, steps))
        return torch.where(self.alternates(kappa) & (steps[:, None] % 2 == 1), -size, size)

    def filter_function(self, kappa: Tensor, steps: Tensor) -> Tensor:
        """The filter function phi_t = (1 - g_t) / kappa, shape ``(len(steps), k)``; phi_t(0) is its limit t phi_1(0)."""
        alternating = self.alternates(kappa) & (steps[:, None] % 2 == 1)
        log = self._log_residual_polynomial(kappa, steps)
        gone = torch.where(alternating, 1 + torch.exp(log), -torch.expm1(log))
        return torch.where(kappa > 0, gone / kappa.where(kappa > 0, 1), steps[:, None] * self.slope(kappa))

    def _log_residual_polynomial(self, kappa: Tensor, steps: Tensor) -> Tensor:
        product = steps[:, None] * self.log_residual_polynomial(kappa)
        return torch.where(steps[:, None] == 0, 0, product)  # 0 times -inf


@dataclass(frozen=True)
class GradientDescentFilter(SpectralFilter):
    """``c <- c - eta G``: g_t = (1 - eta kappa)^t; it diverges along eigenvectors with eigenvalues above 2 / eta.

    Args:
        rate: eta, the learning rate.
    """

    rate: float
    limit: ClassVar[str] = "2 / kappa_1"

    @property
    def stable_below(self) -> float:
        """The smallest eigenvalue along which the method does not converge."""
        return 2 / self.rate

    def log_residual_polynomial(self, kappa: Tensor) -> Tensor:
        step = self.rate * kappa
        return torch.where(step < 1, torch.log1p(-step.clamp(max=1)), torch.log((step - 1).clamp(min=0)))

    def slope(self, kappa: Tensor) -> Tensor:
        return torch.full_like(kappa, self.rate)

    def alternates(self, kappa: Tensor) -> Tensor:
        return self.rate * kappa > 1


@dataclass(frozen=True)
class HeavyBallFilter(SpectralFilter):
    """``v <- mu v + G``, ``c <- c - eta v``: g_0 = 1, g_1 = 1 - eta kappa, g_(t+1) = (1 + mu - eta kappa) g_t - mu g_(t-1).

    With the roots r and q of z^2 - (1 + mu - eta kappa) z + mu, |r| >= |q|, the solution is
    g_t = (1 - b) r^t + b q^t with b = (r - g_1) / (r - q). The roots are real for small kappa, and complex with the modulus
    sqrt(mu) for (1 - sqrt(mu))^2 < eta kappa < (1 + sqrt(mu))^2.

    Args:
        rate: eta, the learning rate.
        momentum: mu in (0, 1).

    Source:
        Polyak (1964), Some methods of speeding up the convergence of iteration methods.
    """

    rate: float
    momentum: float
    limit: ClassVar[str] = "2 (1 + momentum) / kappa_1"

    @property
    def stable_below(self) -> float:
        """The smallest eigenvalue along which the method does not converge."""
        return 2 * (1 + self.momentum) / self.rate

    def log_residual_polynomial(self, kappa: Tensor) -> Tensor:
        slow, fast, _ = self._roots(kappa)
        return torch.maximum((1 - slow).abs(), fast.abs()).log()

    def slope(self, kappa: Tensor) -> Tensor:
        return torch.full_like(kappa, self.rate)

    def residual_polynomial(self, kappa: Tensor, steps: Tensor) -> Tensor:
        return 1 - kappa * self.filter_function(kappa, steps)

    def filter_function(self, kappa: Tensor, steps: Tensor) -> Tensor:
        t, mu, eta = steps[:, None].to(kappa), self.momentum, self.rate
        slow, fast, share = self._roots(kappa)
        # 1 - g_t = (1 - b)(1 - r^t) + b (1 - q^t); the logarithm of r = 1 - s keeps the digits of a small s
        gone = (1 - share) * -torch.expm1(t * torch.log1p(-slow)) + share * (1 - fast**t)
        free = eta / (1 - mu) * (t - mu * (1 - mu**t) / (1 - mu))
        return torch.where(kappa > 0, gone.real / kappa.where(kappa > 0, 1), free)

    def _roots(self, kappa: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """1 - r, q and b, complex, shape ``(k,)``. Double roots are separated by 1e-5, which changes g_t by about 1e-10."""
        step = self.rate * kappa
        b = 1 - self.momentum + step
        square = b.square() - 4 * step
        square = torch.where(square.abs() < _DOUBLE, square.new_tensor(_DOUBLE), square)
        root = square.to(torch.complex128).sqrt()
        backward = 1 + self.momentum - step < 0  # the other root has the larger modulus
        slow = torch.where(backward, (b + root) / 2, 2 * step / (b + root))
        fast = self.momentum / (1 - slow)
        return slow, fast, (step - slow) / ((1 - slow) - fast)


_DOUBLE = 1e-10


@dataclass(frozen=True)
class GradientFlowFilter(SpectralFilter):
    """``dc/dt = -G``: g_t = exp(-kappa t), the limit of gradient descent with t = eta times the number of steps."""

    def log_residual_polynomial(self, kappa: Tensor) -> Tensor:
        return -kappa

    def slope(self, kappa: Tensor) -> Tensor:
        return torch.where(kappa > 0, -torch.expm1(-kappa) / kappa.where(kappa > 0, 1), 1)


@dataclass(frozen=True)
class GaussNewtonFilter(SpectralFilter):
    """The Levenberg-Marquardt method with a fixed damping, ``(F^T F + lambda) step = -G``: g_t = (lambda / (kappa + lambda))^t.

    Args:
        damping: lambda > 0.
    """

    damping: float

    def log_residual_polynomial(self, kappa: Tensor) -> Tensor:
        return -torch.log1p(kappa / self.damping)

    def slope(self, kappa: Tensor) -> Tensor:
        return 1 / (kappa + self.damping)


@dataclass(frozen=True)
class LinearDynamics:
    """The error of a linearized model at any time, for any `SpectralFilter`. Watched quantities may be complex.

    Args:
        kappa: Positive eigenvalues of the kernel, descending, shape ``(k,)``.
        response: (J w_j)(w_j^T G), j = 1 ... k, for each of q watched quantities, shape ``(q, k)``.
        secular_rate: J G_0, the coefficient of the part of an error that is linear in t, shape ``(q,)``.
        start: e(0), shape ``(q,)``.
        rayleigh_quotients: The Rayleigh quotients of the watched modes in the kernel K; None if they are unknown.
    """

    kappa: Tensor
    response: Tensor
    secular_rate: Tensor
    start: Tensor
    rayleigh_quotients: RayleighQuotients | None = None

    def errors(self, method: SpectralFilter, steps: Tensor) -> Tensor:
        """The signed errors e(t), shape ``(len(steps), q)``."""
        steps = steps.to(self.kappa)
        null = method.filter_function(torch.zeros_like(self.kappa[:1]), steps)
        return (
            self.start - method.filter_function(self.kappa, steps).to(self.response) @ self.response.T - null * self.secular_rate
        )

    def initial_rates(self, method: SpectralFilter) -> Tensor:
        """The relative decrease of each e_k in the first step, shape ``(q,)``; negative if the error grows first."""
        zero = torch.zeros_like(self.kappa[:1])
        slope = method.slope(self.kappa).to(self.response)
        return (self.response @ slope + self.secular_rate * method.slope(zero)) / self.start

    def asymptotic_rates(self, method: SpectralFilter, tolerance: float = 1e-3) -> Tensor:
        """The final rate of each e_k: the rate of the slowest eigenvector whose share of e_k(0) exceeds `tolerance`.

        A growing eigenvector counts even if its share is smaller, because it dominates eventually.

        Args:
            method: The filter of the method.
            tolerance: The share of the initial error of a mode up to which a decaying eigenvector is ignored.

        Returns:
            -log |g_1|, shape ``(q,)``; nan if no eigenvector counts, or if the error grows like t without a minimum.
        """
        rates = -method.log_residual_polynomial(self.kappa)
        weights = (self.response / self.kappa / self.start[:, None]).abs()
        counts = (weights > tolerance) | ((rates < 0) & (weights > 0))
        slowest = torch.where(counts, rates, torch.inf).amin(dim=1)
        exponential = slowest.isfinite() & ((slowest < 0) | (self.secular_rate == 0))
        return torch.where(exponential, slowest, torch.nan)


def dynamics_from_kernel(kernel: Tensor, cross: Tensor, residual: Tensor, start: Tensor) -> LinearDynamics:
    """The dynamics of a least-squares loss |r|^2 / 2 from kernels, for any number of coefficients.

    Eigenvalues below n eps kappa_1 count as zero. Their part of r(0) contributes a term that is linear in t, J F^T times this
    part. For a singular kernel the term is a rounding error, which becomes visible after about 1 / eps steps; in
    `dynamics_from_factor` it is exactly zero.

    Args:
        kernel: K = F F^T, shape ``(n, n)``.
        cross: J F^T, shape ``(q, n)``; for u at the points of an unweighted regression it is K itself.
        residual: r(0), shape ``(n,)``.
        start: e(0), shape ``(q,)``.
    """
    kappa, u = torch.linalg.eigh(kernel)
    kept = above_rounding(kappa, len(kappa))
    along = u.T @ residual
    secular_rate = cross @ (u[:, ~kept] @ along[~kept])
    return LinearDynamics(kappa[kept].flip(0), ((cross @ u[:, kept]) * along[kept]).flip(1), secular_rate, start)


def dynamics_from_factor(factor: Tensor, probe: Tensor, gradient: Tensor, start: Tensor) -> LinearDynamics:
    """The dynamics of an objective that is quadratic near the start, from the singular values of F.

    Small kappa have twice as many correct digits as from the kernel.

    Args:
        factor: F, shape ``(rows, P)``.
        probe: J, shape ``(q, P)``, real or complex.
        gradient: G, shape ``(P,)``; F^T r(0) if the objective is |r|^2 / 2.
        start: e(0), shape ``(q,)``.
    """
    _, s, w = torch.linalg.svd(factor, full_matrices=False)
    kept = above_rounding(s, max(factor.shape))
    s, w = s[kept], w[kept]
    along = w @ gradient
    null = gradient - w.T @ along
    null = null - w.T @ (w @ null)  # repeated to remove the rounding errors in the range of F^T
    rounding = len(gradient) * torch.finfo(s.dtype).eps * gradient.norm()
    secular_rate = probe @ null.to(probe) if null.norm() > rounding else torch.zeros_like(start)
    return LinearDynamics(s.square(), (probe @ w.T.to(probe)) * along, secular_rate, start)


def gauss_newton_residual(kernel: Tensor, residual: Tensor, damping: float) -> Tensor:
    """The linearized residual lambda (K + lambda)^-1 r after a step (F^T F + lambda) d = -F^T r.

    Args:
        kernel: K = F F^T, shape ``(n, n)``.
        residual: r, or several residuals as columns, shape ``(n,)`` or ``(n, m)``.
        damping: lambda > 0.
    """
    kappa, u = torch.linalg.eigh(kernel)
    left = damping / (kappa.clamp(min=0) + damping)  # K + lambda may be numerically singular, so no solve
    columns = residual.reshape(len(kernel), -1)
    return (u @ (left[:, None] * (u.T @ columns))).reshape(residual.shape)


def gauss_newton_certificate(kernel: Tensor, modes: Tensor, damping: float) -> Tensor:
    """The certificates q_k = |lambda (K + lambda)^-1 v_k| of modes for a Gauss-Newton step.

    After the step, |v_k.r+| <= q_k |r| + |r(c + d) - r - J d| for every mode. The quotient |v_k.r+| / |v_k.r| has no bound, even
    for linear models, because modes are coupled.

    Args:
        kernel: K, shape ``(n, n)``.
        modes: v_k as columns, shape ``(n, m)``.
        damping: lambda > 0.

    Returns:
        Numbers in (0, |v_k|], shape ``(m,)``.
    """
    return gauss_newton_residual(kernel, modes, damping).norm(dim=0)

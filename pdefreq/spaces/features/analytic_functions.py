"""Functions in the plane that are real or imaginary parts of powers and logarithms of a complex variable."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdefreq.core.shapes import Gradients, Points, Values


@dataclass(frozen=True)
class AnalyticFunctions:
    """The functions ``Re f_j(z)`` or ``Im f_j(z)`` with ``f_j(z) = z^a_j (log z)^l_j`` and a complex variable z, linear in x.

    The variable is ``z = m . (x - center)`` with a complex vector m. If m . A m = 0 for a symmetric matrix A, the functions are
    solutions of ``A : D^2 u = 0``; for m = (1, i) times a complex number they are harmonic.

    Args:
        center: The point with z = 0, which must not be evaluated unless all powers are nonnegative integers.
        covector: m, two complex numbers.
        exponents: The powers a_j.
        logarithms: The numbers l_j, 0 or 1.
        imaginary: Whether function j is the imaginary part; otherwise it is the real part.
        turn: The angle that is added to the argument of z, which is between -pi and pi. The branch cut is where z < 0, and
            the argument that enters powers and logarithms is measured from the ray with argument ``-turn``.
    """

    center: tuple[float, float]
    covector: tuple[complex, complex]
    exponents: tuple[float, ...]
    logarithms: tuple[int, ...]
    imaginary: tuple[bool, ...]
    turn: float = 0.0

    @property
    def size(self) -> int:
        """The number of functions, m."""
        return len(self.exponents)

    def value(self, x: Points) -> Values:
        """The values at points ``(n, 2)``, shape ``(n, m)``."""
        return self._part(self._derivative(x, 0))

    def gradient(self, x: Points) -> Gradients:
        """The gradients, shape ``(n, 2, m)``."""
        m = self._covector(x)
        return self._part(m[:, None] * self._derivative(x, 1)[:, None])

    def hessian(self, x: Points) -> torch.Tensor:
        """The second derivatives, shape ``(n, 2, 2, m)``."""
        m = self._covector(x)
        return self._part((m[:, None] * m)[:, :, None] * self._derivative(x, 2)[:, None, None])

    def laplacian(self, x: Points) -> Values:
        """The Laplacians, shape ``(n, m)``, zero for a covector of the form (1, i) c."""
        square = sum(m * m for m in self.covector)
        if abs(square) <= 8 * torch.finfo(x.dtype).eps * sum(abs(m) ** 2 for m in self.covector):
            return x.new_zeros(len(x), self.size)
        return self._part(square * self._derivative(x, 2))

    def _covector(self, x: Points) -> torch.Tensor:
        return torch.tensor(self.covector, dtype=x.dtype.to_complex(), device=x.device)

    def _derivative(self, x: Points, order: int) -> torch.Tensor:
        """The derivatives of f_j of an order at the points, complex, ``(n, m)``: ``z^(a - order) (p log z + q)``."""
        z = (x - x.new_tensor(self.center)).to(x.dtype.to_complex()) @ self._covector(x)
        log = torch.where(z == 0, torch.finfo(x.dtype).tiny, z).log()  # the limit at the center instead of 0 times infinity
        log = (log + 1j * self.turn)[:, None]
        a, p, q = (
            torch.tensor(column, dtype=x.dtype, device=x.device)
            for column in (self.exponents, self.logarithms, [1 - k for k in self.logarithms])
        )
        # The derivative of z^a (p log z + q) is z^(a-1) (a p log z + a q + p); in z it also turns with exp(i turn).
        for _ in range(order):
            p, q, a = a * p, a * q + p, a - 1
        back = torch.tensor(complex(0, self.turn * order), dtype=log.dtype, device=x.device).exp()
        return back * (a * log).exp() * (p * log + q)

    def _part(self, f: torch.Tensor) -> torch.Tensor:
        return torch.where(torch.tensor(self.imaginary, device=f.device), f.imag, f.real)

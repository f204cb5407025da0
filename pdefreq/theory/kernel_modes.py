"""Properties of the eigenvectors of a kernel, and the deviation of given modes from eigenvectors.

The component of the residual along each eigenvector of the kernel decreases independently, at a rate proportional to the
eigenvalue. An eigenvector with many sign changes and a small eigenvalue is a high frequency that converges slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.theory.rounding import above_rounding

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator
    from torch import Tensor


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenvalues in descending order and their orthonormal eigenvectors.

    Args:
        values: Shape ``(k,)``.
        vectors: Columns, shape ``(n, k)``; the entry of largest modulus is positive.
    """

    values: Tensor
    vectors: Tensor

    @property
    def rank(self) -> int:
        """The number of eigenvalues above the rounding level, n eps times the largest; the other eigenvectors are noise."""
        return int(above_rounding(self.values, len(self.vectors)).sum())


def eigenpairs(kernel: Tensor | LinearOperator, count: int | None = None) -> Eigenpairs:
    """The leading eigenpairs of a symmetric positive semi-definite kernel.

    A matrix is decomposed by LAPACK; for an operator, the Lanczos method needs only products with vectors.

    Args:
        kernel: Matrix ``(n, n)``, or an operator.
        count: The number of pairs; by default all for a matrix. For an operator it is required, and less than n.

    Raises:
        OptionError: If `count` is out of range, or the kernel is not square or not finite.

    Example:
        >>> eigenpairs(torch.tensor([[2.0, 1.0], [1.0, 2.0]])).values.tolist()
        [3.0, 1.0]
    """
    if len(kernel.shape) != 2 or kernel.shape[0] != kernel.shape[1] or kernel.shape[0] == 0:
        raise OptionError(f"a kernel must be a square matrix with a row and a column per point, got shape {tuple(kernel.shape)}")
    n = kernel.shape[0]
    if isinstance(kernel, torch.Tensor):
        if not kernel.isfinite().all():
            raise OptionError(f"a kernel must have finite entries, got {int((~kernel.isfinite()).sum())} nan or infinite ones")
        if count is not None and not 1 <= count <= n:
            raise OptionError(f"a kernel on {n} points has 1 to {n} eigenpairs, got count = {count}")
        values, vectors = torch.linalg.eigh(kernel)
        values, vectors = values.flip(0)[:count], vectors.flip(1)[:, :count]
    else:
        from scipy.sparse.linalg import eigsh

        if count is None or not 1 <= count < n:
            raise OptionError(f"an operator on {n} points allows 1 to {n - 1} eigenpairs, got count = {count}")
        start = np.random.default_rng(0).standard_normal(n).astype(kernel.dtype)  # a fixed start vector, for reproducible results
        found, columns = eigsh(kernel, k=count, which="LA", v0=start, tol=_RITZ)  # pyright: ignore[reportArgumentType]
        order = np.argsort(found)[::-1].copy()
        values, vectors = torch.from_numpy(found[order]), torch.from_numpy(columns[:, order])
    peak = vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True))
    return Eigenpairs(values, vectors * torch.where(peak < 0, -1, 1))


def sign_changes(vectors: Tensor) -> Tensor:
    """The number of sign changes of each function between consecutive points; exact zeros are skipped.

    Args:
        vectors: Values at points in ascending order, one function per column, shape ``(n, k)``.

    Returns:
        Integers, shape ``(k,)``.

    Example:
        >>> sign_changes(torch.tensor([[1.0, 1.0], [0.0, -2.0], [1.0, 3.0]])).tolist()
        [0, 2]
    """
    signs = np.sign(vectors.numpy(force=True))
    counts = [int(np.count_nonzero(np.diff(column[column != 0]))) for column in signs.T]
    return torch.tensor(counts, dtype=torch.int64)


def cosine_amplitudes(vectors: Tensor) -> Tensor:
    """The amplitude of each cosine mode cos(k pi s / L), k = 0 ... n - 1, in functions on an interval.

    Cosine modes make no assumption about boundary values. Fourier coefficients of a function that is not periodic would decay
    like 1/k only.

    Args:
        vectors: Values at n uniform points, including the end points, one function per column, shape ``(n, k)``.

    Returns:
        Moduli, shape ``(n, k)``, row k for mode k.
    """
    from scipy.fft import dct

    intervals = len(vectors) - 1
    amplitudes = np.abs(np.asarray(dct(vectors.numpy(force=True), type=1, axis=0))) / intervals
    amplitudes[[0, -1]] /= 2
    return torch.from_numpy(amplitudes)


def relative_distance(after: Tensor, before: Tensor) -> float:
    """|after - before| / |before| in the Frobenius norm: the drift of a kernel, or the relative distance RD of parameters.

    Args:
        after: Any shape.
        before: The same shape, not zero.

    Raises:
        OptionError: If `before` is zero.

    Source:
        Luo, Xu, Ma, Zhang (2021), Phase diagram for two-layer ReLU neural networks at infinite-width limit, JMLR 22.
    """
    size = float(before.norm())
    if size == 0:
        raise OptionError("a relative distance needs a nonzero initial value, got zeros: use the distance itself")
    return float((after - before).norm()) / size


_RITZ = 1e-12  # relative tolerance of Ritz values; a smaller one costs iterations and changes no printed digit
MAX_EIGEN_RESIDUAL = 0.1
"""The largest relative eigen-residual of a mode that has a single rate.

Let r' be the residual without its component along v. Gradient flow gives d(v.r)/dt = -kappa v.r - (K v - kappa v).r', so that the
rate of the mode differs from kappa by at most kappa eigen_residual |r'| / |v.r|: by a tenth of kappa if |r'| <= |v.r|.
"""


@dataclass(frozen=True)
class RayleighQuotients:
    """Rayleigh quotients of given modes in a kernel, and the deviation of the modes from eigenvectors.

    Args:
        values: kappa_k = v_k^T K v_k for the normalized mode: the initial rate of a residual equal to this mode,
            shape ``(m,)``.
        eigen_residuals: |K v_k - kappa_k v_k| / kappa_k, zero for an eigenvector, shape ``(m,)``; nan for a mode with
            K v_k = 0. It is the quotient of standard deviation and mean of the eigenvalues, weighted by the squared components
            of the mode, because v^T K^2 v = kappa^2 + |K v - kappa v|^2. Above `MAX_EIGEN_RESIDUAL` a mode has no single rate.
    """

    values: Tensor
    eigen_residuals: Tensor


def rayleigh_quotients(kernel: Tensor | Callable[[Tensor], Tensor], modes: Tensor) -> RayleighQuotients:
    """Rayleigh quotients of modes, which need not be eigenvectors of the kernel, and their relative eigen-residuals.

    Args:
        kernel: K, shape ``(n, n)``, or a function that applies K to columns. If the loss weights its points, kernel and modes
            are in the same metric, with rows multiplied by the square roots of the weights.
        modes: v_k as columns, not zero, not necessarily normalized, shape ``(n, m)``.
    """
    v = modes / modes.norm(dim=0)
    image = kernel @ v if isinstance(kernel, torch.Tensor) else kernel(v)
    values = (v * image).sum(dim=0)
    return RayleighQuotients(values, (image - v * values).norm(dim=0) / values)


def frequency_weight(wavenumber: Tensor, order: int) -> Tensor:
    """The weight |xi|^(2m) of a frequency in a loss of differential order m (regression 0, Ritz 1, strong residual 2).

    The error of mode xi decreases at the rate gamma(xi)^2 |xi|^(2m), where gamma^2 is the spectrum of the network's kernel. This
    is exact for a translation-invariant kernel on a periodic domain or on the whole space, where waves are eigenvectors of the
    kernel and of the differential operator. On an interval it is an approximation; the eigen-residuals of `rayleigh_quotients`
    measure its quality.

    Args:
        wavenumber: |xi|, any shape.
        order: m.

    Example:
        >>> frequency_weight(torch.tensor([1.0, 2.0, 3.0]), 2).tolist()
        [1.0, 16.0, 81.0]
    """
    return wavenumber ** (2 * order)


def gradient_loss_weight(wavenumber: Tensor) -> Tensor:
    """The weight 1 + |xi|^2 of a frequency in a misfit of values and gradients, under the conditions of `frequency_weight`.

    Args:
        wavenumber: |xi|, any shape.
    """
    return 1 + wavenumber**2

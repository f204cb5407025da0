"""What the eigenvectors of a kernel look like, and how far given modes are from being eigenvectors.

A residual falls along each eigenvector of the kernel by itself, at the rate of its eigenvalue: an eigenvector with many sign
changes and a small eigenvalue is a high frequency that comes late.
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
        """How many of the pairs lie above rounding, n eps times the largest value; vectors of the others are noise."""
        return int(above_rounding(self.values, len(self.vectors)).sum())


def eigenpairs(kernel: Tensor | LinearOperator, count: int | None = None) -> Eigenpairs:
    """The leading eigenpairs of a symmetric positive semi-definite kernel.

    A matrix is decomposed whole by LAPACK; an operator by Lanczos' method, which needs its products with vectors only.

    Args:
        kernel: Matrix ``(n, n)``, or an operator.
        count: How many; all of a matrix by default, and fewer than n of an operator.

    Raises:
        OptionError: If `count` is not in the range that the kind of kernel allows, or the kernel is not square or not finite.

    Example:
        >>> eigenpairs(torch.tensor([[2.0, 1.0], [1.0, 2.0]])).values.tolist()
        [3.0, 1.0]
    """
    if len(kernel.shape) != 2 or kernel.shape[0] != kernel.shape[1] or kernel.shape[0] == 0:
        raise OptionError(f"a kernel is a square matrix, one row and one column a point, got shape {tuple(kernel.shape)}")
    n = kernel.shape[0]
    if isinstance(kernel, torch.Tensor):
        if not kernel.isfinite().all():
            raise OptionError(f"a kernel has finite entries, got {int((~kernel.isfinite()).sum())} that are nan or infinite")
        if count is not None and not 1 <= count <= n:
            raise OptionError(f"a kernel on {n} points has 1 to {n} eigenpairs, got count = {count}")
        values, vectors = torch.linalg.eigh(kernel)
        values, vectors = values.flip(0)[:count], vectors.flip(1)[:, :count]
    else:
        from scipy.sparse.linalg import eigsh

        if count is None or not 1 <= count < n:
            raise OptionError(f"of an operator on {n} points 1 to {n - 1} eigenpairs can be computed, got count = {count}")
        start = np.random.default_rng(0).standard_normal(n).astype(kernel.dtype)  # the same result every time
        found, columns = eigsh(kernel, k=count, which="LA", v0=start, tol=_RITZ)  # pyright: ignore[reportArgumentType]
        order = np.argsort(found)[::-1].copy()
        values, vectors = torch.from_numpy(found[order]), torch.from_numpy(columns[:, order])
    peak = vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True))
    return Eigenpairs(values, vectors * torch.where(peak < 0, -1, 1))


def sign_changes(vectors: Tensor) -> Tensor:
    """How often each function crosses zero between consecutive points; exact zeros are passed over.

    Args:
        vectors: Values at points in ascending order, one function a column, shape ``(n, k)``.

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
    """Amplitude of each cosine mode in functions on an interval: mode k is cos(k pi s / L), k = 0 ... n - 1.

    Cosines need no boundary values: what is not periodic would leak into Fourier modes as 1/k.

    Args:
        vectors: Values at n uniform points, end points included, one function a column, shape ``(n, k)``.

    Returns:
        Moduli, shape ``(n, k)``, row k for mode k.
    """
    from scipy.fft import dct

    intervals = len(vectors) - 1
    amplitudes = np.abs(np.asarray(dct(vectors.numpy(force=True), type=1, axis=0))) / intervals
    amplitudes[[0, -1]] /= 2
    return torch.from_numpy(amplitudes)


def relative_distance(after: Tensor, before: Tensor) -> float:
    """|after - before| / |before| (Frobenius): the drift of a kernel; of parameters, the relative distance RD.

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
        raise OptionError("a relative distance needs something to start from, got zeros: use the distance itself")
    return float((after - before).norm()) / size


_RITZ = 1e-12  # of Ritz values, relative: rounding would take Lanczos further rounds, and changes no digit that is shown
MAX_EIGEN_RESIDUAL = 0.1
"""The largest relative eigen-residual of a mode that counts as having a single rate.

With v.r and the rest r' of the residual, flow gives d(v.r)/dt = -kappa v.r - (K v - kappa v).r', so that the rate at which the
mode falls differs from kappa by at most eigen_residual |r'| / |v.r| of it: by a tenth where the rest is no larger than the mode.
"""


@dataclass(frozen=True)
class RayleighQuotients:
    """Rayleigh quotients of given modes in a kernel, and how nearly the modes are its eigenvectors.

    Args:
        values: kappa_k = v_k^T K v_k for the normalized mode: the rate at which a residual that is this mode begins to fall,
            shape ``(m,)``.
        eigen_residuals: |K v_k - kappa_k v_k| / kappa_k, zero for an eigenvector, shape ``(m,)``; nan for a mode that the
            kernel does not see. It is the standard deviation over the mean of the eigenvalues that the mode is made of, for
            v^T K^2 v is kappa^2 + |K v - kappa v|^2. Above `MAX_EIGEN_RESIDUAL` a mode has no single rate.
    """

    values: Tensor
    eigen_residuals: Tensor


def rayleigh_quotients(kernel: Tensor | Callable[[Tensor], Tensor], modes: Tensor) -> RayleighQuotients:
    """Rayleigh quotients of modes, which need not be eigenvectors of the kernel, and their relative eigen-residuals.

    Args:
        kernel: K, shape ``(n, n)``, or what takes columns to their images; where the loss weights its points, in the same
            metric as the modes: rows times the roots of the weights.
        modes: v_k as columns, any length but zero, shape ``(n, m)``.
    """
    v = modes / modes.norm(dim=0)
    image = kernel @ v if isinstance(kernel, torch.Tensor) else kernel(v)
    values = (v * image).sum(dim=0)
    return RayleighQuotients(values, (image - v * values).norm(dim=0) / values)


def frequency_weight(wavenumber: Tensor, order: int) -> Tensor:
    """|xi|^(2m): what a loss of differential order m (regression 0, Ritz 1, strong residual 2) weights a frequency by.

    Mode xi then falls at rate gamma(xi)^2 |xi|^(2m), gamma^2 the spectrum of the network's kernel. This holds for a
    translation-invariant kernel on a periodic domain or the whole space, where waves are eigenvectors of both; on an interval
    it is a guide only, and `rayleigh_quotients` of the real kernel says how far off it is.

    Args:
        wavenumber: |xi|, any shape.
        order: m.

    Example:
        >>> frequency_weight(torch.tensor([1.0, 2.0, 3.0]), 2).tolist()
        [1.0, 16.0, 81.0]
    """
    return wavenumber ** (2 * order)


def gradient_loss_weight(wavenumber: Tensor) -> Tensor:
    """1 + |xi|^2: what a misfit of values and gradients weights a frequency by, under the conditions of `frequency_weight`.

    Args:
        wavenumber: |xi|, any shape.
    """
    return 1 + wavenumber**2

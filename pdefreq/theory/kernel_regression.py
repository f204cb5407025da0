"""The limit of training in the linear regime: the interpolant nearest to the start, and the contribution of the initial output.

Source:
    Zhang, Xu, Luo, Ma (2020), A type of generalization error induced by initialization in deep neural networks, MSML, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.theory.rounding import above_rounding

if TYPE_CHECKING:
    from torch import Tensor


def minimum_norm_step(factor: Tensor, residual: Tensor) -> Tensor:
    """The least-squares solution d of F d = -r of minimum norm, to which gradient descent from d = 0 converges.

    Args:
        factor: F, shape ``(rows, P)``.
        residual: r, shape ``(rows,)``.

    Returns:
        d, shape ``(P,)``. Singular values below max(rows, P) eps times the largest count as zero.
    """
    u, s, w = torch.linalg.svd(factor, full_matrices=False)
    kept = above_rounding(s, max(factor.shape))
    return -(w[kept].T @ ((u[:, kept].T @ residual) / s[kept]))


def kernel_regression(kernel: Tensor, cross: Tensor, values: Tensor) -> Tensor:
    """h_k(.; 0, X, Y) = K(., X) K(X, X)^+ Y: the trained output of a model that is zero at the start.

    Args:
        kernel: K(X, X), shape ``(n, n)``. Eigenvalues below n eps kappa_1 count as zero.
        cross: K(x, X) at the points of evaluation, shape ``(q, n)``.
        values: Y, shape ``(n,)``.
    """
    kappa, u = torch.linalg.eigh(kernel)
    kept = above_rounding(kappa, len(kappa))
    return cross @ (u[:, kept] @ ((u[:, kept].T @ values) / kappa[kept]))


def trained_output(
    kernel: Tensor, cross: Tensor, values: Tensor, *, initial_at_data: Tensor | None = None, initial: Tensor | None = None
) -> Tensor:
    """The trained output h_k(.; h_ini, X, Y) = h_k(.; 0, X, Y) + h_ini - h_k(.; 0, X, h_ini(X)) of a model with output h_ini.

    The last two terms do not depend on the data Y; they vanish for an antisymmetric initialization, which has h_ini = 0.

    Args:
        kernel: K(X, X), shape ``(n, n)``.
        cross: K(x, X), shape ``(q, n)``.
        values: Y, shape ``(n,)``.
        initial_at_data: h_ini(X), shape ``(n,)``; zero by default.
        initial: h_ini(x), shape ``(q,)``; zero by default.
    """
    to_learn = values if initial_at_data is None else values - initial_at_data
    learned = kernel_regression(kernel, cross, to_learn)
    return learned if initial is None else learned + initial

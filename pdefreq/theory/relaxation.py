"""Convergence of relaxation: finite differences on a box.

For -sum_a diffusion_a d^2 u / dx_a^2 + c u on a uniform grid of a box with Dirichlet data, sine modes are eigenvectors of the
matrix. The diagonal of the matrix is constant, so they are also eigenvectors of Jacobi's iteration: each sweep multiplies the
algebraic error of mode k by one number. Where -c exceeds the smallest eigenvalue of the diffusion part, the smoothest modes have
negative eigenvalues. Their factors lie above 1, and these modes grow.
Gauss-Seidel and SOR have other eigenvectors. In red-black order a sweep couples two sine modes; in lexicographic order waves on
an unbounded grid are eigenvectors, and their factors hold for middle and high modes during a few sweeps.

On a box with periodic sides Fourier modes are eigenvectors of the matrix, with constant convection, too. Its eigenvalues are
complex then: the phase of an error turns while its modulus falls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor


def jacobi_amplification_factor(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    *,
    diffusion: float | Sequence[float] = 1.0,
    reaction: float = 0.0,
    omega: float = 1.0,
) -> Tensor:
    r"""The amplification factor of each sine mode in a sweep of damped Jacobi.

    With w_a = diffusion_a / h_a^2 and D = 2 sum_a w_a + reaction, the diagonal of the matrix,

        factor = 1 - omega + omega (2 sum_a w_a cos(k_a pi / n_a)) / D,

    which on an interval without reaction is 1 - 2 omega sin^2(k pi / 2n), and cos(k pi / n) for omega = 1.

    Args:
        indices: Mode numbers, shape ``(m, d)``.
        intervals: Intervals of the grid along each axis.
        lengths: Side lengths of the box.
        diffusion: A number for all axes, or one for each.
        reaction: The constant c, of either sign; D must be positive.
        omega: Damping factor; 1 is plain Jacobi.

    Returns:
        Factors ``(m,)``, float64; nan for a mode that the grid does not resolve (not 1 <= k < n).

    Source:
        Saad (2003), Iterative Methods for Sparse Linear Systems, section 13.2.

    Example:
        >>> jacobi_amplification_factor([[1], [2], [3]], [4], [1.0]).numpy().round(4).tolist()
        [0.7071, 0.0, -0.7071]
    """
    return 1 - _reduction(indices, intervals, lengths, diffusion, reaction, omega)


def jacobi_decay_rate(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    *,
    diffusion: float | Sequence[float] = 1.0,
    reaction: float = 0.0,
    omega: float = 1.0,
) -> Tensor:
    """The decay rate -log |factor| per sweep, shape ``(m,)``; negative if the mode grows.

    The arguments are those of `jacobi_amplification_factor`.
    """
    reduction = _reduction(indices, intervals, lengths, diffusion, reaction, omega)
    return -torch.log1p(reduction * (reduction - 2)) / 2  # log |1 - s| without cancellation for small s


def amplified_modes(
    intervals: Sequence[int],
    lengths: Sequence[float],
    *,
    diffusion: float | Sequence[float] = 1.0,
    reaction: float = 0.0,
    omega: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The sine modes of a grid whose error grows in a sweep of damped Jacobi.

    The arguments are those of `jacobi_amplification_factor`. The growing modes are the modes with a negative
    eigenvalue. For plain Jacobi they include the mirror images n - k of these modes, whose factors lie below -1.

    Returns:
        Mode numbers ``(m, d)``, sorted by wavenumber, and their factors ``(m,)``, of modulus above 1.

    Example:
        >>> amplified_modes([8], [1.0], reaction=-20.0)[0].tolist()  # pi^2 < 20 < (2 pi)^2
        [[1], [7]]
    """
    modes = torch.cartesian_prod(*(torch.arange(1, n) for n in intervals)).reshape(-1, len(intervals))
    factors = jacobi_amplification_factor(modes, intervals, lengths, diffusion=diffusion, reaction=reaction, omega=omega)
    grows = factors.abs() > 1 + 4 * torch.finfo(factors.dtype).eps
    wavenumbers = (modes / torch.tensor(lengths, dtype=torch.float64)).norm(dim=1)[grows]
    order = wavenumbers.argsort(stable=True)
    return modes[grows][order], factors[grows][order]


def jacobi_fourier_symbol(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    *,
    diffusion: float | Sequence[float] = 1.0,
    reaction: float = 0.0,
    convection: Sequence[float] = (),
    omega: float = 1.0,
) -> Tensor:
    r"""The complex amplification factor of each Fourier mode in a sweep of damped Jacobi, on a box with periodic sides.

    With central differences for b . grad u the modes exp(2 pi i k . x / L) are eigenvectors. With theta_a = 2 pi k_a / n_a,
    h_a = L_a / n_a, w_a = diffusion_a / h_a^2 and the diagonal D = 2 sum_a w_a + reaction of the matrix,

        factor = 1 - omega symbol / D,    symbol = sum_a ( 4 w_a sin^2(theta_a / 2) + i b_a / h_a sin(theta_a) ) + reaction.

    A sweep multiplies the modulus of the error by |factor| and changes its phase by the argument of the factor.

    Args:
        indices: Mode numbers, of either sign, shape ``(m, d)``.
        intervals: Intervals of the grid along each axis.
        lengths: Side lengths of the box.
        diffusion: A number for all axes, or one for each.
        reaction: The constant c, of either sign; D must be positive.
        convection: The constant vector b, one number for each axis; by default 0.
        omega: Damping factor; 1 is plain Jacobi.

    Returns:
        Factors ``(m,)``, complex128; nan for a mode that the grid does not resolve (not 2 |k| < n).

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, sections 4.2 and 7.1.

    Example:
        >>> jacobi_fourier_symbol([[1], [-1]], [4], [4.0], convection=[1.0]).numpy().round(12).tolist()
        [-0.5j, 0.5j]
    """
    k, n, w = _grid(indices, intervals, lengths, diffusion)
    theta, per_length = 2 * torch.pi * k / n, n / torch.tensor(lengths, dtype=torch.float64)
    b = torch.zeros(len(n), dtype=torch.float64) if not len(convection) else torch.tensor(list(convection), dtype=torch.float64)
    real = (4 * w * torch.sin(theta / 2) ** 2).sum(dim=1) + reaction
    factor = 1 - omega * torch.complex(real, (b * per_length * torch.sin(theta)).sum(dim=1)) / (2 * w.sum() + reaction)
    return torch.where((2 * k.abs() < n).all(dim=1), factor, torch.nan)


def lexicographic_symbol(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    *,
    diffusion: float | Sequence[float] = 1.0,
    reaction: float = 0.0,
    omega: float = 1.0,
) -> Tensor:
    r"""The amplification factors of the waves in each sine mode in a lexicographic sweep of SOR, on an unbounded grid.

    A sine mode is a sum of the waves exp(i sum_a s_a theta_a j_a) with theta_a = k_a pi / n_a and signs s_a, and

        symbol = ((1 - omega) D + omega sum_a w_a exp(i s_a theta_a)) / (D - omega sum_a w_a exp(-i s_a theta_a)),

    with w_a and D as for `jacobi_amplification_factor`; for Gauss-Seidel on an interval the modulus is
    1 / sqrt(5 - 4 cos(k pi / n)).

    Args:
        indices: Mode numbers, shape ``(m, d)``.
        intervals: Intervals of the grid along each axis.
        lengths: Side lengths of the box.
        diffusion: A number for all axes, or one for each.
        reaction: The constant c, of either sign; D must be positive.
        omega: Relaxation factor, in (0, 2); 1 is Gauss-Seidel.

    Returns:
        Moduli ``(m, 2^(d-1))``, one for each pair of opposite waves, float64; nan for a mode that the grid does not resolve.

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, section 4.3.

    Example:
        >>> lexicographic_symbol([[1], [2]], [4], [1.0]).numpy().round(4).tolist()
        [[0.6786], [0.4472]]
    """
    k, n, w = _grid(indices, intervals, lengths, diffusion)
    signs = torch.cartesian_prod(torch.ones(1), *[torch.tensor([1.0, -1.0])] * (k.shape[1] - 1)).reshape(-1, k.shape[1])
    waves = torch.polar(w.expand(len(k), len(signs), -1), signs * (torch.pi * k / n)[:, None, :]).sum(dim=2)
    diagonal = 2 * w.sum() + reaction
    symbol = (((1 - omega) * diagonal + omega * waves) / (diagonal - omega * waves.conj())).abs()
    return torch.where(_is_resolved(k, n)[:, None], symbol, torch.nan)


def red_black_symbol(jacobi: Tensor, omega: float = 1.0) -> Tensor:
    """The matrices of a red-black sweep of SOR that act on the amplitudes of a sine mode at red and at black nodes.

    At black nodes the modes k and n - k have opposite signs, so that a sweep couples only this pair.

    Args:
        jacobi: Jacobi's factors of the modes, shape ``(m,)``.
        omega: Relaxation factor, in (0, 2); 1 is Gauss-Seidel.

    Returns:
        Matrices, shape ``(m, 2, 2)``; `sor_radius` is the spectral radius of each.

    Source:
        Trottenberg, Oosterlee, Schueller (2001), Multigrid, section 4.5.
    """
    one, zero, stay, take = (torch.full_like(jacobi, x) for x in (1, 0, 1 - omega, omega))
    red = torch.stack([stay, take * jacobi, zero, one], dim=-1).reshape(-1, 2, 2)
    black = torch.stack([one, zero, take * jacobi, stay], dim=-1).reshape(-1, 2, 2)
    return black @ red


def sor_radius(jacobi: Tensor, omega: float = 1.0) -> Tensor:
    """The spectral radius of SOR, the factor of the error per sweep after many sweeps, from that of the Jacobi method.

    The formula holds for both orderings, and for all coefficients for which Jacobi's eigenvalues are real, because difference
    equations couple a node to its 2 d neighbors only. It gives ``jacobi ** 2`` for Gauss-Seidel, and ``omega - 1`` if omega is at
    least the optimal one.

    Args:
        jacobi: Spectral radii of Jacobi's iteration, any shape.
        omega: Relaxation factor, in (0, 2); 1 is Gauss-Seidel.

    Source:
        Young (1971), Iterative Solution of Large Linear Systems, section 6.2.
    """
    root = (omega * jacobi) ** 2 - 4 * (omega - 1)
    largest = ((omega * jacobi.abs() + root.clamp(min=0).sqrt()) / 2) ** 2
    return torch.where(root >= 0, largest, omega - 1)


def optimal_omega(jacobi: float) -> float:
    """The omega that minimizes the spectral radius of SOR if that of the Jacobi method is `jacobi`, in [0, 1).

    Source:
        Young (1971), Iterative Solution of Large Linear Systems, section 6.2.

    Example:
        >>> round(optimal_omega(math.cos(math.pi / 10)), 4)  # 2 / (1 + sin(pi / 10))
        1.5279
    """
    return 2 / (1 + math.sqrt(1 - jacobi**2))


def _reduction(
    indices: Tensor | ArrayLike,
    intervals: Sequence[int],
    lengths: Sequence[float],
    diffusion: float | Sequence[float],
    reaction: float,
    omega: float,
) -> Tensor:
    """1 - factor = omega lambda_k / D with lambda_k = sum_a 4 w_a sin^2(k_a pi / 2 n_a) + reaction."""
    k, n, w = _grid(indices, intervals, lengths, diffusion)
    eigenvalue = (4 * w * torch.sin(k * torch.pi / (2 * n)) ** 2).sum(dim=1) + reaction
    return torch.where(_is_resolved(k, n), omega * eigenvalue / (2 * w.sum() + reaction), torch.nan)


def _grid(
    indices: Tensor | ArrayLike, intervals: Sequence[int], lengths: Sequence[float], diffusion: float | Sequence[float]
) -> tuple[Tensor, Tensor, Tensor]:
    """Mode numbers, intervals, and the weights w_a = diffusion_a / h_a^2."""
    k = torch.as_tensor(np.asarray(indices), dtype=torch.float64)
    n, a = torch.tensor(intervals, dtype=torch.float64), torch.as_tensor(diffusion, dtype=torch.float64)
    return k, n, a * (n / torch.tensor(lengths, dtype=torch.float64)) ** 2


def _is_resolved(k: Tensor, n: Tensor) -> Tensor:
    return ((k >= 1) & (k < n)).all(dim=1)


def propagate(matrix: Tensor, start: Tensor, steps: Tensor) -> Tensor:
    """The error M^t e(0) after each number of steps, by repeated squaring.

    Rounding errors are relative to the slowest part of the error, as in the iteration itself.

    Args:
        matrix: The error propagation matrix M, shape ``(n, n)``.
        start: e(0), shape ``(n,)``.
        steps: Whole numbers, ascending, from 0 on, shape ``(T,)``.

    Returns:
        Errors, shape ``(T, n)``.

    Example:
        >>> half = torch.tensor([[0.5]], dtype=torch.float64)
        >>> propagate(half, torch.ones(1, dtype=torch.float64), torch.tensor([0, 1, 5])).flatten().tolist()
        [1.0, 0.5, 0.03125]
    """
    powers, error, now, errors = [matrix], start, 0, []
    for step in steps.tolist():
        left, digit = int(step) - now, 0
        while left:
            if digit == len(powers):
                powers.append(powers[-1] @ powers[-1])
            error = powers[digit] @ error if left & 1 else error
            left, digit = left >> 1, digit + 1
        now = int(step)
        errors.append(error)
    return torch.stack(errors)

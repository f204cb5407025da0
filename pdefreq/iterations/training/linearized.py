"""The linearization of a space at given coefficients, with which the errors of modes are predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import NotPredictedError
from pdefreq.functionals.block import LeastSquaresBlock, LinearizedBlock, rows_of_jacobian
from pdefreq.spaces.channels import Channels
from pdefreq.theory.kernel_modes import relative_distance
from pdefreq.theory.linearization import Linearization
from pdefreq.theory.ntk import kernel
from pdefreq.theory.rounding import above_rounding

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.functionals.block import Block
    from pdefreq.functionals.functional import Functional
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.modes import Modes

_ENTRIES = 2**28  # largest size of a Gauss-Newton factor: 2 GiB in double precision, of which the decomposition needs two copies
_WORK = 4e9  # largest number of multiplications, divided by ten, of optional predictions: three seconds on one core
_PIECE = 4096  # number of points that are evaluated together


def linearize(
    space: TrialSpace,
    functional: Functional,
    c: Coefficients,
    modes: Modes,
    target: Values,
    *,
    cheap: bool = False,
) -> Linearization:
    """The linearization at c of a functional and of the coefficients of modes, in float64.

    Args:
        space: The trial space of u.
        functional: The objective.
        c: The coefficients.
        modes: The modes, of any family. The watched quantities are the parts of their coefficients (`Modes.analysis`).
        target: The solution at ``modes.points(space)``, which is subtracted from u.
        cheap: Whether to refuse computations that take more than some seconds.

    Raises:
        NotPredictedError: If the Gauss-Newton factor is too large to decompose.
    """
    x = modes.points(space).to(c)
    if cheap and len(modes.mode_of_part) * len(x) * len(c) > _WORK:
        raise NotPredictedError(
            f"not predicted during the run, with {len(modes):,} modes at {len(x):,} points and {len(c):,} coefficients: "
            "use `pdefreq predict`"
        )
    rows = functional.num_rows
    _require_decomposable(rows, len(c))
    if cheap and rows * len(c) * min(rows, len(c)) > _WORK:
        raise NotPredictedError(
            f"not predicted during the run, with a kernel of {rows:,} rows of {len(c):,} coefficients: use `pdefreq predict`, "
            "or fewer points (`number`)"
        )
    analysis = torch.from_numpy(modes.analysis(space))
    rows_of_parts = torch.cat([analysis.real, analysis.imag]) if analysis.is_complex() else analysis
    q = len(rows_of_parts)
    probe, error = torch.zeros(q, len(c)).to(c), torch.zeros(q).to(c)
    pieces = (x.split(_PIECE), rows_of_parts.to(c).split(_PIECE, dim=1), target.to(c).split(_PIECE))
    for points, columns, values in zip(*pieces, strict=True):
        evaluator = space.at(points)
        for part, weights in enumerate(columns):  # V^T J by one reverse pass per part, since J has a row for each point
            u, pull_back = evaluator.vjp(c, 0)
            probe[part] += pull_back(Channels(weights))
            error[part] += weights @ (u.value - values)
    probe, error = probe.double(), error.double()
    if analysis.is_complex():
        probe, error = (torch.complex(*part.chunk(2)) for part in (probe, error))
    return Linearization(functional.gauss_newton_factor(c).double(), probe, functional.gradient(c).double(), error)


def loss_spectrum(functional: Functional, c: Coefficients) -> Tensor:
    """Eigenvalues above rounding of F F^T, the kernel in the metric of a functional, descending, shape ``(k,)``.

    Raises:
        IncompatibleError: If the Gauss-Newton factor F is too large to decompose.
    """
    _require_decomposable(functional.num_rows, len(c))
    s = torch.linalg.svdvals(functional.gauss_newton_factor(c).double())
    return s[above_rounding(s, max(functional.num_rows, len(c)))].square()


def _require_decomposable(rows: int, coefficients: int) -> None:
    if rows * coefficients > _ENTRIES:
        raise NotPredictedError(
            f"the kernel has {rows:,} rows of {coefficients:,} coefficients, too many to decompose: use fewer points (`number`) "
            "or a smaller network"
        )


def kernel_drift(functional: Functional, c: Coefficients, start: Coefficients, points: int = 100) -> float:
    """The drift |K(c) - K(start)| / |K(start)| of the kernel K = F F^T of a functional.

    If possible it is computed without the rows of F, since a wide network has millions of coefficients.

    Args:
        functional: The objective.
        c: The current coefficients.
        start: The earlier coefficients.
        points: Largest number of points, evenly distributed over the first block, at which the kernel is formed.
    """
    block = functional.blocks[0]
    return relative_distance(_some_kernel(block, c, points), _some_kernel(block, start, points))


def _some_kernel(block: Block, c: Coefficients, points: int) -> Tensor:
    """The kernel of a block at some of its points."""
    if isinstance(block, LinearizedBlock):
        rows = block.layer_factors(c)
        every = -(-rows[0][0][0].shape[2] // points)
        rows = [[(d[:, :, ::every], z[:, :, ::every]) for d, z in layers] for layers in rows]
        return torch.cat([torch.cat([kernel(left, right) for right in rows], dim=1) for left in rows])
    every = -(-block.num_rows // points)
    if isinstance(block, LeastSquaresBlock):
        some = rows_of_jacobian(lambda c: block.residual(c)[::every], c)
    else:
        some = block.gauss_newton_factor(c)[::every]
    return some @ some.T

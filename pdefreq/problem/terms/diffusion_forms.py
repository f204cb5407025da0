"""The weak and the strong form of the diffusion term at points, for a scalar coefficient with any exponent or a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import Field
from pdefreq.core.validation import validated
from pdefreq.problem.terms.power import moderate_power, size_power
from pdefreq.problem.terms.term import StrongTerm, Weak, WeakSlopes, WeakTerm

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values

KEY = "[equation] diffusion"
"""The name of the coefficient in messages."""
_SYMMETRIC = 1e-12  # relative tolerance of symmetry and semidefiniteness


def matrix_at(rows: tuple[tuple[Field, ...], ...], x: Points) -> Tensor:
    """The matrix A at points, ``(n, d, d)``, with n = 1 if all entries are constant.

    Raises:
        ProblemFileError: If an entry is not finite, or the matrix is not symmetric and positive semidefinite at a point.
    """
    import torch

    at = x[:1] if all(entry.constant is not None for row in rows for entry in row) else x
    a = torch.stack([torch.stack([validated(entry, KEY, at) for entry in row], dim=1) for row in rows], dim=1)
    size = a.abs().amax(dim=(1, 2))
    skew, low = (a - a.mT).abs().amax(dim=(1, 2)), torch.linalg.eigvalsh(a)[:, 0]
    for wrong, what in ((skew > _SYMMETRIC * size, "symmetric"), (low < -_SYMMETRIC * size, "positive semidefinite")):
        if bool(wrong.any()):
            first = int(wrong.nonzero()[0, 0])
            point = ", ".join(f"{v:g}" for v in at[first].tolist())
            entries = [[float(f"{v:g}") for v in row] for row in a[first].tolist()]
            raise ProblemFileError(f"{KEY} must be a {what} matrix, got {entries} at ({point})")
    return (a + a.mT) / 2


@dataclass(frozen=True)
class WeakPower(WeakTerm):
    """The weak form for a scalar coefficient a, ``(n,)``, and any exponent."""

    a: Values
    exponent: float

    def densities(self, u: Values, q: Gradients) -> Weak:
        a = self.a if self.exponent == 2 else self.a * size_power(q, self.exponent - 2)
        return Weak(flux=a[:, None] * q)

    def slopes(self, u: Values, q: Gradients) -> WeakSlopes:
        """``a |q|^(p-2) (I + (p-2) n n^T)`` with n = q / |q|; |q|^(p-2) is bounded to keep linear systems solvable."""
        p = self.exponent
        if p == 2:
            return WeakSlopes(isotropic=self.a)
        isotropic = self.a * moderate_power(q, p - 2)
        return WeakSlopes(isotropic=isotropic, directed=((p - 2) * isotropic, q * size_power(q, -1)[:, None]))

    def energy(self, u: Values, q: Gradients) -> Values:
        p = self.exponent
        return self.a / p * (q.square().sum(dim=1) if p == 2 else size_power(q, p))


@dataclass(frozen=True)
class WeakMatrix(WeakTerm):
    """The weak form for a matrix A, ``(n or 1, d, d)``."""

    a: Tensor

    def densities(self, u: Values, q: Gradients) -> Weak:
        return Weak(flux=(self.a @ q[:, :, None])[:, :, 0])

    def slopes(self, u: Values, q: Gradients) -> WeakSlopes:
        return WeakSlopes(matrix=self.a)

    def energy(self, u: Values, q: Gradients) -> Values:
        return ((self.a @ q[:, :, None])[:, :, 0] * q).sum(dim=1) / 2


@dataclass(frozen=True)
class StrongPower(StrongTerm):
    """``-|q|^(p-2) ( grad a . q + (a I + (p-2) a n n^T) : D^2 u )`` with n = q / |q|."""

    a: Values
    slope: Gradients
    exponent: float
    field: Field
    x: Points

    def lower(self, u: Values, q: Gradients) -> Values:
        along = (self.slope * q).sum(dim=1)
        return -along if self.exponent == 2 else -size_power(q, self.exponent - 2) * along

    def lower_slopes(self, u: Values, q: Gradients) -> tuple[None, Gradients]:
        p = self.exponent
        if p == 2:
            return None, -self.slope
        along = (self.slope * q).sum(dim=1) * size_power(q, -2)
        return None, -size_power(q, p - 2)[:, None] * (self.slope + (p - 2) * along[:, None] * q)

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        assert self.exponent == 2
        if self.field.constant is not None:
            return None
        return -(self._bend @ q[:, :, None])[:, :, 0]

    @cached_property
    def _bend(self) -> Tensor:
        return validated(self.field.hessian, f"the second derivative of {KEY}", self.x.double().cpu()).to(self.a)

    def second(self, u: Values, q: Gradients) -> Tensor:
        import torch

        p = self.exponent
        if p == 2:
            return self.a
        a, n = self.a * size_power(q, p - 2), q * size_power(q, -1)[:, None]
        identity = torch.eye(q.shape[1], dtype=q.dtype, device=q.device)
        return a[:, None, None] * (identity + (p - 2) * n[:, :, None] * n[:, None, :])

    def second_gradient(self) -> Tensor | None:
        return None if self.field.constant is not None else self.slope


@dataclass(frozen=True)
class StrongMatrix(StrongTerm):
    """``-(div A) . q - A : D^2 u``, where component i of div A is the divergence of row i."""

    a: Tensor
    slopes: Tensor | None
    rows: tuple[tuple[Field, ...], ...]
    x: Points

    def lower(self, u: Values, q: Gradients) -> Values | None:
        return None if self.slopes is None else -(self._divergence * q).sum(dim=1)

    def lower_slopes(self, u: Values, q: Gradients) -> tuple[None, Gradients | None]:
        return None, None if self.slopes is None else -self._divergence

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        return None if self.slopes is None else -(self._bends * q[:, :, None]).sum(dim=1)

    def second(self, u: Values, q: Gradients) -> Tensor:
        return self.a

    def second_gradient(self) -> Tensor | None:
        return self.slopes

    @cached_property
    def _divergence(self) -> Gradients:
        assert self.slopes is not None
        return self.slopes.diagonal(dim1=2, dim2=3).sum(dim=2)

    @cached_property
    def _bends(self) -> Tensor:
        """The gradient of (div A)_i = sum_j d_j A_ij, ``(n, d, d)`` with the derivative last."""
        import torch

        x, key = self.x.double().cpu(), f"the second derivative of {KEY}"
        rows = [sum((validated(a.hessian, key, x)[:, j] for j, a in enumerate(row)), torch.zeros_like(x)) for row in self.rows]
        return torch.stack(rows, dim=1).to(self.a)


def strong_matrix(rows: tuple[tuple[Field, ...], ...], x: Points) -> StrongMatrix:
    """The strong form for a matrix, whose derivatives are evaluated once."""
    import torch

    a, key = matrix_at(rows, x), f"the gradient of {KEY}"
    if len(a) == 1:
        return StrongMatrix(a.expand(len(x), -1, -1), None, rows, x)
    slopes = torch.stack([torch.stack([validated(entry.gradient, key, x) for entry in row], dim=1) for row in rows], dim=1)
    return StrongMatrix(a, slopes, rows, x)

"""The left-hand side of an equation at fixed points: the sum of its terms, in the weak and in the strong form."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from pdefreq.core.shapes import Gradients, Points, Values
    from pdefreq.problem.terms.equation import Equation
    from pdefreq.problem.terms.term import StrongTerm, WeakSlopes, WeakTerm


@dataclass(frozen=True)
class WeakEquation:
    """The sum of weak forms ``G v + F . grad v``."""

    terms: tuple[WeakTerm, ...]

    @classmethod
    def at(cls, equation: Equation, x: Points, like: Tensor) -> WeakEquation:
        """The equation at points ``(n, d)``, float64, in the dtype and on the device of `like`.

        Raises:
            ProblemFileError: If a coefficient is not finite, or outside its range, at one of the points.
        """
        return cls(tuple(term.weak(x).to(like) for term in equation))

    def densities(self, u: Values, q: Gradients) -> tuple[Values | None, Gradients | None]:
        """G, ``(n,)``, and F, ``(n, d)``; None means zero."""
        found = [term.densities(u, q) for term in self.terms]
        return total(weak.value for weak in found), total(weak.flux for weak in found)

    def slopes(self, u: Values, q: Gradients) -> list[WeakSlopes]:
        """The derivatives of G and F in u and q, of each term."""
        return [term.slopes(u, q) for term in self.terms]

    def flux_slope(self, u: Values, q: Gradients, direction: Gradients) -> Gradients:
        """The derivative of F in q, a symmetric matrix, times a direction ``(n, d)``."""
        found = torch.zeros_like(q)
        for slopes in self.slopes(u, q):
            if slopes.isotropic is not None:
                found = found + slopes.isotropic[:, None] * direction
            if slopes.directed is not None:
                strength, n = slopes.directed
                found = found + (strength * (n * direction).sum(dim=1))[:, None] * n
            if slopes.matrix is not None:
                found = found + (slopes.matrix @ direction[:, :, None])[:, :, 0]
        return found

    def root(self, u: Values, q: Gradients) -> tuple[Values | None, Tensor]:
        """A square root of the second derivative of the energy without its negative part.

        Returns:
            The square root of the derivative of G in u, ``(n,)``, None if it is zero for all u and q; and a symmetric matrix
            whose square is the derivative of F in q, ``(n, d, d)``.
        """
        found = self.slopes(u, q)
        value = total(slopes.value_u for slopes in found)
        isotropic = total(slopes.isotropic for slopes in found)
        directed = [slopes.directed for slopes in found if slopes.directed is not None]
        matrix = total(slopes.matrix for slopes in found)
        return (None if value is None else value.clamp_min(0).sqrt()), _root(q, isotropic, directed, matrix)

    def energy(self, u: Values, q: Gradients) -> Values:
        """The density of the energy, ``(n,)``."""
        return functools.reduce(operator.add, (term.energy(u, q) for term in self.terms))


@dataclass(frozen=True)
class StrongEquation:
    """The sum of strong forms ``L - S : D^2 u``."""

    terms: tuple[StrongTerm, ...]

    @classmethod
    def at(cls, equation: Equation, x: Points, like: Tensor) -> StrongEquation:
        """The equation at points ``(n, d)``, float64, in the dtype and on the device of `like`.

        Raises:
            ProblemFileError: If a coefficient or its gradient is not finite, or outside its range, at one of the points.
        """
        return cls(tuple(term.strong(x).to(like) for term in equation))

    def lower(self, u: Values, q: Gradients) -> Values:
        """L, ``(n,)``."""
        lower = total(term.lower(u, q) for term in self.terms)
        return torch.zeros_like(u) if lower is None else lower

    def lower_slopes(self, u: Values, q: Gradients) -> tuple[Values, Gradients]:
        """The derivatives of L in u, ``(n,)``, and in q, ``(n, d)``."""
        of_terms = [term.lower_slopes(u, q) for term in self.terms]
        at_u, at_q = total(slope for slope, _ in of_terms), total(slope for _, slope in of_terms)
        return torch.zeros_like(u) if at_u is None else at_u, torch.zeros_like(q) if at_q is None else at_q

    def lower_gradient(self, u: Values, q: Gradients) -> Gradients | None:
        """The gradient of L in x for fixed u and q, ``(n, d)``; None means zero."""
        return total(term.lower_gradient(u, q) for term in self.terms)

    def second(self, u: Values, q: Gradients) -> Tensor:
        """S: ``(n,)`` for multiples of the identity, otherwise ``(n, d, d)``."""
        n, d = q.shape
        parts = [second for term in self.terms if (second := term.second(u, q)) is not None]
        if all(part.ndim < 3 for part in parts):
            return functools.reduce(operator.add, parts, torch.zeros_like(u)) if len(parts) != 1 else parts[0].expand(n)
        return functools.reduce(operator.add, [as_matrix(part, n, d) for part in parts]).expand(n, d, d)

    def second_gradient(self, *, isotropic: bool) -> Tensor | None:
        """The gradient of S in x: ``(n, d)`` for multiples of the identity, otherwise ``(n, d, d, d)``; None means zero."""
        parts = [slope for term in self.terms if (slope := term.second_gradient()) is not None]
        if not isotropic:
            parts = [part if part.ndim == 4 else torch.einsum("nk,ij->nijk", part, _identity(part)) for part in parts]
        return total(parts)


def total(parts: Iterable[Tensor | None]) -> Tensor | None:
    """The sum of the arguments that are not None; None if all are."""
    found = [part for part in parts if part is not None]
    return functools.reduce(operator.add, found) if found else None


def _root(q: Gradients, isotropic: Values | None, directed: list[tuple[Values, Gradients]], matrix: Tensor | None) -> Tensor:
    """The square root of the nonnegative part of ``isotropic I + sum strength n n^T + matrix``, ``(n, d, d)``."""
    n, d = q.shape
    identity = torch.eye(d, dtype=q.dtype, device=q.device)
    isotropic = q.new_zeros(1) if isotropic is None else isotropic
    if matrix is None and len(directed) <= 1:
        scale = isotropic.clamp_min(0).sqrt()
        root = scale[:, None, None] * identity
        if directed:
            ((strength, direction),) = directed
            along = (isotropic + strength).clamp_min(0).sqrt() - scale
            root = root + along[:, None, None] * direction[:, :, None] * direction[:, None, :]
        return root.expand(n, d, d)
    whole = isotropic[:, None, None] * identity + (q.new_zeros(1, d, d) if matrix is None else matrix)
    for strength, direction in directed:
        whole = whole + strength[:, None, None] * direction[:, :, None] * direction[:, None, :]
    values, vectors = torch.linalg.eigh(whole)
    return ((vectors * values.clamp_min(0).sqrt()[:, None, :]) @ vectors.mT).expand(n, d, d)


def as_matrix(second: Tensor, n: int, d: int) -> Tensor:
    """S as matrices ``(n, d, d)``, also if it is given as a multiple of the identity, ``(n,)`` or 0-d."""
    if second.ndim == 3:
        return second
    return second.expand(n)[:, None, None] * torch.eye(d, dtype=second.dtype, device=second.device)


def _identity(slope: Gradients) -> Tensor:
    return torch.eye(slope.shape[1], dtype=slope.dtype, device=slope.device)

"""The terms of an equation at the points of a quadrature rule, as arrays of the rule's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points
    from pdefreq.problem.terms.term import Term, WeakSlopes

Density: TypeAlias = "np.ndarray | float"
"""A function at the points of a rule, in the rule's shape, or a number for a constant."""


class Slopes(NamedTuple):
    """The coefficients of a bilinear form with trial function u and test function v.

    The form is the integral of ``value_u u v + (value_q . grad u) v + (D grad u) . grad v`` with
    ``D = isotropic I + sum strength n n^T + matrix``.

    Args:
        value_u: A density.
        value_u: A density.
        value_q: One density for each axis; empty for zero.
        isotropic: A density.
        directed: Pairs of a strength and a direction n of shape ``(d, ...)``.
        matrix: Rows of densities; empty for zero.
    """

    value_u: Density = 0.0
    value_q: tuple[Density, ...] = ()
    isotropic: Density = 0.0
    directed: tuple[tuple[Density, np.ndarray], ...] = ()
    matrix: tuple[tuple[Density, ...], ...] = ()

    def __add__(self, other: Slopes) -> Slopes:  # pyright: ignore[reportIncompatibleMethodOverride]
        rows = zip(self.matrix, other.matrix, strict=True) if self.matrix and other.matrix else ()
        return Slopes(
            self.value_u + other.value_u,
            _sum(self.value_q, other.value_q),
            self.isotropic + other.isotropic,
            (*self.directed, *other.directed),
            tuple(_sum(a, b) for a, b in rows) or self.matrix or other.matrix,
        )

    @property
    def are_nonnegative(self) -> bool:
        """Whether `value_u` and `isotropic` are nonnegative and the others zero, so that the form is nonnegative."""
        mixed = (*self.value_q, *(entry for row in self.matrix for entry in row), *(strength for strength, _ in self.directed))
        return not any(np.any(entry) for entry in mixed) and bool(np.all(self.value_u >= 0) and np.all(self.isotropic >= 0))


class TermsAtPoints:
    """The weak forms of terms at fixed points. Constant coefficients remain numbers.

    Args:
        terms: The terms.
        x: The points, ``(n, d)``, float64, in C order of `shape`.
        shape: The shape of arrays over the points.

    Raises:
        ProblemFileError: If a coefficient is not finite, or outside its range, at one of the points.
    """

    def __init__(self, terms: Sequence[Term], x: Points, shape: tuple[int, ...]) -> None:
        self._terms, self._points, self._shape = terms, x.shape, shape
        self._weak = [term.weak(x[:1] if term.constant else x) for term in terms]

    def densities(self, u: np.ndarray, q: np.ndarray) -> tuple[Density, np.ndarray | None]:
        """The factor of the test function and that of its gradient, ``(d, ...)``; the latter is None if no term has a flux."""
        value: Density = 0.0
        flux: np.ndarray | None = None
        for weak in self._weak:
            found = weak.densities(*self._flat(u, q))
            if found.value is not None:
                value = value + self._shaped(found.value)
            if found.flux is not None:
                part = found.flux.numpy().T.reshape(-1, *self._shape)
                flux = part if flux is None else flux + part
        return value, flux

    def energy(self, u: np.ndarray, q: np.ndarray) -> np.ndarray:
        """The density of the energy at the points."""
        flat = self._flat(u, q)
        return np.sum([weak.energy(*flat).numpy() for weak in self._weak], axis=0).reshape(self._shape)

    def slopes(self, u: np.ndarray | None = None, q: np.ndarray | None = None) -> tuple[Slopes, bool]:
        """The derivatives of the densities with respect to u and grad u.

        The second value returned is whether the bilinear form of these derivatives is known to be symmetric and nonnegative.

        Args:
            u: The values. `u` and `q` may be omitted if all terms are linear.
            q: The gradients, ``(d, ...)``.
        """
        if u is None or q is None:
            n, d = self._points
            zero = torch.zeros(1, 1, dtype=torch.float64)
            flat = zero[0].expand(n), zero.expand(n, d)
        else:
            flat = self._flat(u, q)
        total, nonnegative = Slopes(), True
        for term, weak in zip(self._terms, self._weak, strict=True):
            slopes = self._slopes(weak.slopes(*flat))
            total += slopes
            nonnegative &= (term.symmetric and bool(term.coercive)) or slopes.are_nonnegative
        return total, nonnegative

    def _flat(self, u: np.ndarray, q: np.ndarray) -> tuple[Tensor, Tensor]:
        """The values, ``(n,)``, and gradients, ``(n, d)``, as tensors."""
        return torch.from_numpy(u.reshape(-1)), torch.from_numpy(q.reshape(len(q), -1)).T

    def _shaped(self, values: Tensor) -> Density:
        return float(values[0]) if len(values) == 1 else values.numpy().reshape(self._shape)

    def _slopes(self, found: WeakSlopes) -> Slopes:
        strength_and_direction = ()
        if found.directed is not None:
            strength, direction = found.directed
            strength_and_direction = ((self._shaped(strength), direction.numpy().T.reshape(-1, *self._shape)),)
        return Slopes(
            0.0 if found.value_u is None else self._shaped(found.value_u),
            () if found.value_q is None else self._columns(found.value_q),
            0.0 if found.isotropic is None else self._shaped(found.isotropic),
            strength_and_direction,
            () if found.matrix is None else tuple(self._columns(row) for row in found.matrix.unbind(dim=1)),
        )

    def _columns(self, values: Tensor) -> tuple[Density, ...]:
        return tuple(self._shaped(column.contiguous()) for column in values.unbind(dim=1))


def _sum(a: tuple[Density, ...], b: tuple[Density, ...]) -> tuple[Density, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True)) if a and b else a or b

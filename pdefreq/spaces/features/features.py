"""The trial space of linear combinations of given functions, the features."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from pdefreq.spaces.trial_space import LinearEvaluator, TrialSpace

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.spaces.trial_space import Evaluator

_ENTRIES = 2**22  # entries of the arrays of one chunk of points: 32 MiB in double precision


class FeatureFamily(Protocol):
    """A set of m functions with their derivatives.

    A family may also have a method ``combined(x, value, gradient, second, matrix)``, which computes the linear combinations of
    `columns` faster.
    """

    @property
    def size(self) -> int:
        """The number of functions, m."""
        ...

    def value(self, x: Points) -> Values:
        """The values at points ``(n, d)``, shape ``(n, m)``."""
        ...

    def gradient(self, x: Points) -> Gradients:
        """The gradients, shape ``(n, d, m)``."""
        ...

    def laplacian(self, x: Points) -> Values:
        """The Laplacians, shape ``(n, m)``."""
        ...

    def hessian(self, x: Points) -> Tensor:
        """The second derivatives, shape ``(n, d, d, m)``."""
        ...


@dataclass(frozen=True, eq=False)
class Features(TrialSpace):
    """The functions ``u = sum_j c_j f_j`` with features f_j, which belong to families of functions.

    Args:
        families: The families, at least one.
    """

    families: tuple[FeatureFamily, ...]

    @property
    def num_coefficients(self) -> int:
        return sum(family.size for family in self.families)

    @property
    def smoothness(self) -> float:
        return math.inf

    def at(self, x: Points) -> Evaluator:
        return _FeatureEvaluator(self, x)


class _FeatureEvaluator(LinearEvaluator):
    """Features at points. Columns are computed in each call, in chunks of points: storing them would need more memory than u."""

    def __init__(self, space: Features, x: Points) -> None:
        self._families, self._x = space.families, x.detach()
        self._matrix: Tensor | None = None
        self._chunk = max(1, _ENTRIES // max(1, space.num_coefficients * x.shape[1]))

    def with_second(self, matrix: Tensor) -> Evaluator:
        bound = copy.copy(self)
        bound._matrix = matrix
        return bound

    def value(self, c: Coefficients) -> Values:
        return self._summed(c, lambda family, x, _: family.value(x))

    def gradient(self, c: Coefficients) -> Gradients:
        return self._summed(c, lambda family, x, _: family.gradient(x))

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        second = self._summed(c, lambda family, x, matrix: _second(family, x, matrix))
        return self.value(c), self.gradient(c), second

    def second(self, c: Coefficients) -> Values:
        return self._summed(c, lambda family, x, matrix: _second(family, x, matrix))

    def hessian(self, c: Coefficients) -> Tensor:
        return self._summed(c, lambda family, x, _: family.hessian(x))

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        rows = self._x.new_empty(len(self._x), sum(family.size for family in self._families))
        start = 0
        for family in self._families:
            columns(family, self._x, value, gradient, second, self._matrix, out=rows[:, start : start + family.size])
            start += family.size
        return rows

    def _summed(self, c: Coefficients, of: object) -> Tensor:
        parts = c.split([family.size for family in self._families])
        matrices = [None] if self._matrix is None else self._matrix.split(self._chunk)
        chunks = self._x.split(self._chunk)
        found = []
        for number, x in enumerate(chunks):
            matrix = None if self._matrix is None else matrices[number]
            found.append(sum(of(family, x, matrix) @ part for family, part in zip(self._families, parts, strict=True)))  # type: ignore[operator]
        return torch.cat(found)


def columns(
    family: FeatureFamily,
    x: Points,
    value: Values | None,
    gradient: Gradients | None,
    second: Values | None,
    matrix: Tensor | None,
    *,
    out: Tensor,
) -> None:
    """Write ``value_i f + gradient_i . grad f + second_i S_i : D^2 f`` of all functions at x_i into an array ``(n, m)``.

    Without weights these are the values; without a matrix S is the identity.
    """
    if value is None and gradient is None and second is None:
        value = torch.ones_like(x[:, 0])
    size = max(1, _ENTRIES // max(1, family.size))
    for start in range(0, len(x), size):
        at = slice(start, start + size)
        value_at, gradient_at, second_at, matrix_at = (
            None if each is None else each.expand(len(x), *each.shape[1:])[at] for each in (value, gradient, second, matrix)
        )
        if hasattr(family, "combined"):
            out[at] = family.combined(x[at], value_at, gradient_at, second_at, matrix_at)  # type: ignore[attr-defined]
            continue
        rows = torch.zeros_like(out[at])
        if value_at is not None:
            rows += value_at[:, None] * family.value(x[at])
        if gradient_at is not None:
            rows += torch.einsum("nd,ndm->nm", gradient_at, family.gradient(x[at]))
        if second_at is not None:
            rows += second_at[:, None] * _second(family, x[at], matrix_at)
        out[at] = rows


def _second(family: FeatureFamily, x: Points, matrix: Tensor | None) -> Values:
    """``S : D^2 f`` of all functions at points, ``(n, m)``; without a matrix the Laplacians."""
    if matrix is None:
        return family.laplacian(x)
    if hasattr(family, "combined"):
        return family.combined(x, None, None, torch.ones_like(x[:, 0]), matrix)  # type: ignore[attr-defined]
    return torch.einsum("nij,nijm->nm", matrix, family.hessian(x))

"""The trial space of linear combinations of given functions, the features."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from pdefreq.spaces.trial_space import LinearEvaluator, TrialSpace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.spaces.trial_space import Evaluator

_ENTRIES = 2**22  # entries of the arrays of one chunk of points: 32 MiB in double precision


class FeatureFamily(Protocol):
    """A set of m functions with their derivatives.

    A family may also have methods ``combined(x, value, gradient, second, matrix)`` and ``evaluated(x, c, order, matrix)``, which
    compute the linear combinations of `columns` and the function with coefficients c faster.
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
        return self._evaluated(c, 0)[0]

    def gradient(self, c: Coefficients) -> Gradients:
        return self._evaluated(c, 1)[1]

    def value_and_gradient(self, c: Coefficients) -> tuple[Values, Gradients]:
        value, gradient = self._evaluated(c, 1)
        return value, gradient

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        value, gradient, second = self._evaluated(c, 2)
        return value, gradient, second

    def hessian(self, c: Coefficients) -> Tensor:
        sizes = [family.size for family in self._families]
        return torch.cat(
            [
                torch.stack([f.hessian(x) @ part for f, part in zip(self._families, c.split(sizes), strict=True)]).sum(dim=0)
                for x, _ in self._chunks()
            ]
        )

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        rows = self._x.new_empty(len(self._x), sum(family.size for family in self._families))
        start = 0
        for family in self._families:
            columns(family, self._x, value, gradient, second, self._matrix, out=rows[:, start : start + family.size])
            start += family.size
        return rows

    def _evaluated(self, c: Coefficients, order: int) -> list[Tensor]:
        """u, grad u and S : D^2 u up to an order."""
        n, d = self._x.shape
        if not c.requires_grad and not bool(c.any()):  # the load of a linear problem
            return [c.new_zeros(shape) for shape in ((n,), (n, d), (n,))[: order + 1]]
        found = []
        for x, matrix in self._chunks():
            parts = zip(self._families, c.split([family.size for family in self._families]), strict=True)
            found.append([sum(each) for each in zip(*(_evaluated(f, x, part, order, matrix) for f, part in parts), strict=True)])
        return [torch.cat(each) for each in zip(*found, strict=True)]

    def _chunks(self) -> Iterator[tuple[Points, Tensor | None]]:
        """The points, and the matrices S at them, in chunks."""
        for start in range(0, len(self._x), self._chunk):
            at = slice(start, start + self._chunk)
            yield self._x[at], None if self._matrix is None else self._matrix[at]


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


def _evaluated(family: FeatureFamily, x: Points, c: Coefficients, order: int, matrix: Tensor | None) -> list[Tensor]:
    """The function of a family with the coefficients c at points, with its derivatives up to an order."""
    if hasattr(family, "evaluated"):
        return family.evaluated(x, c, order, matrix)  # type: ignore[attr-defined]
    found = [family.value(x) @ c]
    found += [family.gradient(x) @ c] if order >= 1 else []
    return found + ([_second(family, x, matrix) @ c] if order >= 2 else [])

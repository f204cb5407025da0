"""The trial space of given sine or cosine modes, with which the rows of a functional are applied to modes."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch

from pdefreq.spaces.trial_space import Evaluator, TrialSpace
from pdefreq.spectrum.box_modes import CosineModes, SineModes

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Gradients, Points, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.spectrum.family import Modes


@dataclass(frozen=True, eq=False)
class ModeSpan(TrialSpace):
    """The trial space of functions ``u(x) = sum_k c_k phi_k(x)`` over modes on a box.

    Args:
        modes: Sine or cosine modes.
    """

    modes: SineModes | CosineModes

    @property
    def num_coefficients(self) -> int:
        return len(self.modes)

    @property
    def smoothness(self) -> float:
        return math.inf

    def at(self, x: Points) -> Evaluator:
        return _Waves(self.modes, x)


class _Waves(Evaluator):
    """Tables of all modes at all points, computed at their first use.

    The derivative of sin(xi s) of order o is xi^o sin(xi s + o pi / 2), and a cosine is a sine shifted by pi / 2.
    """

    def __init__(self, modes: SineModes | CosineModes, x: Points) -> None:
        self._d = x.shape[1]
        xi = torch.from_numpy(modes.wavevectors).to(x)
        angle = (x - x.new_tensor(modes.box.lower))[:, None, :] * xi  # (n, m, d)
        ahead = 1 if isinstance(modes, CosineModes) else 0

        @cache
        def table(*axes: int) -> Tensor:
            """The derivatives of the modes along these axes, ``(n, m)``."""
            product = torch.ones_like(angle[..., 0])
            for axis in range(self._d):
                order = axes.count(axis)
                product = product * xi[:, axis] ** order * torch.sin(angle[..., axis] + (order + ahead) * math.pi / 2)
            return product

        self._table = table
        self._matrix: Tensor | None = None

    def with_second(self, matrix: Tensor) -> Evaluator:
        bound = copy.copy(self)
        bound._matrix = matrix
        return bound

    def value(self, c: Coefficients) -> Values:
        return self._table() @ c

    def gradient(self, c: Coefficients) -> Gradients:
        return torch.stack([self._table(i) @ c for i in range(self._d)], dim=1)

    def second_order(self, c: Coefficients) -> tuple[Values, Gradients, Values]:
        return self.value(c), self.gradient(c), self._combined((), second=self._table().new_ones(1)) @ c

    def gradient_of(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Gradients:
        value = c.new_ones(1) if value is None and gradient is None and second is None else value
        return torch.stack([self._combined((i,), value, gradient, second) @ c for i in range(self._d)], dim=1)

    def jacobian(
        self, c: Coefficients, value: Values | None = None, gradient: Gradients | None = None, second: Values | None = None
    ) -> Tensor:
        value = c.new_ones(1) if value is None and gradient is None and second is None else value
        return self._combined((), value, gradient, second)

    def _combined(
        self,
        axes: tuple[int, ...],
        value: Values | None = None,
        gradient: Gradients | None = None,
        second: Values | None = None,
    ) -> Tensor:
        """The derivatives along `axes` of ``value u + gradient . grad u + second S : D^2 u`` for every mode, ``(n, m)``."""
        terms = [] if value is None else [value[:, None] * self._table(*axes)]
        if gradient is not None:
            terms += [gradient[:, i, None] * self._table(*sorted((*axes, i))) for i in range(self._d)]
        if second is not None:
            terms += [(second * s)[:, None] * self._table(*sorted((*axes, i, j))) for i, j, s in self._second_terms()]
        return torch.stack(terms).sum(dim=0)

    def _second_terms(self) -> Iterator[tuple[int, int, Tensor | float]]:
        """Triples i, j, S_ij of the entries that may be nonzero."""
        axes, matrix = range(self._d), self._matrix
        if matrix is None:
            return ((i, i, 1.0) for i in axes)
        return ((i, j, matrix[:, i, j]) for i in axes for j in axes)


def modes_at_rows(modes: Modes, samples: Samples, rows: int, like: Tensor) -> Tensor | None:
    """Modes at points as vectors of unit length over the rows of a residual, whose first rows belong to these points.

    Args:
        modes: The modes.
        samples: The points with their weights; each has one row, ``sqrt(2 w)`` times the residual there.
        rows: The number of all rows; those after the points are zero.
        like: A tensor with the dtype and device of the rows.

    Returns:
        The vectors as columns, ``(rows, m)``; None for modes without a closed form.
    """
    span = span_of(modes)
    if span is None:
        return None
    values = span.at(samples.x).jacobian(torch.zeros(len(modes), dtype=samples.x.dtype)) * samples.weights.sqrt()[:, None]
    found = like.new_zeros(rows, len(modes))
    found[: len(samples.x)] = (values / values.norm(dim=0).clamp_min(torch.finfo(values.dtype).tiny)).to(like)
    return found


def span_of(modes: Modes) -> ModeSpan | None:
    """The space that modes span; None for modes without a closed form."""
    return ModeSpan(modes) if isinstance(modes, (SineModes, CosineModes)) else None

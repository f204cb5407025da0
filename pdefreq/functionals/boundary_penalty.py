"""Dirichlet and Robin conditions at boundary points, and the terms of functionals that impose them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import torch

from pdefreq.core.reduce import block_size
from pdefreq.core.validation import validated
from pdefreq.functionals.block import ChannelBlock, ChannelLeastSquares
from pdefreq.spaces.channels import Channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.equation_at_points import WeakEquation
    from pdefreq.problem.boundary_conditions import BoundaryPart
    from pdefreq.spaces.trial_space import TrialSpace


@dataclass(frozen=True)
class ConditionsAtPoints:
    """The conditions at n boundary points, each of which belongs to one boundary part.

    Args:
        x: The points, in the dtype and on the device of the run.
        dirichlet: Quadrature weights at points with a prescribed value, 0 at other points.
        value: The prescribed values g, 0 at other points.
        robin: Quadrature weights at points with a Robin condition, 0 at other points.
        alpha: The Robin coefficient at these points, 0 at other points.
        flux: The Robin data at these points, 0 at other points.
        normals: Outward unit normals, ``(n, d)``, if the domain provides them.
    """

    x: Points
    dirichlet: Values
    value: Values
    robin: Values
    alpha: Values
    flux: Values
    normals: Tensor | None = None

    @classmethod
    def of(cls, parts: Sequence[BoundaryPart], governing: Tensor, samples: Samples, like: Tensor) -> ConditionsAtPoints:
        """Evaluate boundary data, in float64, once.

        Args:
            parts: The boundary conditions.
            governing: The index of the boundary part of each point, shape ``(n,)``, from `Problem.part_of`.
            samples: The points.
            like: A tensor with the dtype and device of the values.

        Raises:
            ProblemFileError: If a value is not finite, or alpha is negative.
        """
        columns = {name: torch.zeros_like(samples.weights) for name in ("dirichlet", "value", "robin", "alpha", "flux")}
        for index, condition in enumerate(parts):
            if condition.kind == "periodic":  # built into the space
                continue
            mine = governing == index
            x = samples.x[mine]
            columns[condition.kind][mine] = samples.weights[mine]
            if condition.kind == "dirichlet":
                columns["value"][mine] = validated(condition.value, "[boundary] value", x)
            else:
                columns["alpha"][mine] = validated(condition.alpha, "[boundary] alpha", x, least=0)
                columns["flux"][mine] = validated(condition.flux, "[boundary] flux", x)
        normals = None if samples.normals is None else samples.normals.to(like)
        return cls(samples.x.to(like), **{name: column.to(like) for name, column in columns.items()}, normals=normals)

    def where(self, kind: str) -> list[ConditionsAtPoints]:
        """The conditions of one kind, ``"dirichlet"`` or ``"robin"``: an empty list if there are no such points.

        They are in one piece, or if several processes share the points in one for each process.
        """
        mine = getattr(self, kind) > 0
        if not bool(mine.any()):
            return []
        size = block_size(number := int(mine.sum()), number)
        columns: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        pieces = {name: column[mine].split(size) for name, column in columns.items() if column is not None}
        return [ConditionsAtPoints(**dict(zip(pieces, piece, strict=True))) for piece in zip(*pieces.values(), strict=True)]

    def robin_energy(self, u: Values) -> Tensor:
        """The integral over the Robin part of alpha / 2 u^2 - flux u."""
        return (self.robin * (self.alpha / 2 * u - self.flux) * u).sum()


class PenaltyBlock(ChannelLeastSquares):
    """Term ``boundary``: beta int over the Dirichlet part of (u - g)^2, the integral, without a factor 1/2."""

    order = 0

    def __init__(self, space: TrialSpace, conditions: ConditionsAtPoints, beta: float) -> None:
        super().__init__("boundary", space.at(conditions.x))
        self._value, self._scale = conditions.value, (2 * beta * conditions.dirichlet).sqrt()

    @property
    def num_rows(self) -> int:
        return len(self._scale)

    def residual_of(self, u: Channels) -> Tensor:
        return self._scale * (u.value - self._value)

    def rows(self, u: Channels) -> list[Channels]:
        return [Channels(self._scale)]


class RobinEnergyBlock(ChannelBlock):
    """A part of term ``energy``: int over the Robin part of alpha / 2 u^2 - flux u."""

    order = 0

    def __init__(self, space: TrialSpace, conditions: ConditionsAtPoints) -> None:
        super().__init__("energy", space.at(conditions.x))
        self._conditions = conditions

    @property
    def num_rows(self) -> int:
        return len(self._conditions.x)

    def integral(self, u: Channels) -> Tensor:
        return self._conditions.robin_energy(u.value)

    def slopes(self, u: Channels) -> Channels:
        conditions = self._conditions
        return Channels(conditions.robin * (conditions.alpha * u.value - conditions.flux))

    def rows(self, u: Channels) -> list[Channels]:
        return [Channels((self._conditions.robin * self._conditions.alpha).sqrt())]


class RobinResidualBlock(ChannelLeastSquares):
    """Term ``robin``: beta int over the Robin part of (F . n + alpha u - flux)^2, with the flux F of the weak form.

    Args:
        equation: The equation at the points of the conditions.
        space: The trial space of u.
        conditions: The Robin conditions.
        beta: The penalty parameter, a number or one for each point.
    """

    order = 1

    def __init__(self, equation: WeakEquation, space: TrialSpace, conditions: ConditionsAtPoints, beta: float | Values) -> None:
        super().__init__("robin", space.at(conditions.x))
        assert conditions.normals is not None
        self._equation, self._conditions, self._normals = equation, conditions, conditions.normals
        self._scale = (2 * beta * conditions.robin).sqrt()

    @property
    def num_rows(self) -> int:
        return len(self._scale)

    def residual_of(self, u: Channels) -> Tensor:
        assert u.gradient is not None
        _, flux = self._equation.densities(u.value, u.gradient.T)
        through = torch.zeros_like(u.value) if flux is None else (flux * self._normals).sum(dim=1)
        return self._scale * (through + self._conditions.alpha * u.value - self._conditions.flux)

    def rows(self, u: Channels) -> list[Channels]:
        assert u.gradient is not None
        slope = self._equation.flux_slope(u.value, u.gradient.T, self._normals)
        return [Channels(self._conditions.alpha, slope.T).times(self._scale)]

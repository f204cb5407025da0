"""The units in which networks are trained, which the data of a problem imply.

Units are powers of ten, so that the estimates of sizes need not be accurate, and problems of about unit size are trained as they
are. A problem whose domain and solution are multiplied by powers of ten is trained with the same numbers up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import ConstantField
from pdefreq.domains.frame import Frame, origin_of, power_of_ten_near
from pdefreq.problem.solution_size import SizeEstimate, difference, finite_values, rms

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem

_POINTS = 2048  # at which a function is evaluated for the size of its values


@dataclass(frozen=True)
class Scales:
    """Units of a problem: the solution is about ``offset + amplitude v(y)`` with a function v of unit size in a frame y.

    Args:
        frame: The coordinates y.
        offset: The constant from which u is measured where boundary values are not built in.
        amplitude: The unit of u minus its lifting or the offset.
        stiffness: The unit of the second-order term: that of a |grad u|^(p-1) / length.
        load: The unit of the left-hand side.
    """

    frame: Frame
    offset: float = 0.0
    amplitude: float = 1.0
    stiffness: float = 1.0
    load: float = 1.0

    @property
    def text(self) -> str:
        """The units in words; empty if all of them are 1, and nothing is subtracted."""
        named = {"u": (self.amplitude,), "the left-hand side": (self.load,), "length": self.frame.units}
        parts = [
            f"{' by '.join(f'{unit:g}' for unit in (units if len({*units}) > 1 else units[:1]))} for {name}"
            for name, units in named.items()
            if {*units} != {1.0}
        ]
        origin = ", ".join(f"{x:g}" for x in self.frame.origin)
        parts += [f"x measured from ({origin})"] if any(self.frame.origin) else []
        parts += [f"u measured from {self.offset:g}"] if self.offset else []
        return ", ".join(parts)

    @property
    def energy(self) -> float:
        """The unit of an energy, the integral of the load times u."""
        return self.load * self.amplitude * self.frame.volume

    @property
    def squared_residual(self) -> float:
        """The unit of the integral of a squared residual."""
        return self.load * self.frame.volume * self.load

    @property
    def penalty_in_energy(self) -> float:
        """The unit of the factor of the integral of (u - g)^2 over the boundary in an energy."""
        return self.stiffness * self.frame.length / self.amplitude

    @property
    def penalty_in_residual(self) -> float:
        """The unit of the same factor in a squared residual."""
        return self.stiffness / self.amplitude * self.frame.length * self.stiffness / self.amplitude

    @property
    def robin_in_residual(self) -> float:
        """The unit of the factor of the squared residual of Robin conditions."""
        return 1 / self.frame.length


@dataclass(frozen=True)
class NaturalUnits:
    """The units that the data of a problem imply.

    Args:
        problem: The problem.
    """

    problem: Problem

    @cached_property
    def lifting(self) -> Field:
        """A lifting of the boundary values: that of networks with built-in values if there is one, otherwise `level`."""
        if self.problem.is_regression or self.problem.dirichlet is None:
            return ConstantField(self.level)
        try:
            return self.problem.lifting
        except IncompatibleError:  # there is no lifting of varying values on this domain
            return ConstantField(self.level)

    @cached_property
    def level(self) -> float:
        """A constant from which u is measured if no values are built in.

        It is the mean of the prescribed values; without any, the constant that balances the equation as a whole,
        (int f + int flux) / (int c + int alpha), or 0 if it is not determined; for a regression the mean of f / c.
        """
        if self.problem.is_regression:
            return float(self._regression_values.mean())
        estimate = SizeEstimate(self.problem, ConstantField(0.0))
        edge, measure = estimate.edge, self.problem.domain.measure
        if edge is not None and bool(edge.fixed.any()):
            return float((edge.weights * edge.fixed * edge.values).sum() / (edge.weights * edge.fixed).sum())
        averaged = estimate.averaged
        source = measure * float(finite_values(self.problem.source, averaged.x).mean())
        sink = measure * averaged.reaction
        if edge is not None:
            source, sink = source + float((edge.weights * edge.flux).sum()), sink + float((edge.weights * edge.alpha).sum())
        return source / sink if sink > 0 else 0.0

    def scales(self, lifting: Field | None = None) -> Scales:
        """The units.

        Args:
            lifting: The lifting of the boundary values if they are built into the space; otherwise None.
        """
        frame = Frame.of(self.problem.domain)
        level = 0.0 if lifting is not None else self.level
        if self.problem.is_regression:
            values = self._regression_values
            amplitude = power_of_ten_near(2 * (rms(difference(values, values.new_tensor(level))) or rms(values)))
            return Scales(frame, origin_of(level, amplitude), amplitude)
        estimate = SizeEstimate(self.problem, ConstantField(level) if lifting is None else lifting)
        averaged = estimate.averaged
        size = math.hypot(estimate.from_load(), *estimate.from_boundary())
        size = size or rms(difference(averaged.base, averaged.base.mean())) or rms(averaged.base)  # u = G
        amplitude = power_of_ten_near(2 * size)  # the values of a function are mostly below twice their root mean square
        stiffness = max(
            power_of_ten_near(a) * (amplitude / unit) ** (averaged.exponent - 1) / unit
            for a, unit in zip(averaged.diffusion, frame.units, strict=True)
        )
        others = math.fsum(b / unit for b, unit in zip(averaged.convection, frame.units, strict=True)) + abs(averaged.reaction)
        others = others * amplitude + estimate.growth(amplitude)
        return Scales(frame, origin_of(level, amplitude), amplitude, stiffness, power_of_ten_near(stiffness + others))

    @cached_property
    def _regression_values(self) -> Tensor:
        """Values of the function that a regression fits."""
        import torch

        problem, data = self.problem, self.problem.data
        if data is not None and data.x is not None and data.values is not None:
            values = problem.regression_target(data.x, data.values)
        else:
            x = problem.domain.quadrature(_POINTS).x
            values = finite_values(problem.source, x) / problem.equation.zero_order(x)
        return torch.nan_to_num(values, 0.0, 0.0, 0.0)

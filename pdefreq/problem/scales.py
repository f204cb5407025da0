"""The units in which networks are trained, which the data of a problem imply.

Units are powers of ten, so that the estimates of sizes need not be accurate, and problems of about unit size are trained as they
are. A problem whose domain and solution are multiplied by powers of ten is trained with the same numbers up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import ConstantField
from pdefreq.domains.frame import Frame, origin_of, unit_of
from pdefreq.problem.solution_size import (
    Averaged,
    Edge,
    difference,
    finite_values,
    regression_values,
    rms,
    size_from_load,
    sizes_from_boundary,
)

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.problem.problem import Problem


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


def lifting_of(problem: Problem) -> Field:
    """A lifting of the boundary values: that of networks with built-in values if there is one, otherwise a constant.

    The constant is the mean of the prescribed values; without any, the constant that balances the equation as a whole,
    (int f + int flux) / (int c + int alpha), or 0 if it is not determined; for a regression the mean of f / c.
    """
    values = problem.dirichlet
    if problem.is_regression or values is None:
        return ConstantField(_level(problem))
    try:
        return lifted(problem, values)
    except IncompatibleError:  # there is no lifting of varying values on this domain
        return ConstantField(_level(problem))


def lifted(problem: Problem, values: Field) -> Field:
    """The lifting of the values on all sides of a domain that are not periodic.

    Raises:
        IncompatibleError: If the domain has no lifting of values that vary.
    """
    from pdefreq.domains.box import Box

    domain = problem.domain
    if not isinstance(domain, Box):
        return domain.lifting(values)
    return domain.lifting(values, [axis for axis in range(domain.dimension) if axis not in problem.periodic_axes])


def scales_of(problem: Problem, lifting: Field | None = None) -> Scales:
    """The units of a problem.

    Args:
        problem: The problem.
        lifting: The lifting of the boundary values if they are built into the space; otherwise None.
    """
    frame = Frame.of(problem.domain)
    level = 0.0 if lifting is not None else _level(problem)
    if problem.is_regression:
        size, averaged = _size_of_regression(problem, level), None
    else:
        base = ConstantField(level) if lifting is None else lifting
        averaged = Averaged.of(problem, base)
        size = math.hypot(size_from_load(problem, averaged, base), *sizes_from_boundary(problem, averaged, base))
        size = size or rms(difference(averaged.base, averaged.base.mean())) or rms(averaged.base)  # u = G
    amplitude = unit_of(2 * size)  # the values of a function are mostly below twice their root mean square
    offset = origin_of(level, amplitude)
    if averaged is None:
        return Scales(frame, offset, amplitude)
    stiffness = max(
        unit_of(a) * (amplitude / unit) ** (averaged.exponent - 1) / unit
        for a, unit in zip(averaged.diffusion, frame.units, strict=True)
    )
    others = math.fsum(b / unit for b, unit in zip(averaged.convection, frame.units, strict=True)) + abs(averaged.reaction)
    others = others * amplitude + averaged.growth(problem, amplitude)
    return Scales(frame, offset, amplitude, stiffness, unit_of(stiffness + others))


def _size_of_regression(problem: Problem, level: float) -> float:
    """The size of f / c minus a constant; that of f / c if it is constant."""
    values = regression_values(problem)
    return rms(difference(values, values.new_tensor(level))) or rms(values)


def _level(problem: Problem) -> float:
    """The constant of `lifting_of`."""
    if problem.is_regression:
        return float(regression_values(problem).mean())
    edge = Edge.of(problem)
    if edge is not None and bool(edge.fixed.any()):
        return float((edge.weights * edge.fixed * edge.values).sum() / (edge.weights * edge.fixed).sum())
    averaged, measure = Averaged.of(problem, ConstantField(0.0)), problem.domain.measure
    source, sink = measure * float(finite_values(problem.source, averaged.x).mean()), measure * averaged.reaction
    if edge is not None:
        source, sink = source + float((edge.weights * edge.flux).sum()), sink + float((edge.weights * edge.alpha).sum())
    return source / sink if sink > 0 else 0.0

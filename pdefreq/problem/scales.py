"""The units in which networks are trained, which the data of a problem imply.

The size of the solution is estimated from the data alone: the load f - L(G) is expanded in the modes of the bounding box, and each
coefficient is divided by the symbol of the equation with averaged coefficients. Here G is the lifting of the boundary values, or a
constant. For constant coefficients on a box the estimate is the size of u - G itself. Units are powers of ten, so that the
estimate need not be accurate, and problems of about unit size are trained as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdefreq.core.fields import ConstantField
from pdefreq.core.streams import stream
from pdefreq.domains.frame import Frame, origin_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.problem.problem import Problem

_CELLS = {1: 2048, 2: 160, 3: 40}  # along each axis; the load is evaluated at one point of each
_FEWER = 20  # the same in three dimensions for a lifting that varies, whose second derivatives take long
_POINTS = 2048  # at which coefficients are averaged, and the load in more dimensions
_EDGE = 512  # boundary points
_BISECTIONS = 60  # of the logarithm of a size
_FACING = 0.7  # smallest component of a normal along an axis that the boundary faces
_ROUNDING = 1e-10  # relative to f and L(G): a smaller difference is a rounding error


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
    from pdefreq.core.errors import IncompatibleError

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
        size, averaged = _rms(_targets(problem) - level), None
    else:
        base = ConstantField(level) if lifting is None else lifting
        averaged = _Averaged.of(problem, base)
        size = math.hypot(_size_from_load(problem, averaged, base), *_sizes_from_boundary(problem, averaged, base))
        size = size or _rms(averaged.base - averaged.base.mean()) or _rms(averaged.base)  # u = G
    amplitude = unit_of(2 * size)  # the values of a function are mostly below twice their root mean square
    offset = origin_of(level, amplitude)
    if averaged is None:
        return Scales(frame, offset, amplitude)
    stiffness = unit_of(averaged.diffusion) * (amplitude / frame.length) ** (averaged.exponent - 1) / frame.length
    others = (averaged.convection / frame.length + abs(averaged.reaction)) * amplitude
    others += averaged.growth(problem, amplitude)
    return Scales(frame, offset, amplitude, stiffness, unit_of(stiffness + others))


def _level(problem: Problem) -> float:
    """The constant of `lifting_of`."""
    if problem.is_regression:
        return float(_targets(problem).mean())
    edge = _Edge.of(problem)
    if edge is not None and bool(edge.fixed.any()):
        return float((edge.weights * edge.fixed * edge.values).sum() / (edge.weights * edge.fixed).sum())
    averaged, measure = _Averaged.of(problem, ConstantField(0.0)), problem.domain.measure
    source, sink = measure * float(_quiet(problem.source, averaged.x).mean()), measure * averaged.reaction
    if edge is not None:
        source, sink = source + float((edge.weights * edge.flux).sum()), sink + float((edge.weights * edge.alpha).sum())
    return source / sink if sink > 0 else 0.0


def _targets(problem: Problem) -> Tensor:
    """Values of the function that a regression fits."""
    import torch

    data = problem.data
    if data is not None and data.x is not None and data.values is not None:
        return torch.nan_to_num(problem.regression_target(data.x, data.values), 0.0, 0.0, 0.0)
    x = problem.domain.quadrature(_POINTS).x
    return torch.nan_to_num(_quiet(problem.source, x) / problem.equation.zero_order(x), 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class _Edge:
    """The boundary conditions at some points."""

    weights: Tensor
    fixed: Tensor  # whether a value is prescribed
    values: Tensor
    alpha: Tensor
    flux: Tensor
    x: Points
    normals: Tensor | None

    @classmethod
    def of(cls, problem: Problem) -> _Edge | None:
        import torch

        if not problem.boundary or problem.is_periodic:
            return None
        samples = problem.domain.boundary(_EDGE)
        part, zero = problem.part_of(samples), torch.zeros_like(samples.weights)
        columns = {name: zero.clone() for name in ("values", "alpha", "flux")}
        fixed, kept = torch.zeros_like(part, dtype=torch.bool), torch.ones_like(part, dtype=torch.bool)
        for index, condition in enumerate(problem.boundary):
            mine = part == index
            kept &= ~mine if condition.kind == "periodic" else torch.ones_like(mine)
            if condition.kind == "dirichlet":
                fixed |= mine
                columns["values"][mine] = _quiet(condition.value, samples.x[mine])
            elif condition.kind == "robin":
                columns["alpha"][mine] = _quiet(condition.alpha, samples.x[mine])
                columns["flux"][mine] = _quiet(condition.flux, samples.x[mine])
        return cls(samples.weights * kept, fixed, **columns, x=samples.x, normals=samples.normals) if bool(kept.any()) else None

    def fixed_along(self, axis: int) -> tuple[bool, bool]:
        """Whether values are prescribed on most of the boundary that faces down and up an axis."""
        whole = (self.fixed * self.weights).sum() > (~self.fixed * self.weights).sum()
        if self.normals is None:
            return bool(whole), bool(whole)
        sides = []
        for facing in (self.normals[:, axis] < -_FACING, self.normals[:, axis] > _FACING):
            weights = self.weights * facing
            some = bool(weights.sum() > 0)
            sides.append(bool((self.fixed * weights).sum() > (~self.fixed * weights).sum()) if some else bool(whole))
        return sides[0], sides[1]


@dataclass(frozen=True)
class _Averaged:
    """Averaged coefficients of the equation, linearized at given values.

    Args:
        diffusion: The harmonic mean of A, or of its mean eigenvalue for a matrix.
        exponent: p.
        convection: The root mean square of the velocity.
        reaction: The mean of the derivative with respect to u.
        x: The points.
        base: The values of u at which the equation is linearized.
    """

    diffusion: float
    exponent: float
    convection: float
    reaction: float
    x: Points
    base: Tensor

    @classmethod
    def of(cls, problem: Problem, base: Field) -> _Averaged:
        import torch

        domain = problem.domain
        rule = domain.quadrature(_POINTS) if domain.dimension <= 3 else domain.interior(_POINTS, stream(0, "scales"))
        x = problem.regular(rule).x
        u, q = _quiet(base, x), torch.zeros_like(x)
        q[:, 0] = 1.0  # so that |q|^(p-2) = 1
        diffusion, reaction, velocity = torch.zeros_like(u), torch.zeros_like(u), torch.zeros_like(x)
        for term in problem.equation:
            slopes = term.weak(x).slopes(u, q)
            if slopes.isotropic is not None:
                diffusion = diffusion + slopes.isotropic
            if slopes.matrix is not None:
                diffusion = diffusion + slopes.matrix.diagonal(dim1=1, dim2=2).mean(dim=1)
            if slopes.value_u is not None:
                reaction = reaction + slopes.value_u
            if slopes.value_q is not None:
                velocity = velocity + slopes.value_q
        positive = diffusion[diffusion > 0]
        harmonic = 1 / float((1 / positive).mean()) if len(positive) else 1.0
        found = _rms(velocity) * math.sqrt(domain.dimension), float(reaction.nan_to_num(0.0, 0.0, 0.0).mean())
        return cls(harmonic, problem.exponent, *found, x, u)

    def growth(self, problem: Problem, amplitude: float) -> float:
        """The change of the nonlinear terms of order 0 if u changes by an amplitude, root mean square."""
        import torch

        total, zero = torch.zeros_like(self.base), torch.zeros_like(self.x)
        for term in problem.equation:
            if term.order > 0 or term.linear:
                continue
            weak = term.weak(self.x)
            after, before = (weak.densities(u, zero).value for u in (self.base + amplitude, self.base))
            if after is not None and before is not None:
                total = total + (after - before)
        return _rms(total) if bool(total.isfinite().all()) else math.inf


def _size_from_load(problem: Problem, averaged: _Averaged, base: Field) -> float:
    """The size of u - G that the load implies."""
    d = problem.domain.dimension
    size, slope = _by_modes(problem, averaged, base) if d in _CELLS else _by_frequency(problem, averaged, base)
    if size == 0:
        return 0.0
    if averaged.exponent != 2:  # the flux determines the gradient: |grad u|^(p-1) is that of the equation with p = 2
        return size / slope * slope ** (1 / (averaged.exponent - 1)) if slope > 0 else 0.0
    if problem.is_linear:
        return size
    rate = (slope / size) * averaged.diffusion * (slope / size)  # of the effective frequency
    low, high = math.log(size) - 700, math.log(size)
    for _ in range(_BISECTIONS):  # the balance of the diffusion and the nonlinear terms with the load
        middle = (low + high) / 2
        above = rate * math.exp(middle) + averaged.growth(problem, math.exp(middle)) > rate * size
        low, high = (low, middle) if above else (middle, high)
    return math.exp(high)


def _by_modes(problem: Problem, averaged: _Averaged, base: Field) -> tuple[float, float]:
    """The root mean squares of the solution with averaged coefficients on the bounding box, and of its gradient.

    Along each axis the modes are sines, cosines or quarter waves, after the conditions on the two sides. Fluxes are loads in the
    cells at the boundary, and alpha adds its mean over the domain to the reaction, up to the lowest eigenvalue of diffusion.
    """
    import numpy as np
    import torch
    from scipy import fft

    (lower, upper), d = problem.domain.bounds, problem.domain.dimension
    lengths = [b - a for a, b in zip(lower, upper, strict=True)]
    cells = _FEWER if d == 3 and base.constant is None else _CELLS[d]
    corners = torch.cartesian_prod(*[torch.arange(cells, dtype=torch.float64)] * d).reshape(-1, d)
    place = torch.full_like(corners, 0.5)
    if d == 3:  # frequencies that the few cells do not resolve are noise at random points; at midpoints they look like low ones
        place = torch.rand(corners.shape, generator=stream(0, "scales"), dtype=torch.float64)
    y = (corners + place) / cells
    x = y * y.new_tensor(lengths) + y.new_tensor(lower)
    inside = problem.domain.contains(x)
    load = torch.zeros_like(x[:, 0])
    load[inside] = _load(problem, base, x[inside])

    edge, lowest = _Edge.of(problem), averaged.diffusion * math.fsum((math.pi / length) ** 2 for length in lengths) / 4
    sink = 0.0
    if edge is not None:
        sink = float((edge.weights * edge.alpha).sum()) / problem.domain.measure
        share = min(1.0, lowest / sink) if sink > 0 else 1.0  # with large alpha, flux / alpha is prescribed
        flux = _difference(edge.flux, edge.alpha * _quiet(base, edge.x)) * ~edge.fixed
        place = ((edge.x - x.new_tensor(lower)) / x.new_tensor(lengths) * cells).long().clamp(0, cells - 1)
        index = (place * torch.tensor([cells ** (d - 1 - axis) for axis in range(d)])).sum(dim=1)
        load.index_add_(0, index, share * edge.weights * flux * (cells**d / math.prod(lengths)))
        sink = min(sink, lowest)
    f = load.reshape((cells,) * d).numpy()
    largest = float(np.abs(f).max())  # squares of large and small numbers may not be representable
    if largest == 0:
        return 0.0, 0.0
    f, squares, along = f / largest, np.zeros((1,) * d), np.zeros((1,) * d)
    for axis, length in enumerate(lengths):
        k, ends = np.arange(cells, dtype=float), (True, True) if edge is None else edge.fixed_along(axis)
        if axis in problem.periodic_axes:
            f, k = fft.fft(f, axis=axis, norm="ortho"), 2 * np.abs(fft.fftfreq(cells, 1 / cells))
        elif ends[0]:
            f, k = fft.dst(f, type=2 if ends[1] else 4, axis=axis, norm="ortho"), k + (1 if ends[1] else 0.5)  # pyright: ignore[reportArgumentType]
        else:
            f, k = fft.dct(f, type=4 if ends[1] else 2, axis=axis, norm="ortho"), k + (0.5 if ends[1] else 0)  # pyright: ignore[reportArgumentType]
        omega = (math.pi / length * k).reshape([-1 if other == axis else 1 for other in range(d)])
        squares, along = squares + omega**2, along + omega
    whole = averaged.diffusion * squares + averaged.reaction + sink
    whole = np.maximum(np.abs(whole), lowest) if averaged.reaction < 0 else whole  # the equation may be resonant
    symbol = np.hypot(whole, averaged.convection * along / math.sqrt(d))
    w = np.abs(f) / np.where(symbol > 0, symbol, np.inf)
    if problem.is_up_to_constant:
        w.flat[0] = 0.0
    share = len(x) / max(int(inside.sum()), 1)
    size, slope = (math.sqrt(float((w**2 * factor).mean() * share)) for factor in (1.0, squares))
    return largest * size, largest * slope


def _by_frequency(problem: Problem, averaged: _Averaged, base: Field) -> tuple[float, float]:
    """The same from the root mean square of the load and its mean squared frequency, in more than three dimensions."""
    load, sides = _load(problem, base, averaged.x), zip(*problem.domain.bounds, strict=True)
    squared = math.fsum((math.pi / (b - a)) ** 2 for a, b in sides)
    values = _rms(_quiet(problem.source, averaged.x))
    if values > 0:
        slope = _rms(_quiet(problem.source.gradient, averaged.x)) * math.sqrt(problem.domain.dimension)
        squared = max(squared, (slope / values) ** 2)
    size = _rms(load) / math.hypot(
        abs(averaged.diffusion * squared + max(averaged.reaction, 0.0)), averaged.convection * math.sqrt(squared)
    )
    return size, size * math.sqrt(squared)


def _load(problem: Problem, base: Field, x: Points) -> Tensor:
    """f - L(G) at points for G = `base`; terms that are of second order or not linear are left out if G varies and is rough."""
    import torch

    load = source = _quiet(problem.source, x)
    constant, u = base.constant is not None, _quiet(base, x)
    if constant or (problem.is_linear and base.smoothness >= 2):
        q = torch.zeros_like(x) if constant else _quiet(base.gradient, x)
        hessian = None if constant else _quiet(base.hessian, x)
        for term in problem.equation:
            if term.order == 2 and constant:
                continue
            strong = term.strong(x)
            lower, second = strong.lower(u, q), strong.second(u, q)
            load = load if lower is None else load - lower
            if second is not None and hessian is not None:
                isotropic = second.ndim < 3
                load = load + (second * hessian.diagonal(dim1=1, dim2=2).sum(1) if isotropic else (second * hessian).sum((1, 2)))
    return _difference(source, torch.nan_to_num(source - load, 0.0, 0.0, 0.0))


def _difference(one: Tensor, other: Tensor) -> Tensor:
    """The difference of arrays; zero if it is at the level of rounding everywhere."""
    found = one - other
    sizes = [float(each.abs().max()) if len(each) else 0.0 for each in (found, one, other)]
    return found if sizes[0] > _ROUNDING * max(sizes[1:]) else found * 0


def _sizes_from_boundary(problem: Problem, averaged: _Averaged, base: Field) -> list[float]:
    """The sizes of u - G that the boundary values, the fluxes, and the jumps and kinks of coefficients and lifting imply."""
    sizes, edge = [], _Edge.of(problem)
    if base.constant is None and (not problem.is_linear or base.smoothness < 2 or problem.discontinuous is not None):
        sizes.append(_rms(averaged.base - averaged.base.mean()))
    if edge is None:
        return sizes
    u = _quiet(base, edge.x)
    if bool(edge.fixed.any()):
        sizes.append(_rms(_difference(edge.values[edge.fixed], u[edge.fixed])))
    if not bool(edge.fixed.all()) and problem.domain.dimension not in _CELLS:
        half = min(b - a for a, b in zip(*problem.domain.bounds, strict=True)) / 2
        flux, alpha = (edge.flux - edge.alpha * u)[~edge.fixed], float(edge.alpha[~edge.fixed].mean())
        if averaged.exponent == 2:
            sizes.append(half * _rms(flux) / (averaged.diffusion + alpha * half))
        else:
            sizes.append(half * (_rms(flux) / averaged.diffusion) ** (1 / (averaged.exponent - 1)))
    return sizes


def _quiet(function: Callable[[Points], Tensor], x: Points) -> Tensor:
    """The values of a function at points; numbers that are not finite, which other checks report, are replaced by zero."""
    import torch

    return torch.nan_to_num(function(x).detach(), 0.0, 0.0, 0.0)


def _rms(values: Tensor | np.ndarray) -> float:
    """The root mean square, computed without overflow."""
    largest = float(abs(values).max()) if len(values) else 0.0
    return largest * math.sqrt(float(((values / largest) ** 2).mean())) if 0 < largest < math.inf else 0.0

"""The size of the solution of a problem, estimated from its data.

The load f - L(G) is expanded in the modes of the bounding box, and each coefficient is divided by the symbol of the equation with
averaged coefficients. Here L is the left-hand side and G the lifting of the boundary values, or a constant. For constant
coefficients on a box the estimate is the size of u - G itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pdefreq.core.streams import stream

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
class Edge:
    """The boundary conditions at some points."""

    weights: Tensor
    fixed: Tensor  # whether a value is prescribed
    values: Tensor
    alpha: Tensor
    flux: Tensor
    x: Points
    normals: Tensor | None

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
class Averaged:
    """Averaged coefficients of the equation, linearized at given values.

    Args:
        diffusion: The harmonic mean of A, or of each diagonal entry of a matrix, for each axis.
        exponent: p.
        convection: The root mean square of each component of the velocity.
        reaction: The mean of the derivative with respect to u.
        x: The points.
        base: The values of u at which the equation is linearized.
    """

    diffusion: tuple[float, ...]
    exponent: float
    convection: tuple[float, ...]
    reaction: float
    x: Points
    base: Tensor

    @property
    def mean_diffusion(self) -> float:
        """The mean of `diffusion`."""
        return math.fsum(self.diffusion) / len(self.diffusion)


def _harmonic_mean(values: Tensor) -> float:
    """The harmonic mean of positive numbers; 1 of none."""
    return 1 / float((1 / values).mean()) if len(values) else 1.0


@dataclass(frozen=True)
class SizeEstimate:
    """The size of u - G, estimated from the data of a problem.

    Args:
        problem: The problem.
        base: The function G.
    """

    problem: Problem
    base: Field

    @cached_property
    def edge(self) -> Edge | None:
        """The boundary conditions; None without a boundary."""
        import torch

        if not self.problem.boundary or self.problem.is_periodic:
            return None
        samples = self.problem.domain.boundary(_EDGE)
        part, zero = self.problem.part_of(samples), torch.zeros_like(samples.weights)
        columns = {name: zero.clone() for name in ("values", "alpha", "flux")}
        fixed, kept = torch.zeros_like(part, dtype=torch.bool), torch.ones_like(part, dtype=torch.bool)
        for index, condition in enumerate(self.problem.boundary):
            mine = part == index
            kept &= ~mine if condition.kind == "periodic" else torch.ones_like(mine)
            if condition.kind == "dirichlet":
                fixed |= mine
                columns["values"][mine] = finite_values(condition.value, samples.x[mine])
            elif condition.kind == "robin":
                columns["alpha"][mine] = finite_values(condition.alpha, samples.x[mine])
                columns["flux"][mine] = finite_values(condition.flux, samples.x[mine])
        return Edge(samples.weights * kept, fixed, **columns, x=samples.x, normals=samples.normals) if bool(kept.any()) else None

    @cached_property
    def averaged(self) -> Averaged:
        """The averaged coefficients."""
        import torch

        domain = self.problem.domain
        rule = domain.quadrature(_POINTS) if domain.dimension <= 3 else domain.interior(_POINTS, stream(0, "scales"))
        x = self.problem.regular(rule).x
        u, q = finite_values(self.base, x), torch.zeros_like(x)
        q[:, 0] = 1.0  # so that |q|^(p-2) = 1
        diffusion, reaction, velocity = torch.zeros_like(x), torch.zeros_like(u), torch.zeros_like(x)
        for term in self.problem.equation:
            slopes = term.weak(x).slopes(u, q)
            if slopes.isotropic is not None:
                diffusion = diffusion + slopes.isotropic[:, None]
            if slopes.matrix is not None:
                diffusion = diffusion + slopes.matrix.diagonal(dim1=1, dim2=2)
            if slopes.value_u is not None:
                reaction = reaction + slopes.value_u
            if slopes.value_q is not None:
                velocity = velocity + slopes.value_q
        along = tuple(_harmonic_mean(column[column > 0]) for column in diffusion.unbind(dim=1))
        speeds = tuple(rms(column) for column in velocity.unbind(dim=1))
        return Averaged(along, self._exponent(x, u, q), speeds, float(reaction.nan_to_num(0.0, 0.0, 0.0).mean()), x, u)

    def _exponent(self, x: Points, u: Tensor, q: Tensor) -> float:
        """p: the flux of the equation is multiplied by 2^(p-1) if grad u is doubled."""
        fluxes = []
        for slope in (q, 2 * q):
            found = [weak.flux for term in self.problem.equation if (weak := term.weak(x).densities(u, slope)).flux is not None]
            fluxes.append(rms(sum(found[1:], found[0]).flatten()) if found else 0.0)
        return 1 + math.log2(fluxes[1] / fluxes[0]) if fluxes[0] > 0 else 2.0

    def growth(self, amplitude: float) -> float:
        """The change of the nonlinear terms of order 0 if u changes by an amplitude, root mean square."""
        import torch

        averaged = self.averaged
        total, zero = torch.zeros_like(averaged.base), torch.zeros_like(averaged.x)
        for term in self.problem.equation:
            if term.order > 0 or term.linear:
                continue
            weak = term.weak(averaged.x)
            after, before = (weak.densities(u, zero).value for u in (averaged.base + amplitude, averaged.base))
            if after is not None and before is not None:
                total = total + (after - before)
        return rms(total) if bool(total.isfinite().all()) else math.inf

    def from_load(self) -> float:
        """The size of u - G that the load implies."""
        d = self.problem.domain.dimension
        size, slope = self._by_modes() if d in _CELLS else self._by_frequency()
        if size == 0:
            return 0.0
        if self.averaged.exponent != 2:  # the flux determines the gradient: |grad u|^(p-1) is that of the equation with p = 2
            return size / slope * slope ** (1 / (self.averaged.exponent - 1)) if slope > 0 else 0.0
        if self.problem.is_linear:
            return size
        rate = (slope / size) * self.averaged.mean_diffusion * (slope / size)  # of the effective frequency
        low, high = math.log(size) - 700, math.log(size)
        for _ in range(_BISECTIONS):  # the balance of the diffusion and the nonlinear terms with the load
            middle = (low + high) / 2
            above = rate * math.exp(middle) + self.growth(math.exp(middle)) > rate * size
            low, high = (low, middle) if above else (middle, high)
        return math.exp(high)

    def _by_modes(self) -> tuple[float, float]:
        """The root mean squares of the solution with averaged coefficients on the bounding box, and of its gradient.

        Along each axis the modes are sines, cosines or quarter waves, after the conditions on the two sides. Fluxes are loads in
        the cells at the boundary. Alpha adds its mean over the domain to the reaction, up to the lowest eigenvalue with values in
        place of alpha, pi^2 / L^2 on an interval with two such ends and a quarter of it with one.
        """
        import numpy as np
        import torch
        from scipy import fft

        (lower, upper), d = self.problem.domain.bounds, self.problem.domain.dimension
        lengths = [b - a for a, b in zip(lower, upper, strict=True)]
        cells = _FEWER if d == 3 and self.base.constant is None else _CELLS[d]
        corners = torch.cartesian_prod(*[torch.arange(cells, dtype=torch.float64)] * d).reshape(-1, d)
        place = torch.full_like(corners, 0.5)
        if (
            d == 3
        ):  # frequencies that the few cells do not resolve look like low ones at midpoints, and like noise at random points
            place = torch.rand(corners.shape, generator=stream(0, "scales"), dtype=torch.float64)
        y = (corners + place) / cells
        x = y * y.new_tensor(lengths) + y.new_tensor(lower)
        inside = self.problem.domain.contains(x)
        load = torch.zeros_like(x[:, 0])
        load[inside] = self._load(x[inside])

        edge, sink = self.edge, 0.0
        lowest = math.fsum(a * (math.pi / length) ** 2 for a, length in zip(self.averaged.diffusion, lengths, strict=True)) / 4
        if edge is not None:
            sink = float((edge.weights * edge.alpha).sum()) / self.problem.domain.measure
            most = lowest * (2 * float((edge.weights * (edge.alpha > 0)).sum() / edge.weights.sum())) ** 2
            share = min(1.0, most / sink) if sink > 0 else 1.0  # with large alpha, flux / alpha is prescribed
            flux = difference(edge.flux, edge.alpha * finite_values(self.base, edge.x)) * ~edge.fixed
            place = ((edge.x - x.new_tensor(lower)) / x.new_tensor(lengths) * cells).long().clamp(0, cells - 1)
            index = (place * torch.tensor([cells ** (d - 1 - axis) for axis in range(d)])).sum(dim=1)
            load.index_add_(0, index, share * edge.weights * flux * (cells**d / math.prod(lengths)))
            sink = min(sink, most)
        f = load.reshape((cells,) * d).numpy()
        largest = float(np.abs(f).max())  # squares of large and small numbers may not be representable
        if largest == 0:
            return 0.0, 0.0
        f, squares, spread, carried = f / largest, np.zeros((1,) * d), np.zeros((1,) * d), np.zeros((1,) * d)
        for axis, length in enumerate(lengths):
            k, ends = np.arange(cells, dtype=float), (True, True) if edge is None else edge.fixed_along(axis)
            if axis in self.problem.periodic_axes:
                f, k = fft.fft(f, axis=axis, norm="ortho"), 2 * np.abs(fft.fftfreq(cells, 1 / cells))
            elif ends[0]:
                f, k = fft.dst(f, type=2 if ends[1] else 4, axis=axis, norm="ortho"), k + (1 if ends[1] else 0.5)  # pyright: ignore[reportArgumentType]
            else:
                f, k = fft.dct(f, type=4 if ends[1] else 2, axis=axis, norm="ortho"), k + (0.5 if ends[1] else 0)  # pyright: ignore[reportArgumentType]
            omega = (math.pi / length * k).reshape([-1 if other == axis else 1 for other in range(d)])
            squares, spread = squares + omega**2, spread + self.averaged.diffusion[axis] * omega**2
            carried = carried + self.averaged.convection[axis] * omega
        whole = spread + self.averaged.reaction + sink
        whole = np.maximum(np.abs(whole), lowest) if self.averaged.reaction < 0 else whole  # the equation may be resonant
        symbol = np.hypot(whole, carried)
        w = np.abs(np.asarray(f)) / np.where(symbol > 0, symbol, np.inf)
        if self.problem.is_up_to_constant:
            w.flat[0] = 0.0
        share = len(x) / max(int(inside.sum()), 1)
        size, slope = (math.sqrt(float((w**2 * factor).mean() * share)) for factor in (1.0, squares))
        return largest * size, largest * slope

    def _by_frequency(self) -> tuple[float, float]:
        """The same from the root mean square of the load and its mean squared frequency, in more than three dimensions."""
        load, sides = self._load(self.averaged.x), zip(*self.problem.domain.bounds, strict=True)
        squared = math.fsum((math.pi / (b - a)) ** 2 for a, b in sides)
        values = rms(finite_values(self.problem.source, self.averaged.x))
        if values > 0:
            slope = rms(finite_values(self.problem.source.gradient, self.averaged.x)) * math.sqrt(self.problem.domain.dimension)
            squared = max(squared, (slope / values) ** 2)
        size = rms(load) / math.hypot(
            self.averaged.mean_diffusion * squared + max(self.averaged.reaction, 0.0),
            math.hypot(*self.averaged.convection) * math.sqrt(squared),
        )
        return size, size * math.sqrt(squared)

    def _load(self, x: Points) -> Tensor:
        """The load f - L(G) at points for G = `base`, without L(G) if G varies and is rough or L is not linear."""
        import torch

        load = source = finite_values(self.problem.source, x)
        constant, u = self.base.constant is not None, finite_values(self.base, x)
        if constant or (self.problem.is_linear and self.base.smoothness >= 2):
            q = torch.zeros_like(x) if constant else finite_values(self.base.gradient, x)
            hessian = None if constant else finite_values(self.base.hessian, x)
            for term in self.problem.equation:
                if term.order == 2 and constant:
                    continue
                strong = term.strong(x)
                lower, second = strong.lower(u, q), strong.second(u, q)
                load = load if lower is None else load - lower
                if second is not None and hessian is not None:
                    isotropic = second.ndim < 3
                    load = load + (
                        second * hessian.diagonal(dim1=1, dim2=2).sum(1) if isotropic else (second * hessian).sum((1, 2))
                    )
        return difference(source, torch.nan_to_num(source - load, 0.0, 0.0, 0.0))

    def from_boundary(self) -> list[float]:
        """The sizes of u - G that the boundary values, the fluxes, and the jumps and kinks of coefficients and lifting imply."""
        sizes, edge = [], self.edge
        if self.base.constant is None and (
            not self.problem.is_linear or self.base.smoothness < 2 or self.problem.discontinuous is not None
        ):
            sizes.append(rms(self.averaged.base - self.averaged.base.mean()))
        if edge is None:
            return sizes
        u = finite_values(self.base, edge.x)
        if bool(edge.fixed.any()):
            sizes.append(rms(difference(edge.values[edge.fixed], u[edge.fixed])))
        if not bool(edge.fixed.all()) and self.problem.domain.dimension not in _CELLS:
            half = min(b - a for a, b in zip(*self.problem.domain.bounds, strict=True)) / 2
            flux, alpha = (edge.flux - edge.alpha * u)[~edge.fixed], float(edge.alpha[~edge.fixed].mean())
            if self.averaged.exponent == 2:
                sizes.append(half * rms(flux) / (self.averaged.mean_diffusion + alpha * half))
            else:
                sizes.append(half * (rms(flux) / self.averaged.mean_diffusion) ** (1 / (self.averaged.exponent - 1)))
        return sizes


def difference(one: Tensor, other: Tensor) -> Tensor:
    """The difference of arrays; zero if it is at the level of rounding everywhere."""
    found = one - other
    sizes = [float(each.abs().max()) if each.numel() else 0.0 for each in (found, one, other)]
    return found if sizes[0] > _ROUNDING * max(sizes[1:]) else found * 0


def finite_values(function: Callable[[Points], Tensor], x: Points) -> Tensor:
    """The values of a function at points; numbers that are not finite, which other checks report, are replaced by zero."""
    import torch

    return torch.nan_to_num(function(x).detach(), 0.0, 0.0, 0.0)


def rms(values: Tensor | np.ndarray) -> float:
    """The root mean square, computed without overflow."""
    largest = float(abs(values).max()) if len(values) else 0.0
    return largest * math.sqrt(float(((values / largest) ** 2).mean())) if 0 < largest < math.inf else 0.0

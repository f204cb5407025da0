"""The method `auto`, which chooses a method based on the equation, the domain and the smoothness of the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.options import split_options
from pdefreq.core.streams import stream
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.requirements import needs_of
from pdefreq.solvers.smoothness import defect, layers, roughness, vanishes
from pdefreq.solvers.solver import Choice, Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem

_MESHED = 3  # dimensions in which grids, meshes and dense features are affordable
_INTERVALS, _HARMONICS = (1024, 128, 32), (512, 64, 16)  # defaults of the series by dimension
_MOST = 2**21  # modes of a series, which take about a second
_EDGE = 512  # boundary points at which the odd extension of the source is tested for jumps


@dataclass(frozen=True)
class Auto(Solver):
    """A method chosen for the problem: a fast transform, random features, finite elements or a trained network.

    Problems with constant coefficients on a box are solved by a sine or Fourier transform. Other problems in at most three
    dimensions are solved by random features if their solution is smooth, and by finite elements otherwise. Problems in more than
    three dimensions are solved by networks. The notes of a run state the reason for the choice, and why other methods were not
    chosen. By default the limits of a run are those of the chosen method.
    """

    def choice(self, problem: Problem) -> Choice:
        return _Facts(problem).choice()

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        return self.choice(problem).solver.prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)


class _Facts:
    """The properties of a problem that determine the choice."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @cached_property
    def rough(self) -> str:
        """The reason why the solution has low regularity, as a clause; empty if it is smooth."""
        return "" if self.problem.is_regression else roughness(self.problem)

    @cached_property
    def fits_sines(self) -> bool:
        """Whether the source, reduced by the lifting of the boundary values, vanishes on the boundary of a box."""
        problem = self.problem
        x = problem.domain.boundary(_EDGE, stream(0, "sines")).x
        return vanishes(defect(problem, problem.lifting, x), problem)

    def can(self, method: str) -> bool:
        """Whether the method is registered and the problem meets its needs."""
        return split_options(method)[0] in SOLVERS and self.problem.lacks(needs_of(method)) is None

    def choice(self) -> Choice:
        found = next(((name, why) for name, why in self._ranked() if self.can(name)), None)
        if found is None:
            raise IncompatibleError(f"no method of pdefreq can solve the problem '{self.problem.name}': state it differently")
        name, why = found
        chosen = split_options(name)[0]
        others = [(other, loss) for other, loss in self._losses(chosen) if other != chosen and self.can(other)]
        reasons = (f"auto chose {name}: {why}.", *(f"{other} was not chosen: {loss}." for other, loss in others))
        return Choice(make_solver(name), reasons)

    def _ranked(self) -> Iterator[tuple[str, str]]:
        """Methods in the order of preference, each with the reason."""
        problem, d = self.problem, self.problem.domain.dimension
        if problem.is_regression:
            yield "regression", "the equation contains no derivatives, so that a network is fitted to the given function"
        if d > _MESHED:
            yield "gauss-newton", f"grids and meshes are too expensive in {d} dimensions, and the residual is known at points"
            yield "mscale", f"grids and meshes are too expensive in {d} dimensions, and the equation has an energy"
        yield (
            self._transform("fourier", "harmonics", _HARMONICS),
            "the coefficients are constant and all sides are periodic, so that a Fourier transform solves the equation",
        )
        sine = self._transform("sine", "intervals", _INTERVALS)
        if self.can("sine") and self.rough and not layers(problem):
            yield sine, f"the coefficients are constant on a box, and {self.rough}, which limits other methods as well"
        if self.can("sine") and self.fits_sines:
            yield sine, "the coefficients are constant on a box, and the odd extension of the source is continuous"
        if self.rough:
            yield self._elements, f"{self.rough}, and finite elements can be refined locally"
        else:
            yield "random-features", "the data have no singular corner, kink or jump, so that smooth functions converge fast"
        yield self._elements, "finite elements apply to every equation in at most three dimensions"
        for network in ("gauss-newton", "gauss-newton:boundary=penalty", "deep-ritz", "deep-ritz:boundary=penalty", "pinn"):
            yield network, "no direct method applies to the equation and the boundary conditions"

    def _transform(self, name: str, option: str, defaults: Sequence[int]) -> str:
        """The name of a series, with two modes per half wavelength or layer in the formulas if the default has fewer."""
        problem, d = self.problem, self.problem.domain.dimension
        default = defaults[min(d, len(defaults)) - 1]
        if d > len(defaults) or not problem.features:
            return name
        longest = max(b - a for a, b in zip(*problem.domain.bounds, strict=True))
        number = math.ceil(2 * longest / problem.features[0].spacing)
        return f"{name}:{option}={number}" if default < number and number**d <= _MOST else name

    @property
    def _elements(self) -> str:
        """The name of `fem` with quadratic elements, refined adaptively if the solution is rough and the estimator applies."""
        problem = self.problem
        if problem.data is not None:  # a sum of point sources: u is piecewise linear, or has logarithmic peaks
            return "fem"
        adaptive = problem.is_linear and not problem.periodic_axes
        d = problem.domain.dimension
        refined = adaptive and bool(self.rough) and (d == 2 or (d == 1 and bool(layers(problem))))
        return "fem:element=P2" + ",refinement=adaptive" * refined

    def _losses(self, chosen: str) -> Sequence[tuple[str, str]]:
        """The reasons why other methods are not chosen, each a clause."""
        rough, linear = self.rough, self.problem.is_linear
        direct = chosen in ("sine", "fourier", "fem", "random-features")
        return [
            ("sine", "the odd extension of the source jumps at the boundary, so that errors decrease like n^-2.5"),
            (
                "random-features",
                f"its functions are smooth, and {rough}, so that errors decrease slowly"
                if rough
                else "its dense linear system takes seconds to solve, whereas a transform takes milliseconds",
            ),
            ("fem", "its errors decrease only like h^2 for P1 elements and h^3 for P2 elements"),
            (
                "gauss-newton",
                "training requires many linear solves, and the result depends on the seed"
                if direct
                else "it requires derivatives of the data that do not exist",
            ),
            (
                "mscale",
                "its gradient steps are cheap, but many more of them are needed"
                if not direct
                else f"training takes thousands of steps, whereas {chosen} takes {'one' if linear else 'a few'}",
            ),
        ]

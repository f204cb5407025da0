"""The method `auto`: it chooses a method by the equation, the domain and the smoothness of the data, and says why."""

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
from pdefreq.solvers.smoothness import defect, roughness, vanishes
from pdefreq.solvers.solver import Choice, Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem

_MESHED = 3  # dimensions in which grids, meshes and dense features are affordable
_INTERVALS, _HARMONICS = (1024, 128, 32), (512, 64, 16)  # defaults of the series by dimension
_MOST = 2**21  # modes of a series: a second
_EDGE = 512  # boundary points at which the odd extension of the source is tested for jumps


@dataclass(frozen=True)
class Auto(Solver):
    """The method that fits the problem: a fast transform, random features, finite elements or a trained network.

    A box with constant coefficients is solved by a sine or Fourier transform, other problems with a smooth solution by random
    features, rough ones and those on meshes by finite elements, and those in more than three dimensions by networks. The result
    states the reason, and what other methods would lose. Limits of a run are by default those of the chosen method.
    """

    def choice(self, problem: Problem) -> Choice:
        return _Facts(problem).choice()

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        return self.choice(problem).solver.prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)


class _Facts:
    """What decides between methods on one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @cached_property
    def rough(self) -> str:
        """Why the solution has few derivatives; empty if it is smooth."""
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
        return Choice(make_solver(name), (f"auto chose {name}: {why}.", *(f"{other} instead: {loss}." for other, loss in others)))

    def _ranked(self) -> Iterator[tuple[str, str]]:
        """Methods in the order of preference, each with the reason."""
        problem, d = self.problem, self.problem.domain.dimension
        if problem.is_regression:
            yield "regression", "the equation has no derivative, so that a network is fitted to the given function"
        if d > _MESHED:
            yield "gauss-newton", f"in {d} dimensions no grid or mesh is affordable, and a residual has smooth data"
            yield "mscale", f"in {d} dimensions no grid or mesh is affordable, and the equation has an energy"
        yield (
            self._transform("fourier", "harmonics", _HARMONICS),
            "the coefficients are constant and all sides are periodic, so that a Fourier transform solves the equation",
        )
        sine = self._transform("sine", "intervals", _INTERVALS)
        if self.can("sine") and self.rough:
            yield sine, f"the coefficients are constant on a box, and {self.rough}, which limits other methods as well"
        if self.can("sine") and self.fits_sines:
            yield sine, "the coefficients are constant on a box, and the odd extension of the source is continuous"
        if self.rough:
            yield self._elements, f"{self.rough}, and elements resolve it locally"
        else:
            yield "random-features", "the data show no corner, kink or jump, so that smooth features converge quickly"
        yield self._elements, "elements solve every equation in up to three dimensions"
        for network in ("gauss-newton", "gauss-newton:boundary=penalty", "deep-ritz", "deep-ritz:boundary=penalty", "pinn"):
            yield network, "no direct method fits the equation and the boundary conditions"

    def _transform(self, name: str, option: str, defaults: Sequence[int]) -> str:
        """A series with two modes for each half wavelength or layer that the formulas contain, if the default has fewer."""
        problem, d = self.problem, self.problem.domain.dimension
        default = defaults[min(d, len(defaults)) - 1]
        if d > len(defaults) or not problem.features:
            return name
        longest = max(b - a for a, b in zip(*problem.domain.bounds, strict=True))
        number = math.ceil(2 * longest / problem.features[0].spacing)
        return f"{name}:{option}={number}" if default < number and number**d <= _MOST else name

    @property
    def _elements(self) -> str:
        """Quadratic elements, refined where the error estimator is large if the solution is rough and the estimator applies."""
        problem = self.problem
        if problem.data is not None:  # a sum of point sources: u is piecewise linear, or has logarithmic peaks
            return "fem"
        adaptive = problem.is_linear and not problem.periodic_axes
        refined = adaptive and problem.domain.dimension == 2 and bool(self.rough)
        return "fem:element=P2" + ",refinement=adaptive" * refined

    def _losses(self, chosen: str) -> Sequence[tuple[str, str]]:
        """What other methods would lose against the chosen one, in one clause each."""
        rough, linear = self.rough, self.problem.is_linear
        direct = chosen in ("sine", "fourier", "fem", "random-features")
        return [
            ("sine", "the source does not vanish on the boundary as its odd extension does, so that errors decrease like n^-2.5"),
            (
                "random-features",
                f"features are smooth, and {rough}, so that errors decrease slowly"
                if rough
                else "a dense linear system takes seconds, where a transform takes milliseconds",
            ),
            ("fem", "errors decrease only like h^2 for P1 and h^3 for P2 elements"),
            (
                "gauss-newton",
                "training takes many linear solves, and the result depends on the seed"
                if direct
                else "it takes derivatives that the data lack",
            ),
            (
                "mscale",
                "steps along gradients are cheap, and far more of them are needed"
                if not direct
                else f"training takes thousands of steps, where {chosen} takes {'one' if linear else 'a few'}",
            ),
        ]

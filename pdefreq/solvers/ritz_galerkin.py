"""Ritz-Galerkin with few basis functions, global or local."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pdefreq.core.devices import require_memory
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Stop
from pdefreq.problem.needs import BOX, EQUATION, PLANE_OR_SPACE, Need
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.galerkin import GALERKIN_STEPS, galerkin_iteration
from pdefreq.solvers.refinable import DoublesSize
from pdefreq.solvers.requirements import require_box, require_precision
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.problem import Problem

_FUNCTIONS = {1: 64, 2: 32, 3: 12}  # along each axis, by dimension


@dataclass(frozen=True)
class RitzGalerkin(DoublesSize, Solver):
    """Ritz-Galerkin with few basis functions on a box: Legendre polynomials (spectrally accurate for smooth u) or hat functions.

    If the source is known at n points only ([data]), the solution tends to a sum of Green's functions as the number grows.

    Args:
        basis: ``"legendre"``, integrated Legendre polynomials, or ``"hat"``, P1 elements.
        number: Number of basis functions along each axis that vanish at its ends; null means 64 in one dimension, 32 in two, 12
            in three.
        quadrature: Gauss points along each axis, for hat functions in each cell; null means 2 (number + 2) for polynomials, and
            the default rule of `fem` for hat functions.

    Raises:
        OptionError: If an option lies outside its range.

    Source:
        Wang, Xu, Zhang, Zhang (2020), Implicit bias with Ritz-Galerkin method, arXiv 2002.07989.
    """

    basis: Literal["legendre", "hat"] = "legendre"
    number: int | None = None
    quadrature: int | None = None

    refines: ClassVar[str] = "number"

    def __post_init__(self) -> None:
        for name in ("number", "quadrature"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"`{name}` must be at least 1, got {value}")

    @property
    def degree(self) -> int | None:
        return 1 if self.basis == "hat" else None

    def coarsest(self, domain: Domain) -> int:
        return 4 if domain.dimension == 1 else 2

    @property
    def budget(self) -> Stop:
        return Stop(steps=GALERKIN_STEPS)

    @property
    def needs(self) -> Sequence[Need]:
        return EQUATION, PLANE_OR_SPACE, BOX

    def prepare(
        self, problem: Problem, *, seed: int, device: torch.device, dtype: torch.dtype, guess: Field | None = None
    ) -> Iteration:
        box = require_box(problem, "ritz-galerkin", self.needs)
        require_precision(problem.equation, dtype)
        number = self.number or _FUNCTIONS[box.dimension]
        if self.basis == "hat":
            degree = None if self.quadrature is None else 2 * self.quadrature - 1
            fem = SOLVERS.load("fem")(cells=number + 1, quadrature=degree)
            return fem.prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess)
        if problem.periodic_axes:
            raise IncompatibleError(
                "polynomials of basis=legendre are not periodic, and sides of this problem are: use `--set basis=hat` or `fem`"
            )
        points = self.quadrature or 2 * (number + 2)
        unknowns = (number + 2) ** box.dimension
        require_memory(number, "number", 8 * (4 * unknowns**2 + 10 * points**box.dimension))

        from pdefreq.spaces.spectral.legendre import Legendre

        return galerkin_iteration(Legendre(box, number, points), problem, "direct", dtype=dtype, device=device, guess=guess)

"""What a method is: a frozen dataclass of options that prepares an iteration."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pdefreq.composition import Part
from pdefreq.history import Stop
from pdefreq.solvers import SOLVERS

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike
    from torch import Tensor

    from pdefreq.domains.domain import Domain
    from pdefreq.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem
    from pdefreq.spaces.trial_space import TrialSpace

_LEVELS = {1: 6, 2: 6}  # of refinement, by dimension; elsewhere 4
_COARSEST = {1: 16}  # size of the first; elsewhere 4


class Solver(Part, ABC):
    """A method with its options: plain values, or parts. Heavy imports stay inside `prepare`."""

    registry = SOLVERS

    refines: ClassVar[str | None] = None
    """The option that says how fine the discretization is, for methods that reach their discrete solution at any size."""

    @property
    def degree(self) -> int | None:
        """Degree of the polynomials that the trial functions are in each cell; None where there are no cells."""
        return None

    @property
    def name(self) -> str:
        """What tables, messages and folders call the method: by default its class, in kebab case."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(self).__name__.removesuffix("Solver")).lower()

    @property
    def registered_names(self) -> list[str]:
        return [self.name, *super().registered_names]

    @property
    def budget(self) -> Stop:
        """When a run stops unless the user says otherwise."""
        return Stop(steps=1)

    def resolved(self, problem: Problem, stop: Stop) -> Solver:
        """The same with every default settled that depends on the problem or on the budget: what the record of a run holds.

        Args:
            problem: The problem.
            stop: The budget of the run.
        """
        return self

    @abstractmethod
    def prepare(
        self,
        problem: Problem,
        *,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
        guess: Field | None = None,
    ) -> Iteration:
        """The method applied to one problem.

        Args:
            problem: Blind: without its exact solution.
            seed: Feeds the streams of random numbers.
            device: Where coefficients live.
            dtype: Their floating-point type.
            guess: Where to start, for methods that can; networks refuse it.

        Raises:
            IncompatibleError: If the method can't do this problem; one sentence says why and what can.
        """

    def coarsest(self, domain: Domain) -> int:
        """The size with which `refined` begins unless the user says otherwise."""
        return _COARSEST.get(domain.dimension, 4)

    def refined(self, domain: Domain, *, start: int | None = None, levels: int | None = None) -> Sequence[Solver]:
        """The method on finer and finer discretizations, coarsest first; one entry alone for a method that refines as it runs.

        Args:
            domain: Of the problem.
            start: The first size: a value of the option that `refines` names. By default what is set, else `coarsest`.
            levels: How many; each has twice the size of the one before.
        """
        assert self.refines is not None
        first = start or getattr(self, self.refines) or self.coarsest(domain)
        count = levels or _LEVELS.get(domain.dimension, 4)
        return [replace(cast("Any", self), **{self.refines: first * 2**k}) for k in range(count)]

    def predicted_mode_error(self, problem: Problem, space: TrialSpace, wavevectors: ArrayLike) -> Tensor | None:
        """Relative error of each sine mode in the discrete solution, where theory knows it.

        Args:
            problem: With constant coefficients on a box, u = 0 on the boundary.
            space: The method's own, at one level.
            wavevectors: Angular, shape ``(m, d)``.

        Returns:
            Errors ``(m,)``, or None.
        """
        return None

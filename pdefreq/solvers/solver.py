"""What a method is: a frozen dataclass of options that prepares an iteration."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdefreq.core.composition import Part
from pdefreq.core.history import Stop
from pdefreq.solvers import SOLVERS

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.needs import Need
    from pdefreq.problem.problem import Problem


class Solver(Part, ABC):
    """A method with its options: plain values, or parts. Heavy imports stay inside `prepare`.

    What only some methods can do is a protocol of `pdefreq.solvers.refinable`.
    """

    registry = SOLVERS

    @property
    def name(self) -> str:
        """What tables, messages and folders call the method: by default its class, in kebab case."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(self).__name__.removesuffix("Solver")).lower()

    @property
    def title(self) -> str:
        return self.name

    @property
    def registered_names(self) -> list[str]:
        return [self.name, *super().registered_names]

    @property
    def needs(self) -> Sequence[Need]:
        """What the method needs of a problem; the first that is not met is named when the problem is refused."""
        return ()

    @property
    def budget(self) -> Stop:
        """When a run stops unless the user says otherwise."""
        return Stop(steps=1)

    def resolved(self, problem: Problem, stop: Stop) -> Solver:
        """The same method with every default settled that depends on the problem or on the budget; by default itself.

        The record of a run holds the resolved method, so that a resumed run keeps its options when the budget changes.

        Args:
            problem: Blind: without its exact solution.
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

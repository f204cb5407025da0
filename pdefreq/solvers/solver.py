"""The base class of methods: a frozen dataclass of options that prepares an iteration."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pdefreq.core.composition import Part
from pdefreq.core.history import Stop
from pdefreq.solvers import SOLVERS

if TYPE_CHECKING:
    import torch

    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem.needs import Need
    from pdefreq.problem.problem import Problem


@dataclass(frozen=True)
class Choice:
    """The chosen method and the reasons for the choice.

    Args:
        solver: The method.
        reasons: Sentences on the choice; empty if there was nothing to choose.
    """

    solver: Solver
    reasons: tuple[str, ...] = ()


@runtime_checkable
class Chooses(Protocol):
    """The method leaves the work to another one, which depends on the problem."""

    def choice(self, problem: Problem) -> Choice:
        """The method that solves the problem in place of this one.

        Args:
            problem: The problem without its exact solution.

        Raises:
            IncompatibleError: If no method can solve the problem.
        """
        ...


def chosen(solver: Solver, problem: Callable[[], Problem]) -> Choice:
    """The method that does the work of a method; by default the method itself.

    Args:
        solver: The method.
        problem: A function that returns the problem without its exact solution.
    """
    return solver.choice(problem()) if isinstance(solver, Chooses) else Choice(solver)


class Solver(Part, ABC):
    """A method with its options, which are plain values or parts. Large libraries are imported in `prepare`.

    Capabilities that only some methods have are protocols in `pdefreq.solvers.refinable`.
    """

    registry = SOLVERS

    @property
    def name(self) -> str:
        """The name of the method in tables, messages and folders; by default the name of its class in kebab case."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(self).__name__.removesuffix("Solver")).lower()

    @property
    def title(self) -> str:
        return self.name

    @property
    def registered_names(self) -> list[str]:
        return [self.name, *super().registered_names]

    @property
    def needs(self) -> Sequence[Need]:
        """What the method needs of a problem; a refusal names the first need that is not met."""
        return ()

    @property
    def budget(self) -> Stop:
        """The default limits of a run."""
        return Stop(steps=1)

    def resolved(self, problem: Problem, stop: Stop) -> Solver:
        """The same method with all defaults set that depend on the problem or on the budget; by default the method itself.

        The record of a run holds the resolved method, so that a resumed run keeps its options when the budget changes.

        Args:
            problem: The problem without its exact solution.
            stop: The budget of the run.
        """
        return self

    @property
    def choices(self) -> tuple[str, ...]:
        """Sentences on the options that `resolved` has chosen for the problem, with the reasons."""
        return ()

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
            problem: The problem without its exact solution.
            seed: Seed of the random streams.
            device: The device of the coefficients.
            dtype: Their floating-point type.
            guess: The initial guess, for methods that accept one; networks refuse it.

        Raises:
            IncompatibleError: If the method can't solve this problem; the message gives the reason and an alternative.
        """

"""The interface between a prepared method and the loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.spaces.trial_space import TrialSpace

P = TypeVar("P")


@dataclass(frozen=True)
class State:
    """One iterate, with everything that a resumed run needs.

    Args:
        space: The trial space of the iterate.
        coefficients: Its coefficients, shape ``(P,)``.
        memory: What the iteration remembers between steps, e.g. the moments of Adam; tensors by name.
        done: Whether further steps would change nothing.
    """

    space: TrialSpace
    coefficients: Coefficients
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    done: bool = False


class Iteration(ABC):
    """A method applied to one problem: the loop needs these four methods and nothing else.

    Attributes of an iteration are caches, which are never saved. `step` may reuse the tensors of the state that it is given.
    What only some iterations can do is a protocol of `pdefreq.iterations.protocols`, and `find` looks it up.
    """

    @abstractmethod
    def init(self) -> State:
        """The state before the first step."""

    @abstractmethod
    def step(self, state: State) -> State:
        """The next state."""

    @abstractmethod
    def objective(self, state: State) -> dict[str, Tensor]:
        """Named terms, the sum of which the method lowers. It is called at recorded steps only."""

    @abstractmethod
    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        """The state that was saved with these coefficients and this memory."""

    def find(self, protocol: type[P]) -> P | None:
        """The object that has a protocol, or None.

        By default an iteration has the protocols whose members it defines. An iteration that is composed of others overrides
        this method and returns an object that composes what its parts have.

        Args:
            protocol: A protocol that can be checked at run time.
        """
        return self if isinstance(self, protocol) else None

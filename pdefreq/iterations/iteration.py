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
        memory: Data that the iteration keeps between steps, such as the moments of Adam: tensors by name.
        done: Whether further steps would change nothing.
    """

    space: TrialSpace
    coefficients: Coefficients
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    done: bool = False


class Iteration(ABC):
    """A method applied to one problem. The loop needs only these four methods.

    Attributes of an iteration are caches, which are never saved. `step` may reuse the tensors of its argument. Capabilities that
    only some iterations have are protocols of `pdefreq.iterations.protocols`, which `find` looks up.
    """

    @abstractmethod
    def init(self) -> State:
        """The state before the first step."""

    @abstractmethod
    def step(self, state: State) -> State:
        """The next state."""

    @abstractmethod
    def objective(self, state: State) -> dict[str, Tensor]:
        """Named terms whose sum the method minimizes. This method is called at recorded steps only."""

    @abstractmethod
    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        """The state that was saved with these coefficients and this memory."""

    def find(self, protocol: type[P]) -> P | None:
        """The object that has a protocol, or None.

        By default an iteration has the protocols whose members it defines. An iteration that is composed of others overrides
        this method and returns an object that combines the protocols of its parts.

        Args:
            protocol: A protocol that can be checked at run time.
        """
        return self if isinstance(self, protocol) else None

"""Descent along gradients: what trains networks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pdefreq.iterations.iteration import Iteration, State
from pdefreq.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.shapes import Coefficients
    from pdefreq.spaces.trial_space import Network


@dataclass(frozen=True)
class Optimizer(ABC):
    """How a gradient becomes a step.

    Args:
        learning_rate: At the first step.
        half_life: Steps in which the learning rate halves; None keeps it.
    """

    learning_rate: float
    half_life: float | None = None

    def rate(self, step: int) -> float:
        """The learning rate of a step: independent of the budget, so that a longer run repeats a shorter one."""
        return self.learning_rate * (1.0 if self.half_life is None else 2 ** (-step / self.half_life))

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        """What is remembered between steps, before the first."""
        return {}

    @abstractmethod
    def update(self, c: Coefficients, gradient: Coefficients, step: int, memory: Mapping[str, Tensor]) -> None:
        """Change coefficients and memory in place; `step` counts from 0."""


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """``c <- c - rate * gradient``."""

    def update(self, c: Coefficients, gradient: Coefficients, step: int, memory: Mapping[str, Tensor]) -> None:
        c.sub_(gradient, alpha=self.rate(step))


@dataclass(frozen=True)
class Adam(Optimizer):
    """Kingma and Ba (2015), Algorithm 1, with its default constants; operations in the order of `torch.optim.Adam`."""

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return {"m": torch.zeros_like(c), "v": torch.zeros_like(c)}

    def update(self, c: Coefficients, gradient: Coefficients, step: int, memory: Mapping[str, Tensor]) -> None:
        beta1, beta2, epsilon = 0.9, 0.999, 1e-8
        m, v = memory["m"], memory["v"]
        m.lerp_(gradient, 1 - beta1)
        v.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        denominator = (v.sqrt() / math.sqrt(1 - beta2 ** (step + 1))).add_(epsilon)
        c.addcdiv_(m, denominator, value=-self.rate(step) / (1 - beta1 ** (step + 1)))


class Gradient(Iteration):
    """Descends a functional of a network's coefficients, in place.

    Args:
        space: The network.
        functional_at: The functional that a step lowers: the same, or another sample of it, for each step.
        optimizer: Turns gradients into steps.
        seed: Seed of the initial coefficients.
        like: A tensor whose dtype and device the coefficients take.
    """

    def __init__(
        self, space: Network, functional_at: Callable[[int], Functional], optimizer: Optimizer, *, seed: int, like: Tensor
    ) -> None:
        self._space, self._functional_at, self._optimizer = space, functional_at, optimizer
        self._seed, self._like = seed, like
        self.tends_to_zero = functional_at(0).tends_to_zero

    def init(self) -> State:
        c = self._space.initialize(stream(self._seed, "initialization")).to(self._like)
        return State(self._space, c, self._optimizer.memory(c) | {"steps": torch.tensor(0)})

    def step(self, state: State) -> State:
        step = int(state.memory["steps"])
        gradient = self._functional_at(step).gradient(state.coefficients)
        self._optimizer.update(state.coefficients, gradient, step, state.memory)
        return replace(state, memory={**state.memory, "steps": torch.tensor(step + 1)})

    def objective(self, state: State) -> dict[str, Tensor]:
        with torch.no_grad():
            return self._functional_at(int(state.memory["steps"])).terms(state.coefficients)

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        moved = {name: value.to(self._like, copy=True) for name, value in memory.items() if name != "steps"}
        c = coefficients.to(self._like, copy=True)
        return State(self._space, c, moved | {"steps": torch.tensor(int(memory["steps"]))})

"""Steppers of first order, which turn a gradient into a step, and the learning rate. All they remember is tensors by name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from pdefreq.theory import dynamics

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.theory.dynamics import SpectralFilter

Memory = MutableMapping[str, "Tensor"]


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of each step: independent of the budget, so that a longer run repeats a shorter one.

    Args:
        start: At the first step.
        half_life: Steps after which it is first the half; None keeps it.
        decay: ``"exponential"``: halves again and again, 2^(-t); with t = step / half_life; a factor 1 - d a step is
            half_life = log 2 / d. ``"inverse"``: 1 / (1 + t). ``"cosine"``: (1 + cos(pi t / 2)) / 2, zero from t = 2 on.

    Example:
        >>> [LearningRate(0.4, 10, decay)(20) for decay in ("exponential", "inverse", "cosine")]
        [0.1, 0.13333333333333333, 0.0]
    """

    start: float
    half_life: float | None = None
    decay: Literal["exponential", "inverse", "cosine"] = "exponential"

    def __call__(self, step: int) -> float:
        if self.half_life is None:
            return self.start
        t = step / self.half_life
        if self.decay == "exponential":
            return self.start * 2**-t
        if self.decay == "inverse":
            return self.start / (1 + t)
        return self.start * (1 + math.cos(math.pi * min(t, 2.0) / 2)) / 2


class Stepper(ABC):
    """Minimizes a functional, step by step: what an optimizer of `pdefreq.parts` creates."""

    title: ClassVar[str]
    """What it is called in sentences on what has no theory."""

    ends: ClassVar[bool] = False
    """Whether it may find that further steps would change nothing."""

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        """What every step leaves of each eigenvector of the tangent kernel, where theory says so; else None."""
        return None

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        """What is remembered between steps, before the first."""
        return {}

    def columns(self, memory: Memory) -> dict[str, Tensor]:
        """What of that is worth recording: the same names each time."""
        return {}

    @abstractmethod
    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        """Change coefficients and memory in place.

        Args:
            c: The coefficients.
            functional: What to lower.
            step: Counts from 0.
            memory: What was remembered.
            fresh: Whether the functional is another one than in the step before.

        Returns:
            Whether further steps would change nothing, as long as the functional is this one.
        """


@dataclass(frozen=True)
class FirstOrderStepper(Stepper):
    """Steps worked out from one gradient each.

    Args:
        rate: The learning rate.
        clip: Largest Euclidean norm of a gradient; a longer one is shortened to it. None leaves gradients alone.
    """

    rate: LearningRate
    clip: float | None = None

    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        gradient = functional.gradient(c)
        if self.clip is not None:
            gradient.mul_((self.clip / gradient.norm()).clamp_max(1.0))
        self.update(c, gradient, step, memory)
        return False

    @abstractmethod
    def update(self, c: Coefficients, gradient: Coefficients, step: int, memory: Memory) -> None:
        """Change coefficients and memory in place."""


@dataclass(frozen=True)
class GradientDescentStepper(FirstOrderStepper):
    """``v <- momentum v + gradient``, ``c <- c - rate v``: with momentum Polyak's heavy ball, as in `torch.optim.SGD`.

    Args:
        rate: The learning rate.
        clip: Largest Euclidean norm of a gradient.
        momentum: In [0, 1); 0 is plain gradient descent.
    """

    title = "gradient descent with momentum, clipping or a rate that falls"

    momentum: float = 0.0

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        changed = self.momentum or self.clip is not None or self.rate.half_life is not None
        return None if changed else dynamics.GradientDescentFilter(self.rate.start)

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return {"velocity": torch.zeros_like(c)} if self.momentum else {}

    def update(self, c: Coefficients, gradient: Coefficients, step: int, memory: Memory) -> None:
        if self.momentum:
            gradient = memory["velocity"].mul_(self.momentum).add_(gradient)
        c.sub_(gradient, alpha=self.rate(step))


@dataclass(frozen=True)
class AdamStepper(FirstOrderStepper):
    """Kingma and Ba (2015), Algorithm 1, with its default constants; operations in the order of `torch.optim.Adam`."""

    title = "Adam"

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return {"m": torch.zeros_like(c), "v": torch.zeros_like(c)}

    def update(self, c: Coefficients, gradient: Coefficients, step: int, memory: Memory) -> None:
        beta1, beta2, epsilon = 0.9, 0.999, 1e-8
        m, v = memory["m"], memory["v"]
        m.lerp_(gradient, 1 - beta1)
        v.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        denominator = (v.sqrt() / math.sqrt(1 - beta2 ** (step + 1))).add_(epsilon)
        c.addcdiv_(m, denominator, value=-self.rate(step) / (1 - beta1 ** (step + 1)))

"""Steppers of first order, which turn a gradient into a step, and the learning rate. Their memory is tensors by name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from pdefreq.core.history import Status
from pdefreq.theory import dynamics
from pdefreq.theory.adam import FrozenAdam
from pdefreq.theory.sharpness import Descent

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.training.step_graphs import Numbers, StepGraphs
    from pdefreq.spaces.trial_space import Network
    from pdefreq.theory.dynamics import SpectralFilter
    from pdefreq.theory.linearization import Guide

Memory = MutableMapping[str, "Tensor"]
_BETAS, _EPSILON = (0.9, 0.999), 1e-8  # of Adam


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of each step, independent of the budget, so that a longer run repeats a shorter one.

    Args:
        start: The learning rate of the first step.
        half_life: Number of steps after which it has first decreased by half; None keeps it constant.
        decay: with t = step / half_life, ``"exponential"``: 2^(-t), where a factor 1 - d per step corresponds to
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
    """The steps that minimize a functional; optimizers of `pdefreq.parts` create steppers."""

    title: ClassVar[str]
    """The name in messages on missing theory."""

    ends: ClassVar[bool] = False
    """Whether the stepper can detect that further steps would change nothing."""

    solves_damped: ClassVar[bool] = False
    """Whether a step solves a damped least-squares problem, so that `damping_at` is defined."""

    def damping_at(self, memory: Memory, factor: Tensor) -> float:
        """The damping lambda of the first trial of a step with the Gauss-Newton factor F; see `solves_damped`."""
        raise NotImplementedError(f"{type(self).__name__} does not solve a damped problem")

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        """The spectral filter of a step on the tangent kernel, if the theory covers the stepper; otherwise None."""
        return None

    def guide(self, memory: Memory, step: int, factor: Tensor) -> Guide | None:
        """A prediction without a proof, for steppers that have no spectral filter; None if there is none.

        Args:
            memory: The memory before a step.
            step: The number of the step.
            factor: The Gauss-Newton factor F before the step.
        """
        return None

    def descent(self, memory: Memory, step: int) -> Descent | None:
        """The last of a number of steps as a descent with a constant preconditioner, for limits of the learning rate.

        Args:
            memory: The memory after the steps.
            step: The number of steps, at least 1.

        Returns:
            The descent; None for steppers that choose the lengths of their steps.
        """
        return None

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        """The memory before the first step."""
        return {}

    def columns(self, memory: Memory) -> dict[str, Tensor]:
        """Scalars of the memory to record, with the same names each time."""
        return {}

    def on(self, space: Network) -> Stepper:
        """The stepper for a network, for those that use the shapes of its parameters."""
        return self

    @abstractmethod
    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        """Change coefficients and memory in place.

        Args:
            c: The coefficients.
            functional: The objective of the step.
            step: The number of the step, from 0.
            memory: The memory of the previous step.
            fresh: Whether the functional has changed since the previous step.

        Returns:
            Whether further steps with the same functional would change nothing.
        """

    def final_status(self, memory: Memory) -> Status:
        """The reason why further steps would change nothing; by default the minimum is reached."""
        return Status.DONE


def age(step: int, memory: Memory) -> int:
    """The number of steps since the memory of the stepper was initialized, which happens again if the network changes."""
    return step - int(memory.get("started", 0))


ENDS = (None, Status.DONE, Status.ROUNDING, Status.STALLED)
"""The reasons for which a stepper ends, by the number that its memory contains; None if it has not ended."""


def ending(status: Status | None) -> Tensor:
    """A reason in `ENDS` as an entry of the memory."""
    return torch.tensor(ENDS.index(status))


def is_stationary(functional: Functional, c: Coefficients, gradient: Coefficients) -> bool:
    """Whether a gradient is zero up to rounding errors: it changes by its own size if each coefficient changes by one unit.

    Args:
        functional: The objective.
        c: The coefficients.
        gradient: The gradient there.
    """
    neighbors = (torch.nextafter(c, torch.full_like(c, end)) for end in (math.inf, -math.inf))
    return any(bool((functional.gradient(each) - gradient).norm() >= gradient.norm()) for each in neighbors)


@dataclass(frozen=True)
class FirstOrderStepper(Stepper):
    """Steps that are computed from one gradient each.

    Args:
        rate: The learning rate.
        clip: Largest Euclidean norm of a gradient, to which longer gradients are scaled; None disables clipping.
        graphs: The recorder of steps, for steppers that are `elementwise`; None takes each step as usual.
    """

    elementwise: ClassVar[bool] = False
    """Whether `update` applies the same operations to each coefficient in each step, so that several vectors can be rows of one
    tensor, and a step can be recorded."""

    rate: LearningRate
    clip: float | None = None
    graphs: StepGraphs | None = field(default=None, kw_only=True, compare=False, repr=False)

    def advance(self, c: Coefficients, functional: Functional, step: int, memory: Memory, *, fresh: bool) -> bool:
        def take(numbers: Numbers) -> None:
            self.descend(c, functional.gradient(c), memory, numbers)

        numbers = self.numbers(step, memory)
        if self.graphs is None:
            take(numbers)
        else:
            self.graphs.take(take, numbers, functional, [c, *(memory[name] for name in self.memory(c[:0]))])
        return False

    def descend(self, c: Coefficients, gradient: Coefficients, memory: Memory, numbers: Numbers) -> None:
        """Change coefficients and memory in place, given the gradient, which may be overwritten.

        If the stepper is `elementwise`, the coefficients may be those of several networks, ``(S, P)``.
        """
        if self.clip is not None:
            gradient.mul_((self.clip / gradient.norm(dim=-1, keepdim=True)).clamp_max(1.0))
        self.update(c, gradient, memory, numbers)

    def numbers(self, step: int, memory: Memory) -> Sequence[float]:
        """The numbers of a step that change from step to step: the learning rate."""
        return (self.rate(step),)

    @abstractmethod
    def update(self, c: Coefficients, gradient: Coefficients, memory: Memory, numbers: Numbers) -> None:
        """Change coefficients and memory in place.

        Args:
            c: The coefficients.
            gradient: The gradient, which may be overwritten.
            memory: The memory of the previous step.
            numbers: What `numbers` returns for the step. A stepper that is `elementwise` also accepts zero-dimensional tensors.
        """


@dataclass(frozen=True)
class GradientDescentStepper(FirstOrderStepper):
    """``v <- momentum v + gradient``, ``c <- c - rate v``: with momentum Polyak's heavy ball, as in `torch.optim.SGD`.

    Args:
        rate: The learning rate.
        clip: Largest Euclidean norm of a gradient.
        momentum: The momentum parameter in [0, 1); 0 is plain gradient descent.
    """

    title = "gradient descent with clipping or a decreasing learning rate"
    elementwise = True

    momentum: float = 0.0

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        if self.clip is not None or self.rate.half_life is not None:
            return None
        rate = self.rate.start
        return dynamics.HeavyBallFilter(rate, self.momentum) if self.momentum else dynamics.GradientDescentFilter(rate)

    def descent(self, memory: Memory, step: int) -> Descent | None:
        return None if self.clip is not None else Descent(self.rate(step - 1), self.momentum)

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return {"velocity": torch.zeros_like(c)} if self.momentum else {}

    def update(self, c: Coefficients, gradient: Coefficients, memory: Memory, numbers: Numbers) -> None:
        (rate,) = numbers
        if self.momentum:
            gradient = memory["velocity"].mul_(self.momentum).add_(gradient)
        c.addcmul_(gradient, -torch.as_tensor(rate, dtype=c.dtype, device=c.device))


@dataclass(frozen=True)
class AdamStepper(FirstOrderStepper):
    """Kingma and Ba (2015), Algorithm 1, with its default constants; operations in the order of `torch.optim.Adam`."""

    title = "Adam"
    elementwise = True

    def guide(self, memory: Memory, step: int, factor: Tensor) -> Guide | None:
        return None if self.clip is not None else FrozenAdam(self.rate, memory["m"], memory["v"], step)

    def descent(self, memory: Memory, step: int) -> Descent | None:
        if self.clip is not None:
            return None
        beta1, (bias, root) = _BETAS[0], self._corrections(age(step, memory))
        return Descent(self.rate(step - 1), beta1, 1 - beta1, bias * _denominator(memory["v"], root))

    def memory(self, c: Coefficients) -> dict[str, Tensor]:
        return {"m": torch.zeros_like(c), "v": torch.zeros_like(c)}

    def numbers(self, step: int, memory: Memory) -> Sequence[float]:
        """The learning rate divided by 1 - beta1^t, and the square root of 1 - beta2^t, for the t-th step."""
        bias, root = self._corrections(age(step, memory) + 1)
        return self.rate(step) / bias, root

    def update(self, c: Coefficients, gradient: Coefficients, memory: Memory, numbers: Numbers) -> None:
        beta1, beta2 = _BETAS
        m, v = memory["m"], memory["v"]
        rate, root = numbers
        m.lerp_(gradient, 1 - beta1)
        v.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        c.sub_((m * rate).div_(_denominator(v, root)))

    @staticmethod
    def _corrections(count: int) -> tuple[float, float]:
        """1 - beta1^t and sqrt(1 - beta2^t) after t steps."""
        beta1, beta2 = _BETAS
        return 1 - beta1**count, math.sqrt(1 - beta2**count)


def _denominator(v: Tensor, root: float | Tensor) -> Tensor:
    """sqrt(v / (1 - beta2^t)) + epsilon; the preconditioner P is this value times 1 - beta1^t."""
    return (v.sqrt() / root).add_(_EPSILON)

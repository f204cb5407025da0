"""The steps of several trainings that differ in their seeds only, as one step on stacked coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from pdefreq.core.devices import is_out_of_memory
from pdefreq.core.errors import IncompatibleError, TooLargeError
from pdefreq.iterations.training.steppers import FirstOrderStepper
from pdefreq.iterations.training.training_iteration import TrainingIteration

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.functionals.functional import Functional
    from pdefreq.iterations.iteration import Iteration, State

_SAME = 1e-3  # relative; rounding in single precision changes gradients by 1e-6, and an operation that is wrong for rows by O(1)
_ALONE = "leave out --batch, which runs the seeds one by one or on several processes"


class SeedBatch:
    """Several trainings that differ in their seeds only, whose steps are taken together.

    The coefficients of the members are the rows of one tensor ``(S, P)``, as are the tensors of their optimizers. The gradients
    are one pass, batched by `torch.func.vmap` over the coefficients, and the update acts on all rows. A state of a member is a
    view of its row, so that it can be measured and stored as that of a training on its own.

    Args:
        members: The trainings.

    Raises:
        IncompatibleError: If a step can't be batched, or if the objective depends on the seed.
        TooLargeError: If the memory does not suffice, also by a step.
    """

    def __init__(self, members: Sequence[Iteration]) -> None:
        self._members = [_require_first_order(member) for member in members]
        self._stepper = self._members[0].stepper
        self._rows: list[State] = []  # the last states
        self._require_same_gradients()

    @property
    def bytes_of_a_member(self) -> int:
        """About the memory that each member adds; 0 if it is not known."""
        return self._members[0].bytes_needed

    def step(self, numbers: Sequence[int], states: Sequence[State]) -> list[State]:
        """The next states of some members.

        Args:
            numbers: The numbers of these members.
            states: Their states, all after the same number of steps. Their tensors may be reused.
        """
        step = int(states[0].memory["steps"])
        if not _are_rows(states, self._rows):
            states = self._stack(states)
        c, memory = self._stacked, self._memory
        functional = self._members[0].functional_of_step(states[0])
        assert functional is not None and isinstance(self._stepper, FirstOrderStepper)
        self._stepper.descend(c, _gradients(functional, c), memory, self._stepper.numbers(step, memory))
        self._rows = [self._members[number].step_of_batch(state, step) for number, state in zip(numbers, states, strict=True)]
        return self._rows

    def _stack(self, states: Sequence[State]) -> list[State]:
        """Copy states into new rows, and return the same states with these rows as their tensors."""
        self._stacked = torch.stack([state.coefficients for state in states])
        names = self._stepper.memory(states[0].coefficients)
        self._memory = {name: torch.stack([state.memory[name] for state in states]) for name in names}

        def of_row(row: int, state: State) -> State:
            own = {name: value[row] for name, value in self._memory.items()}
            return replace(state, coefficients=self._stacked[row], memory={**state.memory, **own})

        return [of_row(row, state) for row, state in enumerate(states)]

    def _require_same_gradients(self) -> None:
        """Compare the batched gradient of the first functional with the gradient of each member at its initial state."""
        states = [member.init() for member in self._members]
        c = torch.stack([state.coefficients for state in states])
        own = [member.functional_of_step(state) for member, state in zip(self._members, states, strict=True)]
        functionals = [functional for functional in own if functional is not None]
        if len(functionals) < len(own):
            raise IncompatibleError(f"a batch of seeds needs points and weights that do not depend on the iterate: {_ALONE}")
        # Each functional on its own comes first: it computes fields that it keeps, whose derivatives could not be batched.
        alone = [each.gradient(row) for each, row in zip(functionals, c, strict=True)]
        # At the same coefficients the same points give the same bits. No tolerance could replace this: with many points, the
        # gradients of two random sets differ as little as by rounding.
        if not all(torch.equal(each.gradient(c[0]), alone[0]) for each in functionals):
            raise IncompatibleError(
                "the points of the objective depend on the seed, and a batch of seeds has the same points for all: use "
                f"`--set points=gauss` without the option `batch`, or {_ALONE}"
            )
        try:
            batched = _gradients(functionals[0], c)
        except RuntimeError:
            raise IncompatibleError(
                f"the derivatives of this objective or network use automatic differentiation, which can't be batched: {_ALONE}"
            ) from None
        for found, expected in zip(batched, alone, strict=True):
            if not float((found - expected).norm()) <= _SAME * float(expected.norm()):
                raise IncompatibleError(f"the gradients of a batch differ from those of the seeds, or are no numbers: {_ALONE}")


def _require_first_order(member: Iteration) -> TrainingIteration:
    if not isinstance(member, TrainingIteration) or not isinstance(member.stepper, FirstOrderStepper):
        raise IncompatibleError(
            f"seeds are batched for networks that are trained by an optimizer of first order, such as adam, only: {_ALONE}"
        )
    if not member.stepper.elementwise:
        raise IncompatibleError(
            f"seeds are batched for optimizers that treat each coefficient on its own, such as adam, and {member.stepper.title} "
            f"does not: {_ALONE}"
        )
    return member


def _are_rows(states: Sequence[State], rows: Sequence[State]) -> bool:
    """Whether states are the last ones that a batch has returned, in the same order."""
    return len(states) == len(rows) and all(mine.coefficients is row.coefficients for mine, row in zip(states, rows, strict=True))


def _gradients(functional: Functional, c: Tensor) -> Tensor:
    """The gradients of a functional at several vectors of coefficients, ``(S, P)``.

    Raises:
        TooLargeError: If the memory does not suffice.
        RuntimeError: If the gradient can't be batched.
    """
    try:
        with _Unfused():
            return torch.func.vmap(functional.gradient)(c)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise TooLargeError(
            f"a step of {len(c)} seeds does not fit into the memory of {c.device}: use fewer seeds, or {_ALONE}"
        ) from None


class _Unfused(TorchFunctionMode):
    """Replaces two operations for which `torch.func.vmap` would loop over the batch by their definitions."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.Tensor.addcmul_:
            total, one, other = args
            return total.add_(one * other, alpha=kwargs.get("value", 1))
        if func is torch.Tensor.baddbmm_ and not kwargs:
            total, one, other = args
            return total.add_(torch.bmm(one, other))
        return func(*args, **kwargs)

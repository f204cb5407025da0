"""The iteration that trains networks, with any stepper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import NotPredictedError
from pdefreq.core.history import Status
from pdefreq.core.streams import stream
from pdefreq.functionals.objective_schedule import SampledSchedule
from pdefreq.functionals.split_functional import split
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.protocols import ObjectiveKind, Prediction
from pdefreq.iterations.training.balancing import balanced
from pdefreq.iterations.training.linearized import kernel_drift, linearize
from pdefreq.iterations.training.predictions import guide_by_flow, prediction, relative_errors
from pdefreq.iterations.training.steppers import age
from pdefreq.spectrum.predicted import Drift
from pdefreq.spectrum.span import modes_at_rows, span_of
from pdefreq.theory.certificate import Certificate, damped_least_squares
from pdefreq.theory.kernel_modes import rayleigh_quotients, relative_distance

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.adaptive_sampling import AdaptiveSampling
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.objective_schedule import ObjectiveSchedule
    from pdefreq.iterations.training.held_out import HeldOut
    from pdefreq.iterations.training.steppers import Stepper
    from pdefreq.spaces.trial_space import Network, TrialSpace
    from pdefreq.spectrum.modes import Modes
    from pdefreq.theory.dynamics import LinearDynamics, SpectralFilter
    from pdefreq.theory.kernel_modes import RayleighQuotients
    from pdefreq.theory.linearization import Guide, Linearization


class TrainingIteration(Iteration):
    """Minimizes a functional of a network's coefficients, which are changed in place.

    Args:
        space: The network.
        objectives: The functional that each step minimizes.
        stepper: The stepper, which changes the coefficients in each step.
        seed: Seed of the initial coefficients.
        like: A tensor with the dtype and device of the coefficients.
        unit: The factor of the recorded objective: functionals are divided by it, so that the numbers of a step do not depend on
            the units of the problem.
        remarks: Notes for the user on every run.
        balance_every: Number of steps between updates of the weights of terms from the traces of their kernels (`balanced`);
            None keeps the weights.
        held_out: The objective at held-out points.
        adaptive: The choice of interior points by the residual, for objectives on given points; None for points that depend on
            the step only.
        bytes_needed: About the memory of a step and of the points; 0 if it is not known.
        objectives_in: The same objectives on another space, for functionals that are quadratic in u. With it the rows of the
            functional are applied to modes.
    """

    def __init__(
        self,
        space: Network,
        objectives: ObjectiveSchedule,
        stepper: Stepper,
        *,
        seed: int,
        like: Tensor,
        unit: float = 1.0,
        remarks: Sequence[str] = (),
        balance_every: int | None = None,
        held_out: HeldOut | None = None,
        adaptive: AdaptiveSampling | None = None,
        bytes_needed: int = 0,
        objectives_in: Callable[[TrialSpace], ObjectiveSchedule] | None = None,
    ) -> None:
        self._space, self._objectives, self._stepper, self._objectives_in = space, objectives, stepper.on(space), objectives_in
        self._seed, self._like, self._unit = seed, like, unit
        self._remarks = tuple(remarks)
        self._balance_every, self._held_out, self._adaptive = balance_every, held_out, adaptive
        self.bytes_needed = bytes_needed
        self._samples = lru_cache(maxsize=1)(lambda points: None if adaptive is None else adaptive.samples(points))
        self.objective_kind = ObjectiveKind.RESIDUAL if objectives.at(0).tends_to_zero else ObjectiveKind.ENERGY
        self.open_ended = not stepper.ends and (held_out is None or held_out.patience is None)

    def init(self) -> State:
        c = self._space.initialize(stream(self._seed, "initialization")).to(self._like)
        memory = self._stepper.memory(c) | {"steps": torch.tensor(0)}
        if self._balance_every is not None:
            memory["term_weights"] = balanced(self._objectives.at(0), c)
        if self._held_out is not None:
            memory |= self._held_out.memory(c, watched=self._objectives.is_last_stage(0))
        if self._adaptive is not None:
            memory["points"] = self._adaptive.first(self._like)
        return State(self._space, c, memory)

    @property
    def space(self) -> Network:
        """The network."""
        return self._space

    def continued(self, state: State, embed: Callable[[Coefficients], Coefficients]) -> State:
        """The state in which this iteration continues the training of a smaller network on the same objectives.

        The optimizer starts anew; all other memory is kept.

        Args:
            state: A state of the training of the smaller network.
            embed: A function from coefficients of the smaller network to coefficients of this one with the same function.
        """
        c, memory = embed(state.coefficients), dict(state.memory)
        memory |= self._stepper.memory(c) | {"started": memory["steps"]}
        if "best" in memory:
            memory["best"] = embed(memory["best"])
        return State(self._space, c, memory)

    def step(self, state: State) -> State:
        c, memory, step = state.coefficients, dict(state.memory), int(state.memory["steps"])
        due = self._balance_every is not None and step > 0 and step % self._balance_every == 0
        if due:
            memory["term_weights"] = balanced(split(self._at(step, memory)), c)
        fresh = due or age(step, memory) == 0 or self._objectives.key(step) != self._objectives.key(step - 1)
        arrived = self._stepper.advance(c, split(self._functional(step, memory)), step, memory, fresh=fresh)
        return self._after(state, step, memory, arrived=arrived)

    def step_of_batch(self, state: State, step: int) -> State:
        """The state after a step that `SeedBatch` has taken: what follows the change of the coefficients."""
        return self._after(state, step, dict(state.memory), arrived=False)

    def _after(self, state: State, step: int, memory: dict[str, Tensor], *, arrived: bool) -> State:
        c = state.coefficients
        memory["steps"] = torch.tensor(step + 1)
        if self._adaptive is not None and self._adaptive.is_due(step + 1):
            memory["points"] = self._adaptive.next(memory["points"], c, step + 1)
        return replace(state, memory=memory, done=(arrived and self._is_fixed(step)) or self._look(c, step, memory))

    def _is_fixed(self, step: int) -> bool:
        """Whether all further steps minimize the functional of this step."""
        return self._objectives.is_final(step) and self._balance_every is None

    def _look(self, c: Coefficients, step: int, memory: dict[str, Tensor]) -> bool:
        """Whether the objective at held-out points stops the run. It is evaluated in the last stage only."""
        if self._held_out is None or not self._objectives.is_last_stage(step):
            return False
        first = step > 0 and not self._objectives.is_last_stage(step - 1)
        return self._held_out.look(c, step + 1, memory, first=first)

    def objective(self, state: State) -> dict[str, Tensor]:
        with torch.no_grad():
            terms = self._functional(int(state.memory["steps"]), state.memory).terms(state.coefficients)
        return {name: self._unit * value for name, value in terms.items()}

    @property
    def stepper(self) -> Stepper:
        """The stepper."""
        return self._stepper

    def functional_of_step(self, state: State) -> Functional | None:
        """The functional that the next step minimizes; None if it depends on the iterate."""
        changes = self._adaptive is not None or self._balance_every is not None
        return None if changes else self._functional(int(state.memory["steps"]), state.memory)

    @property
    def shares_points(self) -> bool:
        return not self._objectives.at(0).couples_points

    def quadrature(self, state: State) -> Samples | None:
        return self._objectives.quadrature

    def certificate(self, state: State, modes: Modes) -> Certificate | None:
        """The certificate of the first trial of a Gauss-Newton step from a state, for sums of squares at fixed points."""
        step, memory, interior = int(state.memory["steps"]), dict(state.memory), self._objectives.quadrature
        if interior is None or not self._stepper.solves_damped:
            return None
        functional, c = self._functional(step, memory), state.coefficients
        with torch.no_grad():
            before = functional.residual(c)
        if before is None or (watched := modes_at_rows(modes, interior, len(before), c)) is None:
            return None
        factor = functional.gauss_newton_factor(c).detach()
        damping = self._stepper.damping_at(memory, factor)
        x, left = damped_least_squares(factor, damping, torch.cat([watched, before[:, None]], dim=1))
        with torch.no_grad():
            after = functional.residual(c - x[:, -1])
        assert after is not None
        return Certificate.of(left[:, :-1], watched, before, left[:, -1], after)

    def functional(self, state: State) -> Functional:
        step = int(state.memory["steps"])
        whole = self._at(step, state.memory) if self._adaptive is not None else self._objectives.whole(step)
        return self._weighted(whole, state.memory)

    def start(self) -> tuple[Functional, Coefficients]:
        state = self.init()
        return self._functional(0, state.memory), state.coefficients

    @property
    def spectral_filter(self) -> SpectralFilter | None:
        """The spectral filter of a step on the kernel, if all steps are the same and minimize the same functional."""
        return self._stepper.spectral_filter if self._is_fixed(0) else None

    def linearization(self, modes: Modes, target: Values, state: State | None = None, *, cheap: bool = False) -> Linearization:
        state = self.init() if state is None else state
        functional = self._functional(int(state.memory["steps"]), state.memory)
        return linearize(self._space, functional, state.coefficients, modes, target, cheap=cheap)

    def guide(self, state: State, model: Linearization) -> Guide | None:
        return self._stepper.guide(dict(state.memory), int(state.memory["steps"]), model.factor)

    def linearized(self, modes: Modes, target: Values, *, cheap: bool = False) -> LinearDynamics:
        model = self.linearization(modes, target, cheap=cheap)
        return replace(model.dynamics(), rayleigh_quotients=self._rayleigh_quotients(modes, model))

    def _rayleigh_quotients(self, modes: Modes, model: Linearization) -> RayleighQuotients | None:
        """Those of modes with a closed form in the initial kernel, for functionals that are quadratic in u."""
        span, state = span_of(modes), self.init()
        if span is None or self._objectives_in is None:
            return None
        c = state.coefficients.new_zeros(len(modes))
        rows = self._functional(0, state.memory, self._objectives_in(span)).gauss_newton_factor(c).double()
        return rayleigh_quotients(lambda v: model.factor @ (model.factor.T @ v), rows)

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction:
        method = self.spectral_filter
        if cheap and method is None:
            name = "changing points, weights or rates" if self._stepper.spectral_filter else self._stepper.title
            raise NotPredictedError(f"no theory for {name}; `pdefreq predict` gives a guide")
        if target is None:
            raise NotPredictedError("the errors of a network can be predicted only if the solution is known")
        if method is not None:
            return prediction(self.linearized(modes, target, cheap=cheap), method, steps, modes)
        model = self.linearization(modes, target)
        guide = self.guide(self.init(), model)
        if guide is None:
            return guide_by_flow(self.linearized(modes, target), steps, modes)
        note = guide.note + ("" if self._is_fixed(0) else "; the objective changes, and that of the first step is used")
        curves = relative_errors(guide.errors(model, steps), model.start, modes)
        return Prediction(curves, curves.real.new_full((len(modes),), torch.nan), note)

    def columns(self, state: State) -> dict[str, Tensor]:
        step = int(state.memory["steps"])
        columns = self._stepper.columns(dict(state.memory))
        weights = self._functional(step, state.memory).weights
        if self._held_out is not None:
            columns["held_out_objective"] = self._unit * self._held_out.value(state.coefficients, weights)
        staged = not self._objectives.is_last_stage(0)
        if staged:
            columns["stage"] = torch.tensor(self._objectives.stage(step))
        if staged or self._balance_every is not None:
            columns |= {f"weight.{name}": torch.tensor(weight) for name, weight in weights.items()}
        return columns

    def is_last_stage(self, state: State) -> bool:
        return self._objectives.is_last_stage(int(state.memory["steps"]))

    def result_state(self, state: State) -> State:
        kept = None if self._held_out is None else self._held_out.best(dict(state.memory))
        return state if kept is None else replace(state, coefficients=kept)

    def final_status(self, state: State) -> Status:
        early = self._held_out is not None and self._held_out.is_over(int(state.memory["steps"]), dict(state.memory))
        return Status.EARLY if early else self._stepper.final_status(dict(state.memory))

    def drift(self, state: State) -> Drift | None:
        if self.spectral_filter is None:
            return None
        start = self.init()
        kernel = kernel_drift(self._functional(0, start.memory), state.coefficients, start.coefficients)
        return Drift(kernel, relative_distance(state.coefficients, start.coefficients))

    def notes(self, state: State) -> list[str]:
        if self._held_out is None:
            return [*self._remarks]
        step, memory = int(state.memory["steps"]), dict(state.memory)
        notes = [*self._remarks, *self._held_out.notes(state.coefficients, step, memory)]
        if self._objectives.is_final(step):  # overfitting is tested for a fixed functional only
            c, start = self.result_state(state).coefficients, self.init().coefficients
            notes += self._held_out.notes_on_fit(self._functional(step, memory), c, start)
        return notes

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        c = coefficients.to(self._like, copy=True)
        shapes = {name: value.shape for name, value in self._stepper.memory(c).items()} | {"steps": ()}
        if self._held_out is not None and self._held_out.keep_best:
            shapes["best"] = c.shape
        for name, shape in shapes.items():
            if memory[name].shape != shape:
                raise ValueError(f"`{name}` has the shape {tuple(memory[name].shape)}, expected {tuple(shape)}")
        return State(self._space, c, {name: self._restored(value) for name, value in memory.items()})

    def _restored(self, value: Tensor) -> Tensor:
        """A copy in the dtype and on the device of the run; counts stay whole numbers, on the CPU."""
        return value.to(self._like, copy=True) if value.is_floating_point() else value.cpu().clone()

    def _at(self, step: int, memory: Mapping[str, Tensor]) -> Functional:
        """The objective of a step without additional weights."""
        if self._adaptive is None:
            return self._objectives.at(step)
        assert isinstance(self._objectives, SampledSchedule)
        return self._objectives.at(step, self._samples(memory["points"]))

    def _functional(self, step: int, memory: Mapping[str, Tensor], objectives: ObjectiveSchedule | None = None) -> Functional:
        return self._weighted(self._at(step, memory) if objectives is None else objectives.at(step), memory)

    def _weighted(self, functional: Functional, memory: Mapping[str, Tensor]) -> Functional:
        """A functional with the weights of `balance_every`, in addition to its own."""
        if self._balance_every is None:
            return functional
        return functional.weighted(dict(zip(functional.names, memory["term_weights"].tolist(), strict=True)))

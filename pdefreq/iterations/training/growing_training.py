"""Training of a network that receives units for bands of wavenumbers in which the residual shows errors."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pdefreq.core.errors import NotPredictedError
from pdefreq.core.streams import stream
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.spaces.networks.enlargement import enlarged
from pdefreq.spaces.trial_space import Network

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.history import Status
    from pdefreq.core.shapes import Coefficients, Values
    from pdefreq.domains.samples import Samples
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.residual_bands import ResidualBands
    from pdefreq.iterations.protocols import ObjectiveKind, Prediction
    from pdefreq.iterations.training.training_iteration import TrainingIteration
    from pdefreq.spectrum.modes import Modes
    from pdefreq.theory.certificate import Certificate
    from pdefreq.theory.dynamics import LinearDynamics
    from pdefreq.theory.linearization import Linearization

EVERY = 100
"""Number of steps between evaluations of the spectrum of the residual."""

SHARE = 0.25
"""Part of the squared error estimate in one octave from which on the octave receives units."""

_LEAST = 1e-3  # least relevant amplitude relative to the standard deviation of u, as for the spectrum of the data
_PERSISTS = 0.5  # part of the squared error of the previous evaluation that must remain


@dataclass(frozen=True)
class Added:
    """A band that was added.

    Args:
        octave: The wavenumbers 2^(octave-1) < |omega| l <= 2^octave.
        step: The number of steps before.
        share: The part of the squared error estimate in the band at this step.
    """

    octave: int
    step: int
    share: float


class GrowingTraining(Iteration):
    """Training of a network, interrupted every `EVERY` steps by an evaluation of the spectrum of the residual.

    The band of an octave above the covered ones is added if the octave has the largest estimated error of these and at least the
    part `SHARE` of the whole squared error, if both the error and the estimated solution are relevant there (initial networks
    have errors in octaves in which the solution vanishes), and if the error persists from one evaluation to the next. The
    function does not change when a band is added (`enlarged`), and the optimizer starts anew. The added bands are in the memory
    of a state, from which the network is built again.

    Args:
        first: The training of the network without added bands.
        build: A function that returns the training of the network with these octaves added.
        bands: The estimator of errors.
        covered: The highest octave in which the first network has units.
        seed: The seed of the initial parameters.
    """

    def __init__(
        self,
        first: TrainingIteration,
        build: Callable[[tuple[int, ...]], TrainingIteration],
        bands: ResidualBands,
        covered: int,
        seed: int,
    ) -> None:
        self._bands, self._covered, self._seed = bands, covered, seed
        self._of = functools.lru_cache(maxsize=2)(build)
        self._first = first
        self.objective_kind: ObjectiveKind = self._first.objective_kind
        self.open_ended = self._first.open_ended

    def init(self) -> State:
        state = self._first.init()
        found = {"band_errors": state.coefficients.new_zeros(0), "band_share": state.coefficients.new_zeros(())}
        return replace(state, memory={**state.memory, **found, **_packed((), state.coefficients)})

    def step(self, state: State) -> State:
        state = self._training(state).step(state)
        return state if state.done or int(state.memory["steps"]) % EVERY else self._examined(state)

    def _examined(self, state: State) -> State:
        """The state after an evaluation of the residual, with one more band if a band has large errors."""
        memory, added = dict(state.memory), added_bands(state.memory)
        highest = max((self._covered, *(band.octave for band in added)))
        found = self._bands.at(state.space, state.coefficients, highest)
        before, total = memory["band_errors"].tolist(), float(found.errors.sum())
        memory["band_errors"] = state.coefficients.new_tensor(found.errors)
        known = {band.octave for band in added}
        free = [j for j in range(self._covered + 1, len(found.errors)) if j not in known]
        if not free or not 0 < total < math.inf:
            return replace(state, memory=memory)
        memory["band_share"] = state.coefficients.new_tensor(float(found.errors[free].sum()) / total)
        worst = max(free, key=lambda j: found.errors[j])
        error, share = float(found.errors[worst]), float(found.errors[worst]) / total
        belongs = min(error, float(found.solutions[worst])) >= _LEAST**2 * found.variance
        persists = worst < len(before) and error >= _PERSISTS * before[worst]
        if not (belongs and persists and share >= SHARE):
            return replace(state, memory=memory)
        added = (*added, Added(worst, int(memory["steps"]), share))
        memory |= _packed(added, state.coefficients)
        return self._grown(replace(state, memory=memory))

    def _grown(self, state: State) -> State:
        """The same function as a state of the training of the network with the bands in the memory."""
        training, draw = (
            self._training(state),
            functools.partial(stream, self._seed, "added bands", len(added_bands(state.memory))),
        )
        small, large = state.space, training.space
        assert isinstance(small, Network)
        return training.continued(state, lambda c: enlarged(c, small, large, draw()))

    def _training(self, state: State) -> TrainingIteration:
        octaves = tuple(band.octave for band in added_bands(state.memory))
        return self._of(octaves) if octaves else self._first

    def objective(self, state: State) -> dict[str, Tensor]:
        return self._training(state).objective(state)

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        octaves = tuple(band.octave for band in added_bands(memory))
        return (self._of(octaves) if octaves else self._first).restore(coefficients, memory)

    def columns(self, state: State) -> dict[str, Tensor]:
        found = {"bands_added": torch.tensor(len(added_bands(state.memory))), "band_share": state.memory["band_share"]}
        return self._training(state).columns(state) | found

    def notes(self, state: State) -> list[str]:
        return [*self._training(state).notes(state), *map(self._sentence, added_bands(state.memory))]

    def _sentence(self, band: Added) -> str:
        lower, upper = 2.0 ** (band.octave - 1) / self._bands.length, 2.0**band.octave / self._bands.length
        return (
            f"Units for wavenumbers from {lower:g} to {upper:g} (rad per length) were added after step {band.step:,}, since the "
            f"residual had {100 * band.share:.0f} percent of the estimated squared error there."
        )

    @property
    def shares_points(self) -> bool:
        return self._first.shares_points

    def quadrature(self, state: State) -> Samples | None:
        return self._training(state).quadrature(state)

    def certificate(self, state: State, modes: Modes) -> Certificate | None:
        return self._training(state).certificate(state, modes)

    def is_last_stage(self, state: State) -> bool:
        return self._training(state).is_last_stage(state)

    def result_state(self, state: State) -> State:
        return self._training(state).result_state(state)

    def final_status(self, state: State) -> Status:
        return self._training(state).final_status(state)

    def functional(self, state: State) -> Functional:
        return self._training(state).functional(state)

    def start(self) -> tuple[Functional, Coefficients]:
        return self._first.start()

    def linearized(self, modes: Modes, target: Values, *, cheap: bool = False) -> LinearDynamics:
        return self._first.linearized(modes, target, cheap=cheap)

    def linearization(self, modes: Modes, target: Values, state: State | None = None, *, cheap: bool = False) -> Linearization:
        training = self._first if state is None else self._training(state)
        return training.linearization(modes, target, state, cheap=cheap)

    @property
    def spectral_filter(self) -> None:
        """None: units that are added change the steps."""

    def guide(self, state: State, model: Linearization) -> None:
        """None: the linearization lacks the units that are added later."""

    def predict(self, modes: Modes, steps: Tensor, target: Values | None = None, *, cheap: bool = False) -> Prediction:
        if self._first.spectral_filter is not None:
            raise NotPredictedError("no theory for a network that receives units during training: set scales or std to numbers")
        return self._first.predict(modes, steps, target, cheap=cheap)


def added_bands(memory: Mapping[str, Tensor]) -> tuple[Added, ...]:
    """The bands that were added before a state, in this order."""
    columns = (memory[f"added_{name}"].tolist() for name in ("octaves", "steps", "shares"))
    return tuple(Added(int(octave), int(step), share) for octave, step, share in zip(*columns, strict=True))


def _packed(added: tuple[Added, ...], like: Tensor) -> dict[str, Tensor]:
    """The added bands as entries of the memory."""
    return {
        "added_octaves": torch.tensor([band.octave for band in added], dtype=torch.long),
        "added_steps": torch.tensor([band.step for band in added], dtype=torch.long),
        "added_shares": like.new_tensor([band.share for band in added]),
    }

"""What theory says of every mode before a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.errors import IncompatibleError

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.iterations.gradient import Gradient
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem
    from pdefreq.solvers.solver import Solver
    from pdefreq.spectrum.modes import Modes

_STEPS = np.unique(np.concatenate([[0], np.geomspace(1, 1e8, 401).astype(np.int64)]))


@dataclass(frozen=True)
class PredictedModes:
    """Predicted errors of m modes.

    Args:
        wavenumber: |xi|, shape ``(m,)``.
        amplitude: |u^_k| of the solution, shape ``(m,)``.
        steps: Shape ``(T,)``; of a guide, in units of the time 1 / kappa_1 of the fastest direction.
        error: Relative errors, shape ``(T, m)``.
        initial_rate: Relative decrease in the first step, shape ``(m,)``; negative where an error grows first.
        final_rate: Decay -d log e / d step in the end, shape ``(m,)``.
        note: Where it comes from and when it holds.
        guide: Whether the method itself has no theory, and this is gradient flow on the kernel of the start.
    """

    wavenumber: np.ndarray
    amplitude: np.ndarray
    steps: np.ndarray
    error: np.ndarray
    initial_rate: np.ndarray
    final_rate: np.ndarray
    note: str
    guide: bool

    @property
    def half_step(self) -> np.ndarray:
        """The step after which each error stays below one half, nan where it never does, shape ``(m,)``."""
        from pdefreq.spectrum.rates import half_time

        return half_time(self.steps.astype(float), self.error)


def predict(problem: Problem | str, solver: Solver | str, *, seed: int = 0, modes: str | None = None) -> PredictedModes:
    """What theory says of the modes of the solution, for a method started as a run with this seed would be.

    Args:
        problem: A problem on a box with a known or computable solution, or the name or path of one, as `solve` takes it.
        solver: A method with its options, or the name of one.
        seed: Of the random start.
        modes: ``"sine"`` or ``"cosine"``; by default what the problem names.

    Raises:
        IncompatibleError: If there is no theory for the method on this problem, or no modes to predict.
    """
    import torch

    from pdefreq.iterations.gradient import Gradient
    from pdefreq.probes.sampled import field_values
    from pdefreq.probes.spectral import SpectralProbe
    from pdefreq.problem_file import load_problem
    from pdefreq.reference import reference_solution
    from pdefreq.solvers import make_solver
    from pdefreq.spectrum.box_modes import BOX_FAMILIES, make_modes

    problem = load_problem(problem) if isinstance(problem, str) else problem
    solver = make_solver(solver) if isinstance(solver, str) else solver
    if modes is not None:
        problem = replace(problem, spectrum=replace(problem.spectrum, modes=modes))  # type: ignore[arg-type]
    iteration = solver.prepare(problem.blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    found = None if problem.exact is not None else reference_solution(problem)
    reference = problem.exact or (found and found[0])
    state = iteration.init()
    limit = iteration.limit(state)
    facts = SpectralProbe().prepare(problem, state, reference=reference or None, limit=limit, facts={}).facts
    if "mode_indices" not in facts:
        raise IncompatibleError(
            "there are no modes to predict: they need a box of up to 3 dimensions and a solution that is known"
        )
    kind = str(facts["mode_kind"])
    if kind not in BOX_FAMILIES:
        raise IncompatibleError(f"predictions are formed in sine or cosine modes, on a box, and not in {kind} modes")
    watched = make_modes(kind, problem.domain, facts["mode_indices"])  # pyright: ignore[reportArgumentType]
    amplitude = np.asarray(facts["mode_amplitude"])
    if isinstance(iteration, Gradient):
        if not reference:
            raise IncompatibleError("the errors of a network can be predicted only against a solution that is known")
        target = torch.from_numpy(field_values(reference, watched.points(state.space)))
        return _of_network(iteration, watched, amplitude, target)
    return _of_iteration(iteration, watched, amplitude, solver.name)


def _of_iteration(iteration: Iteration, modes: Modes, amplitude: np.ndarray, name: str) -> PredictedModes:
    import torch

    from pdefreq.solvers import SOLVERS

    prediction = iteration.predict(modes, torch.from_numpy(_STEPS))
    if prediction is None:
        refines = ", ".join(method for method in SOLVERS if getattr(SOLVERS.load(method), "refines", None))
        raise IncompatibleError(
            f"there is no theory of modes for {name} on this problem: it covers relaxation and two-grid cycles in sine modes on "
            "problems whose coefficients are constant, and networks trained along gradients; the order of each mode against the "
            f"mesh width is predicted by `pdefreq refine` ({refines})"
        )
    rates = prediction.rates.numpy()
    return PredictedModes(
        modes.magnitude, amplitude, _STEPS, prediction.curves.numpy(), -np.expm1(-rates), rates, prediction.note, False
    )


def _of_network(iteration: Gradient, modes: Modes, amplitude: np.ndarray, target: Tensor) -> PredictedModes:
    import torch

    from pdefreq.theory.dynamics import GradientDescent, GradientFlow

    dynamics, rate = iteration.linearized(modes, target), iteration.plain_rate
    fastest = float(dynamics.kappa[0])
    if rate is None:
        note = (
            "theory covers gradient descent at one rate on fixed points (optimizer=gd, half_life=null, points=gauss), neither "
            "Adam nor the others; as a guide, gradient flow on the tangent kernel of the start, in units of the time of its "
            "fastest direction"
        )
        kappa, response, drift = (part / fastest for part in (dynamics.kappa, dynamics.response, dynamics.drift))
        dynamics, method = replace(dynamics, kappa=kappa, response=response, drift=drift), GradientFlow()
    else:
        method = GradientDescent(rate)
        note = (
            "exact for the network linearized at its start; it holds while the kernel and the parameters stay near (probe `ntk`)"
        )
        if rate * fastest >= 2:
            note += f"; the learning rate {rate:g} is beyond 2 / kappa_1 = {2 / fastest:.3g}: it diverges"
    error = dynamics.errors(method, torch.from_numpy(_STEPS)).abs().numpy() / amplitude
    return PredictedModes(
        modes.magnitude,
        amplitude,
        _STEPS,
        error,
        dynamics.initial_rates(method).numpy(),
        dynamics.asymptotic_rates(method).numpy(),
        note,
        rate is None,
    )

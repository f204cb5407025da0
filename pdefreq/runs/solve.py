"""The entry point `solve`, which converts its arguments to a run specification and runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.history import History, Schedule, Stop

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.iterations.iteration import State
    from pdefreq.probes.probe import Probe
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.loop import Progress
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.solver import Solver


def solve(
    problem: Problem | str,
    solver: Solver | str,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    train_seconds: float | None = None,
    stop: Stop | None = None,
    probes: Sequence[Probe | str] | None = None,
    schedule: Schedule | None = None,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float64",
    modes: str | None = None,
    reference: Field | None = None,
    guess: Field | None = None,
    folder: str | Path | None = None,
    method: str | None = None,
    callback: Callable[[int, State, History], Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    predict: bool = True,
    outputs: Sequence[str] = ("figures",),
) -> Solution:
    """Solve a problem with a method, and measure the error of every frequency on the way.

    Args:
        problem: A problem, the name of an included problem, or the path of a problem file.
        solver: A method with its options, or its name; ``"a+b"`` is a chain of two methods.
        steps: Largest number of steps, in place of the default of the method.
        seconds: Largest time of the run from its first measurement on, measurements included.
        train_seconds: Largest time of the steps, without measurements.
        stop: Further limits, in place of those of the default budget of the method.
        probes: The probes, as objects or by name, such as ``"ntk"`` or ``"ntk:number=50"``; by default those of the errors, the
            spectrum and the misfit at held-out data, ``["error", "spectral", "holdout"]``.
        schedule: The recorded steps; by default every step to 100, then 50 steps per decade.
        seed: The seed of all random numbers.
        device: A torch device.
        dtype: ``"float64"`` or ``"float32"``.
        modes: ``"sine"``, ``"cosine"``, ``"fourier"``, ``"eigen"``, ``"neumann"``, ``"ray"`` or ``"tones"``; by default the
            family that the problem names, or else sine modes on a box, cosine modes where no values are prescribed, Fourier modes
            where all sides are periodic, eigen modes elsewhere, ray modes beyond three dimensions.
        reference: A substitute for an unknown exact solution; by default one is computed if possible.
        guess: The initial guess, for methods that accept one.
        folder: A new folder for the run; by default nothing is written.
        method: The name of the method in tables; by default the given name, or that of the solver.
        callback: Called at each recorded step with the step, state and history; the run stops if it returns True.
        progress: Called with a `Progress` at least at each recorded step.
        predict: Whether to store the prediction for each mode, if it takes no more than some seconds.
        outputs: What `pdefreq resume` and `pdefreq rerun` of the folder are to write besides the tables: ``"figures"``,
            ``"tensorboard"``.

    Raises:
        UserError: If a name is unknown, an option is out of range, the method can't solve the problem, or the folder
            can't be written; nothing is written then.
    """
    from pdefreq.runs.planned_run import PlannedRun

    planned = PlannedRun.of(
        problem,
        solver,
        stop=Stop.of(stop, steps=steps, seconds=seconds, train_seconds=train_seconds),
        probes=probes,
        schedule=schedule,
        seed=seed,
        device=device,
        dtype=dtype,
        modes=modes,
        reference=reference,
        guess=guess,
        folder=folder,
        method=method,
        predict=predict,
        outputs=outputs,
    )
    return planned.run(callback=callback, progress=progress)

"""Measurements of another program as it runs, with the errors, modes, tables and figures of a run of this package."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.core.history import History, Schedule
from pdefreq.probes.iterate import Iterate

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.probes.probe import Measurement, Probe
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.record import Record

_SHARE = 0.1  # largest ratio of the time of measurements to the time of the steps
_ALLOWANCE = 0.1  # seconds that measurements may take in any case


class Monitor:
    """A recorder for solvers that are not part of this package.

    Another program calls the monitor at its steps with a function of points. The monitor measures the function at steps 0 to 100
    and then at 50 or more steps in each factor of ten. It skips a step if the measurements so far have taken more than 0.1 s and
    more than a tenth of the time of the steps. The measurements are those of `solve`: errors, errors of the modes, and further
    probes.

    Args:
        problem: A problem, the name of an included problem, or the path of a problem file.
        modes: The mode family; by default the family of the problem.
        label: Name of the solver in tables and figures.
        reference: The solution, as a field or a function of torch points, if the problem contains no exact solution; by default a
            reference solution is computed.
        probes: The probes, as objects or by name; by default those of `solve`.
        schedule: The recorded steps.
        share: The largest ratio of the time of measurements, without the first one, to that of the steps; ``inf`` records every
            step of the schedule.
        points: Whether functions receive numpy arrays or torch tensors, of shape ``(n, d)`` and type float64. A
            `torch.nn.Module` receives tensors of its own type and device in either case. It is evaluated in evaluation mode,
            in which layers such as `Dropout` and `BatchNorm` neither draw random numbers nor couple points nor change their
            state; its modes are restored after each evaluation.
        timed: Whether the time since the first call is that of the steps. Otherwise times that are not given are unknown, nan.

    Raises:
        UserError: If the problem or a probe is invalid, or the modes do not fit the domain.

    Example:
        >>> import numpy as np
        >>> from pdefreq import Monitor
        >>> monitor = Monitor("poisson", label="mine")
        >>> for step in range(3):
        ...     recorded = monitor(step, lambda x: np.sin(np.pi * x[:, 0]) * step / 10)
        >>> monitor.record
        <mine on poisson: 3 records>
    """

    def __init__(
        self,
        problem: Problem | str,
        *,
        modes: str | None = None,
        label: str = "monitored",
        reference: Field | Callable[[Any], Any] | None = None,
        probes: Sequence[Probe | str] | None = None,
        schedule: Schedule | None = None,
        share: float = _SHARE,
        points: Literal["numpy", "torch"] = "numpy",
        timed: bool = True,
    ) -> None:
        from pdefreq.core.fields import as_field
        from pdefreq.probes.probe import default_probes
        from pdefreq.runs.arguments import probes_of, problem_of
        from pdefreq.runs.prepared_run import Given

        if isinstance(share, bool) or not isinstance(share, Real) or not share > 0:
            raise OptionError(f"`share` must be positive, got {share!r}")
        if points not in ("numpy", "torch"):
            raise OptionError(f"`points` must be 'numpy' or 'torch', got {points!r}: JAX functions take the points of 'numpy'")
        if not isinstance(label, str) or not label.strip():
            raise OptionError(f"`label` must be a text that is not empty, got {label!r}")
        if schedule is not None and not isinstance(schedule, Schedule):
            raise OptionError(f"`schedule` must be a Schedule, such as Schedule(dense=100, per_decade=50), got {schedule!r}")
        self._probes = default_probes() if probes is None else probes_of(probes)
        self._target = Given(problem_of(problem), reference=None if reference is None else as_field(reference)).target(modes)
        self._label, self._schedule, self._share = label, schedule or Schedule(), share
        self._points: Literal["numpy", "torch"] = points
        self._timed = timed
        self._history = History()
        self._measurements: list[Measurement] = []
        self._due = 0
        self._uncounted = 0  # the next step of the schedule that is not known to be recorded or skipped
        self._skipped = 0  # steps of the schedule that were not recorded, to save time
        self._last, self._seconds = -1, 0.0  # of the calls
        self._began: float | None = None
        self._spent = 0.0  # seconds spent in measurements
        self._preparation = 0.0  # those of the first one, which prepares the probes, once

    def __repr__(self) -> str:
        return repr(self.record)

    def __call__(
        self,
        step: int,
        u: Any,
        *,
        seconds: float | None = None,
        gradient: Callable[[Any], Any] | None = None,
        objective: Any = float("nan"),
        last: bool = False,
    ) -> bool:
        """Measure a function if the step is due.

        Args:
            step: The number of the step, larger than the last recorded one.
            u: A function of points ``(n, d)`` that returns n values, a `torch.nn.Module`, or a `Field`.
            seconds: Time of the steps so far; by default the time since the first call, excluding measurements.
            gradient: A function of points that returns gradients ``(n, d)``. With it, the H1 error is measured at each recorded
                step. That of modules and torch functions is measured at the last step.
            objective: The value of the objective that the solver decreases: a number, or a tensor or array of one number.
            last: Record the step even if it is not due; for the last step.

        Returns:
            Whether the step was recorded.

        Raises:
            OptionError: If steps are not whole numbers that increase, or times decrease; or if the function returns another
                number of values, or values that are not real.
        """
        now = time.perf_counter()
        self._check(step, seconds, last=last)
        began = now if self._began is None else self._began
        elapsed = now - began - self._spent
        if last and step == self._history.last("step"):
            return False
        if last or self._is_due(step, elapsed):
            try:
                value = _as_number(objective)
                row = self._measured(self._iterate(u, gradient), h1=gradient is not None or (last and self._is_torch(u)))
            except BaseException:  # nothing is recorded and the time of the call is not counted, so that the step can be repeated
                self._began = None if self._began is None else self._began + time.perf_counter() - now
                raise
            spent = float(seconds) if seconds is not None else elapsed if self._timed else math.nan
            self._history.record({"step": step, "seconds": spent, "objective": value} | row)
            self._due = self._uncounted = self._schedule.after(step)
            self._spent += time.perf_counter() - now
            self._preparation = self._preparation or self._spent
        elif step >= self._uncounted:
            self._skipped += 1
            self._uncounted = self._schedule.after(step)
        self._began, self._last = began, int(step)
        self._seconds = self._seconds if seconds is None else float(seconds)
        return step == self._history.last("step")

    def _is_due(self, step: int, elapsed: float) -> bool:
        """Whether the schedule contains the step, and the measurements have not taken more than their share of the time."""
        late = self._spent - self._preparation > max(self._share * elapsed, _ALLOWANCE)
        return step >= self._due and not (late and len(self._history))

    def _measured(self, iterate: Iterate, *, h1: bool) -> dict[str, Any]:
        """The entries of a row. The first iterate prepares the probes, which are kept if its measurement succeeds."""
        measurements, facts = self._measurements, dict(self._history.facts)
        if not measurements:
            measurements = [probe.prepare(self._target, iterate, discrete_solution=None, facts=facts) for probe in self._probes]
        row = {name: value for measurement in measurements for name, value in measurement(iterate).items()}
        if h1:
            row["relative_h1"] = _h1_error(iterate, self._target)
        if not self._measurements:
            self._measurements = measurements
            for measurement in measurements:
                self._history.facts.update(measurement.facts)
        return row

    @property
    def record(self) -> Record:
        """The measurements so far, with tables, figures and summary like those of a solution."""
        from pdefreq.runs.record import Record

        return Record(target=self._target, label=self._label, history=self._history, notes=tuple(self._notes()))

    @property
    def history(self) -> History:
        """The recorded rows."""
        return self._history

    @property
    def target(self) -> Target:
        """The problem with its exact or reference solution."""
        return self._target

    def _notes(self) -> Iterator[str]:
        """What limits the record: values that are not finite, and steps that were not recorded."""
        if "relative_l2" in self._history:
            steps, errors = self._history.column("step"), self._history.column("relative_l2")
            bad = steps[~np.isfinite(errors)] if self._target.reference is not None else steps[:0]
            if len(bad):
                yield (
                    f"The function or its errors are not finite at {len(bad)} of {len(steps)} recorded steps, first at step "
                    f"{bad[0]:,}; no errors are known there."
                )
        if self._skipped:
            steps = self._history.column("step")
            widest = int(np.argmax(np.diff(steps))) if len(steps) > 1 else 0
            gap = f"; the widest gap is from step {steps[widest]:,} to {steps[widest + 1]:,}" if len(steps) > 1 else ""
            yield (
                f"To save time {self._skipped:,} steps of the schedule were not recorded{gap}, in which halving steps are "
                f"interpolated; Monitor(..., share=float('inf')) records all."
            )

    def _check(self, step: int, seconds: float | None, *, last: bool) -> None:
        """Refuse steps and times that do not increase."""
        if isinstance(step, bool) or not isinstance(step, Integral) or not 0 <= step < 2**63:
            raise OptionError(f"`step` must be a whole number, at least 0 and of at most 64 bits, got {step!r}")
        if step < self._last or (step == self._last and not last):
            raise OptionError(f"steps must increase, got {step} after {self._last}")
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, Real)):
            raise OptionError(f"`seconds` must be a number, got {seconds!r}")
        if seconds is not None and not self._seconds <= seconds < math.inf:
            raise OptionError(f"`seconds` must not decrease, got {seconds} after {self._seconds}")

    def _is_torch(self, u: Any) -> bool:
        import torch

        return isinstance(u, torch.nn.Module) or self._points == "torch"

    def _iterate(self, u: Any, gradient: Callable[[Any], Any] | None) -> Iterate:
        import torch

        if not callable(u):
            raise OptionError(f"`u` must be a function of points, a module or a Field, got {type(u).__name__}")
        if gradient is not None and not callable(gradient):
            raise OptionError(f"`gradient` must be a function of points, got {type(gradient).__name__}")
        if isinstance(u, torch.nn.Module):
            return Iterate.of_function(_of_module(u), gradient=gradient, points="torch")
        return Iterate.of_function(u, gradient=gradient, points=self._points)


def _as_number(objective: Any) -> float:
    """A number, or an array or tensor of one number such as a loss, as a float."""
    if not isinstance(objective, str):
        with suppress(TypeError, ValueError, RuntimeError):
            return float(objective.detach() if hasattr(objective, "detach") else objective)  # without a warning of PyTorch
    raise OptionError(f"`objective` must be a number, got {objective!r}")


def _h1_error(iterate: Iterate, target: Target) -> float:
    """The relative H1 error at the test points, as an upper bound; nan without a solution."""
    from pdefreq.probes.error import Errors

    return float("nan") if target.reference is None else target.bound("h1", Errors(iterate, target).norm("h1"))


def _of_module(module: Any) -> Callable[[Any], Any]:
    """A module in evaluation mode as a function of float64 points on the CPU."""
    import torch

    like = next(module.parameters(), torch.empty(0, dtype=torch.float64))

    def function(x: Any) -> Any:
        with _evaluating(module):
            values = module(x.to(like))
        if values.numel() != len(x):
            raise OptionError(
                f"the module must return one value for each of {len(x)} points, got the shape {tuple(values.shape)}"
            )
        return values.reshape(len(x)).to(x)

    return function


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Evaluation mode of a module and all of its parts, whose modes are restored at the end."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
